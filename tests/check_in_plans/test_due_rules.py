"""What can become of a due check-in: as tables, and as any course of events."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.check_in_plans.due_rules import TURNS, Turn, after, turned_by, valid_until, window
from app.check_in_plans.rules import DueState, Kept, state_at

KEPT = ["waiting", "missed", "answered", "cancelled"]
BECOMES = {  # in the order of KEPT; a dot: stays what it is
    "answered": "answered answered . .",
    "closed": "missed . . .",
    "withdrawn": "cancelled cancelled . .",
    "asked_again": ". waiting . waiting",
    "taken_back": ". . waiting .",
}


class TestAfter:
    @pytest.mark.parametrize("turn", BECOMES)
    def test_is_what_the_table_says(self, turn: str) -> None:
        becomes = [after(Kept(kept), Turn(turn)) for kept in KEPT]

        assert becomes == [kept if new == "." else new for kept, new in zip(KEPT, BECOMES[turn].split(), strict=True)]
        assert set(turned_by(Turn(turn))) == {
            kept for kept, new in zip(KEPT, BECOMES[turn].split(), strict=True) if new != "."
        }

    def test_every_turn_of_the_table_makes_something_else_of_it(self) -> None:
        assert all(before != made for (before, _), made in TURNS.items())


class TestWindow:
    @pytest.mark.parametrize(
        ("now", "days", "past", "start", "end", "tomorrow"),
        [
            ("2026-11-23T10:00Z", 1, 1, "2026-11-21T23:00Z", "2026-11-24T23:00Z", "2026-11-23T23:00Z"),
            ("2026-11-23T10:00Z", 14, 0, "2026-11-22T23:00Z", "2026-12-07T23:00Z", "2026-11-23T23:00Z"),
            # Clocks go back on 25 October 2026 and forward on 28 March 2027: the days are those on the wall.
            ("2026-10-24T10:00Z", 1, 0, "2026-10-23T22:00Z", "2026-10-25T23:00Z", "2026-10-24T22:00Z"),
            ("2026-10-25T10:00Z", 1, 1, "2026-10-23T22:00Z", "2026-10-26T23:00Z", "2026-10-25T23:00Z"),
            ("2027-03-28T00:30Z", 1, 1, "2027-03-26T23:00Z", "2027-03-29T22:00Z", "2027-03-28T22:00Z"),
        ],
    )
    def test_is_made_of_local_days(self, now: str, days: int, past: int, start: str, end: str, tomorrow: str) -> None:
        found = window(datetime.fromisoformat(now), days, past, "Europe/Berlin")

        assert (found.start, found.end, found.tomorrow) == tuple(map(datetime.fromisoformat, (start, end, tomorrow)))
        assert found.start.tzinfo is UTC


class TestValidUntil:
    @pytest.mark.parametrize(
        ("waiting", "until"),
        [
            ([], 100),
            ([(20, 30)], 20),
            ([(10, 30)], 31),
            ([(5, 30), (20, 40)], 20),
            ([(5, 15), (20, 40)], 16),
            ([(5, 10)], 11),  # it can be answered at the moment at which it closes
            ([(5, 9)], 100),
            ([(200, 300)], 100),
            ([(5, 300)], 100),
        ],
    )
    def test_is_the_first_moment_at_which_something_opens_or_has_closed(
        self, waiting: list[tuple[int, int]], until: int
    ) -> None:
        assert valid_until(waiting, now=10, tomorrow=100) == until


class OneDueCheckIn(RuleBasedStateMachine):
    """Whatever happens to one due check-in, in whatever order, and whenever somebody looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.opens_at, self.closes_at = 0, 10, 20
        self.kept = Kept.WAITING
        self.answered_at: int | None = None
        self.answer: int | None = None
        self.answers = 0
        self.seen: list[tuple[int, DueState]] = []

    def turn(self, turn: Turn) -> bool:
        """Let this happen; whether it made something else of it."""
        before, self.kept = self.kept, after(self.kept, turn)
        return self.kept != before

    @property
    def state(self) -> DueState:
        return state_at(self.kept, self.opens_at, self.closes_at, self.answered_at, self.now)

    @rule(by=st.integers(1, 15))
    def time_passes(self, by: int) -> None:
        expected = self.state
        until = valid_until([(self.opens_at, self.closes_at)] if self.kept == Kept.WAITING else [], self.now, 10**9)
        self.now += by
        if self.now < until:
            assert self.state is expected, "it changed before the moment that was named"
        elif until < 10**9:
            assert self.state is not expected, "it did not change at the moment that was named"

    @rule(ago=st.integers(0, 15))
    def a_phone_answers_perhaps_offline(self, ago: int) -> None:
        self.answers += 1
        at = max(self.now - ago, 0)
        if self.turn(Turn.ANSWERED):
            self.answered_at, self.answer = at, self.answers
            assert self.state is (DueState.LATE if at > self.closes_at else DueState.ANSWERED)
        else:
            assert self.answer != self.answers, "the first answer stands"

    @precondition(lambda self: self.now > self.closes_at)
    @rule()
    def the_worker_looks(self) -> None:
        before = self.state
        self.turn(Turn.CLOSED)
        assert self.state is before, "the worker notes what everybody could see"

    @rule()
    def the_plan_is_changed(self) -> None:
        self.turn(Turn.WITHDRAWN)

    @rule(by=st.integers(1, 30))
    def the_session_moves(self, by: int) -> None:
        if self.kept != Kept.ANSWERED:
            self.opens_at, self.closes_at = self.opens_at + by, self.closes_at + by
            if self.closes_at > self.now:
                self.turn(Turn.ASKED_AGAIN)

    @precondition(lambda self: self.answer is not None)
    @rule()
    def the_answer_turns_out_to_be_about_another(self) -> None:
        if self.turn(Turn.TAKEN_BACK):
            self.answered_at = self.answer = None

    @invariant()
    def it_has_an_answer_exactly_when_it_says_so(self) -> None:
        answered = self.state in {DueState.ANSWERED, DueState.LATE}
        assert answered == (self.answer is not None) == (self.answered_at is not None)

    @invariant()
    def it_is_missed_only_when_it_has_closed(self) -> None:
        if self.state is DueState.MISSED:
            assert self.now > self.closes_at or self.kept == Kept.MISSED


TestAnyCourseOfEvents = OneDueCheckIn.TestCase
TestAnyCourseOfEvents.settings = settings(max_examples=60, stateful_step_count=30)


def test_what_awaits_a_dose_is_expected_however_late_it_is() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    hour = timedelta(hours=1)

    for now in (noon - hour, noon, noon + hour, noon + 100 * hour):
        assert state_at("waiting", noon - hour, noon + hour, None, now, awaits_dose=True) is DueState.EXPECTED
