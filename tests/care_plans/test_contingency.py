from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.care_plans.models import ContingencyPlan, ContingencyResult
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision
from app.identity.permissions import Role
from app.safety.models import Alert
from tests.care_plans.plans import a_reward_plan, put
from tests.cast import Cast
from tests.factories import a_member_of_staff, an_id

NewClient = Callable[..., httpx2.AsyncClient]
MINE = "/v1/me/contingency-plan"

UNFIT: list[Any] = [
    ({"first_cents": 1001}, "/most_cents"),
    ({"first_cents": 2.5}, "/first_cents"),
    ({"step_cents": "100"}, "/step_cents"),
    ({"step_cents": -1}, "/step_cents"),
    ({"currency": "usd"}, "/currency"),
    ({"restored_after": 0}, "/restored_after"),
    ({"verification": "word_of_honour"}, "/verification"),
    ({"target_behaviour": ""}, "/target_behaviour"),
]
UNFIT_RESULTS: list[Any] = [
    (11, {}, "/at"),
    (1, {"corrects": str(an_id())}, "/corrects"),
    (1, {"outcome": "positive"}, "/outcome"),
]


class Rewards:
    """The plan of rewards of the cast's patient. It was made ten days ago."""

    def __init__(self, new_client: NewClient, cast: Cast, db: Database) -> None:
        self.cast, self.db, self.begun = cast, db, clock.now() - timedelta(days=10)
        self.path = f"/v1/patients/{cast.patient_id}/contingency-plan"
        self.nurse, self.patient = new_client(cast.nurse.token), new_client(cast.patient.token)

    async def plan(self, version: object = None, *, days: float = 0, **but: Any) -> httpx2.Response:
        """Make it, so many days after it began."""
        made = await put(self.nurse, self.path, a_reward_plan(**but), version)
        if made.status_code in {200, 201}:
            newest = await self.db.scalar(sa.select(ContingencyPlan).order_by(ContingencyPlan.version.desc()).limit(1))
            assert newest
            newest.made_at = self.begun + timedelta(days=days)
            newest.ended_at = newest.made_at if newest.ended_at else None
        return made

    def at(self, days: float) -> datetime:
        return self.begun + timedelta(days=days)

    async def result(
        self, days: float, outcome: str = "met", result_id: str | None = None, **but: Any
    ) -> httpx2.Response:
        path = f"/v1/patients/{self.cast.patient_id}/contingency-results/{result_id or an_id()}"
        return await self.nurse.put(path, json={"at": self.at(days).isoformat(), "outcome": outcome, **but})

    async def read(self) -> dict[str, Any]:
        mine, theirs = await self.patient.get(MINE), await self.nurse.get(self.path)
        assert mine.json() == theirs.json()
        return dict(mine.json())

    async def amounts(self) -> list[int]:
        """What the results earned, in the order in which they were verified."""
        return [each["amount_cents"] for each in reversed((await self.read())["results"])]


@pytest.fixture
def rewards(new_client: NewClient, cast: Cast, db: Database) -> Rewards:
    return Rewards(new_client, cast, db)


