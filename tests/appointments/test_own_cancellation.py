"""Patients cancel in the app, as long before as the clinic allows."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.bookings.models import Booking
from app.core import clock
from app.core.db import Database
from tests.appointments.bookings import HOUR, Bookings, a_plan, told


async def cancel(bookings: Bookings, *, if_match: str | None = '"1"', **said: object) -> httpx2.Response:
    headers = {"if-match": if_match} if if_match else {}
    path = f"/v1/me/appointments/{bookings.appointment_id}/cancellation"
    return await bookings.me.post(path, json=said, headers=headers)


class TestCancelMyAppointment:
    async def test_cancels_it_and_lets_go_of_the_time(self, bookings: Bookings, db: Database) -> None:
        await bookings.book(a_plan(clock.now() + 25 * HOUR))
        answer = await cancel(bookings, reason="transport")

        assert answer.status_code == 200, answer.text
        mine = answer.json()
        assert (mine["status"], mine["attendance"], mine["version"]) == ("cancelled", "cancelled_patient", 2)
        assert (mine["cancelled_late"], answer.headers["etag"]) == (False, '"2"')
        found = await bookings.read()
        assert found["reason"] == "transport"
        assert found["steps"][1]["actor_id"] == str(bookings.cast.patient.membership.id)
        assert (await db.scalars(sa.select(Booking))).all() == []
        assert await told(db) == [("booked", 1), ("cancelled", 2)]

    async def test_nobody_has_to_say_why(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(clock.now() + 25 * HOUR))
        await cancel(bookings)

        assert (await bookings.read())["reason"] == "unknown"

    async def test_is_refused_when_it_is_too_late(self, bookings: Bookings, db: Database) -> None:
        begin = clock.now() + 23 * HOUR
        await bookings.book(a_plan(begin))
        answer = await cancel(bookings)

        assert (answer.status_code, answer.json()["code"]) == (409, "too_late_to_cancel")
        assert answer.json()["until"][:16] == (begin - timedelta(days=1)).isoformat()[:16]
        assert (await bookings.read())["status"] == "booked"
        assert await told(db) == [("booked", 1)]

    @pytest.mark.parametrize("status", ["proposed", "waitlist"])
    async def test_a_place_on_the_waitlist_can_be_let_go_of_until_the_begin(
        self, bookings: Bookings, status: str
    ) -> None:
        await bookings.book(a_plan(clock.now() + HOUR, status=status))

        assert (await cancel(bookings)).json()["status"] == "cancelled"

    async def test_needs_the_version_that_was_read(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(clock.now() + 25 * HOUR))
        blind, stale = await cancel(bookings, if_match=None), await cancel(bookings, if_match='"7"')

        assert (blind.status_code, stale.status_code) == (428, 412)
        assert stale.json()["current"]["status"] == "booked"
        assert {"reason", "override_reason", "patient_id"} & set(stale.json()["current"]) == set()

    async def test_not_what_has_begun_or_is_over(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(clock.now() + 25 * HOUR))
        await bookings.act("arrival")
        arrived = await cancel(bookings, if_match='"2"')

        assert (arrived.status_code, arrived.json()["code"]) == (409, "illegal_move")
        assert (arrived.json()["current"], arrived.json()["open_moves"]) == ("arrived", [])

    async def test_not_somebody_elses(self, bookings: Bookings) -> None:
        path = bookings.path.replace(bookings.cast.patient_id, bookings.cast.other_patient_id)
        await bookings.who["coordinator"].put(path, json=a_plan(clock.now() + 25 * HOUR))

        assert (await cancel(bookings)).status_code == 404

    @pytest.mark.parametrize("reason", ["entered_in_error", "staff_unavailable", "fourteen_missed", "lazy", None])
    async def test_takes_no_reason_that_is_the_clinics_to_say(self, bookings: Bookings, reason: Any) -> None:
        await bookings.book(a_plan(clock.now() + 25 * HOUR))
        answer = await cancel(bookings, reason=reason)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")

    async def test_is_not_for_staff(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(clock.now() + 25 * HOUR))
        path = f"/v1/me/appointments/{bookings.appointment_id}/cancellation"

        assert (await bookings.who["coordinator"].post(path, json={})).status_code == 403


class TestCancelledLate:
    @pytest.mark.parametrize(
        ("hours", "reason", "late"),
        [(25, "illness", False), (23, "illness", True), (-2, "illness", True), (23, "entered_in_error", None)],
    )
    async def test_is_kept_when_the_clinic_cancels(
        self, bookings: Bookings, hours: int, reason: str, late: bool | None
    ) -> None:
        await bookings.book(a_plan(clock.now() + hours * HOUR))
        answer = await bookings.act("cancellation", by="patient", reason=reason)

        assert answer.json()["cancelled_late"] is late
