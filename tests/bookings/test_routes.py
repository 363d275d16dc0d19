import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

import httpx2
import pytest

from app.core import clock
from app.core.db import Database
from app.core.fields import zone
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast
from tests.factories import a_clinic, a_member_of_staff, an_id

Clients = Callable[..., httpx2.AsyncClient]
BERLIN = zone("Europe/Berlin")
ROOM = {"name": "Room 2", "places": 8}


def text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def next_monday() -> date:
    """The Monday of the week after this one, by the clock of the clinic."""
    today = clock.now().astimezone(BERLIN).date()
    return today + timedelta(days=7 - today.weekday())


def on(day: date, hour: float) -> datetime:
    return datetime.combine(day, time(), BERLIN) + timedelta(hours=hour)


@pytest.fixture
def who(new_client: Clients, cast: Cast) -> dict[str, httpx2.AsyncClient]:
    return {role: new_client(getattr(cast, role).token) for role in ("coordinator", "therapist", "nurse", "patient")}


class TestRooms:
    async def test_are_added_changed_given_up_and_taken_back(self, who: dict[str, httpx2.AsyncClient]) -> None:
        path = f"/v1/rooms/{an_id()}"
        added = await who["coordinator"].put(path, json=ROOM)
        again = await who["coordinator"].put(path, json=ROOM)
        blind = await who["coordinator"].put(path, json=ROOM | {"places": 9})
        retired = await who["coordinator"].put(path, json=ROOM | {"retired": True}, headers={"if-match": '"1"'})
        stale = await who["coordinator"].put(path, json=ROOM, headers={"if-match": '"1"'})
        back = await who["coordinator"].put(path, json=ROOM | {"name": " Room 3 "}, headers={"if-match": '"2"'})

        assert [each.status_code for each in (added, again, blind, retired, stale, back)] == [
            201,
            200,
            428,
            200,
            412,
            200,
        ]
        assert retired.json()["retired_at"] is not None
        assert stale.json()["current"] == retired.json()
        found = await who["nurse"].get(path)
        assert found.json() == back.json() == added.json() | {"name": "Room 3", "version": 3}
        assert (await who["nurse"].get(path, headers={"if-none-match": '"3"'})).status_code == 304

    async def test_are_listed_by_name_page_by_page(self, who: dict[str, httpx2.AsyncClient]) -> None:
        for name in ("Garden", "Attic", "Cellar", "Attic"):
            await who["coordinator"].put(f"/v1/rooms/{an_id()}", json=ROOM | {"name": name})
        first = (await who["nurse"].get("/v1/rooms", params={"limit": 2})).json()
        second = (await who["nurse"].get("/v1/rooms", params={"limit": 2, "cursor": first["next_cursor"]})).json()

        assert [[room["name"] for room in page["items"]] for page in (first, second)] == [
            ["Attic", "Attic"],
            ["Cellar", "Garden"],
        ]
        assert second["next_cursor"] is None

    async def test_of_another_clinic_are_unknown(
        self, who: dict[str, httpx2.AsyncClient], new_client: Clients, db: Database, settings: Settings
    ) -> None:
        path = f"/v1/rooms/{an_id()}"
        await who["coordinator"].put(path, json=ROOM)
        stranger = new_client((await a_member_of_staff(db, settings, await a_clinic(db))).token)

        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get("/v1/rooms")).json()["items"] == []

    async def test_twelve_at_once_make_one(self, who: dict[str, httpx2.AsyncClient]) -> None:
        path = f"/v1/rooms/{an_id()}"
        answers = await asyncio.gather(*(who["coordinator"].put(path, json=ROOM) for _ in range(12)))

        assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]

    @pytest.mark.parametrize("but", [{"name": " "}, {"places": 0}, {"places": True}, {"retired": 1}, {"size": 1}])
    async def test_that_are_none_are_refused(self, who: dict[str, httpx2.AsyncClient], but: dict[str, Any]) -> None:
        answer = await who["coordinator"].put(f"/v1/rooms/{an_id()}", json=ROOM | but)

        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}" for name in but]


