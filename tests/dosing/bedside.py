"""Sessions at the bedside: as far as they have come, and readings as a tablet sends them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2

from app.core.db import Database
from app.core.ids import new_id
from app.dosing.models import DosingSession
from tests.cast import Cast
from tests.dosing.sessions import text

CALM: dict[str, Any] = {"systolic": 124, "diastolic": 78, "heart_rate": 72, "spo2": 98}
NOT_AT_ALL = {"unreal": 0, "detached": 0, "time": 0, "distress": 0}


async def a_session(db: Database, cast: Cast, status: str = "dosing", *, begun: int | None = 60, **but: Any) -> UUID:
    """A session of the cast's patient at a stage; its dose `begun` so many minutes ago (None: not yet)."""
    now = datetime.now(UTC)
    started_at = None if begun is None else now - timedelta(minutes=begun)
    row = {
        "clinic_id": cast.clinic.id,
        "id": new_id(),
        "patient_id": cast.patient.patient_id,
        "status": status,
        "version": 5,
        "revision": 0,
        "scheduled_at": (started_at or now) - timedelta(minutes=10),
        "dose_started_at": started_at,
        "origin": "clinic",
    } | but
    db.add(DosingSession(**row))
    await db.flush()
    return UUID(str(row["id"]))


def a_reading(minutes_ago: float = 1, **values: Any) -> dict[str, Any]:
    """A reading as a tablet sends it; calm where nothing else is said."""
    taken_at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {"id": str(new_id()), "taken_at": text(taken_at)} | (values or CALM)


class Bedside:
    """Sends readings of one session, and reads them back."""

    def __init__(self, client: httpx2.AsyncClient, session_id: UUID) -> None:
        self.client, self.session_id = client, session_id

    @property
    def path(self) -> str:
        return f"/v1/dosing-sessions/{self.session_id}/readings"

    async def send(self, *readings: Any, **more: Any) -> dict[str, Any]:
        answer = await self.client.post(self.path, json={"readings": list(readings)} | more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def one(self, *readings: Any, **more: Any) -> dict[str, Any]:
        """Send readings, and look at what became of the last."""
        return dict((await self.send(*readings, **more))["results"][-1])

    async def all(self) -> list[dict[str, Any]]:
        return list((await self.client.get(self.path)).json()["items"])


def found(result: dict[str, Any]) -> list[tuple[str, str]]:
    """The rules that found something, and how severe."""
    return [(alert["rule"], alert["severity"]) for alert in result["alerts"]]
