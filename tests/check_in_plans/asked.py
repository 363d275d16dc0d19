"""Due check-ins as rows, for tests of what becomes of them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2

from app.check_in_plans.models import DueCheckIn
from app.core.db import Database
from app.core.settings import Settings
from app.identity import service as identity
from tests.cast import Cast
from tests.factories import Person, a_report, an_id

HOUR = timedelta(hours=1)
EVERYTHING_EMPTY = dict.fromkeys(column.name for column in DueCheckIn.__table__.c if column.nullable)


def a_due_check_in(db: Database, cast: Cast | None, due_at: datetime, **but: Any) -> UUID:
    """Ask for one around this moment: open an hour before it and an hour after it. The id."""
    whose: dict[str, Any] = {"clinic_id": cast.clinic.id, "patient_id": cast.patient.patient_id} if cast else {}
    row: dict[str, Any] = EVERYTHING_EMPTY | whose | {
        "id": an_id(),
        "time_point": "morning",
        "opens_at": due_at - HOUR,
        "due_at": due_at,
        "closes_at": due_at + HOUR,
        "instruments": ["craving_nrs", "mood_nrs"],
        "state": "waiting",
        "revision": 0,
    }  # fmt: skip
    db.stage(DueCheckIn, row | but)
    due_id: UUID = (row | but)["id"]
    return due_id


def a_phone_of_days(db: Database, settings: Settings, person: Person) -> str:
    """A token that lasts while a test moves the clock."""
    methods = "password" if person.patient else "password otp"
    lasts = timedelta(days=400)
    tokens = identity.begin(db, settings, person.membership, "a phone", methods=methods, access_lasts=lasts)
    return tokens.access_token


async def answer(client: httpx2.AsyncClient, due_id: UUID | None, at: datetime, **but: Any) -> dict[str, Any]:
    """Send a check-in that names it; what the phone is told."""
    content = a_report(at, **({"due_check_in_id": None if due_id is None else str(due_id)} | but))
    sent = await client.put(f"/v1/me/check-ins/{an_id()}", json=content)
    assert sent.status_code == 201, sent.text
    told: dict[str, Any] = sent.json()
    return told


async def due_now(client: httpx2.AsyncClient, **query: int) -> dict[str, dict[str, Any]]:
    """What the phone is shown as due, by id."""
    found = await client.get("/v1/me/due-check-ins", params=query)
    assert found.status_code == 200, found.text
    return {item["id"]: item for item in found.json()["items"]}
