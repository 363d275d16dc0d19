"""The ladder, as tables: who is asked next, when, and what becomes of steps that nobody was there to take."""

from datetime import UTC, datetime, timedelta

import pytest

from app.protocols.safety_figures import Escalation
from app.safety.findings import Severity
from app.safety.ladder import Level, climb, first_step_at
from app.safety.roster_rules import Roster
from tests.safety.test_roster_rules import WEEKDAYS, at

RAISED = datetime(2026, 11, 23, 9, tzinfo=UTC)
ALWAYS = Roster(time_zone="Europe/Berlin", staffed=WEEKDAYS, outside_hours="on_call")
IN_HOURS = Roster(time_zone="Europe/Berlin", staffed=WEEKDAYS)
FIGURES = Escalation()


def after(minutes: float) -> datetime:
    return RAISED + timedelta(minutes=minutes)


class TestFirstStep:
    @pytest.mark.parametrize(
        ("severity", "acknowledge_within", "minutes"),
        [
            (Severity.CRITICAL, 0, 15),
            (Severity.CRITICAL, 60, 15),  # the ladder of what is critical does not wait for that
            (Severity.URGENT, 0, 15),  # nor is anybody asked sooner, whose hands are full at the bedside
            (Severity.URGENT, 15, 15),
            (Severity.URGENT, 60, 60),
            (Severity.ROUTINE, 60, None),
        ],
    )
    def test_depends_on_how_severe_it_is(
        self, severity: Severity, acknowledge_within: int, minutes: int | None
    ) -> None:
        step_at = first_step_at(severity, RAISED, after(acknowledge_within), FIGURES, ALWAYS)

        assert step_at == (None if minutes is None else after(minutes))

    def test_is_what_the_clinic_signed(self) -> None:
        figures = Escalation(second_after_minutes=7)

        assert first_step_at(Severity.CRITICAL, RAISED, after(0), figures, ALWAYS) == after(7)

    def test_waits_for_the_clinic_to_be_staffed_where_nothing_is_promised_beside(self) -> None:
        night = at("2026-11-23T22:00+01:00")

        assert first_step_at(Severity.CRITICAL, night, night, FIGURES, IN_HOURS) == at("2026-11-24T08:15+01:00")
        assert first_step_at(Severity.CRITICAL, night, night, FIGURES, ALWAYS) == at("2026-11-23T22:15+01:00")


class TestClimb:
    @pytest.mark.parametrize(
        ("level", "due", "now", "ask", "becomes", "late", "next_at"),
        [
            # by the clock: the second at +15, the lead at +30, then everybody every 30 minutes
            (Level.FIRST, 15, 15, {Level.SECOND}, Level.SECOND, False, 30),
            (Level.SECOND, 30, 30, {Level.LEAD}, Level.LEAD, False, 60),
            (Level.LEAD, 60, 60, {Level.AGAIN, Level.FIRST, Level.SECOND, Level.LEAD}, Level.LEAD, False, 90),
            # late is later than five minutes
            (Level.FIRST, 15, 20, {Level.SECOND}, Level.SECOND, False, 30),
            (Level.FIRST, 15, 20.1, {Level.SECOND}, Level.SECOND, True, 30),
            # the worker was away: one step, as high as it would be by now, and whoever was left out is asked too
            (Level.FIRST, 15, 29.9, {Level.SECOND}, Level.SECOND, True, 30),
            (Level.FIRST, 15, 30, {Level.SECOND, Level.LEAD}, Level.LEAD, True, 60),
            (Level.FIRST, 15, 75, {Level.SECOND, Level.LEAD}, Level.LEAD, True, 105),
            (Level.SECOND, 30, 90, {Level.LEAD}, Level.LEAD, True, 120),
            (Level.LEAD, 60, 200, {Level.AGAIN, Level.FIRST, Level.SECOND, Level.LEAD}, Level.LEAD, True, 230),
        ],
    )  # fmt: skip
    def test_of_what_is_critical(
        self, level: Level, due: float, now: float, ask: set[Level], becomes: Level, late: bool, next_at: float
    ) -> None:
        rung = climb(
            Severity.CRITICAL,
            level,
            raised_at=RAISED,
            due_at=after(due),
            now=after(now),
            figures=FIGURES,
            roster=ALWAYS,
        )

        assert (set(rung.ask), rung.level, rung.late, rung.next_at) == (ask, becomes, late, after(next_at))

    @pytest.mark.parametrize("level", [Level.FIRST, Level.LEAD])
    def test_of_what_is_urgent_and_overdue_everybody_and_the_lead_every_few_hours(self, level: Level) -> None:
        rung = climb(
            Severity.URGENT,
            level,
            raised_at=RAISED,
            due_at=after(60),
            now=after(60),
            figures=FIGURES,
            roster=ALWAYS,
        )

        assert (set(rung.ask), rung.level) == ({Level.AGAIN, Level.LEAD}, Level.LEAD)
        assert rung.next_at == after(60 + 4 * 60)

    def test_goes_on_in_staffed_hours_where_nothing_is_promised_beside(self) -> None:
        raised = at("2026-11-23T17:40+01:00")
        rung = climb(
            Severity.CRITICAL,
            Level.FIRST,
            raised_at=raised,
            due_at=at("2026-11-23T17:55+01:00"),
            now=at("2026-11-23T17:55+01:00"),
            figures=FIGURES,
            roster=IN_HOURS,
        )

        assert (rung.level, rung.next_at) == (Level.SECOND, at("2026-11-24T08:10+01:00"))
