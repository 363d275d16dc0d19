"""What a phone is told is due, and when it need not ask again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.check_in_plans.models import CheckInPlanning, DueCheckIn
from app.check_in_plans.schemas import DueCheckInPage
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Patient
from tests.cast import Cast
from tests.check_in_plans.asked import HOUR, a_due_check_in, a_phone_of_days, answer, due_now
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]
PATH = "/v1/me/due-check-ins"
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def phone(new_client: NewClient, db: Database, settings: Settings, cast: Cast) -> httpx2.AsyncClient:
    return new_client(a_phone_of_days(db, settings, cast.patient))


@pytest.fixture
def noon() -> datetime:
    """Today's, so that whoever is signed in still is; in Berlin it is after lunch, and not yet tomorrow."""
    return clock.now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


async def asked_again(phone: httpx2.AsyncClient, tag: str, **query: int) -> httpx2.Response:
    return await phone.get(PATH, params=query, headers={"if-none-match": tag})


class TestItems:
    async def test_say_all_that_a_phone_needs_to_remind_of_them(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        day = (noon + timedelta(days=1)).date()
        due_id = a_due_check_in(
            db, cast, noon + timedelta(days=1), instrument_versions={"craving_nrs": "1", "mood_nrs": "1"},
            reminders=[-15, 0, 30], local_day=day, local_time="14:00", time_zone="Europe/Athens", shifted=True,
            minutes_from_dose=1440, dosing_session_id=(session_id := an_id()),
        )  # fmt: skip

        assert (await due_now(phone))[str(due_id)] == {
            "id": str(due_id),
            "dosing_session_id": str(session_id),
            "time_point": "morning",
            "minutes_from_dose": 1440,
            "opens_at": f"{day}T11:00:00.000Z",
            "due_at": f"{day}T12:00:00.000Z",
            "closes_at": f"{day}T13:00:00.000Z",
            "local_time": f"{day}T14:00",
            "time_zone": "Europe/Athens",
            "shifted": True,
            "reminder_at": [f"{day}T11:45:00.000Z", f"{day}T12:00:00.000Z", f"{day}T12:30:00.000Z"],
            "instruments": ["craving_nrs", "mood_nrs"],
            "instrument_versions": {"craving_nrs": "1", "mood_nrs": "1"},
            "state": "expected",
            "check_in_id": None,
            "answered_at": None,
            "delivered_at": None,
            "shown_at": None,
        }

    async def test_of_the_release_before_this_one_are_filled_in(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        summer = datetime(noon.year, 7, 1, 10, 30, 59, 123_456, tzinfo=UTC)
        due_id = a_due_check_in(db, cast, noon)
        await db.flush_staged()
        await db.execute(sa.update(DueCheckIn).values(due_at=summer, opens_at=summer, closes_at=summer))
        await db.finish()
        with clock.told(summer - HOUR):  # before the token was made, which is not asked for its begin
            item = (await due_now(phone))[str(due_id)]

        assert (item["local_time"], item["time_zone"], item["shifted"]) == (
            f"{noon.year}-07-01T12:30",
            "Europe/Berlin",
            False,
        )
        assert item["due_at"] == f"{noon.year}-07-01T10:30:59.123Z"
        assert item["reminder_at"] == [item["due_at"]]
        assert item["instrument_versions"] == {"craving_nrs": "1", "mood_nrs": "1"}

    async def test_are_those_of_the_days_asked_for_in_the_order_of_time(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        ids = {day: str(a_due_check_in(db, cast, noon + timedelta(days=day))) for day in (3, -3, 0, 1, -1, 2)}

        def days(found: dict[str, Any]) -> list[int]:
            return [next(day for day, known in ids.items() if known == each) for each in found]

        assert days(await due_now(phone)) == [-1, 0, 1, 2, 3]
        assert days(await due_now(phone, days=14, past_days=14)) == [-3, -1, 0, 1, 2, 3]
        assert days(await due_now(phone, days=2)) == [-1, 0, 1, 2]
        assert days(await due_now(phone, days=2, past_days=0)) == [0, 1, 2]
        assert days(await due_now(phone, days=1, past_days=60)) == [-3, -1, 0, 1]

    async def test_have_what_can_still_be_answered_in_time_however_long_ago_it_was_due(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        wide = {"opens_at": noon - timedelta(days=9), "closes_at": noon + HOUR}
        long_ago = noon - timedelta(days=6)
        due_id = str(a_due_check_in(db, cast, long_ago, **wide))
        a_due_check_in(db, cast, long_ago, **wide, state="answered", answered_at=long_ago)
        a_due_check_in(db, cast, long_ago)
        with clock.told(noon + HOUR):
            found = await phone.get(PATH)
        with clock.told(noon + HOUR + MILLISECOND):
            again = await asked_again(phone, found.headers["etag"])

        assert [(item["id"], item["state"]) for item in found.json()["items"]] == [(due_id, "open")]
        assert (again.status_code, again.json()["items"]) == (200, [])

    @pytest.mark.parametrize("query", [{"days": 0}, {"days": 61}, {"days": "x"}, {"past_days": -1}, {"past_days": 61}])
    async def test_of_days_that_nobody_may_ask_for_are_refused_with_a_tag_too(
        self, phone: httpx2.AsyncClient, query: dict[str, Any]
    ) -> None:
        assert (await phone.get(PATH, params=query)).status_code == 422
        assert (await asked_again(phone, '"made up"', **query)).status_code == 422

    async def test_are_nobody_elses(self, db: Database, cast: Cast, new_client: NewClient, noon: datetime) -> None:
        a_due_check_in(db, cast, noon)

        assert await due_now(new_client(cast.other_patient.token)) == {}

    async def test_say_how_far_is_planned_and_no_further_than_they_go(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        async def planned(**query: int) -> str | None:
            page = DueCheckInPage.model_validate((await phone.get(PATH, params=query)).json())
            return f"{page.planned_until:%d %H:%M}" if page.planned_until else None

        assert await planned() is None
        until = noon + timedelta(days=10)
        key = {"clinic_id": cast.clinic.id, "patient_id": cast.patient.patient_id, "time_zone": "Europe/Berlin"}
        db.add(CheckInPlanning(**key, planned_until=until))
        await db.flush()

        assert await planned() == f"{until:%d %H:%M}"
        first_beyond = datetime.fromisoformat(f"{(noon + timedelta(days=3)).date()}T00:00").astimezone(UTC)
        assert await planned(days=2) in {f"{first_beyond - offset:%d %H:%M}" for offset in (HOUR, 2 * HOUR)}


class TestTag:
    async def test_is_good_until_something_opens_and_until_something_has_closed(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        due_id = str(a_due_check_in(db, cast, noon))

        async def look(at: datetime, tag: str) -> tuple[int, str | None, str]:
            with clock.told(at):
                found = await asked_again(phone, tag)
            state = found.json()["items"][0]["state"] if found.status_code == 200 else None
            return found.status_code, state, found.headers["etag"]

        start = noon - 3 * HOUR
        status, state, expected = await look(start, '"none"')
        assert (status, state) == (200, "expected")
        assert await look(noon - HOUR - MILLISECOND, expected) == (304, None, expected)
        status, state, open_ = await look(noon - HOUR, expected)
        assert (status, state) == (200, "open")
        assert await look(noon + HOUR, open_) == (304, None, open_)
        status, state, missed = await look(noon + HOUR + MILLISECOND, open_)
        assert (status, state) == (200, "missed")
        assert due_id
        assert len({expected, open_, missed}) == 3

    async def test_says_the_same_as_valid_until_and_ends_with_the_day(
        self, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        with clock.told(noon):
            found = await phone.get(PATH)
        until = datetime.fromisoformat(found.json()["valid_until"])

        assert noon + 10 * HOUR <= until <= noon + 12 * HOUR
        with clock.told(until - MILLISECOND):
            assert (await asked_again(phone, found.headers["etag"])).status_code == 304
        with clock.told(until):
            assert (await asked_again(phone, found.headers["etag"])).status_code == 200

    async def test_is_another_one_for_other_days_another_clock_and_what_was_written(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, noon: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, noon)
        with clock.told(noon):
            tag = (await phone.get(PATH)).headers["etag"]
            assert (await asked_again(phone, f"W/{tag}")).status_code == 304
            assert (await asked_again(phone, f'"else", {tag}')).status_code == 304
            assert (await asked_again(phone, "*")).status_code == 304
            assert (await asked_again(phone, tag, days=13)).status_code == 200
            await answer(phone, due_id, noon)
            answered = await asked_again(phone, tag)
            assert (answered.status_code, answered.json()["items"][0]["state"]) == (200, "answered")
            await db.execute(sa.update(Patient).values(time_zone="America/New_York"))
            assert (await asked_again(phone, answered.headers["etag"])).status_code == 200

    async def test_of_somebody_else_is_no_use(
        self, phone: httpx2.AsyncClient, cast: Cast, new_client: NewClient
    ) -> None:
        tag = (await phone.get(PATH)).headers["etag"]

        assert (await asked_again(new_client(cast.other_patient.token), tag)).status_code == 200

    async def test_asks_nothing_of_the_database_but_who_is_calling(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, queries: list[str], noon: datetime
    ) -> None:
        a_due_check_in(db, cast, noon + timedelta(days=1))
        with clock.told(noon):
            tag = (await phone.get(PATH)).headers["etag"]
            counts = []
            for status, headers in ((304, {"if-none-match": tag}), (200, {})):
                queries.clear()
                assert (await phone.get(PATH, headers=headers)).status_code == status
                counts.append(len([each for each in queries if not each.startswith("INSERT INTO audit")]))

        assert counts == [1, 2]

    async def test_is_good_for_staff_as_well(
        self, db: Database, cast: Cast, new_client: NewClient, noon: datetime
    ) -> None:
        a_due_check_in(db, cast, noon)
        coordinator, path = new_client(cast.coordinator.token), f"/v1/patients/{cast.patient_id}/due-check-ins"
        tag = (await coordinator.get(path)).headers["etag"]
        again = await coordinator.get(path, headers={"if-none-match": tag})

        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