class TestWorkingHours:
    MORNINGS: ClassVar = {"hours": [{"weekday": "monday", "begins": "09:00", "ends": "12:00"}]}

    async def test_are_the_usual_ones_until_somebody_says_otherwise(
        self, who: dict[str, httpx2.AsyncClient], cast: Cast
    ) -> None:
        path = f"/v1/staff/{cast.therapist.membership.id}/working-hours"
        usual = (await who["therapist"].get(path)).json()
        said = await who["coordinator"].put(path, json=self.MORNINGS, headers={"if-match": '"0"'})
        again = await who["coordinator"].put(path, json=self.MORNINGS)
        blind = await who["coordinator"].put(path, json={})
        back = await who["coordinator"].put(path, json={}, headers={"if-match": '"1"'})

        assert (usual["usual"], usual["version"], usual["time_zone"]) == (True, 0, "Europe/Berlin")
        assert usual["hours"][0] == {"weekday": "monday", "begins": "08:00", "ends": "18:00"}
        assert [each.status_code for each in (said, again, blind, back)] == [201, 200, 428, 200]
        assert (said.json()["hours"], said.json()["usual"]) == (self.MORNINGS["hours"], False)
        assert blind.json()["code"] == "precondition_required"
        assert back.json() == usual | {"version": 2}

    async def test_are_those_of_staff(self, who: dict[str, httpx2.AsyncClient], cast: Cast) -> None:
        for person in (cast.patient.membership.id, an_id()):
            path = f"/v1/staff/{person}/working-hours"
            assert (await who["coordinator"].get(path)).status_code == 404
            assert (await who["coordinator"].put(path, json={})).status_code == 404

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"hours": [{"weekday": "monday", "begins": "9:00", "ends": "12:00"}]}, "/hours/0/begins"),
            ({"hours": [{"weekday": "monday", "begins": "09:00", "ends": "24:00"}]}, "/hours/0/ends"),
            ({"hours": [{"weekday": "someday", "begins": "09:00", "ends": "12:00"}]}, "/hours/0/weekday"),
            ({"away": [{"first_day": "2026-12-24", "last_day": "2026-12-23"}]}, "/away/0/last_day"),
            ({"away": [{"first_day": "2026-02-30", "last_day": "2026-12-23"}]}, "/away/0/first_day"),
        ],
    )
    async def test_that_are_none_are_refused(
        self, who: dict[str, httpx2.AsyncClient], cast: Cast, said: dict[str, Any], pointer: str
    ) -> None:
        path = f"/v1/staff/{cast.therapist.membership.id}/working-hours"
        answer = await who["coordinator"].put(path, json=said)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


