import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from app.appointments.models import Appointment
from app.core.db import Database
from app.core.settings import Settings
from tests.appointments.bookings import FUTURE, HOUR, NOON, PAST, Bookings, Clients, a_plan, text, told
from tests.factories import a_clinic, a_member_of_staff, an_id


class TestBookAppointment:
    async def test_stores_it_and_answers_201(self, bookings: Bookings, db: Database) -> None:
        staff_id = str(bookings.cast.therapist.membership.id)
        answer = await bookings.book(
            a_plan(
                format="family",
                channel="video",
                location="Room 2",
                participants=[
                    {"role": "staff", "staff_id": staff_id, "status": "accepted"},
                    {"role": "guest", "name": "Sister"},
                ],
            )
        )

        assert answer.status_code == 201
        assert answer.json() == {
            "id": bookings.appointment_id,
            "patient_id": bookings.cast.patient_id,
            "kind": "cbt",
            "format": "family",
            "channel": "video",
            "status": "booked",
            "version": 1,
            "scheduled_at": "2026-11-22T12:00:00.000Z",
            "ends_at": "2026-11-22T13:00:00.000Z",
            "location": "Room 2",
            "participants": [
                {"role": "staff", "staff_id": staff_id, "name": None, "status": "accepted"},
                {"role": "guest", "staff_id": None, "name": "Sister", "status": "needs-action"},
            ],
            "attendance": None,
            "attended_minutes": None,
            "cancelled_late": None,
            "reason": None,
            "room_id": None,
            "series_id": None,
            "recurrence_at": None,
            "group_session_id": None,
            "override_reason": None,
            "origin": "clinic",
            "open_moves": ["move", "arrival", "attendance", "cancellation"],
        }
        assert await told(db) == [("booked", 1)]

    async def test_the_same_again_answers_200_and_changes_nothing(self, bookings: Bookings, db: Database) -> None:
        plan = a_plan(participants=[{"role": "guest", "name": "Sister"}])
        first = await bookings.book(plan)
        second = await bookings.book(plan)

        assert second.status_code == 200
        assert second.json() == first.json()
        assert await told(db) == [("booked", 1)]

    async def test_the_same_again_answers_200_when_it_has_gone_on(self, bookings: Bookings) -> None:
        plan = a_plan(PAST)
        await bookings.book(plan)
        await bookings.act("arrival")

        assert (await bookings.book(plan)).json()["status"] == "arrived"

    async def test_replans_all_of_it_for_who_has_read_it(self, bookings: Bookings, db: Database) -> None:
        await bookings.book(a_plan(participants=[{"role": "guest", "name": "Sister"}], status="waitlist"))
        plan = a_plan(NOON + HOUR, kind="mindfulness", participants=[{"role": "patient", "status": "accepted"}])
        moved = await bookings.book(plan, if_match='"1"')

        assert moved.status_code == 200
        found = await bookings.read()
        assert (found["kind"], found["status"], found["version"]) == ("mindfulness", "booked", 2)
        assert found["scheduled_at"] == text(NOON + HOUR)
        assert [participant["role"] for participant in found["participants"]] == ["patient"]
        assert [(step["action"], step["to_status"], step["scheduled_at"]) for step in found["steps"]] == [
            ("book", "waitlist", text(NOON)),
            ("move", "booked", text(NOON + HOUR)),
        ]
        assert await told(db) == [("booked", 1), ("moved", 2)]

    async def test_replans_nothing_blindly_or_on_an_old_version(self, bookings: Bookings) -> None:
        await bookings.book(a_plan())
        blind = await bookings.book(a_plan(NOON + HOUR))
        await bookings.book(a_plan(NOON + 2 * HOUR), if_match='"1"')
        stale = await bookings.book(a_plan(NOON + 3 * HOUR), if_match='"1"')

        assert blind.status_code == 428
        assert stale.status_code == 412
        assert stale.json()["current"]["scheduled_at"] == text(NOON + 2 * HOUR)

    async def test_replans_nothing_that_has_begun(self, bookings: Bookings) -> None:
        await bookings.book(a_plan())
        await bookings.act("arrival")
        late = await bookings.book(a_plan(NOON + HOUR), if_match='"2"')

        assert (late.status_code, late.json()["code"], late.json()["current"]) == (409, "illegal_move", "arrived")

    async def test_does_not_take_another_patients_id(self, bookings: Bookings) -> None:
        await bookings.book(a_plan())
        path = bookings.path.replace(bookings.cast.patient_id, bookings.cast.other_patient_id)
        answer = await bookings.who["coordinator"].put(path, json=a_plan())

        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")

    async def test_does_not_take_the_id_of_a_dosing_session(self, bookings: Bookings) -> None:
        path = bookings.path.replace("appointments", "dosing-sessions")
        await bookings.who["nurse"].put(path, json={"scheduled_at": text(NOON)})
        answer = await bookings.book(a_plan())

        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")

    async def test_twelve_at_once_give_one_appointment(self, bookings: Bookings, db: Database) -> None:
        plan = a_plan(participants=[{"role": "guest", "name": "Sister"}])
        answers = await asyncio.gather(*(bookings.book(plan) for _ in range(12)))

        assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
        assert len({answer.text for answer in answers}) == 1
        assert len((await db.scalars(sa.select(Appointment))).all()) == 1

    async def test_two_patients_under_one_id_at_once_give_one_appointment(
        self, bookings: Bookings, db: Database
    ) -> None:
        paths = [bookings.path, bookings.path.replace(bookings.cast.patient_id, bookings.cast.other_patient_id)]
        answers = await asyncio.gather(*(bookings.who["coordinator"].put(path, json=a_plan()) for path in paths))

        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert await told(db) == [("booked", 1)]

    @pytest.mark.parametrize(
        ("but", "pointer"),
        [
            ({"kind": "yoga"}, "/kind"),
            ({"status": "fulfilled"}, "/status"),
            ({"format": None}, "/format"),
            ({"scheduled_at": "2026-11-22"}, "/scheduled_at"),
            ({"ends_at": text(NOON)}, "/ends_at"),
            ({"ends_at": text(NOON + 25 * HOUR)}, "/ends_at"),
            ({"location": " "}, "/location"),
            ({"therapist": "Jo"}, "/therapist"),
            ({"participants": [{"role": "staff"}]}, "/participants/0/staff_id"),
            ({"participants": [{"role": "guest"}]}, "/participants/0/name"),
            ({"participants": [{"role": "patient"}] * 2}, "/participants"),
            ({"participants": [{"role": "patient"}] * 21}, "/participants"),
            ({"participants": [{"role": "staff", "staff_id": str(an_id())}]}, "/participants/0/staff_id"),
        ],
    )
    async def test_refuses_what_is_no_plan(
        self, bookings: Bookings, db: Database, but: dict[str, Any], pointer: str
    ) -> None:
        answer = await bookings.book(a_plan() | but)

        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
        assert (await db.scalars(sa.select(Appointment))).all() == []

    async def test_names_only_staff_of_the_clinic(self, bookings: Bookings, db: Database, settings: Settings) -> None:
        stranger = await a_member_of_staff(db, settings, await a_clinic(db))
        for person in (stranger, bookings.cast.patient):
            participants = [{"role": "staff", "staff_id": str(person.membership.id)}]
            answer = await bookings.book(a_plan(participants=participants))

            assert answer.json()["errors"][0]["code"] == "unknown_staff"

    async def test_keeps_names_and_places_sealed(self, bookings: Bookings, db: Database) -> None:
        await bookings.book(a_plan(location="Room 2", participants=[{"role": "guest", "name": "Sister"}]))

        location = (await db.execute(sa.text("SELECT location FROM appointments"))).scalar_one()
        name = (await db.execute(sa.text("SELECT name FROM appointment_participants"))).scalar_one()
        assert b"Room" not in bytes(location)
        assert b"Sister" not in bytes(name)

    async def test_is_for_clinical_staff_and_coordinators(self, bookings: Bookings, new_client: Clients) -> None:
        assert (await bookings.me.put(bookings.path, json=a_plan())).status_code == 403
        assert (await bookings.book(a_plan(), by="nurse")).status_code == 201
        path = bookings.path.replace(bookings.cast.patient_id, bookings.cast.other_patient_id)
        assert (await bookings.who["nurse"].put(path, json=a_plan())).status_code == 404


