from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.appointments.history import AppointmentHistory, import_appointment, import_appointments
from app.appointments.rules import AppointmentKind, Attendance, AttendanceReason
from app.core.db import Database
from app.identity.access import patient_for_writing
from app.protocols.rules import Protocol
from tests.appointments.bookings import HOUR, NOON, PAST, Bookings, a_plan, told
from tests.factories import a_report, an_id


class TestCheckInsAroundAnAppointment:
    async def report(self, bookings: Bookings, **but: object) -> str:
        path = f"/v1/me/check-ins/{an_id()}"
        answer = await bookings.me.put(path, json=a_report(PAST, **but))
        assert answer.status_code == 201, answer.text
        return path

    async def link(self, bookings: Bookings, path: str) -> dict[str, Any]:
        found: dict[str, Any] = (await bookings.me.get(path)).json()["link"]
        return found

    async def test_are_linked_anew_when_it_is_booked_moved_and_cancelled(self, bookings: Bookings) -> None:
        path = await self.report(bookings)
        assert (await self.link(bookings, path))["appointment_id"] is None

        await bookings.book(a_plan(PAST - 2 * HOUR))
        assert (await self.link(bookings, path))["appointment_id"] == bookings.appointment_id
        assert (await self.link(bookings, path))["how"] == "time"

        await bookings.book(a_plan(PAST + HOUR), if_match='"1"')
        assert (await self.link(bookings, path))["appointment_id"] is None

        await bookings.book(a_plan(PAST), if_match='"2"')
        assert (await self.link(bookings, path))["appointment_id"] == bookings.appointment_id

        await bookings.act("cancellation", by="clinic", reason="staff_unavailable")
        assert (await self.link(bookings, path))["appointment_id"] is None

    @pytest.mark.parametrize(("attendance", "belongs"), [("attended", True), ("left_early", True), ("no_show", False)])
    async def test_belong_to_it_if_the_patient_came(
        self, bookings: Bookings, attendance: str, *, belongs: bool
    ) -> None:
        path = await self.report(bookings)
        await bookings.book(a_plan(PAST))
        await bookings.act("attendance", attendance=attendance)

        assert ((await self.link(bookings, path))["appointment_id"] is not None) == belongs

    async def test_that_name_it_stay_with_it(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(PAST + timedelta(days=3)))
        path = await self.report(bookings, appointment_id=bookings.appointment_id)

        assert (await self.link(bookings, path))["how"] == "client"
        assert (await self.link(bookings, path))["appointment_id"] == bookings.appointment_id

    async def test_belong_to_nothing_that_is_only_proposed(self, bookings: Bookings) -> None:
        path = await self.report(bookings)
        await bookings.book(a_plan(PAST, status="proposed"))
        assert (await self.link(bookings, path))["appointment_id"] is None

        await bookings.book(a_plan(PAST, status="booked"), if_match='"1"')
        assert (await self.link(bookings, path))["appointment_id"] == bookings.appointment_id


class TestImportAppointment:
    HISTORY = AppointmentHistory(
        id=an_id(),
        kind=AppointmentKind.MEDICAL_REVIEW,
        scheduled_at=NOON - timedelta(days=400),
        attendance=Attendance.NO_SHOW,
        reason=AttendanceReason.JAIL,
    )

    async def imported(self, bookings: Bookings, db: Database) -> bool:
        patient = await patient_for_writing(db, bookings.cast.clinic.id, UUID(bookings.cast.patient_id))
        is_new = await import_appointment(db, patient, Protocol(), self.HISTORY)
        await db.finish()
        return is_new

    async def test_enters_history_with_its_attendance(self, bookings: Bookings, db: Database) -> None:
        assert await self.imported(bookings, db)

        found = (await bookings.who["nurse"].get(f"/v1/appointments/{self.HISTORY.id}")).json()
        assert (found["status"], found["attendance"], found["reason"]) == ("noshow", "no_show", "jail")
        assert (found["origin"], found["participants"]) == ("imported", [])
        assert [step["action"] for step in found["steps"]] == ["import"]

    async def test_a_second_time_stores_nothing(self, bookings: Bookings, db: Database) -> None:
        await self.imported(bookings, db)

        assert not await self.imported(bookings, db)
        assert await told(db) == [("booked", 1)]

    async def test_tells_what_is_known_from_what_says_something_else(self, bookings: Bookings, db: Database) -> None:
        await self.imported(bookings, db)
        patient = await patient_for_writing(db, bookings.cast.clinic.id, UUID(bookings.cast.patient_id))
        attended = replace(self.HISTORY, attendance=Attendance.ATTENDED, reason=None)
        new = replace(self.HISTORY, id=an_id())

        entered = await import_appointments(db, patient, Protocol(), [self.HISTORY, attended, new, new])

        await db.finish()
        assert entered == ["known", "other", "new", "known"]
        assert await told(db) == [("booked", 1)] * 2
