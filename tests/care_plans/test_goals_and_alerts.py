"""What the rules for alerts ask a care plan: USE-1, whether any use is a lapse."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.care_plans import service
from app.care_plans.service import GoalAndPhase
from app.core import clock
from app.core.db import Database
from app.identity.access import patient_for_writing
from app.safety.models import Alert
from tests.care_plans.plans import a_goal, a_phase, a_plan, put
from tests.cast import Cast
from tests.factories import a_report, an_id

NewClient = Callable[..., httpx2.AsyncClient]


def a_diary(used: int, substance: str = "alcohol") -> dict[str, Any]:
    answers = {"used": used}
    response = {"instrument": "use_diary", "version": "2", "substance": substance, "answers": answers}
    return a_report(clock.now() - timedelta(minutes=5), responses=[response])


class Asked:
    """The cast's patient, who reports, and their therapist, who plans."""

    def __init__(self, new_client: NewClient, cast: Cast, db: Database) -> None:
        self.cast, self.db = cast, db
        self.patient, self.therapist = new_client(cast.patient.token), new_client(cast.therapist.token)
        self.prescriber = new_client(cast.prescriber.token)

    async def plan(self, version: object = None, **but: Any) -> None:
        path = f"/v1/patients/{self.cast.patient_id}/care-plan"
        made = await put(self.therapist, path, a_plan(self.cast.nurse.membership.id, **but), version)
        assert made.status_code in {200, 201}, made.text

    async def clinic_says(self, *, abstinence: bool) -> None:
        """Let the clinic's figures say so for patients without a plan."""
        body = {"figures": {"safety": {"abstinence_is_the_goal": abstinence}}, "reason": "As we see it."}
        signed = await put(self.prescriber, "/v1/protocol", body, 1)
        assert signed.status_code == 200, signed.text

    async def report(self, body: dict[str, Any]) -> None:
        answer = await self.patient.put(f"/v1/me/check-ins/{an_id()}", json=body)
        assert answer.status_code == 201, answer.text

    async def alerts(self) -> list[tuple[str, Any]]:
        return [(each.rule, each.threshold) for each in await self.db.scalars(sa.select(Alert).order_by(Alert.id))]


@pytest.fixture
def asked(new_client: NewClient, cast: Cast, db: Database) -> Asked:
    return Asked(new_client, cast, db)


class TestUse1:
    @pytest.mark.parametrize("clinic", [True, False])
    @pytest.mark.parametrize(
        ("goals", "by_plan"),
        [(None, None), ([a_goal()], True), ([a_goal(kind="reduction")], False), ([], False)],
    )
    async def test_follows_the_plans_goals_and_without_a_plan_the_clinic(
        self, asked: Asked, clinic: bool, goals: list[dict[str, Any]] | None, by_plan: bool | None
    ) -> None:
        await asked.clinic_says(abstinence=clinic)
        if goals is not None:
            await asked.plan(goals=goals)
        await asked.report(a_diary(used=1))

        threshold = {"abstinence_goal": True} | ({"by_care_plan": True} if by_plan else {})
        raised = clinic if by_plan is None else by_plan
        assert await asked.alerts() == ([("USE-1", threshold)] if raised else [])

    async def test_follows_the_plan_as_it_is_now(self, asked: Asked) -> None:
        await asked.plan()
        await asked.plan(1, goals=[])
        await asked.report(a_diary(used=1))

        assert await asked.alerts() == []

    async def test_costs_a_check_in_without_use_no_statement_and_one_with_use_a_single_one(
        self, asked: Asked, queries: list[str]
    ) -> None:
        await asked.clinic_says(abstinence=False)
        sent = []
        for number, goals in enumerate([None, [a_goal(kind="reduction")]]):
            if goals is not None:
                await asked.plan(goals=goals)
            for used in (0, 1):
                await asked.report(a_diary(used=used, substance=f"s{number}{used}"))
                queries.clear()
                await asked.report(a_diary(used=used, substance=f"t{number}{used}"))
                sent.append([each for each in queries if "care_plans" in each])

        assert [len(each) for each in sent] == [0, 1, 0, 1]

    async def test_asks_once_for_a_whole_batch(self, asked: Asked, queries: list[str]) -> None:
        await asked.plan(goals=[])
        items = [a_diary(used=1, substance=f"s{number}") | {"id": str(an_id())} for number in range(5)]
        queries.clear()
        answer = await asked.patient.post("/v1/me/check-ins/batch", json={"check_ins": items})

        assert answer.status_code == 200, answer.text
        assert len([each for each in queries if "care_plans" in each]) == 1


class TestGoalAndPhase:
    async def test_are_those_of_the_present_plan(self, asked: Asked, db: Database, cast: Cast) -> None:
        async def found() -> GoalAndPhase:
            await db.finish()
            patient = await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)
            return await service.goal_and_phase(db, patient)

        before = await found()
        await asked.plan()
        first = await found()
        phases = [a_phase(cast.nurse.membership.id, "maintenance")]
        await asked.plan(1, phase="maintenance", phases=phases, goals=[])

        assert [before, first, await found()] == [(None, None), (True, "induction"), (False, "maintenance")]