class TestArrival:
    async def test_makes_it_arrived(self, bookings: Bookings, db: Database) -> None:
        await bookings.book(a_plan())
        answer = await bookings.act("arrival", "coordinator")

        assert (answer.status_code, answer.json()["status"]) == (200, "arrived")
        assert await told(db) == [("booked", 1), ("arrived", 2)]

    async def test_is_for_what_is_booked(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(status="proposed"))
        answer = await bookings.act("arrival")

        assert answer.status_code == 409
        assert answer.json()["missing"] == ["move"]

    async def test_needs_the_version_that_was_read(self, bookings: Bookings) -> None:
        await bookings.book(a_plan())
        path = f"/v1/appointments/{bookings.appointment_id}/arrival"

        assert (await bookings.who["nurse"].post(path)).status_code == 428
        assert (await bookings.who["nurse"].post(path, headers={"if-match": '"2"'})).status_code == 412


class TestAttendance:
    async def test_of_who_took_part_fulfils(self, bookings: Bookings, db: Database) -> None:
        await bookings.book(a_plan(PAST))
        answer = await bookings.act("attendance", attendance="late", minutes=35, reason="transport")

        found = answer.json()
        assert (found["status"], found["attendance"]) == ("fulfilled", "late")
        assert (found["attended_minutes"], found["reason"]) == (35, "transport")
        assert await told(db) == [("booked", 1), ("attended", 2)]
        step = (await bookings.read())["steps"][1]
        assert step["actor_id"] == str(bookings.cast.therapist.membership.id)
        assert (step["attendance"], step["reason"]) == ("late", "transport")

    async def test_can_be_corrected_and_the_earlier_word_is_kept(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(PAST))
        await bookings.act("attendance", attendance="no_show", reason="unknown")
        await bookings.act("attendance", attendance="attended", minutes=50)

        found = await bookings.read()
        assert (found["status"], found["attendance"], found["reason"]) == ("fulfilled", "attended", None)
        assert [(step["attendance"], step["to_status"]) for step in found["steps"]] == [
            (None, "booked"),
            ("no_show", "noshow"),
            ("attended", "fulfilled"),
        ]

    async def test_of_what_has_not_begun_waits_for_arrival(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(FUTURE))
        early = await bookings.act("attendance", attendance="attended")

        assert early.status_code == 409
        assert early.json()["missing"] == ["arrival"]
        await bookings.act("arrival")
        assert (await bookings.act("attendance", attendance="attended")).json()["status"] == "fulfilled"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/attendance"),
            ({"attendance": "cancelled_patient"}, "/attendance"),
            ({"attendance": "attended", "minutes": -1}, "/minutes"),
            ({"attendance": "attended", "minutes": 1441}, "/minutes"),
            ({"attendance": "attended", "minutes": "50"}, "/minutes"),
            ({"attendance": "no_show", "minutes": 5}, "/minutes"),
            ({"attendance": "attended", "reason": "illness"}, "/reason"),
            ({"attendance": "no_show", "reason": "tired"}, "/reason"),
        ],
    )
    async def test_refuses_what_makes_no_sense(self, bookings: Bookings, body: dict[str, Any], pointer: str) -> None:
        await bookings.book(a_plan(PAST))
        path = f"/v1/appointments/{bookings.appointment_id}/attendance"
        answer = await bookings.who["nurse"].post(path, json=body, headers={"if-match": '"1"'})

        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


