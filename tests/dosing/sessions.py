"""Sessions, as the people of a clinic plan and run them over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import sqlalchemy as sa

from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision
from tests.cast import Cast
from tests.factories import Person, an_id

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOSE: dict[str, Any] = {"substance": "ketamine", "route": "IV", "dose_mg": 40}
Clients = Callable[..., httpx2.AsyncClient]


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Sessions:
    """Does with a session what people do with it, each with their own client, always on the version last seen."""

    def __init__(self, new_client: Clients, cast: Cast) -> None:
        self.cast = cast
        self.session_id = str(an_id())
        self.version = 0
        self.who = {name: new_client(getattr(cast, name).token) for name in ("prescriber", "nurse", "coordinator")}
        self.me = new_client(cast.patient.token)

    @property
    def path(self) -> str:
        return f"/v1/patients/{self.cast.patient_id}/dosing-sessions/{self.session_id}"

    async def plan(
        self, at: datetime = NOON, *, if_match: str | None = None, by: str = "coordinator"
    ) -> httpx2.Response:
        headers = {"if-match": if_match} if if_match else {}
        answer = await self.who[by].put(self.path, json={"scheduled_at": text(at)}, headers=headers)
        return self._seen(answer)

    async def act(self, action: str, by: str = "prescriber", **body: object) -> httpx2.Response:
        answer = await self.who[by].post(
            f"/v1/dosing-sessions/{self.session_id}/{action}",
            headers={"if-match": f'"{self.version}"'},
            json=body or None,
        )
        return self._seen(answer)

    async def through(self, *actions: str) -> httpx2.Response:
        """Plan the session and take these steps."""
        answer = await self.plan()
        for action in actions:
            answer = await self.act(action, **(DOSE if action == "dose" else {}))
            assert answer.status_code == 200, answer.text
        return answer

    def _seen(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.is_success:
            self.version = answer.json()["version"]
            assert answer.headers["etag"] == f'"{self.version}"'
        return answer


async def told(db: Database) -> list[tuple[str, int]]:
    """What subscribers will hear of sessions."""
    rows = await db.execute(
        sa.select(OutboxEvent.type, OutboxEvent.version)
        .where(OutboxEvent.type.startswith("dosing_session."))
        .order_by(OutboxEvent.id)
    )
    return [(row.type.removeprefix("dosing_session."), row.version) for row in rows]


async def revision_of(db: Database, person: Person) -> int:
    found = await db.scalar(
        sa.select(PatientRevision.revision).where(PatientRevision.patient_id == person.membership.patient_id)
    )
    return found or 0
