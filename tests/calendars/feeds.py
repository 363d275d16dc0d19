"""Appointments and sessions as they stand in the record, and the feeds in which they are read."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2

from app.appointments.models import Appointment, AppointmentParticipant, AppointmentStep
from app.core import clock
from app.core.db import Database
from app.dosing.models import DosingSession
from tests.calendars.reading import File, read
from tests.cast import Cast
from tests.factories import Person, an_id

NOW = datetime(2026, 10, 20, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Diary:
    """Writes appointments and sessions as they stand."""

    def __init__(self, db: Database, cast: Cast) -> None:
        self.db, self.cast = db, cast

    async def appointment(self, at: datetime, *, whose: Person | None = None, staff: Any = (), **but: Any) -> UUID:
        row: dict[str, Any] = {
            "clinic_id": self.cast.clinic.id,
            "id": an_id(),
            "patient_id": (whose or self.cast.patient).patient_id,
            "kind": "relapse_prevention",
            "format": "individual",
            "channel": "in_person",
            "status": "booked",
            "version": 1,
            "revision": 1,
            "scheduled_at": at,
            "ends_at": at + HOUR,
            "location": "Addiction ward, room 2",
            "origin": "clinic",
        } | but
        self.db.add(Appointment(**row))
        await self.db.flush()
        for place, person in enumerate(staff):
            whom = {"clinic_id": row["clinic_id"], "appointment_id": row["id"], "position": place, "name": None}
            who = {"role": "staff", "staff_id": person.membership.id, "status": "accepted"}
            self.db.add(AppointmentParticipant(**whom, **who))
        step = {name: row[name] for name in ("clinic_id", "version", "scheduled_at")}
        done = {"at": NOW - DAY, "actor_id": None, "action": "book", "from_status": None, "to_status": row["status"]}
        self.db.add(AppointmentStep(id=an_id(), appointment_id=row["id"], attendance=None, reason=None, **done, **step))
        await self.db.flush()
        return UUID(str(row["id"]))

    async def session(self, at: datetime, **but: Any) -> UUID:
        row: dict[str, Any] = {
            "clinic_id": self.cast.clinic.id,
            "id": an_id(),
            "patient_id": self.cast.patient.patient_id,
            "status": "scheduled",
            "version": 1,
            "revision": 1,
            "scheduled_at": at,
            "origin": "clinic",
        } | but
        self.db.add(DosingSession(**row))
        await self.db.flush()
        return UUID(str(row["id"]))


async def address(caller: httpx2.AsyncClient) -> str:
    """The path of the caller's feed."""
    path = "/v1/me/calendar" if (await caller.get("/v1/me/calendar")).status_code == 200 else "/v1/calendar"
    found: str = (await caller.get(path)).json()["address"]
    return httpx2.URL(found).path


async def fetched(anybody: httpx2.AsyncClient, path: str) -> File:
    with clock.told(NOW):
        answer = await anybody.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return read(answer.content)
