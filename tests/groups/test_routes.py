"""Groups over HTTP: meetings, places, the waiting list, and what a change does to members."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.appointments.models import Appointment
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.groups import work
from app.groups.models import GroupSession
from app.identity.permissions import Role
from tests.cast import Cast
from tests.factories import Person, a_clinic, a_member_of_staff, a_patient, an_id
from tests.groups.meetings import MONDAYS, Clients, Meetings


@pytest.fixture
async def third(db: Database, settings: Settings, cast: Cast) -> Person:
    return await a_patient(db, settings, cast.clinic)


def begins(found: dict[str, Any], *statuses: str) -> list[str]:
    return [s["scheduled_at"][5:16] for s in found["sessions"] if s["status"] in (statuses or ("booked",))]


class TestPlan:
    async def test_books_every_meeting_at_the_same_time_of_day(self, group: Meetings, cast: Cast) -> None:
        answer = await group.put(rule="FREQ=WEEKLY;COUNT=4", staff_ids=[str(cast.therapist.membership.id)])
        found = answer.json()
        assert answer.status_code == 201
        assert begins(found) == ["03-06T16:00", "03-13T16:00", "03-20T16:00", "03-27T15:00"]
        assert {(s["capacity"], s["taken"]) for s in found["sessions"]} == {(2, 0)}
        assert (found["time_zone"], found["version"], found["rule"]) == ("Europe/Berlin", 1, "FREQ=WEEKLY;COUNT=4")

    async def test_the_same_again_makes_nothing_twice(self, group: Meetings, db: Database) -> None:
        first, again = await group.put(), await group.put(rule="count=3;freq=weekly")
        assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
        assert await db.scalar(sa.select(sa.func.count()).select_from(GroupSession)) == 3

    async def test_can_meet_once(self, group: Meetings) -> None:
        assert begins((await group.put(rule=None)).json()) == ["03-06T16:00"]

    @pytest.mark.parametrize(
        ("but", "pointer", "code"),
        [
            ({"rule": "FREQ=MINUTELY"}, "/rule", "too_often"),
            ({"rule": "FREQ=DAILY;COUNT=10000"}, "/rule", "too_many_repetitions"),
            ({"rule": "EVERY DAY"}, "/rule", "illegal_rule"),
            ({"rule": None, "left_out": [MONDAYS[0]]}, "/left_out", "not_in_rule"),
            ({"time_zone": "Mars/Olympus"}, "/time_zone", "time_zone"),
            ({"capacity": 0}, "/capacity", "greater_than_equal"),
            ({"staff_ids": [str(an_id())]}, "/staff_ids/0", "unknown_staff"),
            ({"room_id": str(an_id())}, "/room_id", "unknown_room"),
            ({"members": []}, "/members", "extra_forbidden"),
        ],
    )
    async def test_refuses_what_cannot_be_meant(
        self, group: Meetings, but: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await group.put(**but)
        assert answer.status_code == 422
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]

    async def test_a_room_has_to_be_large_enough(self, group: Meetings) -> None:
        room = f"/v1/rooms/{an_id()}"
        assert (await group.client.put(room, json={"name": "Small", "places": 3})).status_code == 201
        refused = await group.put(room_id=room.rsplit("/", 1)[1], capacity=4)
        assert refused.json()["errors"][0]["code"] == "room_too_small"
        assert (await group.put(room_id=room.rsplit("/", 1)[1], capacity=3)).status_code == 201

    async def test_staff_are_not_booked_twice_and_all_clashes_are_named(self, group: Meetings, cast: Cast) -> None:
        staff: dict[str, Any] = {"staff_ids": [str(cast.therapist.membership.id)]}
        await group.put(**staff)
        other = Meetings(group.client, cast)
        refused = await other.put(**staff, first_at="2090-03-13T18:00")
        assert (refused.status_code, refused.json()["code"]) == (409, "instances_clash")
        assert [clash["day"] for clash in refused.json()["clashes"]] == MONDAYS[1:]
        made = (await other.put(**staff, first_at="2090-03-13T18:00", clashes="leave_out")).json()
        assert (begins(made), made["clashing"]) == (["03-27T16:00"], MONDAYS[1:])

    async def test_a_change_needs_the_version_that_was_read(self, group: Meetings) -> None:
        await group.put()
        assert (await group.put(minutes=60)).status_code == 428
        stale = await group.put(9, minutes=60)
        assert (stale.status_code, stale.json()["current"]["minutes"]) == (412, 90)

    async def test_is_of_one_clinic(
        self, group: Meetings, new_client: Clients, db: Database, settings: Settings
    ) -> None:
        await group.put()
        stranger = await a_member_of_staff(db, settings, await a_clinic(db), Role.COORDINATOR)
        theirs = new_client(stranger.token)
        assert (await theirs.get(group.path)).status_code == 404
        assert (await theirs.get(f"/v1/group-sessions/{(await group.meeting())['id']}")).status_code == 404


class TestJoin:
    async def test_gives_an_appointment_in_each_meeting(self, group: Meetings, cast: Cast, new_client: Clients) -> None:
        await group.put(staff_ids=[str(cast.therapist.membership.id)], location="Room 2")
        answer = await group.join(cast.patient_id)
        assert answer.status_code == 201
        assert [place["status"] for place in answer.json()["places"]] == ["booked"] * 3
        mine = (await new_client(cast.patient.token).get("/v1/me/appointments")).json()["items"]
        assert [(a["format"], a["status"], a["location"]) for a in mine] == [("group", "booked", "Room 2")] * 3
        assert [p["staff_id"] for p in mine[0]["participants"]] == [str(cast.therapist.membership.id)]
        assert [s["taken"] for s in (await group.read())["sessions"]] == [1, 1, 1]

    async def test_again_changes_nothing(self, group: Meetings, cast: Cast, db: Database) -> None:
        await group.put()
        first, again = await group.join(cast.patient_id), await group.join(cast.patient_id)
        assert (again.status_code, again.json()) == (200, first.json())
        assert await db.scalar(sa.select(sa.func.count()).select_from(Appointment)) == 3

    async def test_waits_when_it_is_full(self, group: Meetings, cast: Cast, third: Person) -> None:
        await group.put()
        for patient_id in (cast.patient_id, cast.other_patient_id, third.patient_id):
            await group.join(patient_id)
        assert await group.statuses(third.patient_id) == ["waitlist"] * 3
        assert [s["taken"] for s in (await group.read())["sessions"]] == [2, 2, 2]

    async def test_names_the_meetings_at_which_the_patient_has_something_else(
        self, group: Meetings, cast: Cast
    ) -> None:
        await group.put()
        plan = {"kind": "cbt", "scheduled_at": "2090-03-13T16:30:00Z", "ends_at": "2090-03-13T17:30:00Z"}
        path = f"/v1/patients/{cast.patient_id}/appointments/{an_id()}"
        assert (await group.client.put(path, json=plan)).status_code == 201
        refused = await group.join(cast.patient_id)
        assert (refused.status_code, [c["day"] for c in refused.json()["clashes"]]) == (409, [MONDAYS[1]])
        joined = await group.join(cast.patient_id, clashes="leave_out")
        assert [place["scheduled_at"][5:10] for place in joined.json()["places"]] == ["03-06", "03-20"]
        assert [s["taken"] for s in (await group.read())["sessions"]] == [1, 0, 1]

    async def test_who_is_not_looked_after_is_not_known(self, group: Meetings, cast: Cast, new_client: Clients) -> None:
        await group.put()
        await group.join(cast.other_patient_id)
        await group.join(cast.patient_id)
        theirs = Meetings(new_client(cast.therapist.token), cast)
        theirs.id = group.id
        assert (await theirs.join(cast.other_patient_id)).status_code == 404
        seen = await theirs.members()
        assert ([m["patient_id"] for m in seen["items"]], seen["others"]) == ([cast.patient_id], 1)

    async def test_lists_a_patients_groups(self, group: Meetings, cast: Cast) -> None:
        await group.put()
        await group.join(cast.patient_id)
        path = f"/v1/patients/{cast.patient_id}/groups"
        assert [g["group"]["name"] for g in (await group.client.get(path)).json()["items"]] == ["Tuesday group"]


class TestLeave:
    async def test_cancels_what_is_to_come_and_frees_the_places(self, group: Meetings, cast: Cast) -> None:
        await group.put()
        await group.join(cast.patient_id)
        assert (await group.leave(cast.patient_id)).status_code == 204
        assert (await group.leave(cast.patient_id)).status_code == 404
        assert [s["taken"] for s in (await group.read())["sessions"]] == [0, 0, 0]
        assert (await group.join(cast.patient_id)).status_code == 201
        assert await group.statuses(cast.patient_id) == ["booked"] * 3


class TestWaitingList:
    @pytest.fixture
    async def full(self, group: Meetings, cast: Cast, third: Person) -> Meetings:
        await group.put(capacity=1)
        for patient_id in (cast.patient_id, cast.other_patient_id, third.patient_id):
            await group.join(patient_id)
        return group

    async def test_a_freed_place_goes_to_who_joined_first(
        self, full: Meetings, cast: Cast, third: Person, engine: AsyncEngine
    ) -> None:
        assert (await full.cancel_own(cast.patient_id)).status_code == 200
        assert (await full.meeting())["taken"] == 0
        await work.settle(engine)
        assert await full.statuses(cast.other_patient_id) == ["booked", "waitlist", "waitlist"]
        assert await full.statuses(third.patient_id) == ["waitlist"] * 3
        assert (await full.meeting())["taken"] == 1
        assert await work.settle(engine) == 0

    async def test_who_cannot_come_is_passed_over_and_keeps_waiting(
        self, full: Meetings, cast: Cast, third: Person, engine: AsyncEngine
    ) -> None:
        plan = {"kind": "cbt", "scheduled_at": "2090-03-06T16:30:00Z", "ends_at": "2090-03-06T17:30:00Z"}
        path = f"/v1/patients/{cast.other_patient_id}/appointments/{an_id()}"
        assert (await full.client.put(path, json=plan)).status_code == 201
        await full.leave(cast.patient_id)
        await work.settle(engine)
        assert await full.statuses(cast.other_patient_id) == ["waitlist", "booked", "booked"]
        assert await full.statuses(third.patient_id) == ["booked", "waitlist", "waitlist"]
        assert await work.settle(engine) == 0

    async def test_nobody_pushes_in(self, full: Meetings, cast: Cast, db: Database, settings: Settings) -> None:
        await full.leave(cast.patient_id)
        newcomer = await a_patient(db, settings, cast.clinic)
        joined = await full.join(newcomer.patient_id)
        assert {place["status"] for place in joined.json()["places"]} == {"waitlist"}

    async def test_more_places_are_given_away_at_once(self, full: Meetings, cast: Cast, engine: AsyncEngine) -> None:
        assert (await full.put(1, capacity=2)).status_code == 200
        await work.settle(engine)
        assert await full.statuses(cast.other_patient_id) == ["booked"] * 3

    async def test_places_that_are_taken_are_not_taken_away(self, group: Meetings, cast: Cast) -> None:
        await group.put()
        await group.join(cast.patient_id)
        await group.join(cast.other_patient_id)
        refused = await group.put(1, capacity=1)
        assert (refused.status_code, refused.json()["code"]) == (409, "places_taken")
        assert (await group.move(capacity=1)).json()["code"] == "places_taken"


class TestChange:
    async def test_of_a_meeting_moves_its_members(
        self, group: Meetings, cast: Cast, new_client: Clients, engine: AsyncEngine
    ) -> None:
        await group.put()
        await group.join(cast.patient_id)
        moved = await group.move(scheduled_at="2090-03-07T16:00:00Z", ends_at="2090-03-07T17:00:00Z")
        assert (moved.status_code, moved.json()["moved"], moved.json()["day"]) == (200, True, MONDAYS[0])
        await work.settle(engine)
        mine = (await new_client(cast.patient.token).get("/v1/me/appointments")).json()["items"]
        assert [(a["scheduled_at"][5:16], a["version"]) for a in mine] == [
            ("03-07T16:00", 2),
            ("03-13T16:00", 1),
            ("03-20T16:00", 1),
        ]

    async def test_of_a_meeting_to_when_members_are_busy_is_refused_without_naming_them(
        self, group: Meetings, cast: Cast, engine: AsyncEngine
    ) -> None:
        await group.put()
        await group.join(cast.patient_id)
        await group.join(cast.other_patient_id)
        plan = {"kind": "cbt", "scheduled_at": "2090-03-07T16:30:00Z", "ends_at": "2090-03-07T17:30:00Z"}
        await group.client.put(f"/v1/patients/{cast.patient_id}/appointments/{an_id()}", json=plan)
        new: dict[str, Any] = {"scheduled_at": "2090-03-07T16:00:00Z", "ends_at": "2090-03-07T17:00:00Z"}
        refused = await group.move(**new)
        assert (refused.status_code, refused.json()["code"], refused.json()["members"]) == (409, "members_clash", 1)
        assert cast.patient_id not in refused.text
        assert (await group.move(**new, clashes="leave_out")).status_code == 200
        await work.settle(engine)
        assert await group.statuses(cast.patient_id) == ["booked"] * 2
        assert await group.statuses(cast.other_patient_id) == ["booked"] * 3
        assert (await group.meeting())["taken"] == 1

    async def test_of_all_leaves_alone_what_was_moved(self, group: Meetings, engine: AsyncEngine, cast: Cast) -> None:
        await group.put()
        await group.join(cast.patient_id)
        await group.move(scheduled_at="2090-03-07T16:00:00Z", ends_at="2090-03-07T17:00:00Z")
        changed = (await group.put(1, first_at="2090-03-06T18:00", left_out=[MONDAYS[2]])).json()
        assert begins(changed) == ["03-07T16:00", "03-13T17:00"]
        assert begins(changed, "withdrawn") == ["03-20T16:00"]
        await work.settle(engine)
        (member,) = (await group.members())["items"]
        assert [place["scheduled_at"][5:16] for place in member["places"]] == ["03-07T16:00", "03-13T17:00"]

    async def test_called_off_meetings_are_called_off_for_everybody(
        self, group: Meetings, cast: Cast, engine: AsyncEngine, new_client: Clients
    ) -> None:
        await group.put()
        await group.join(cast.patient_id)
        assert (await group.call_off()).json()["status"] == "cancelled"
        assert (await group.call_off()).status_code == 409
        await work.settle(engine)
        mine = (await new_client(cast.patient.token).get("/v1/me/appointments")).json()["items"]
        assert [a["status"] for a in mine] == ["cancelled", "booked", "booked"]
        one = (await group.client.get(f"/v1/appointments/{mine[0]['id']}")).json()
        assert (one["reason"], one["attendance"]) == ("staff_unavailable", "cancelled_clinic")

    async def test_new_meetings_are_new_appointments(self, group: Meetings, cast: Cast, engine: AsyncEngine) -> None:
        await group.put()
        await group.join(cast.patient_id)
        await group.put(1, rule="FREQ=WEEKLY;COUNT=5")
        await work.settle(engine)
        assert await group.statuses(cast.patient_id) == ["booked"] * 5

    async def test_a_place_is_not_moved_away_from_its_group(self, group: Meetings, cast: Cast) -> None:
        await group.put()
        place = (await group.join(cast.patient_id)).json()["places"][0]
        plan = {"kind": "cbt", "scheduled_at": "2090-03-09T16:30:00Z"}
        path = f"/v1/patients/{cast.patient_id}/appointments/{place['appointment_id']}"
        refused = await group.client.put(path, json=plan, headers={"If-Match": '"1"'})
        assert (refused.status_code, refused.json()["code"]) == (409, "of_group")


class TestEnd:
    async def test_calls_off_what_comes_after_its_last_day(
        self, group: Meetings, cast: Cast, engine: AsyncEngine
    ) -> None:
        await group.put()
        await group.join(cast.patient_id)
        answer = await group.client.post(
            f"{group.path}/cancellation",
            json={"reason": "other", "last_day": MONDAYS[0]},
            headers={"If-Match": '"1"'},
        )
        assert (answer.json()["status"], begins(answer.json())) == ("ended", ["03-06T16:00"])
        await work.settle(engine)
        assert await group.statuses(cast.patient_id) == ["booked"]
        assert (await group.join(cast.other_patient_id)).status_code == 409
        assert (await group.put(2, minutes=30)).status_code == 409


class TestExtend:
    async def test_what_has_no_end_is_booked_ahead_and_goes_on_with_its_members(
        self, group: Meetings, cast: Cast, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from datetime import timedelta

        begin = clock.now() + timedelta(days=1)
        found = (await group.put(rule="FREQ=WEEKLY", first_at=f"{begin:%Y-%m-%d}T09:00")).json()
        assert len(found["sessions"]) == 26
        await group.join(cast.patient_id)
        assert await work.extend(engine) == 0
        monkeypatch.setattr(clock, "now", lambda: begin + timedelta(days=20))
        assert await work.extend(engine) == 3
        assert await work.extend(engine) == 0
        await work.settle(engine)
        monkeypatch.undo()
        assert await group.statuses(cast.patient_id) == ["booked"] * 29


class TestLists:
    async def test_of_groups_and_of_meetings(self, group: Meetings, cast: Cast) -> None:
        await group.put()
        another = Meetings(group.client, cast)
        await another.put(name="A group", first_at="2090-03-06T08:00")
        first = (await group.client.get("/v1/groups", params={"limit": 1})).json()
        second = (await group.client.get("/v1/groups", params={"limit": 1, "cursor": first["next_cursor"]})).json()
        assert [page["items"][0]["name"] for page in (first, second)] == ["A group", "Tuesday group"]
        span: dict[str, str | int] = {"from": "2090-03-06T00:00:00Z", "to": "2090-03-14T00:00:00Z", "limit": 3}
        page = (await group.client.get("/v1/group-sessions", params=span)).json()
        rest = (await group.client.get("/v1/group-sessions", params=span | {"cursor": page["next_cursor"]})).json()
        assert [s["group_id"] for s in page["items"] + rest["items"]] == [another.id, group.id] * 2

    async def test_are_not_sent_twice(self, group: Meetings, cast: Cast) -> None:
        await group.put()
        meeting = f"/v1/group-sessions/{(await group.meeting())['id']}"
        for path in (group.path, meeting):
            tag = (await group.client.get(path)).headers["etag"]
            assert (await group.client.get(path, headers={"If-None-Match": tag})).status_code == 304
            await group.leave(cast.patient_id)
            assert (await group.join(cast.patient_id)).status_code == 201
            assert (await group.client.get(path, headers={"If-None-Match": tag})).status_code == 200
            await group.leave(cast.patient_id)
