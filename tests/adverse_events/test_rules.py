from datetime import UTC, datetime, timedelta

import pytest

from app.adverse_events.rules import (
    CLOCKS,
    Known,
    ReportingState,
    ReportRecipient,
    SeriousnessCriterion,
    check,
    is_worse,
    reporting,
)
from app.core.errors import InvalidRequest

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, ONE = timedelta(days=1), timedelta(microseconds=1)
C = SeriousnessCriterion
NOTHING: frozenset[SeriousnessCriterion] = frozenset()


def known(*criteria: SeriousnessCriterion, after: timedelta = timedelta(0)) -> Known:
    return Known(NOON + after, frozenset(criteria))


class TestReporting:
    @pytest.mark.parametrize(
        ("criterion", "days"),
        [(C.DEATH, 7), (C.LIFE_THREATENING, 7), (C.HOSPITALISATION, 15), (C.DISABILITY, 15), (C.CONGENITAL, 15),
         (C.IMPORTANT_MEDICAL, 15)],
    )  # fmt: skip
    def test_has_seven_days_for_what_is_fatal_or_threatens_life_and_fifteen_for_the_rest(
        self, criterion: SeriousnessCriterion, days: int
    ) -> None:
        due = reporting([known(criterion)], [], NOON + days * DAY)
        over = reporting([known(criterion)], [], NOON + days * DAY + ONE)

        assert due
        assert over
        assert (due.clock.days, due.report_by, due.state) == (days, NOON + days * DAY, ReportingState.DUE)
        assert over.state is ReportingState.OVERDUE

    def test_none_runs_for_what_is_not_serious(self) -> None:
        assert reporting([known()], [], NOON) is None
        assert reporting([known(C.DEATH), known(after=DAY)], [], NOON) is None
        assert reporting([], [], NOON) is None

    def test_runs_from_when_it_was_first_known_to_be_of_this_kind(self) -> None:
        corrected = reporting([known(), known(C.HOSPITALISATION, after=DAY)], [], NOON)
        worse = reporting([known(C.HOSPITALISATION), known(C.HOSPITALISATION, C.DEATH, after=3 * DAY)], [], NOON)
        much_later = reporting([known(C.HOSPITALISATION), known(C.DEATH, after=10 * DAY)], [], NOON)

        assert corrected
        assert corrected.report_by == NOON + 16 * DAY
        assert worse
        assert (worse.clock.days, worse.report_by) == (7, NOON + 10 * DAY)
        assert much_later
        assert (much_later.clock.days, much_later.report_by) == (15, NOON + 15 * DAY)

    @pytest.mark.parametrize(
        ("recipient", "state"),
        [
            (ReportRecipient.REGULATOR, ReportingState.REPORTED),
            (ReportRecipient.SPONSOR, ReportingState.REPORTED),
            (ReportRecipient.MANUFACTURER, ReportingState.OVERDUE),
            (ReportRecipient.OTHER, ReportingState.OVERDUE),
        ],
    )
    def test_ends_when_a_regulator_or_the_sponsor_was_told(
        self, recipient: ReportRecipient, state: ReportingState
    ) -> None:
        found = reporting([known(C.DEATH)], [(recipient, NOON + DAY)], NOON + 30 * DAY)

        assert found
        assert found.state is state
        assert found.reported_at == (NOON + DAY if state is ReportingState.REPORTED else None)

    def test_each_clock_says_what_it_rests_on(self) -> None:
        assert all(clock.source for clock in CLOCKS)


class TestIsWorse:
    @pytest.mark.parametrize(
        ("before", "after", "worse"),
        [
            (None, (1, False), True),
            ((2, False), (3, False), True),
            ((3, False), (3, False), False),
            ((3, True), (2, True), False),
            ((3, False), (2, True), True),
            ((3, True), (3, False), False),
        ],
    )
    def test_is_a_higher_grade_or_newly_serious(
        self, before: tuple[int, bool] | None, after: tuple[int, bool], worse: bool
    ) -> None:
        assert is_worse(before, after) is worse


class TestCheck:
    @pytest.mark.parametrize(
        ("onset", "resolved", "serious", "criteria", "codes"),
        [
            (0, None, False, [], []),
            (5, None, False, [], []),
            (6, None, False, [], ["in_the_future"]),
            (0, 0, True, [C.DEATH], []),
            (0, -1, True, [C.DEATH], ["resolved_before_onset"]),
            (0, None, True, [], ["seriousness_criteria"]),
            (0, None, False, [C.DEATH], ["seriousness_criteria"]),
            (0, None, True, [C.DEATH, C.DEATH], ["named_twice"]),
        ],
    )
    def test_refuses_what_cannot_be_true_together(
        self, onset: int, resolved: int | None, serious: bool, criteria: list[SeriousnessCriterion], codes: list[str]
    ) -> None:
        found: list[str] = []
        try:
            check(
                onset_at=NOON + timedelta(minutes=onset),
                resolved_at=None if resolved is None else NOON + timedelta(minutes=resolved),
                serious=serious,
                criteria=criteria,
                now=NOON,
                tolerance=timedelta(minutes=5),
            )
        except InvalidRequest as refused:
            found = [fault.code for fault in refused.errors]

        assert found == codes
