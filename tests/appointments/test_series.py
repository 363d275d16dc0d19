"""Appointments that repeat, as a clinic plans them over HTTP."""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments import series_extension
from app.appointments.models import Appointment, AppointmentSeries
from app.core import clock
from app.core.db import Database
from app.events.models import OutboxEvent
from tests.appointments.bookings import Clients
from tests.cast import Cast
from tests.factories import an_id

MONDAYS = ["2090-03-06", "2090-03-13", "2090-03-20", "2090-03-27"]
SOMEBODY = [{"role": "staff", "staff_id": str(an_id())}]
WEEKLY = {"rule": "FREQ=WEEKLY;COUNT=4", "first_at": "2090-03-06T09:00", "minutes": 50, "kind": "cbt"}


class Series:
    """One series, as its therapist plans it."""

    def __init__(self, client: httpx2.AsyncClient, patient_id: str) -> None:
        self.client, self.patient_id = client, patient_id
        self.id = str(an_id())

    @property
    def path(self) -> str:
        return f"/v1/patients/{self.patient_id}/appointment-series/{self.id}"

    async def put(self, version: int | None = None, **but: Any) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self.client.put(self.path, json=WEEKLY | but, headers=headers)

    async def end(self, version: int = 1, **but: Any) -> httpx2.Response:
        return await self.client.post(
            f"/v1/appointment-series/{self.id}/cancellation",
            json={"by": "clinic", "reason": "staff_unavailable"} | but,
            headers={"If-Match": f'"{version}"'},
        )

    async def read(self) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/appointment-series/{self.id}")
        found: dict[str, Any] = answer.json()
        return found

    async def change_one(self, day: str, **but: Any) -> httpx2.Response:
        """Plan one of the appointments otherwise, the way that any appointment is."""
        (this,) = [i for i in (await self.read())["instances"] if i["day"] == day]
        now = (await self.client.get(f"/v1/appointments/{this['appointment_id']}")).json()
        fields = (
            "kind",
            "format",
            "channel",
            "status",
            "scheduled_at",
            "ends_at",
            "location",
            "participants",
            "room_id",
        )
        return await self.client.put(
            f"/v1/patients/{self.patient_id}/appointments/{this['appointment_id']}",
            json={name: now[name] for name in fields} | but,
            headers={"If-Match": f'"{now["version"]}"'},
        )

    async def cancel_one(self, day: str) -> httpx2.Response:
        (this,) = [i for i in (await self.read())["instances"] if i["day"] == day]
        return await self.client.post(
            f"/v1/appointments/{this['appointment_id']}/cancellation",
            json={"by": "patient", "reason": "vacation"},
            headers={"If-Match": f'"{this["version"]}"'},
        )


@pytest.fixture
def series(new_client: Clients, cast: Cast) -> Series:
    return Series(new_client(cast.therapist.token), cast.patient_id)


@pytest.fixture
def another(series: Series, cast: Cast) -> Series:
    return Series(series.client, cast.patient_id)


def times(found: dict[str, Any], *statuses: str) -> list[str]:
    wanted = statuses or ("booked",)
    return [i["scheduled_at"][5:16] for i in found["instances"] if i["status"] in wanted]


def days(found: dict[str, Any], *statuses: str) -> list[str]:
    wanted = statuses or ("booked",)
    return [i["day"] for i in found["instances"] if i["status"] in wanted]


def ids(found: dict[str, Any]) -> list[str]:
    return [i["appointment_id"] for i in found["instances"]]


