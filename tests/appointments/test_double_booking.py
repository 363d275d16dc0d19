"""Nobody and no room is booked twice, except on purpose."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.appointments.history import AppointmentHistory, import_appointments
from app.appointments.models import Appointment
from app.appointments.rules import AppointmentKind
from app.bookings.models import Booking
from app.core.db import Database
from app.core.settings import Settings
from app.identity.access import patient_for_writing
from app.identity.permissions import Role
from app.protocols.rules import Protocol
from tests.appointments.bookings import FUTURE, HOUR, NOON, PAST, Bookings, Clients, a_plan, text, told
from tests.factories import a_member_of_staff, a_patient, an_id


@pytest.fixture
async def room_id(bookings: Bookings) -> str:
    room_id = str(an_id())
    answer = await bookings.who["coordinator"].put(f"/v1/rooms/{room_id}", json={"name": "Room 2", "places": 8})
    assert answer.status_code == 201
    return room_id


@pytest.fixture
def with_therapist(bookings: Bookings) -> dict[str, Any]:
    return {"participants": [{"role": "staff", "staff_id": str(bookings.cast.therapist.membership.id)}]}


async def book(
    bookings: Bookings, *, other_patient: bool = False, appointment_id: str = "", **plan: Any
) -> httpx2.Response:
    """Book another appointment than the one that `bookings` is about."""
    patient_id = bookings.cast.other_patient_id if other_patient else bookings.cast.patient_id
    path = f"/v1/patients/{patient_id}/appointments/{appointment_id or an_id()}"
    return await bookings.who["coordinator"].put(path, json=a_plan(**plan))


async def insist(client: httpx2.AsyncClient, path: str, plan: dict[str, Any]) -> httpx2.Response:
    """Send it until there is an answer: 503 says that the database was busy and that sending again is safe."""
    answer = await client.put(path, json=plan)
    return await insist(client, path, plan) if answer.status_code == 503 else answer


async def kinds_held(db: Database, appointment_id: str = "") -> list[str]:
    found = await db.scalars(sa.select(Booking).order_by(Booking.resource_kind))
    return [row.resource_kind for row in found if not appointment_id or str(row.holder_id) == appointment_id]


class TestDoubleBooked:
    async def test_staff_a_room_and_the_patient_are_held(
        self, bookings: Bookings, db: Database, room_id: str, with_therapist: dict[str, Any]
    ) -> None:
        await bookings.book(a_plan(room_id=room_id, **with_therapist))

        assert await kinds_held(db) == ["patient", "room", "staff"]

    async def test_what_is_taken_is_refused_and_pointed_at_without_saying_more(
        self, bookings: Bookings, db: Database, room_id: str, with_therapist: dict[str, Any]
    ) -> None:
        await bookings.book(a_plan(room_id=room_id, location="Room 2", **with_therapist))
        both = await book(bookings, other_patient=True, room_id=room_id, **with_therapist)
        own = await book(bookings, at=NOON + HOUR / 2)
        free = await book(bookings, other_patient=True)

        assert (both.status_code, both.json()["code"]) == (409, "double_booked")
        assert [(each["pointer"], each["code"]) for each in both.json()["errors"]] == [
            ("/participants/0/staff_id", "staff_taken"),
            ("/room_id", "room_taken"),
        ]
        assert bookings.appointment_id not in both.text
        assert bookings.cast.patient_id not in both.text
        assert [each["code"] for each in own.json()["errors"]] == ["patient_taken"]
        assert free.status_code == 201
        assert await told(db) == [("booked", 1), ("booked", 1)]
        assert len((await db.scalars(sa.select(Appointment))).all()) == 2

    async def test_without_an_end_the_usual_length_is_held(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(ends_at=None))

        assert (await book(bookings, at=NOON + timedelta(minutes=49))).status_code == 409
        assert (await book(bookings, at=NOON + timedelta(minutes=50))).status_code == 201

    async def test_who_declined_is_free(self, bookings: Bookings, with_therapist: dict[str, Any]) -> None:
        declined = [with_therapist["participants"][0] | {"status": "declined"}]
        await bookings.book(a_plan(participants=declined))

        assert (await book(bookings, other_patient=True, **with_therapist)).status_code == 201

    @pytest.mark.parametrize("status", ["proposed", "waitlist"])
    async def test_what_is_not_firm_holds_nothing_until_it_is(
        self, bookings: Bookings, db: Database, status: str
    ) -> None:
        await bookings.book(a_plan(status=status))
        assert await kinds_held(db) == []
        other = await book(bookings)

        refused = await bookings.book(a_plan(), if_match='"1"')
        assert (other.status_code, refused.status_code) == (201, 409)
        assert (await bookings.read())["status"] == status

    async def test_moving_holds_the_new_time_and_lets_go_of_the_old(
        self, bookings: Bookings, with_therapist: dict[str, Any]
    ) -> None:
        await bookings.book(a_plan(**with_therapist))
        await book(bookings, other_patient=True, at=NOON + 2 * HOUR, **with_therapist)

        refused = await bookings.book(a_plan(NOON + 2 * HOUR, **with_therapist), if_match='"1"')
        assert (refused.status_code, refused.json()["code"]) == (409, "double_booked")
        assert (await bookings.read())["scheduled_at"] == text(NOON)
        moved = await bookings.book(a_plan(NOON + HOUR / 2, **with_therapist), if_match='"1"')
        assert moved.status_code == 200  # over its own old time
        assert (await book(bookings, other_patient=True, at=NOON - HOUR / 2, **with_therapist)).status_code == 201

    @pytest.mark.parametrize(
        ("action", "said", "free"),
        [
            ("cancellation", {"by": "clinic", "reason": "illness"}, True),
            ("cancellation", {"by": "clinic", "reason": "entered_in_error"}, True),
            ("attendance", {"attendance": "no_show"}, True),
            ("attendance", {"attendance": "attended"}, False),
            ("arrival", {}, False),
        ],
    )
    async def test_what_does_not_take_place_is_free_again(
        self, bookings: Bookings, action: str, said: dict[str, str], *, free: bool
    ) -> None:
        await bookings.book(a_plan(PAST))
        assert (await bookings.act(action, **said)).status_code == 200

        assert (await book(bookings, at=PAST)).status_code == (201 if free else 409)

    async def test_attendance_is_corrected_whoever_has_the_time_now(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(PAST))
        await bookings.act("attendance", attendance="no_show")
        await book(bookings, at=PAST)

        assert (await bookings.act("attendance", attendance="attended")).status_code == 200

    @pytest.mark.parametrize("retired", [True, False])
    async def test_only_rooms_in_use_can_be_had(self, bookings: Bookings, room_id: str, *, retired: bool) -> None:
        room = {"name": "Room 2", "places": 8, "retired": retired}
        await bookings.who["coordinator"].put(f"/v1/rooms/{room_id}", json=room, headers={"if-match": '"1"'})
        answer = await bookings.book(a_plan(room_id=room_id if retired else str(an_id())))

        assert answer.status_code == 422
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/room_id", "unknown_room")]

    async def test_history_holds_nothing(self, bookings: Bookings, db: Database) -> None:
        patient = await patient_for_writing(db, bookings.cast.clinic.id, bookings.cast.patient.membership.patient_id)  # type: ignore[arg-type]
        history = AppointmentHistory(id=an_id(), kind=AppointmentKind.CBT, scheduled_at=PAST, ends_at=PAST + HOUR)
        await import_appointments(db, patient, Protocol(), [history, replace(history, id=an_id())])
        await db.finish()

        assert await kinds_held(db) == []
        assert (await bookings.book(a_plan(PAST))).status_code == 201


class TestBookingTwiceOnPurpose:
    WHY = "Both of the couple are seen together."

    async def test_needs_a_reason_that_staff_see_and_the_patient_does_not(
        self, bookings: Bookings, db: Database, with_therapist: dict[str, Any]
    ) -> None:
        await book(bookings, other_patient=True, **with_therapist)
        blank = await bookings.book(a_plan(override_reason=" ", **with_therapist))
        answer = await bookings.book(a_plan(override_reason=self.WHY, **with_therapist))

        assert (blank.status_code, answer.status_code) == (422, 201)
        found = await bookings.read()
        assert [found["override_reason"], found["steps"][0]["override_reason"]] == [self.WHY, self.WHY]
        mine = await bookings.me.get("/v1/me/appointments")
        assert mine.json()["items"][0]["id"] == bookings.appointment_id
        assert "couple" not in mine.text
        for table in ("appointments", "appointment_steps"):
            kept = (await db.execute(sa.text(f"SELECT override_reason FROM {table}"))).scalars()
            assert [b"couple" in bytes(each) for each in kept if each is not None] == [False]

    async def test_is_over_when_it_is_moved_without_one(
        self, bookings: Bookings, with_therapist: dict[str, Any]
    ) -> None:
        await book(bookings, other_patient=True, **with_therapist)
        await bookings.book(a_plan(override_reason=self.WHY, **with_therapist))
        same_time = await bookings.book(a_plan(**with_therapist), if_match='"1"')
        later = await bookings.book(a_plan(NOON + HOUR, **with_therapist), if_match='"1"')

        assert (same_time.status_code, later.status_code) == (409, 200)
        found = await bookings.read()
        assert [step["override_reason"] for step in found["steps"]] == [self.WHY, None]
        assert (await book(bookings, other_patient=True, at=NOON + HOUR, **with_therapist)).status_code == 409


class TestRaces:
    async def test_eight_who_book_the_same_24_slots_get_24(
        self, bookings: Bookings, db: Database, settings: Settings, new_client: Clients, with_therapist: dict[str, Any]
    ) -> None:
        """Each books for a patient of their own, in an order of their own, so that they meet everywhere."""
        slots = [FUTURE + n * HOUR for n in range(24)]
        patients = [await a_patient(db, settings, bookings.cast.clinic) for _ in range(8)]
        bookers = [await a_member_of_staff(db, settings, bookings.cast.clinic, Role.COORDINATOR) for _ in range(8)]

        async def book_all(n: int) -> Sequence[httpx2.Response]:
            client, turned = new_client(bookers[n].token), slots[n:] + slots[:n]
            paths = f"/v1/patients/{patients[n].membership.patient_id}/appointments"
            return [
                await insist(client, f"{paths}/{an_id()}", a_plan(at, **with_therapist))
                for at in (turned if n % 2 else reversed(turned))
            ]

        answers = [answer for some in await asyncio.gather(*map(book_all, range(8))) for answer in some]

        assert sorted(answer.status_code for answer in answers) == [201] * 24 + [409] * 168
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"double_booked"}
        booked = (await db.scalars(sa.select(Appointment.scheduled_at))).all()
        assert sorted(booked) == slots
        assert (await kinds_held(db)).count("staff") == 24
