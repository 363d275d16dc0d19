from datetime import UTC, datetime, timedelta

import pytest

from app.care_plans.rules import CarePhase
from app.overdue.rules import LATER_PHASES, Deadlines, is_induction
from app.protocols.rules import Protocol

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class TestDeadlines:
    def test_are_the_figures_of_the_clinic(self) -> None:
        deadlines = Deadlines.of(
            Protocol.model_validate(
                {
                    "safety": {"miss1_after_hours": 80, "dis1_next_day_from_hours": 12},
                    "dosing": {"missed_session_hours": 5},
                    "discharge": {"rems_due_days": 3},
                    "escalation": {"late_after_minutes": 9},
                    "integration": {"therapy_within_hours": 48},
                }
            )
        )

        assert deadlines == Deadlines(
            day_after_from=12 * 60 * MINUTE,
            day_after_until=80 * 60 * MINUTE,
            day_after_points=("plus_24h", "plus_72h"),
            missed_session=5 * 60 * MINUTE,
            report=timedelta(days=3),
            therapy=48 * 60 * MINUTE,
            late_after=9 * MINUTE,
        )

    def test_want_no_therapy_of_a_clinic_that_wants_no_task_of_it(self) -> None:
        figures = {"integration": {"raises_a_task": False}}

        assert Deadlines.of(Protocol.model_validate(figures)).therapy is None

    @pytest.mark.parametrize(("minutes", "late"), [(0, False), (5, False), (5.01, True), (60, True), (-1, False)])
    def test_what_is_found_long_after_it_was_due_is_late(self, minutes: float, late: bool) -> None:
        assert Deadlines.of(Protocol()).is_late(NOON, NOON + minutes * MINUTE) is late


class TestIsInduction:
    @pytest.mark.parametrize(
        ("phase", "sessions", "induction"),
        [
            (None, 6, True), (None, 7, False), ("induction", 20, True), ("preparation", 0, True),
            ("integration", 20, True), ("maintenance", 1, False), ("follow_up", 1, False), ("completed", 1, False),
        ],
    )  # fmt: skip
    def test_goes_by_the_care_plan_and_without_one_by_the_doses(
        self, phase: str | None, sessions: int, induction: bool
    ) -> None:
        assert is_induction(phase, sessions, induction_sessions=6) is induction

    def test_knows_the_phases_of_care_plans(self) -> None:
        assert {phase.value for phase in CarePhase} > LATER_PHASES