class TestPlan:
    async def test_books_each_of_them_and_nine_stays_nine(self, series: Series, cast: Cast) -> None:
        answer = await series.put()
        found = answer.json()
        assert answer.status_code == 201
        assert times(found) == ["03-06T08:00", "03-13T08:00", "03-20T08:00", "03-27T07:00"]
        assert (found["time_zone"], found["status"], found["planned_until"]) == ("Europe/Berlin", "active", None)
        booked = (await series.client.get(f"/v1/appointments/{found['instances'][3]['appointment_id']}")).json()
        assert booked["series_id"] == series.id
        assert booked["recurrence_at"] == booked["scheduled_at"] == "2090-03-27T07:00:00.000Z"
        assert booked["ends_at"] == "2090-03-27T07:50:00.000Z"

    async def test_a_gap_shifts_one_of_them_and_says_so(self, series: Series) -> None:
        found = (await series.put(rule="FREQ=DAILY;COUNT=2", first_at="2090-03-25T02:30")).json()
        assert times(found) == ["03-25T01:30", "03-26T01:30"]
        assert [i["shifted"] for i in found["instances"]] == [False, True]
        assert not any(i["moved"] for i in found["instances"])

    async def test_the_same_again_makes_nothing_twice(self, series: Series, db: Database) -> None:
        first = await series.put()
        again = await series.put(rule="count=4;freq=weekly;interval=1", time_zone="Europe/Berlin")
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert await db.scalar(sa.select(sa.func.count()).select_from(Appointment)) == 4
        told = await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.type.startswith("appointment")))
        assert sorted(told) == ["appointment.booked"] * 4 + ["appointment_series.changed"]

    async def test_ids_follow_from_series_and_day(self, series: Series) -> None:
        found = (await series.put()).json()
        assert ids(found) == [str(uuid5(UUID(series.id), day)) for day in MONDAYS]

    async def test_belongs_to_one_patient(self, series: Series, new_client: Clients, cast: Cast) -> None:
        await series.put()
        theirs = Series(new_client(cast.coordinator.token), cast.other_patient_id)
        theirs.id = series.id
        answer = await theirs.put()
        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")

    @pytest.mark.parametrize(
        ("but", "pointer", "code"),
        [
            ({"rule": "FREQ=HOURLY"}, "/rule", "too_often"),
            ({"rule": "FREQ=NEVER"}, "/rule", "illegal_rule"),
            ({"rule": "FREQ=DAILY;COUNT=10000"}, "/rule", "too_many_repetitions"),
            ({"rule": "FREQ=DAILY;UNTIL=20991231"}, "/rule", "too_many_repetitions"),
            ({"rule": "FREQ=WEEKLY;BYDAY=TU"}, "/first_at", "not_in_rule"),
            ({"rule": "R" * 501}, "/rule", "string_too_long"),
            ({"time_zone": "Europe/Atlantis"}, "/time_zone", "time_zone"),
            ({"first_at": "2090-03-06T09:00Z"}, "/first_at", "wall_time_format"),
            ({"first_at": 9}, "/first_at", "wall_time_format"),
            ({"minutes": 0}, "/minutes", "greater_than_equal"),
            ({"minutes": 1441}, "/minutes", "less_than_equal"),
            ({"left_out": ["2090-03-07"]}, "/left_out/0", "not_in_rule"),
            ({"room_id": str(an_id())}, "/room_id", "unknown_room"),
            (
                {"participants": [{"role": "staff", "staff_id": str(an_id())}]},
                "/participants/0/staff_id",
                "unknown_staff",
            ),
            ({"continues": str(an_id())}, "/continues", "unknown_series"),
        ],
    )
    async def test_refuses_what_cannot_be_meant(
        self, series: Series, db: Database, but: dict[str, Any], pointer: str, code: str
    ) -> None:
        began = time.perf_counter()
        answer = await series.put(**but)
        assert time.perf_counter() - began < 1
        assert answer.status_code == 422
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]
        assert await db.scalar(sa.select(sa.func.count()).select_from(Appointment)) == 0

    async def test_others_do_not_know_of_it(self, series: Series, new_client: Clients, cast: Cast) -> None:
        await series.put()
        outsider = new_client(cast.patient.token)
        assert (await outsider.get(f"/v1/appointment-series/{series.id}")).status_code == 403
        mine = Series(series.client, cast.other_patient_id)
        assert (await mine.put()).status_code == 404


class TestExceptions:
    async def test_days_can_be_left_out(self, series: Series) -> None:
        found = (await series.put(left_out=[MONDAYS[1]])).json()
        assert days(found) == [MONDAYS[0], MONDAYS[2], MONDAYS[3]]
        assert (found["left_out"], found["clashing"]) == ([MONDAYS[1]], [])

    async def test_one_left_out_later_is_cancelled_and_can_come_back(self, series: Series) -> None:
        await series.put()
        without = (await series.put(1, left_out=[MONDAYS[1]])).json()
        assert days(without) == [MONDAYS[0], MONDAYS[2], MONDAYS[3]]
        back = (await series.put(2)).json()
        assert days(back) == MONDAYS
        assert len(set(ids(back)) - set(ids(without))) == 1

    async def test_one_that_was_moved_says_so_and_stays_where_it_is(self, series: Series) -> None:
        await series.put()
        moved = await series.change_one(MONDAYS[1], scheduled_at="2090-03-14T12:00:00Z", ends_at="2090-03-14T12:50:00Z")
        assert moved.status_code == 200
        found = (await series.put(1, first_at="2090-03-06T10:00")).json()
        assert times(found) == ["03-06T09:00", "03-14T12:00", "03-20T09:00", "03-27T08:00"]
        assert [i["moved"] for i in found["instances"]] == [False, True, False, False]
        assert days(found) == MONDAYS

    async def test_one_that_was_cancelled_stays_cancelled(self, series: Series) -> None:
        await series.put()
        assert (await series.cancel_one(MONDAYS[1])).status_code == 200
        found = (await series.put(1, first_at="2090-03-06T10:00")).json()
        assert days(found, "cancelled") == [MONDAYS[1]]
        assert len(found["instances"]) == 4


