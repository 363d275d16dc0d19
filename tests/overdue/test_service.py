"""What the worker finds, and that it raises each thing once: after an hour without one, and when there are two."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.care_plans.models import CarePlan
from app.check_in_plans import due
from app.check_in_plans.models import DueCheckIn
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.dosing.models import DosingSession
from app.events.models import OutboxEvent
from app.identity.access import patient_for_writing
from app.overdue import service
from app.rems.models import RemsReport
from app.safety import alerts
from app.safety.models import Alert, AlertStep
from app.timeline.models import TimelineMoment
from tests.cast import Cast
from tests.check_in_plans.asked import a_due_check_in
from tests.dosing.sessions import Clients, Sessions
from tests.dosing.watching import dosed
from tests.factories import a_clinic, a_report, an_id
from tests.overdue.looking import HOUR, MINUTE, asked_after, everything, later, looked, raised, work


class TestDayAfter:
    async def test_is_raised_at_thirty_hours_and_once(
        self, engine: AsyncEngine, db: Database, session: DosingSession
    ) -> None:
        assert await looked(engine, db, session, 30 * HOUR - MINUTE) == []
        assert await looked(engine, db, session, 30 * HOUR) == [("MISS-1", False)]
        assert await looked(engine, db, session, 30 * HOUR + MINUTE) == [("MISS-1", False)]
        assert await looked(engine, db, session, 60 * HOUR) == [("MISS-1", False)]
        (alert,) = await everything(db, sa.select(Alert))
        assert (alert.subject_id, alert.dosing_session_id, alert.occurrences) == (session.id, session.id, 1)
        assert session.dose_started_at
        assert alert.found_at == session.dose_started_at + 30 * HOUR

    async def test_is_raised_late_and_once_when_no_worker_ran(
        self, engine: AsyncEngine, db: Database, session: DosingSession
    ) -> None:
        assert await looked(engine, db, session, 31 * HOUR) == [("MISS-1", True)]
        assert await looked(engine, db, session, 31 * HOUR + MINUTE) == [("MISS-1", True)]
        (step, *_) = await everything(db, sa.select(AlertStep).order_by(AlertStep.at))
        assert (step.action, step.late) == ("raised", True)

    async def test_is_raised_once_by_two_workers(
        self, engine: AsyncEngine, db: Database, session: DosingSession
    ) -> None:
        with later(session, 30 * HOUR):
            await work(engine, db, workers=3)

        assert await raised(db) == [("MISS-1", False)]
        assert [alert.occurrences for alert in await everything(db, sa.select(Alert))] == [1]

    async def test_is_not_raised_again_when_it_was_resolved(
        self, engine: AsyncEngine, db: Database, session: DosingSession
    ) -> None:
        await looked(engine, db, session, 30 * HOUR)
        await db.execute(sa.update(Alert).values(status="resolved", next_step_at=None))

        assert await looked(engine, db, session, 50 * HOUR) == [("MISS-1", False)]

    async def test_of_two_sessions_found_at_once_is_one_alert_with_two_occurrences(
        self, engine: AsyncEngine, db: Database, session: DosingSession, new_client: Clients, cast: Cast
    ) -> None:
        other = await dosed(db, Sessions(new_client, cast), status="discharged", dose_started=25 * 60, dose_ended=0)
        other.dose_started_at = session.dose_started_at  # neither is later than the other
        await db.finish()
        await looked(engine, db, session, 30 * HOUR)
        await looked(engine, db, session, 30 * HOUR + MINUTE)

        (alert,) = await everything(db, sa.select(Alert))
        assert alert.occurrences == 2

    @pytest.mark.parametrize(("hours", "rules"), [(17.9, ["MISS-1"]), (18, []), (29.9, [])])
    async def test_is_not_raised_when_the_patient_checked_in_a_day_after(
        self, engine: AsyncEngine, db: Database, session: DosingSession, hours: float,
        rules: list[str],
    ) -> None:  # fmt: skip
        assert session.dose_started_at
        db.add(
            TimelineMoment(
                clinic_id=session.clinic_id,
                patient_id=session.patient_id,
                check_in_id=an_id(),
                at=session.dose_started_at + hours * HOUR,
                placeable=True,
                corrected=False,
                dosing_session_id=session.id,
                minutes_from_dose=int(hours * 60),
                relinks=0,
                revision=1,
            )
        )

        assert [rule for rule, _ in await looked(engine, db, session, 30 * HOUR)] == rules

    async def test_is_not_raised_when_the_due_check_in_was_answered(
        self, engine: AsyncEngine, db: Database, session: DosingSession, cast: Cast
    ) -> None:
        assert session.dose_started_at
        patient = await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)
        await asked_after(db, patient, session.id, session.dose_started_at)
        await db.flush_staged()
        day_after = {each.time_point: each for each in await due.of_session(db, patient, session.id)}["plus_24h"]
        await due.answered(db, patient, day_after.id, an_id(), day_after.due_at)
        await db.finish()

        assert await looked(engine, db, session, 30 * HOUR) == []

    @pytest.mark.parametrize(
        ("minutes", "time_point", "rules"),
        [
            (18 * 60, "tomorrow_evening", []),
            (30 * 60, "tomorrow_evening", []),
            (30 * 60 + 1, "plus_24h", ["MISS-1"]),
            (18 * 60 - 1, "plus_24h", ["MISS-1"]),
            (None, "plus_24h", []),  # of the release before this one
            (None, "plus_4h", ["MISS-1"]),
        ],
    )
    async def test_goes_by_how_far_from_the_dose_it_was_asked_for_whatever_it_is_called(
        self, engine: AsyncEngine, db: Database, session: DosingSession, cast: Cast, minutes: int | None,
        time_point: str, rules: list[str],
    ) -> None:  # fmt: skip
        named = {"dosing_session_id": session.id, "minutes_from_dose": minutes, "time_point": time_point}
        a_due_check_in(db, cast, clock.now(), state="answered", answered_at=clock.now(), **named)

        assert [rule for rule, _ in await looked(engine, db, session, 30 * HOUR)] == rules

    @pytest.mark.parametrize("but", [{"origin": "imported"}, {"dose_started_at": None, "dose_ended_at": None}])
    async def test_is_only_about_doses_given_here(
        self, engine: AsyncEngine, db: Database, session: DosingSession, but: dict[str, Any]
    ) -> None:
        await db.execute(sa.update(DosingSession).values(**but).execution_options(synchronize_session=False))

        assert await looked(engine, db, session, 30 * HOUR) == []

    async def test_is_not_raised_for_who_was_given_a_dose_since_nor_after_a_week(
        self, engine: AsyncEngine, db: Database, session: DosingSession, new_client: Clients, cast: Cast
    ) -> None:
        found = await looked(engine, db, session, 30 * HOUR + timedelta(days=7, minutes=1))
        assert [rule for rule, _ in found if rule != "INT-1"] == []
        newer = await dosed(db, Sessions(new_client, cast), status="dosing", dose_started=0, dose_ended=None)
        newer.dose_started_at = session.dose_started_at and session.dose_started_at + 25 * HOUR

        assert [rule for rule, _ in await looked(engine, db, session, 30 * HOUR) if rule != "INT-1"] == []


class TestMissedSession:
    async def test_is_raised_two_hours_after_its_planned_begin_once_and_only_while_nobody_came(
        self, engine: AsyncEngine, db: Database, sessions: Sessions
    ) -> None:
        planned = clock.now()
        await sessions.plan(planned)
        for minutes, found in ((119, []), (121, [("MISS-3", False)]), (240, [("MISS-3", False)])):
            with clock.told(planned + minutes * MINUTE):
                await work(engine, db)
            assert await raised(db) == found

    async def test_is_not_raised_of_one_that_began(self, engine: AsyncEngine, db: Database, sessions: Sessions) -> None:
        await sessions.plan(clock.now() - 3 * HOUR)
        await sessions.act("arrival", "nurse")
        await work(engine, db)

        assert await raised(db) == []

    async def test_each_clinic_goes_by_its_own_figures(
        self, engine: AsyncEngine, db: Database, sessions: Sessions
    ) -> None:
        await sessions.plan(clock.now() - 3 * HOUR)
        path, figures = "/v1/protocol", {"dosing": {"missed_session_hours": 4}}
        signed = await sessions.who["prescriber"].put(
            path, json={"figures": figures, "reason": "We wait longer."}, headers={"if-match": '"1"'}
        )
        assert signed.status_code == 200, signed.text
        await a_clinic(db, name="Hillside")
        await db.finish()
        await work(engine, db)
        assert await raised(db) == []
        with clock.told(clock.now() + HOUR + MINUTE):
            await work(engine, db)
        assert await raised(db) == [("MISS-3", False)]


class TestReport:
    async def test_is_raised_when_it_is_overdue_once_and_not_when_it_was_sent(
        self, engine: AsyncEngine, db: Database, session: DosingSession
    ) -> None:
        await looked(engine, db, session, 30 * HOUR)
        (stored,) = await db.scalars(sa.select(DosingSession))
        stored.substance = "esketamine"
        await db.finish()
        week = timedelta(days=7)

        async def rules(by: timedelta) -> list[str]:
            return [rule for rule, _ in await looked(engine, db, session, by) if rule not in {"MISS-1", "INT-1"}]

        assert await rules(week) == []
        assert await rules(week + MINUTE) == ["REMS-1"]
        assert await rules(week + HOUR) == ["REMS-1"]

    async def test_is_not_raised_when_it_was_sent(
        self, engine: AsyncEngine, db: Database, session: DosingSession
    ) -> None:
        (stored,) = await db.scalars(sa.select(DosingSession))
        stored.substance = "esketamine"
        db.add(
            RemsReport(
                clinic_id=session.clinic_id,
                session_id=session.id,
                patient_id=session.patient_id,
                version=1,
                status="submitted",
                due_at=clock.now(),
                additions="{}",
            )
        )
        await db.finish()
        found = await looked(engine, db, session, timedelta(days=8))

        assert "REMS-1" not in [rule for rule, _ in found]


class TestDueCheckIns:
    @pytest.fixture
    async def plan(self, db: Database, cast: Cast) -> list[DueCheckIn]:
        """What is due after a dose of now; nobody has a session, so that only this is looked at."""
        patient = await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)
        await asked_after(db, patient, an_id(), clock.now())
        await db.finish()
        return await everything(db, sa.select(DueCheckIn).order_by(DueCheckIn.due_at))

    async def _states(self, db: Database) -> list[str]:
        return [each.state for each in await everything(db, sa.select(DueCheckIn).order_by(DueCheckIn.due_at))]

    async def test_are_missed_when_they_closed_and_that_is_told(
        self, engine: AsyncEngine, db: Database, plan: list[DueCheckIn]
    ) -> None:
        with clock.told(plan[0].closes_at):
            await work(engine, db)
        assert await self._states(db) == ["waiting"] * 5
        with clock.told(plan[0].closes_at + MINUTE):
            assert await work(engine, db) == [1]
            assert await work(engine, db) == [0]

        assert await self._states(db) == ["missed", *["waiting"] * 4]
        told = await everything(db, sa.select(OutboxEvent.type).where(OutboxEvent.type == "due_check_in.changed"))
        assert len(told) == 2

    async def test_are_answered_by_a_check_in_of_then_that_names_none(
        self, engine: AsyncEngine, db: Database, new_client: Clients, cast: Cast
    ) -> None:
        report_id, now = str(an_id()), clock.now()
        patient = await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)
        await asked_after(db, patient, an_id(), now - 4 * HOUR)
        sent = await new_client(cast.patient.token).put(f"/v1/me/check-ins/{report_id}", json=a_report(now))
        assert sent.status_code == 201, sent.text
        with clock.told(now + HOUR + MINUTE):
            await work(engine, db)

        assert (await self._states(db))[0] == "answered"
        (answered,) = await everything(db, sa.select(DueCheckIn).where(DueCheckIn.state == "answered"))
        assert answered.check_in_id == UUID(report_id)

    async def test_are_asked_for_less_strictly_in_a_later_phase_of_the_care_plan(
        self, engine: AsyncEngine, db: Database, plan: list[DueCheckIn], cast: Cast
    ) -> None:
        of_patient = {"clinic_id": cast.clinic.id, "patient_id": cast.patient.patient_id, "revision": 1}
        said = {"content": "{}", "reason": "", "made_at": clock.now(), "abstinence_is_the_goal": False}
        db.add(CarePlan(**of_patient, **said, version=1, phase="maintenance"))
        later = [plan[0].due_at + timedelta(minutes=number) for number in range(7 - len(plan))]
        for at in later:
            a_due_check_in(db, cast, at)
        with clock.told(plan[-1].closes_at - MINUTE):
            await work(engine, db)
        assert await raised(db) == []
        with clock.told(plan[-1].closes_at + MINUTE):
            await work(engine, db)

        assert await raised(db) == [("MISS-2", False)]
        (alert,) = await everything(db, sa.select(Alert))
        assert alert.inputs == {"missed_in_a_row": 7, "induction": False}

    async def test_three_missed_in_a_row_are_raised_once(
        self, engine: AsyncEngine, db: Database, plan: list[DueCheckIn]
    ) -> None:
        found = []
        for each in plan:
            with clock.told(each.closes_at + MINUTE):
                await work(engine, db)
            found.append(await raised(db))

        assert found == [[], [], *[[("MISS-2", False)]] * 3]
        (alert,) = await everything(db, sa.select(Alert))
        assert (alert.subject_id, alert.inputs) == (plan[0].id, {"missed_in_a_row": 3, "induction": True})

    async def test_what_was_missed_while_the_patient_was_watched_is_not_counted(
        self, engine: AsyncEngine, db: Database, plan: list[DueCheckIn]
    ) -> None:
        await db.execute(sa.update(DueCheckIn).where(DueCheckIn.id == plan[0].id).values(minutes_from_dose=179))
        with clock.told(plan[2].closes_at + MINUTE):
            await work(engine, db)
        assert await raised(db) == []
        with clock.told(plan[3].closes_at + MINUTE):
            await work(engine, db)

        assert await raised(db) == [("MISS-2", False)]

    async def test_many_are_noted_a_few_at_once(
        self, engine: AsyncEngine, db: Database, plan: list[DueCheckIn], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(due, "AT_ONCE", 2)
        with clock.told(plan[-1].closes_at + HOUR):
            assert await work(engine, db) == [5]

        assert await self._states(db) == ["missed"] * 5

    async def test_all_missed_while_no_worker_ran_are_raised_late_and_once(
        self, engine: AsyncEngine, db: Database, plan: list[DueCheckIn]
    ) -> None:
        with clock.told(plan[-1].closes_at + HOUR):
            await work(engine, db, workers=2)

        assert await raised(db) == [("MISS-2", True)]
        assert await self._states(db) == ["missed"] * 5

    async def test_an_answer_between_begins_a_new_row(
        self, engine: AsyncEngine, db: Database, plan: list[DueCheckIn], cast: Cast
    ) -> None:
        patient = await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)
        await due.answered(db, patient, plan[2].id, an_id(), plan[2].due_at)
        await db.finish()
        with clock.told(plan[-1].closes_at + MINUTE):
            await work(engine, db)

        assert await raised(db) == []


class TestLook:
    async def test_one_that_fails_keeps_no_other_from_being_raised(
        self, engine: AsyncEngine, db: Database, session: DosingSession, sessions: Sessions, new_client: Clients,
        cast: Cast, monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        await Sessions(new_client, cast).plan(clock.now() + 26 * HOUR)
        original = alerts.raise_alerts

        async def failing(*arguments: Any, **options: Any) -> Any:
            if arguments[4][0].rule == "MISS-1":
                raise RuntimeError("no space left on device")
            return await original(*arguments, **options)

        monkeypatch.setattr(service, "raise_alerts", failing)
        assert [rule for rule, _ in await looked(engine, db, session, 30 * HOUR)] == ["MISS-3"]
        monkeypatch.undo()
        assert {rule for rule, _ in await looked(engine, db, session, 30 * HOUR)} == {"MISS-1", "MISS-3"}

    async def test_asks_few_statements_of_a_quiet_clinic(
        self, engine: AsyncEngine, db: Database, cast: Cast, queries: list[str], settings: Settings
    ) -> None:
        await work(engine, db)
        queries.clear()
        await work(engine, db)

        assert len(queries) <= 6, queries
