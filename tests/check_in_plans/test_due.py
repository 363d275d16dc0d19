from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.check_in_plans import due
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import DueState
from app.core import clock
from app.core.db import Database
from app.identity.access import patient_for_writing
from tests.cast import Cast
from tests.check_in_plans.plans import kept, locked, placed
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]
ANSWER = an_id()


@pytest.fixture
def dose() -> datetime:
    """Five hours ago: what was due after 4 hours is just closing."""
    return clock.now().astimezone(UTC).replace(microsecond=0) - timedelta(hours=4, minutes=30)


@pytest.fixture
def session_id() -> UUID:
    return an_id()


@pytest.fixture
async def plan(db: Database, cast: Cast, dose: datetime, session_id: UUID) -> list[DueCheckIn]:
    await placed(db, cast, session_id, dose, dose)
    return await kept(db)


class TestAnswering:
    async def test_counts_when_it_was_answered_and_the_first_answer_stands(
        self, db: Database, cast: Cast, plan: list[DueCheckIn]
    ) -> None:
        patient = await locked(db, cast)
        one, two = plan[0], plan[1]

        assert await due.answered(db, patient, one.id, ANSWER, one.closes_at) is DueState.ANSWERED
        assert await due.answered(db, patient, one.id, an_id(), one.due_at) is None
        assert await due.answered(db, patient, two.id, an_id(), two.closes_at + timedelta(seconds=1)) is DueState.LATE
        assert await due.answered(db, patient, an_id(), ANSWER, one.due_at) is None
        await db.finish()
        db.expunge_all()
        assert [(each.state, each.check_in_id) for each in (await kept(db))[:1]] == [("answered", ANSWER)]

    async def test_one_that_was_missed_still_counts(self, db: Database, cast: Cast, plan: list[DueCheckIn]) -> None:
        patient = await locked(db, cast)
        due.miss(db, patient, plan[:1])
        await db.flush()

        assert await due.answered(db, patient, plan[0].id, ANSWER, plan[0].due_at) is DueState.ANSWERED

    async def test_nobody_answers_for_somebody_else(self, db: Database, cast: Cast, plan: list[DueCheckIn]) -> None:
        other = await patient_for_writing(db, cast.clinic.id, cast.other_patient.patient_id)

        assert await due.answered(db, other, plan[0].id, ANSWER, plan[0].due_at) is None


class TestRoutes:
    @pytest.mark.usefixtures("plan")
    async def test_patients_and_their_team_see_what_is_due(
        self, new_client: NewClient, cast: Cast, session_id: UUID
    ) -> None:
        def shown(answer: httpx2.Response) -> list[Any]:
            assert answer.status_code == 200
            return [(each["time_point"], each["state"]) for each in answer.json()["items"]]

        own, path = new_client(cast.patient.token), f"/v1/patients/{cast.patient_id}/due-check-ins"
        coordinator = new_client(cast.coordinator.token)
        week = [("plus_4h", "open"), ("plus_24h", "expected"), ("plus_72h", "expected"), ("plus_7d", "expected")]

        assert shown(await own.get("/v1/me/due-check-ins", params={"days": 7})) == week
        assert shown(await own.get("/v1/me/due-check-ins", params={"days": 1})) == week[:2]
        assert shown(await coordinator.get(path)) == [*week, ("plus_14d", "expected")]
        assert shown(await coordinator.get(path.replace(cast.patient_id, cast.other_patient_id))) == []
        answer = await own.get("/v1/me/due-check-ins")
        assert answer.json()["items"][0]["dosing_session_id"] == str(session_id)
        assert (await own.get("/v1/me/due-check-ins", params={"days": 0})).status_code == 422
