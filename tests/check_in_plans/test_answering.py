"""Check-ins that answer what is due: late ones, two phones, replays, and what the plan no longer wants."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_in_plans.models import DueCheckIn
from app.core import clock
from app.core.db import Database
from app.overdue.service import look
from tests.cast import Cast
from tests.check_in_plans.asked import HOUR, a_due_check_in, answer, due_now
from tests.dosing.sessions import revision_of
from tests.factories import a_report, an_id

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
def phone(new_client: NewClient, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


@pytest.fixture
def now() -> datetime:
    return clock.now().astimezone(UTC).replace(microsecond=0)


async def state_of(phone: httpx2.AsyncClient, due_id: UUID) -> tuple[str, str | None]:
    item = (await due_now(phone))[str(due_id)]
    return item["state"], item["check_in_id"]


async def the_worker_looks(engine: AsyncEngine, db: Database) -> None:
    await db.finish()
    await look(engine)
    db.expunge_all()


class TestAnswering:
    @pytest.mark.parametrize(
        ("kept", "after_due", "state", "late"),
        [
            ("waiting", 0 * HOUR, "answered", False),
            ("waiting", 1 * HOUR, "answered", False),
            ("missed", 1 * HOUR, "answered", False),  # offline: it counts when it was answered, not received
            ("waiting", 2 * HOUR, "late", True),
            ("missed", 2 * HOUR, "late", True),
            ("cancelled", 0 * HOUR, "withdrawn", False),
            ("cancelled", 2 * HOUR, "withdrawn", False),
        ],
    )
    async def test_counts_by_when_it_was_answered(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime, kept: str, after_due: timedelta,
        state: str, late: bool,
    ) -> None:  # fmt: skip
        due_at = now - 3 * HOUR
        due_id = a_due_check_in(db, cast, due_at, state=kept)
        told = await answer(phone, due_id, due_at + after_due)

        assert (told["late"], told["due_check_in_id"]) == (late, str(due_id))
        assert await state_of(phone, due_id) == (state, None if state == "withdrawn" else told["id"])

    async def test_by_two_phones_the_first_stands_and_nothing_is_lost(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now - HOUR / 2)
        first = await answer(phone, due_id, now - HOUR / 4)
        revision = await db.scalar(sa.select(DueCheckIn.revision))
        second = await answer(phone, due_id, now - HOUR / 3)

        assert await state_of(phone, due_id) == ("answered", first["id"])
        assert await db.scalar(sa.select(DueCheckIn.revision)) == revision
        stored = (await phone.get("/v1/me/check-ins")).json()["items"]
        assert {each["id"] for each in stored} == {first["id"], second["id"]}

    async def test_again_in_a_batch_that_is_sent_again_changes_nothing(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_ids = [a_due_check_in(db, cast, now - HOUR / 2) for _ in range(2)]
        items = [
            a_report(now - HOUR / 4, due_check_in_id=str(due_id), id=str(an_id())) for due_id in [*due_ids, due_ids[0]]
        ]

        async def send() -> list[str]:
            sent = await phone.post("/v1/me/check-ins/batch", json={"check_ins": items})
            return [each["outcome"] for each in sent.json()["results"]]

        assert await send() == ["created"] * 3
        revision = await revision_of(db, cast.patient)
        states = [await state_of(phone, due_id) for due_id in due_ids]
        assert states == [("answered", items[0]["id"]), ("answered", items[1]["id"])]
        assert await send() == ["unchanged"] * 3
        assert [await state_of(phone, due_id) for due_id in due_ids] == states
        assert await revision_of(db, cast.patient) == revision

    async def test_what_is_unknown_or_somebody_elses_is_stored_all_the_same(
        self, db: Database, cast: Cast, new_client: NewClient, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now)
        told = [await answer(new_client(cast.other_patient.token), each, now) for each in (due_id, an_id())]

        assert [each["late"] for each in told] == [False, False]
        assert await state_of(phone, due_id) == ("open", None)


class TestCorrecting:
    async def _correct(self, phone: httpx2.AsyncClient, told: dict[str, Any], due_id: UUID | None) -> dict[str, Any]:
        content = a_report(due_check_in_id=due_id and str(due_id)) | {"recorded_at": told["recorded_at"]}
        headers = {"if-match": f'"{told["version"]}"'}
        sent = await phone.put(f"/v1/me/check-ins/{told['id']}", json=content, headers=headers)
        assert sent.status_code == 200, sent.text
        corrected: dict[str, Any] = sent.json()
        return corrected

    async def test_what_it_is_about_lets_the_other_wait_again(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        wrong, right = a_due_check_in(db, cast, now), a_due_check_in(db, cast, now - 3 * HOUR)
        told = await answer(phone, wrong, now - HOUR / 4)
        corrected = await self._correct(phone, told, right)

        assert corrected["late"] is True
        assert await state_of(phone, wrong) == ("open", None)
        assert await state_of(phone, right) == ("late", told["id"])
        assert (await self._correct(phone, corrected, None))["late"] is False
        assert await state_of(phone, right) == ("missed", None)

    async def test_a_second_answer_takes_nothing_from_the_first(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now)
        first, second = [await answer(phone, due_id, now - HOUR / number) for number in (3, 4)]
        await self._correct(phone, second, None)

        assert await state_of(phone, due_id) == ("answered", first["id"])

    async def test_the_answers_alone_leaves_it_as_it_is(
        self, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now - 3 * HOUR)
        told = await answer(phone, due_id, now - HOUR)
        corrected = await phone.put(
            f"/v1/me/check-ins/{told['id']}",
            json=a_report(due_check_in_id=str(due_id), note="and tired") | {"recorded_at": told["recorded_at"]},
            headers={"if-match": '"1"'},
        )

        assert corrected.json()["late"] is True
        assert await state_of(phone, due_id) == ("late", told["id"])


class TestNamingNone:
    """A check-in that names none is the answer to what was due then, once that has closed without another."""

    async def test_answers_what_was_due_then(
        self, engine: AsyncEngine, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now - 2 * HOUR)
        told = await answer(phone, None, now - 2 * HOUR)
        await the_worker_looks(engine, db)

        assert await state_of(phone, due_id) == ("answered", told["id"])

    async def test_answers_only_one_of_two(
        self, engine: AsyncEngine, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        one, two = a_due_check_in(db, cast, now - 3 * HOUR), a_due_check_in(db, cast, now - 3 * HOUR / 2)
        told = await answer(phone, None, now - 9 * HOUR / 4)
        await the_worker_looks(engine, db)

        assert [await state_of(phone, each) for each in (one, two)] == [("answered", told["id"]), ("missed", None)]

    async def test_or_the_one_that_it_names_only(
        self, engine: AsyncEngine, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        named, other = a_due_check_in(db, cast, now - 2 * HOUR), a_due_check_in(db, cast, now - 2 * HOUR)
        first = await answer(phone, named, now - 2 * HOUR)
        await answer(phone, named, now - 2 * HOUR)
        await the_worker_looks(engine, db)

        assert [await state_of(phone, each) for each in (named, other)] == [("answered", first["id"]), ("missed", None)]

    async def test_or_what_the_plan_asks_for_in_its_place_since(
        self, engine: AsyncEngine, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        withdrawn = a_due_check_in(db, cast, now - 2 * HOUR, state="cancelled")
        instead = a_due_check_in(db, cast, now - 2 * HOUR)
        told = await answer(phone, withdrawn, now - 2 * HOUR)
        await the_worker_looks(engine, db)

        assert await state_of(phone, instead) == ("answered", told["id"])
        assert await state_of(phone, withdrawn) == ("withdrawn", None)

    async def test_or_none_that_asks_for_something_else(
        self, engine: AsyncEngine, db: Database, cast: Cast, phone: httpx2.AsyncClient, now: datetime
    ) -> None:
        due_id = a_due_check_in(db, cast, now - 2 * HOUR, instruments=["phq9"])
        await answer(phone, None, now - 2 * HOUR)
        await the_worker_looks(engine, db)

        assert await state_of(phone, due_id) == ("missed", None)