class TestAvailability:
    @pytest.fixture
    async def room_id(self, who: dict[str, httpx2.AsyncClient]) -> str:
        room_id = str(an_id())
        assert (await who["coordinator"].put(f"/v1/rooms/{room_id}", json=ROOM)).status_code == 201
        return room_id

    async def search(self, client: httpx2.AsyncClient, **wanted: Any) -> dict[str, Any]:
        monday = next_monday()
        span: dict[str, Any] = {"from": text(on(monday, 0)), "to": text(on(monday, 24)), "minutes": 60, "limit": 200}
        answer = await client.get("/v1/availability", params=span | wanted)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def times(self, client: httpx2.AsyncClient, **wanted: Any) -> list[str]:
        return [item["local_time"][-5:] for item in (await self.search(client, **wanted))["items"]]

    async def book(self, who: dict[str, httpx2.AsyncClient], cast: Cast, hour: float, **but: object) -> str:
        appointment_id = str(an_id())
        at = on(next_monday(), hour)
        plan = {"kind": "cbt", "scheduled_at": text(at), "ends_at": text(at + timedelta(hours=1))} | but
        path = f"/v1/patients/{cast.patient_id}/appointments/{appointment_id}"
        assert (await who["coordinator"].put(path, json=plan)).status_code == 201
        return appointment_id

    async def test_are_the_times_at_which_all_are_free(
        self, who: dict[str, httpx2.AsyncClient], cast: Cast, room_id: str
    ) -> None:
        staff_id = str(cast.therapist.membership.id)
        hours = {"hours": [{"weekday": "monday", "begins": "09:00", "ends": "12:30"}]}
        await who["coordinator"].put(f"/v1/staff/{staff_id}/working-hours", json=hours)
        await self.book(who, cast, 10, room_id=room_id)  # the patient and the room

        assert await self.times(who["therapist"], staff_id=staff_id) == [
            f"{minutes // 60:02}:{minutes % 60:02}" for minutes in range(9 * 60, 11 * 60 + 31, 15)
        ]
        for taken in ({"room_id": room_id}, {"patient_id": cast.patient_id}):
            times = await self.times(who["therapist"], staff_id=staff_id, **taken)
            assert times == ["09:00", "11:00", "11:15", "11:30"]
        found = await self.search(who["therapist"], staff_id=staff_id)
        assert found["items"][0] == {
            "starts_at": text(on(next_monday(), 9)),
            "ends_at": text(on(next_monday(), 10)),
            "local_time": f"{next_monday()}T09:00",
        }

    async def test_without_staff_the_usual_hours_count(self, who: dict[str, httpx2.AsyncClient], room_id: str) -> None:
        times = await self.times(who["coordinator"], room_id=room_id)

        assert (times[0], times[-1]) == ("08:00", "17:00")

    async def test_two_of_the_staff_are_free_when_both_are(
        self, who: dict[str, httpx2.AsyncClient], cast: Cast
    ) -> None:
        for person, begins, ends in ((cast.therapist, "09:00", "11:00"), (cast.nurse, "10:00", "12:00")):
            hours = {"hours": [{"weekday": "monday", "begins": begins, "ends": ends}]}
            await who["coordinator"].put(f"/v1/staff/{person.membership.id}/working-hours", json=hours)
        both = [str(cast.therapist.membership.id), str(cast.nurse.membership.id)]

        assert await self.times(who["nurse"], staff_id=both) == ["10:00"]

    async def test_what_is_to_be_moved_is_not_in_its_own_way(
        self, who: dict[str, httpx2.AsyncClient], cast: Cast
    ) -> None:
        appointment_id = await self.book(who, cast, 10)

        assert "10:15" not in await self.times(who["therapist"], patient_id=cast.patient_id)
        moved = await self.times(who["therapist"], patient_id=cast.patient_id, in_place_of=appointment_id)
        assert "10:15" in moved

    async def test_neither_closed_days_nor_days_away(
        self,
        who: dict[str, httpx2.AsyncClient],
        cast: Cast,
        room_id: str,
        db: Database,
        settings: Settings,
        new_client: Clients,
    ) -> None:
        admin = new_client((await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)).token)
        day = str(next_monday())
        path = f"/v1/staff/{cast.therapist.membership.id}/working-hours"
        away = [{"first_day": day, "last_day": day}]
        await who["coordinator"].put(path, json={"away": away})
        assert await self.times(who["nurse"], staff_id=str(cast.therapist.membership.id)) == []

        assert (await admin.put("/v1/on-call-roster", json={"country": "DE", "closed_on": [day]})).status_code == 201
        assert await self.times(who["nurse"], room_id=room_id) == []

    async def test_nothing_past_and_two_weeks_ahead(self, who: dict[str, httpx2.AsyncClient], room_id: str) -> None:
        found = await who["nurse"].get("/v1/availability", params={"room_id": room_id, "limit": 200})
        past = {"from": "2026-01-05T00:00:00Z", "to": "2026-01-06T00:00:00Z"}

        assert found.json()["minutes"] == 50
        assert all(item["starts_at"] >= text(clock.now() - timedelta(minutes=1)) for item in found.json()["items"])
        assert await self.times(who["nurse"], room_id=room_id, **past) == []

    async def test_come_page_by_page(self, who: dict[str, httpx2.AsyncClient], room_id: str) -> None:
        whole = (await self.search(who["nurse"], room_id=room_id))["items"]
        pages: list[list[Any]] = []
        cursor = None
        while cursor is not None or not pages:
            page = await self.search(who["nurse"], room_id=room_id, limit=15, **({"cursor": cursor} if cursor else {}))
            pages.append(page["items"])
            cursor = page["next_cursor"]

        assert [item for page in pages for item in page] == whole
        assert [len(page) for page in pages] == [15, 15, 7]
        other = await who["nurse"].get("/v1/availability", params={"room_id": room_id, "cursor": "AAAA"})
        assert other.status_code == 400

    async def test_across_a_night_in_which_clocks_move(self, who: dict[str, httpx2.AsyncClient], cast: Cast) -> None:
        year = clock.now().year + 1
        last_sunday = max(day for n in range(31) if (day := date(year, 3, 1) + timedelta(days=n)).weekday() == 6)
        path = f"/v1/staff/{cast.nurse.membership.id}/working-hours"
        night = {"hours": [{"weekday": "saturday", "begins": "23:00", "ends": "05:00"}]}
        await who["coordinator"].put(path, json=night)
        span: dict[str, Any] = {"from": text(on(last_sunday, -2)), "to": text(on(last_sunday, 12)), "minutes": 90}
        times = await self.times(who["nurse"], staff_id=str(cast.nurse.membership.id), **span)

        assert times[0] == "23:00"
        assert "01:45" in times
        assert times[times.index("01:45") + 1] == "03:00"
        assert times[-1] == "03:30"

    @pytest.mark.parametrize(
        ("wanted", "fault"),
        [
            ({}, ("/query/staff_id", "nobody_named")),
            ({"staff_id": str(an_id())}, ("/query/staff_id", "unknown_staff")),
            ({"room_id": str(an_id())}, ("/query/room_id", "unknown_room")),
            ({"patient_id": str(an_id())}, ("/query/patient_id", "unknown_patient")),
            ({"room_id": "x"}, ("/query/room_id", "uuid_parsing")),
            ({"minutes": 4}, ("/query/minutes", "greater_than_equal")),
            ({"staff_id": [str(an_id())] * 11}, ("/query/staff_id", "too_long")),
            ({"from": "2090-01-02T00:00:00Z", "to": "2090-01-01T00:00:00Z"}, ("/query/to", "not_after_from")),
            ({"from": "2090-01-02T00:00:00Z", "to": "2090-03-10T00:00:00Z"}, ("/query/to", "too_long")),
        ],
    )
    async def test_refuses_what_cannot_be_looked_for(
        self, who: dict[str, httpx2.AsyncClient], wanted: dict[str, Any], fault: tuple[str, str]
    ) -> None:
        answer = await who["therapist"].get("/v1/availability", params=wanted)

        assert answer.status_code == 422, answer.text
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [fault]

    async def test_says_nothing_of_patients_whom_one_does_not_look_after(
        self, who: dict[str, httpx2.AsyncClient], cast: Cast
    ) -> None:
        wanted = {"patient_id": cast.other_patient_id}

        assert (await who["coordinator"].get("/v1/availability", params=wanted)).status_code == 200
        assert (await who["therapist"].get("/v1/availability", params=wanted)).status_code == 422
        assert (await who["patient"].get("/v1/availability", params=wanted)).status_code == 403
