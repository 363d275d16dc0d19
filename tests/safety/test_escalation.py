"""Nobody answers: others are asked, once at a time, until somebody does."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import Database, unit_of_work
from app.events.models import OutboxEvent
from app.safety import escalation
from app.safety.escalation import escalate
from app.safety.models import Alert
from tests.cast import Cast
from tests.dosing.sessions import Clients
from tests.safety.conftest import OnDuty
from tests.safety.raising import (
    CRITICAL,
    MONDAY,
    ROUTINE,
    URGENT,
    Raiser,
    a_roster,
    notices,
    steps,
    the_alert,
    told,
    with_roster,
)

NIGHT = datetime(2026, 11, 23, 21, tzinfo=UTC)
"""Ten in the evening in Berlin."""
MORNING = datetime(2026, 11, 24, 7, tzinfo=UTC)
"""Eight."""


@pytest.fixture
async def roster(db: Database, cast: Cast, on_duty: OnDuty) -> OnDuty:
    """Always on call; staffed on weekdays from 8 to 18."""
    content = a_roster(on_duty.first, on_duty.second, lead_id=str(on_duty.lead.membership.id))
    await with_roster(db, cast.clinic, content)
    return on_duty


class Night:
    """Lets time pass, and the worker look."""

    def __init__(self, db: Database, engine: AsyncEngine) -> None:
        self._db, self._engine = db, engine

    async def at(self, moment: datetime) -> int:
        """The worker looks at this moment; how many steps it took."""
        await self._db.finish()
        with clock.told(moment):
            return await escalate(self._engine)


@pytest.fixture
def worker(db: Database, engine: AsyncEngine) -> Night:
    return Night(db, engine)


def after(minutes: float, since: datetime = MONDAY) -> datetime:
    return since + timedelta(minutes=minutes)


class TestCritical:
    async def test_goes_to_the_second_then_the_lead_then_to_all_again_and_again(
        self, raising: Raiser, worker: Night, db: Database, cast: Cast, roster: OnDuty
    ) -> None:
        alert_id = await raising.one(CRITICAL, MONDAY)

        taken = [await worker.at(after(minutes)) for minutes in (14.9, 15, 16, 29.9, 30, 59, 60, 90)]

        assert taken == [0, 1, 0, 0, 1, 0, 1, 1]
        assert await steps(db, alert_id) == [
            ("raised", "first", False),
            ("escalated", "second", False),
            ("escalated", "lead", False),
            ("escalated", "again", False),
            ("escalated", "again", False),
        ]
        assert await told(db, alert_id) >= {
            (roster.first.membership.id, "first"),
            (roster.second.membership.id, "second"),
            (roster.lead.membership.id, "lead"),
        }
        alert = await the_alert(db, alert_id)
        assert (alert.level, alert.next_step_at, alert.version) == ("lead", after(120), 5)
        events = await db.scalars(
            sa.select(OutboxEvent.version).where(OutboxEvent.type == "alert.escalated").order_by(OutboxEvent.version)
        )
        assert list(events) == [2, 3, 4, 5]

    async def test_whoever_is_asked_can_open_it(
        self, raising: Raiser, worker: Night, roster: OnDuty, new_client: Clients
    ) -> None:
        raised_at = clock.now() - timedelta(minutes=16)
        path = f"/v1/alerts/{await raising.one(CRITICAL, raised_at)}"
        second = new_client(roster.second.token)
        before = (await second.get(path)).status_code

        await worker.at(clock.now())

        assert (before, (await second.get(path)).status_code) == (404, 200)

    async def test_that_others_were_asked_does_not_stand_in_the_way_of_who_answers(
        self, raising: Raiser, worker: Night, roster: OnDuty, cast: Cast, new_client: Clients, db: Database
    ) -> None:
        alert_id = await raising.one(CRITICAL, MONDAY)
        for minutes in (15, 30):
            await worker.at(after(minutes))
        answer = await new_client(cast.nurse.token).post(
            f"/v1/alerts/{alert_id}/acknowledgement", headers={"If-Match": '"1"'}
        )

        assert answer.status_code == 200
        assert await worker.at(after(600)) == 0
        assert {notice.state for notice in await notices(db, alert_id)} == {"needless"}

    async def test_nobody_for_whom_a_mail_waits_gets_another(
        self, raising: Raiser, worker: Night, db: Database, roster: OnDuty
    ) -> None:
        alert_id = await raising.one(CRITICAL, MONDAY)
        for minutes in (15, 30, 60, 90, 120):
            await worker.at(after(minutes))

        waiting = [notice.membership_id for notice in await notices(db, alert_id)]
        assert len(waiting) == len(set(waiting)) == 6  # three of the care team, first, second, lead

    async def test_whoever_got_theirs_gets_another(
        self, raising: Raiser, worker: Night, db: Database, roster: OnDuty
    ) -> None:
        alert_id = await raising.one(CRITICAL, MONDAY)
        for minutes in (15, 30):
            await worker.at(after(minutes))
        for notice in await notices(db, alert_id):
            await db.execute(sa.update(type(notice)).values(state="sent"))
        await worker.at(after(60))

        again = {notice.membership_id for notice in await notices(db, alert_id) if notice.level == "again"}
        assert len(again) == 6
        assert {each.membership.id for each in (roster.first, roster.second, roster.lead)} <= again

    async def test_without_a_roster_it_goes_to_the_care_team_and_then_to_every_prescriber(
        self, raising: Raiser, worker: Night, db: Database, cast: Cast, on_duty: OnDuty
    ) -> None:
        alert_id = await raising.one(CRITICAL, MONDAY)
        for minutes in (15, 30):
            await worker.at(after(minutes))

        assert (on_duty.lead.membership.id, "lead") in await told(db, alert_id)


class TestTheWorkerWasAway:
    async def test_an_hour_is_one_step_which_says_that_it_is_late(
        self, raising: Raiser, worker: Night, db: Database, roster: OnDuty
    ) -> None:
        alert_id = await raising.one(CRITICAL, MONDAY)

        assert [await worker.at(after(75)) for _ in range(3)] == [1, 0, 0]

        assert await steps(db, alert_id) == [("raised", "first", False), ("escalated", "lead", True)]
        levels = {who for who, level in await told(db, alert_id) if level == "lead"}
        assert levels == {roster.second.membership.id, roster.lead.membership.id}
        assert (await the_alert(db, alert_id)).next_step_at == after(105)

    async def test_two_at_once_take_one_step(
        self, raising: Raiser, worker: Night, db: Database, roster: OnDuty
    ) -> None:
        alerts = [await raising.one(CRITICAL, MONDAY), await raising.one(URGENT, MONDAY)]

        taken = await asyncio.gather(*(worker.at(after(61)) for _ in range(4)))

        assert sum(taken) == 2
        for alert_id in alerts:
            assert len(await steps(db, alert_id)) == 2

    @pytest.mark.parametrize("status", ["open", "acknowledged"])
    async def test_what_was_due_when_it_was_listed_is_looked_at_again_under_the_lock(
        self, raising: Raiser, db: Database, engine: AsyncEngine, cast: Cast, roster: OnDuty, status: str
    ) -> None:
        """Another worker took the step, or somebody answered, after this one had made its list."""
        alert_id = await raising.one(CRITICAL, MONDAY)
        await db.execute(sa.update(Alert).values(status=status))
        await db.finish()
        taken = []
        for _ in range(2):
            with clock.told(after(15)):
                async with unit_of_work(engine, cast.clinic.id) as worker:
                    taken.append(await escalation._step(worker, cast.clinic.id, cast.patient.patient_id, alert_id))

        assert taken == [status == "open", False]

    async def test_one_that_fails_keeps_no_other_from_being_taken(
        self,
        raising: Raiser,
        worker: Night,
        db: Database,
        cast: Cast,
        roster: OnDuty,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        broken = await raising.one(CRITICAL, MONDAY - timedelta(seconds=1))
        fine = await Raiser(db, cast.clinic, cast.other_patient).one(CRITICAL, MONDAY)
        step = escalation._step

        async def fails_once(handle: Database, clinic_id: UUID, patient_id: UUID, alert_id: UUID) -> bool:
            if alert_id == broken:
                raise RuntimeError("not this one")
            return await step(handle, clinic_id, patient_id, alert_id)

        with monkeypatch.context() as patch:
            patch.setattr(escalation, "_step", fails_once)
            assert await worker.at(after(20)) == 1
        assert len(await steps(db, fine)) == 2
        assert await worker.at(after(20)) == 1
        assert len(await steps(db, broken)) == 2


class TestUrgent:
    async def test_when_overdue_the_same_people_and_the_lead_every_few_hours(
        self, raising: Raiser, worker: Night, db: Database, roster: OnDuty
    ) -> None:
        alert_id = await raising.one(URGENT, MONDAY)

        taken = [await worker.at(after(minutes)) for minutes in (59, 60, 299, 300)]

        assert taken == [0, 1, 0, 1]
        assert roster.lead.membership.id in {who for who, _ in await told(db, alert_id)}
        assert roster.second.membership.id not in {who for who, _ in await told(db, alert_id)}

    async def test_a_routine_one_waits(self, raising: Raiser, worker: Night) -> None:
        await raising.one(ROUTINE, MONDAY)

        assert await worker.at(MONDAY + timedelta(days=30)) == 0


class TestOutsideStaffedHours:
    @pytest.fixture
    async def nothing_promised(self, db: Database, cast: Cast, on_duty: OnDuty) -> OnDuty:
        content = a_roster(
            on_duty.first,
            on_duty.second,
            lead_id=str(on_duty.lead.membership.id),
            outside_hours="not_promised",
        )
        await with_roster(db, cast.clinic, content)
        return on_duty

    async def test_first_notices_go_out_at_once_and_the_ladder_waits_for_the_morning(
        self, raising: Raiser, worker: Night, db: Database, nothing_promised: OnDuty
    ) -> None:
        alert_id = await raising.one(CRITICAL, NIGHT)

        assert (nothing_promised.first.membership.id, "first") in await told(db, alert_id)
        taken = [await worker.at(moment) for moment in (after(60, NIGHT), after(14, MORNING), after(15, MORNING))]
        assert taken == [0, 0, 1]
        assert await steps(db, alert_id) == [("raised", "first", False), ("escalated", "second", False)]

    async def test_what_is_due_when_they_close_waits_too(
        self, raising: Raiser, worker: Night, db: Database, nothing_promised: OnDuty
    ) -> None:
        closing = datetime(2026, 11, 23, 17, tzinfo=UTC)
        alert_id = await raising.one(CRITICAL, closing - timedelta(minutes=15))

        assert await worker.at(after(0.1, closing)) == 0
        assert (await the_alert(db, alert_id)).next_step_at == MORNING
        assert await worker.at(MORNING) == 1

    async def test_where_somebody_is_on_call_it_does_not_wait(
        self, raising: Raiser, worker: Night, roster: OnDuty
    ) -> None:
        await raising.one(CRITICAL, NIGHT)

        assert await worker.at(after(15, NIGHT)) == 1


async def test_nothing_is_ever_closed_by_the_software(
    raising: Raiser, worker: Night, db: Database, roster: OnDuty
) -> None:
    await raising(CRITICAL, URGENT, ROUTINE, at=MONDAY)
    for days in range(1, 6):
        await worker.at(MONDAY + timedelta(days=days))

    await db.finish()
    assert set(await db.scalars(sa.select(Alert.status))) == {"open"}
