"""Appointments, as the people of a clinic plan and record them over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import sqlalchemy as sa

from app.core.db import Database
from app.events.models import OutboxEvent
from tests.cast import Cast
from tests.factories import an_id

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAST = datetime(2026, 3, 2, 12, tzinfo=UTC)
FUTURE = datetime(2090, 3, 2, 12, tzinfo=UTC)
Clients = Callable[..., httpx2.AsyncClient]


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def a_plan(at: datetime = NOON, **but: object) -> dict[str, Any]:
    return {"kind": "cbt", "scheduled_at": text(at), "ends_at": text(at + HOUR)} | but


class Bookings:
    """Does with an appointment what people do with it, each with their own client, always on the version last seen."""

    def __init__(self, new_client: Clients, cast: Cast) -> None:
        self.cast = cast
        self.appointment_id = str(an_id())
        self.version = 0
        self.who = {name: new_client(getattr(cast, name).token) for name in ("therapist", "nurse", "coordinator")}
        self.me = new_client(cast.patient.token)

    @property
    def path(self) -> str:
        return f"/v1/patients/{self.cast.patient_id}/appointments/{self.appointment_id}"

    async def book(
        self, plan: dict[str, Any], *, if_match: str | None = None, by: str = "therapist"
    ) -> httpx2.Response:
        headers = {"if-match": if_match} if if_match else {}
        return self._seen(await self.who[by].put(self.path, json=plan, headers=headers))

    async def act(self, action: str, actor: str = "therapist", **body: object) -> httpx2.Response:
        return self._seen(
            await self.who[actor].post(
                f"/v1/appointments/{self.appointment_id}/{action}",
                headers={"if-match": f'"{self.version}"'},
                json=body or None,
            )
        )

    async def read(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.who["therapist"].get(f"/v1/appointments/{self.appointment_id}")).json()
        return found

    def _seen(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.is_success:
            self.version = answer.json()["version"]
            assert answer.headers["etag"] == f'"{self.version}"'
        return answer


async def told(db: Database) -> list[tuple[str, int]]:
    """What subscribers will hear of appointments."""
    rows = await db.execute(
        sa.select(OutboxEvent.type, OutboxEvent.version)
        .where(OutboxEvent.type.startswith("appointment."))
        .order_by(OutboxEvent.id)
    )
    return [(row.type.removeprefix("appointment."), row.version) for row in rows]