class TestCancelAppointment:
    @pytest.mark.parametrize("by", ["patient", "clinic"])
    async def test_says_who_cancelled_and_why(self, bookings: Bookings, db: Database, by: str) -> None:
        await bookings.book(a_plan())
        answer = await bookings.act("cancellation", "coordinator", by=by, reason="illness")

        found = answer.json()
        assert (found["status"], found["attendance"], found["reason"]) == ("cancelled", f"cancelled_{by}", "illness")
        assert await told(db) == [("booked", 1), ("cancelled", 2)]

    async def test_can_say_that_it_never_was(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(PAST))
        await bookings.act("attendance", attendance="attended", minutes=50)
        answer = await bookings.act("cancellation", by="clinic", reason="entered_in_error")

        found = answer.json()
        assert (found["status"], found["attendance"], found["attended_minutes"]) == ("entered-in-error", None, None)
        assert found["open_moves"] == []

    async def test_cannot_undo_what_took_place(self, bookings: Bookings) -> None:
        await bookings.book(a_plan(PAST))
        await bookings.act("attendance", attendance="attended")
        answer = await bookings.act("cancellation", by="patient", reason="forgot")

        assert (answer.status_code, answer.json()["current"]) == (409, "fulfilled")

    @pytest.mark.parametrize("body", [{}, {"by": "patient"}, {"by": "weather", "reason": "other"}, {"reason": "other"}])
    async def test_needs_both(self, bookings: Bookings, body: dict[str, Any]) -> None:
        await bookings.book(a_plan())
        path = f"/v1/appointments/{bookings.appointment_id}/cancellation"
        answer = await bookings.who["nurse"].post(path, json=body, headers={"if-match": '"1"'})

        assert answer.status_code == 422


class TestReadAppointment:
    async def test_answers_304_to_who_has_it(self, bookings: Bookings) -> None:
        await bookings.book(a_plan())
        path = f"/v1/appointments/{bookings.appointment_id}"
        fresh = await bookings.who["nurse"].get(path)
        known = await bookings.who["nurse"].get(path, headers={"if-none-match": fresh.headers["etag"]})

        assert (fresh.status_code, known.status_code, known.content) == (200, 304, b"")

    async def test_of_somebody_else_is_404(self, bookings: Bookings) -> None:
        path = bookings.path.replace(bookings.cast.patient_id, bookings.cast.other_patient_id)
        await bookings.who["coordinator"].put(path, json=a_plan())

        for action in ("arrival", "attendance", "cancellation"):
            body = {"attendance": {"attendance": "attended"}, "cancellation": {"by": "clinic", "reason": "other"}}
            answer = await bookings.who["nurse"].post(
                f"/v1/appointments/{bookings.appointment_id}/{action}", json=body.get(action)
            )
            assert answer.status_code == 404
        assert (await bookings.who["nurse"].get(f"/v1/appointments/{bookings.appointment_id}")).status_code == 404