class TestWriteContingencyPlan:
    async def test_is_read_by_the_patient_and_their_team(self, rewards: Rewards, db: Database) -> None:
        before = await rewards.read()
        made, again = await rewards.plan(), await rewards.plan()
        shown = await rewards.read()
        told = await db.scalars(sa.select(OutboxEvent.version).where(OutboxEvent.type == "contingency.changed"))

        assert before == {"version": 0, "current": None, "next_incentive": None, "results": []}
        assert (made.status_code, again.status_code) == (201, 200)
        assert shown["current"]["target_behaviour"] == "A urine screen without stimulants"
        assert shown["next_incentive"] == {"amount_cents": 200, "in_a_row": 0, "earned_cents": 0, "results": 0}
        assert list(told) == [1]

    async def test_each_change_is_a_version(self, rewards: Rewards) -> None:
        await rewards.plan()
        blind, stale = await rewards.plan(first_cents=300), await rewards.plan(2, first_cents=300)
        made = await rewards.plan(1, first_cents=300, reason="It was too little.")
        listed = (await rewards.nurse.get(f"{rewards.path}/versions")).json()["items"]

        assert (blind.status_code, stale.status_code, made.status_code) == (428, 412, 200)
        assert [(each["version"], each["first_cents"], each["reason"]) for each in listed] == [
            (2, 300, "It was too little."),
            (1, 200, "It helped before."),
        ]

    async def test_what_does_not_fit_is_pointed_at(self, rewards: Rewards) -> None:
        for but, pointer in UNFIT:
            refused = await rewards.plan(**but)
            assert refused.status_code == 422, pointer
            assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]

    async def test_what_it_says_is_sealed(self, rewards: Rewards, db: Database) -> None:
        await rewards.plan()
        await rewards.result(1, note="seen by the nurse")
        sealed = [
            *(await db.execute(sa.text("SELECT content FROM contingency_plans").columns(content=sa.LargeBinary))).one(),
            *(await db.execute(sa.text("SELECT note FROM contingency_results").columns(note=sa.LargeBinary))).one(),
        ]

        assert not any(word in bytes(each) for each in sealed for word in (b"stimulants", b"nurse"))