class TestChange:
    async def test_another_time_moves_them_and_keeps_their_ids(self, series: Series) -> None:
        before = (await series.put()).json()
        answer = await series.put(1, first_at="2090-03-06T10:30", minutes=90, channel="video")
        after = answer.json()
        assert (answer.status_code, after["version"]) == (200, 2)
        assert ids(after) == ids(before)
        assert times(after) == ["03-06T09:30", "03-13T09:30", "03-20T09:30", "03-27T08:30"]
        one = (await series.client.get(f"/v1/appointments/{ids(after)[0]}")).json()
        assert (one["channel"], one["ends_at"][11:16], one["version"]) == ("video", "11:00", 2)

    async def test_another_day_cancels_those_of_the_first(self, series: Series) -> None:
        before = (await series.put()).json()
        after = (await series.put(1, first_at="2090-03-07T09:00")).json()
        assert days(after) == ["2090-03-07", "2090-03-14", "2090-03-21", "2090-03-28"]
        gone = (await series.client.get(f"/v1/appointments/{ids(before)[0]}")).json()
        assert (gone["status"], gone["reason"], gone["series_id"]) == ("cancelled", "rescheduled", series.id)

    async def test_needs_the_version_that_was_read(self, series: Series) -> None:
        await series.put()
        assert (await series.put(minutes=40)).status_code == 428
        stale = await series.put(7, minutes=40)
        assert stale.status_code == 412
        assert stale.json()["current"]["minutes"] == 50

    async def test_does_not_touch_what_has_begun(self, series: Series) -> None:
        first = clock.now().date() - timedelta(days=8)
        before = (await series.put(first_at=f"{first}T09:00", time_zone="UTC")).json()
        found = (await series.put(1, first_at=f"{first}T10:00", time_zone="UTC")).json()
        assert ids(found) == ids(before)
        assert [at[-5:] for at in times(found)] == ["09:00", "09:00", "10:00", "10:00"]

    async def test_of_one_and_all_that_follow(self, series: Series, another: Series) -> None:
        before = (await series.put()).json()
        after = (await another.put(rule="FREQ=WEEKLY;COUNT=3", first_at="2090-03-20T14:00", continues=series.id)).json()
        assert times(after) == ["03-20T13:00", "03-27T12:00", "04-03T12:00"]
        assert ids(after)[:2] == ids(before)[2:]
        first = await series.read()
        assert (days(first), first["status"]) == (MONDAYS[:2], "ended")
        assert first["rule"] == "FREQ=WEEKLY;UNTIL=20900319"
        again = await another.put(rule="FREQ=WEEKLY;COUNT=3", first_at="2090-03-20T14:00", continues=series.id)
        assert (again.status_code, again.json()) == (200, after)

    async def test_what_ended_is_not_changed_again(self, series: Series, another: Series) -> None:
        await series.put()
        await another.put(first_at="2090-03-20T14:00", continues=series.id)
        refused = await series.put(2, minutes=30)
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
        third = Series(series.client, series.patient_id)
        assert (await third.put(first_at="2090-04-20T14:00", continues=series.id)).status_code == 409


class TestEnd:
    async def test_cancels_what_has_not_begun(self, series: Series) -> None:
        first = clock.now().date() - timedelta(days=8)
        before = days((await series.put(first_at=f"{first}T09:00", time_zone="UTC")).json())
        found = (await series.end()).json()
        assert (days(found), days(found, "cancelled")) == (before[:2], before[2:])
        assert found["status"] == "ended"
        assert (await series.end(2)).status_code == 409

    async def test_can_name_the_last_day(self, series: Series) -> None:
        await series.put()
        found = (await series.end(last_day=MONDAYS[2])).json()
        assert (days(found), days(found, "cancelled")) == (MONDAYS[:3], MONDAYS[3:])
        assert found["rule"] == "FREQ=WEEKLY;UNTIL=20900320"


