from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.check_in_plans import due
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import DueState
from app.core import clock
from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.access import PatientView, patient_for_writing
from app.protocols.rules import Protocol
from tests.cast import Cast
from tests.dosing.sessions import revision_of
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]
ANSWER = an_id()


async def locked(db: Database, cast: Cast) -> PatientView:
    return await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)


async def planned(db: Database, cast: Cast, dose_started_at: datetime, session_id: UUID) -> None:
    await due.plan_after_dose(db, await locked(db, cast), session_id, dose_started_at, Protocol())
    await db.finish()


async def kept(db: Database) -> list[DueCheckIn]:
    return list(await db.scalars(sa.select(DueCheckIn).order_by(DueCheckIn.due_at)))


async def told(db: Database) -> list[str]:
    return list(await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.type.startswith("due_"))))


@pytest.fixture
def dose() -> datetime:
    """Five hours ago: what was due after 4 hours is just closing."""
    return clock.now().astimezone(UTC).replace(microsecond=0) - timedelta(hours=4, minutes=30)


@pytest.fixture
def session_id() -> UUID:
    return an_id()


@pytest.fixture
async def plan(db: Database, cast: Cast, dose: datetime, session_id: UUID) -> list[DueCheckIn]:
    await planned(db, cast, dose, session_id)
    return await kept(db)


class TestPlanning:
    async def test_asks_once_for_each_moment_and_tells_once(
        self, db: Database, cast: Cast, dose: datetime, session_id: UUID
    ) -> None:
        await planned(db, cast, dose, session_id)
        await planned(db, cast, dose, session_id)

        assert [each.time_point for each in await kept(db)] == [
            "plus_4h", "plus_24h", "plus_72h", "plus_7d", "plus_14d"
        ]  # fmt: skip
        assert await told(db) == ["due_check_in.changed"]
        assert await revision_of(db, cast.patient) == 1

    async def test_a_clinic_that_asks_for_nothing_plans_nothing(self, db: Database, cast: Cast, dose: datetime) -> None:
        nothing = Protocol.model_validate({"readings": {"time_points": ()}})

        assert await due.plan_after_dose(db, await locked(db, cast), an_id(), dose, nothing) == 0
        await db.finish()
        assert await told(db) == []


class TestMoving:
    async def test_moves_with_the_dose_and_lets_what_was_missed_wait_again(
        self, db: Database, cast: Cast, plan: list[DueCheckIn], session_id: UUID
    ) -> None:
        before = [each.due_at for each in plan]
        due.miss(db, await locked(db, cast), plan[:1])
        moved = await due.move_with_dose(db, await locked(db, cast), session_id, timedelta(hours=1))
        await db.finish()

        assert moved == 5
        assert [each.due_at for each in await kept(db)] == [at + timedelta(hours=1) for at in before]
        assert {each.state for each in await kept(db)} == {"waiting"}

    async def test_what_stays_in_the_past_stays_missed(
        self, db: Database, cast: Cast, plan: list[DueCheckIn], session_id: UUID
    ) -> None:
        due.miss(db, await locked(db, cast), plan[:1])
        await due.move_with_dose(db, await locked(db, cast), session_id, timedelta(hours=-1))
        await db.finish()

        assert [each.state for each in await kept(db)] == ["missed", *["waiting"] * 4]

    async def test_by_nothing_changes_nothing(
        self, db: Database, cast: Cast, plan: list[DueCheckIn], session_id: UUID
    ) -> None:
        assert await due.move_with_dose(db, await locked(db, cast), session_id, timedelta(0)) == 0
        assert await due.move_with_dose(db, await locked(db, cast), an_id(), timedelta(1)) == 0
        await db.finish()
        assert len(await told(db)) == len(plan) - 4


class TestCallingOff:
    async def test_takes_back_what_waits_and_leaves_what_was_answered(
        self, db: Database, cast: Cast, plan: list[DueCheckIn], session_id: UUID
    ) -> None:
        patient = await locked(db, cast)
        await due.answered(db, patient, plan[0].id, ANSWER, plan[0].due_at)
        db.expunge_all()
        cancelled = await due.cancel_for_session(db, patient, session_id)
        await db.finish()

        assert cancelled == 4
        assert [each.state for each in await kept(db)] == ["answered", *["cancelled"] * 4]
        assert await due.answered(db, await locked(db, cast), plan[1].id, ANSWER, plan[1].due_at) is None
        assert await due.cancel_for_session(db, await locked(db, cast), session_id) == 0


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