class TestRecordContingencyResult:
    async def test_earns_what_the_plan_says(self, rewards: Rewards) -> None:
        await rewards.plan()
        for days, outcome in enumerate(["met", "met", "excused", "met", "not_met", "met", "met", "met"], 1):
            assert (await rewards.result(days, outcome)).status_code == 201
        shown = await rewards.read()

        assert await rewards.amounts() == [200, 300, 0, 400, 0, 200, 300, 500]
        assert shown["next_incentive"] == {"amount_cents": 600, "in_a_row": 3, "earned_cents": 1900, "results": 8}

    async def test_is_recorded_once_and_never_changed(self, rewards: Rewards, db: Database) -> None:
        await rewards.plan()
        result_id = str(an_id())
        first, again = await rewards.result(1, "met", result_id), await rewards.result(1, "met", result_id)
        other = await rewards.result(1, "not_met", result_id)
        told = await db.scalars(sa.select(OutboxEvent.subject_id).where(OutboxEvent.type == "contingency.recorded"))

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert (other.status_code, other.json()["code"]) == (409, "contingency_result_conflict")
        assert [str(each) for each in told] == [result_id]

    async def test_a_correction_takes_the_place_of_what_it_corrects_and_pays_nothing_twice(
        self, rewards: Rewards
    ) -> None:
        await rewards.plan()
        wrong, right = str(an_id()), str(an_id())
        await rewards.result(1)
        await rewards.result(2, "not_met", wrong)
        await rewards.result(3)
        made = await rewards.result(2, "met", right, corrects=wrong)
        twice = await rewards.result(2, "excused", corrects=wrong)
        back = await rewards.result(2, "not_met", corrects=right)
        shown = await rewards.read()

        assert made.json()["amount_cents"] == 300
        assert (twice.status_code, twice.json()["corrected_by"]) == (409, right)
        assert back.status_code == 201
        assert [each["corrected_by"] is None for each in reversed(shown["results"])] == [True, False, False, True, True]
        assert shown["next_incentive"] == {"amount_cents": 300, "in_a_row": 1, "earned_cents": 400, "results": 3}

    async def test_counts_by_when_it_was_verified_not_by_when_it_was_typed(self, rewards: Rewards) -> None:
        await rewards.plan()
        await rewards.result(1)
        await rewards.result(5)
        late = await rewards.result(3, "not_met")

        assert late.status_code == 201
        assert (await rewards.read())["next_incentive"]["amount_cents"] == 300

    async def test_belongs_to_the_version_that_held_then(self, rewards: Rewards) -> None:
        await rewards.plan()
        await rewards.plan(1, days=5, first_cents=500)
        before, after = await rewards.result(4), await rewards.result(6)

        assert (before.json()["plan_version"], before.json()["amount_cents"]) == (1, 200)
        assert (after.json()["plan_version"], after.json()["amount_cents"]) == (2, 600)  # the second in a row

    @pytest.mark.parametrize("but", [{"starts_over": True}, {"currency": "EUR"}])
    async def test_counting_begins_anew_when_asked_and_in_another_currency(
        self, rewards: Rewards, but: dict[str, Any]
    ) -> None:
        await rewards.plan(most_in_all_cents=400)
        await rewards.result(1)
        await rewards.result(2)
        await rewards.plan(1, days=5, most_in_all_cents=400, **but)
        late, new = await rewards.result(3), await rewards.result(6)

        assert (late.json()["amount_cents"], new.json()["amount_cents"]) == (0, 200)
        assert (await rewards.read())["next_incentive"]["earned_cents"] == 200

    async def test_needs_a_plan_that_held_then(self, rewards: Rewards) -> None:
        none = await rewards.result(1)
        await rewards.plan()
        before = await rewards.result(-1)
        await rewards.plan(1, days=5, ended=True)
        within, after = await rewards.result(4), await rewards.result(6)
        ended = await rewards.read()
        await rewards.plan(2, days=7)
        anew = await rewards.result(8)

        assert [each.json()["code"] for each in (none, before, after)] == ["no_contingency_plan"] * 3
        assert (within.status_code, ended["current"]["ended"], ended["next_incentive"]) == (201, True, None)
        assert anew.json()["amount_cents"] == 200

    async def test_what_does_not_fit_is_pointed_at(self, rewards: Rewards) -> None:
        await rewards.plan()
        for days, but, pointer in UNFIT_RESULTS:
            refused = await rewards.result(days, **but)
            assert refused.status_code == 422, pointer
            assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]

    async def test_an_id_of_another_patients_result_is_taken(
        self, rewards: Rewards, new_client: NewClient, db: Database, settings: Settings, cast: Cast
    ) -> None:
        await rewards.plan()
        result_id = str(an_id())
        await rewards.result(1, "met", result_id)
        nurse = await a_member_of_staff(db, settings, cast.clinic, Role.NURSE, patients=(cast.other_patient,))
        path = f"/v1/patients/{cast.other_patient_id}/contingency-results/{result_id}"
        taken = await new_client(nurse.token).put(path, json={"at": rewards.at(1).isoformat(), "outcome": "met"})

        assert (taken.status_code, taken.json()["code"]) == (409, "id_taken")

    async def test_raises_no_alert_whatever_it_says(self, rewards: Rewards, db: Database) -> None:
        await rewards.plan()
        for days in range(1, 6):
            await rewards.result(days, "not_met")

        assert list(await db.scalars(sa.select(Alert))) == []

    async def test_is_news_for_a_phone_that_has_the_plan(self, rewards: Rewards, db: Database, cast: Cast) -> None:
        await rewards.plan()
        tag = (await rewards.patient.get(MINE)).headers["etag"]
        same = await rewards.patient.get(MINE, headers={"if-none-match": tag})
        await rewards.result(1)
        news = await rewards.patient.get(MINE, headers={"if-none-match": tag})
        revisions = [
            await db.scalar(sa.select(column)) for column in (ContingencyPlan.revision, ContingencyResult.revision)
        ]
        counter = await db.scalar(
            sa.select(PatientRevision.revision).where(PatientRevision.patient_id == cast.patient.patient_id)
        )

        assert (same.status_code, news.status_code) == (304, 200)
        assert revisions == [counter, counter]

    async def test_are_listed_in_pages_with_what_took_their_place(self, rewards: Rewards) -> None:
        await rewards.plan()
        wrong, right = str(an_id()), str(an_id())
        await rewards.result(1, "met", wrong)
        await rewards.result(2)
        await rewards.result(1, "not_met", right, corrects=wrong)
        path = f"/v1/patients/{rewards.cast.patient_id}/contingency-results"
        first = (await rewards.nurse.get(f"{path}?limit=2")).json()
        second = (await rewards.nurse.get(f"{path}?limit=2&cursor={first['next_cursor']}")).json()
        mine = (await rewards.patient.get("/v1/me/contingency-results")).json()["items"]

        assert [*first["items"], *second["items"]] == mine == (await rewards.read())["results"]
        assert [each["corrected_by"] for each in mine] == [None, None, right]