class TestClashes:
    async def other_appointment(self, series: Series, at: str) -> None:
        plan = {"kind": "mindfulness", "scheduled_at": at, "ends_at": at.replace(":00:00", ":30:00")}
        path = f"/v1/patients/{series.patient_id}/appointments/{an_id()}"
        assert (await series.client.put(path, json=plan)).status_code == 201

    async def test_are_all_named_and_nothing_is_booked(self, series: Series, db: Database) -> None:
        await self.other_appointment(series, "2090-03-13T08:00:00Z")
        await self.other_appointment(series, "2090-03-27T07:00:00Z")
        answer = await series.put()
        assert (answer.status_code, answer.json()["code"]) == (409, "instances_clash")
        assert [(clash["day"], clash["taken"]) for clash in answer.json()["clashes"]] == [
            (MONDAYS[1], ["/scheduled_at"]),
            (MONDAYS[3], ["/scheduled_at"]),
        ]
        assert await db.scalar(sa.select(sa.func.count()).select_from(Appointment)) == 2
        assert await db.scalar(sa.select(sa.func.count()).select_from(AppointmentSeries)) == 0

    async def test_can_be_left_out(self, series: Series) -> None:
        await self.other_appointment(series, "2090-03-13T08:00:00Z")
        answer = await series.put(clashes="leave_out")
        found = answer.json()
        assert answer.status_code == 201
        assert days(found) == [MONDAYS[0], MONDAYS[2], MONDAYS[3]]
        assert (found["left_out"], found["clashing"]) == ([MONDAYS[1]], [MONDAYS[1]])
        assert (await series.put(clashes="leave_out")).status_code == 200

    async def test_can_be_booked_on_purpose(self, series: Series) -> None:
        await self.other_appointment(series, "2090-03-13T08:00:00Z")
        assert days((await series.put(override_reason="The same hour, in two parts.")).json()) == MONDAYS

    async def test_with_itself_it_has_none_when_all_are_moved_a_little(self, series: Series) -> None:
        await series.put()
        assert (await series.put(1, first_at="2090-03-06T09:20")).status_code == 200

    async def test_of_a_member_of_staff_with_another_patient(
        self, series: Series, new_client: Clients, cast: Cast
    ) -> None:
        staff: dict[str, Any] = {"participants": [{"role": "staff", "staff_id": str(cast.therapist.membership.id)}]}
        assert (await series.put(**staff)).status_code == 201
        theirs = Series(new_client(cast.coordinator.token), cast.other_patient_id)
        refused = await theirs.put(**staff)
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["pointer"] == "/participants/0/staff_id"
        assert cast.patient_id not in refused.text
        assert series.id not in refused.text


class TestExtend:
    async def test_what_has_no_end_is_booked_ahead_and_goes_on(
        self, series: Series, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begin = clock.now() + timedelta(days=1)
        found = (await series.put(rule="FREQ=WEEKLY", first_at=f"{begin:%Y-%m-%d}T09:00")).json()
        assert len(found["instances"]) == 26
        assert found["planned_until"] is not None
        assert await series_extension.extend(engine) == 0
        travel(monkeypatch, begin + timedelta(days=20))
        assert await series_extension.extend(engine) == 3
        assert await series_extension.extend(engine) == 0
        monkeypatch.undo()
        after = await series.read()
        assert len(set(days(after))) == 29
        assert (after["version"], after["rule"]) == (2, "FREQ=WEEKLY")

    async def test_ends_where_the_clinic_says_that_no_series_goes_on(
        self, series: Series, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begin = clock.now() + timedelta(days=1)
        await series.put(rule="FREQ=DAILY", first_at=f"{begin:%Y-%m-%d}T09:00")
        travel(monkeypatch, begin + timedelta(days=600))
        await series_extension.extend(engine)
        monkeypatch.undo()
        after = await series.read()
        assert after["planned_until"] is None
        assert len(after["instances"]) <= 400


class TestLists:
    async def test_series_of_a_patient_newest_first(self, series: Series, another: Series) -> None:
        await series.put()
        await another.put(first_at="2090-03-06T12:00")
        path = f"/v1/patients/{series.patient_id}/appointment-series"
        first = (await series.client.get(path, params={"limit": 1})).json()
        second = (await series.client.get(path, params={"limit": 1, "cursor": first["next_cursor"]})).json()
        assert [first["items"][0]["id"], second["items"][0]["id"]] == [another.id, series.id]
        assert second["next_cursor"] is None

    async def test_is_not_sent_twice(self, series: Series) -> None:
        await series.put()
        path = f"/v1/appointment-series/{series.id}"
        tag = (await series.client.get(path)).headers["etag"]
        assert (await series.client.get(path, headers={"If-None-Match": tag})).status_code == 304
        await series.cancel_one(MONDAYS[0])
        assert (await series.client.get(path, headers={"If-None-Match": tag})).status_code == 200


def travel(monkeypatch: pytest.MonkeyPatch, to: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: to)
