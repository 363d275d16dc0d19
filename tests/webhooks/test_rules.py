"""When it is tried again, when it is given up, and who hears of what."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consents.kinds import Category
from app.webhooks.rules import (
    GIVEN_UP_ATTEMPTS,
    SCHEDULE,
    Health,
    Outcome,
    Window,
    category,
    hears,
    is_filter,
    is_pseudonymous,
    outcome_of,
    wait,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


class TestWait:
    @pytest.mark.parametrize(
        ("attempts", "jitter", "retry_after", "expected"),
        [
            (1, 0, None, 5 * SECOND),
            (1, 1, None, 6 * SECOND),
            (1, -1, None, 4 * SECOND),
            (2, 0, None, 5 * MINUTE),
            (9, 0, None, 24 * HOUR),
            (10, 0, None, None),
            (1, 0, 3 * SECOND, 5 * SECOND),
            (1, 0, 600 * SECOND, 600 * SECOND),
            (1, 0, 3 * HOUR, HOUR),
            (5, 0, HOUR, 5 * HOUR),
            (10, 0, HOUR, None),
        ],
    )
    def test_follows_the_schedule_and_what_the_receiver_asks_for(
        self, attempts: int, jitter: float, retry_after: timedelta | None, expected: timedelta | None
    ) -> None:
        assert wait(attempts, jitter, retry_after) == expected

    @given(jitters=st.lists(st.floats(-1, 1), min_size=9, max_size=9))
    def test_in_all_is_between_two_and_a_half_and_four_days(self, jitters: list[float]) -> None:
        waits = [wait(number, jitter, None) for number, jitter in enumerate(jitters, 1)]

        assert 2.5 * DAY < sum((each for each in waits if each is not None), timedelta()) < 4 * DAY
        assert sum(SCHEDULE, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


class TestOutcome:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (200, Outcome.DELIVERED),
            (299, Outcome.DELIVERED),
            (300, Outcome.REDIRECTED),
            (304, Outcome.REDIRECTED),
            (400, Outcome.REFUSED),
            (410, Outcome.GONE),
            (429, Outcome.REFUSED),
            (503, Outcome.REFUSED),
        ],
    )
    def test_is_what_the_status_means(self, status: int, expected: Outcome) -> None:
        assert outcome_of(status) is expected


class TestHealth:
    @pytest.mark.parametrize(
        ("since", "failures", "given_up"),
        [
            (None, 0, False),
            (NOON - 5 * DAY, GIVEN_UP_ATTEMPTS, True),
            (NOON - 5 * DAY, GIVEN_UP_ATTEMPTS - 1, False),
            (NOON - 5 * DAY + SECOND, 500, False),
        ],
    )
    def test_is_given_up_after_long_and_often_enough(
        self, since: datetime | None, failures: int, given_up: bool
    ) -> None:
        assert Health(since, failures).is_given_up(NOON) is given_up

    @given(st.lists(st.booleans()))
    def test_counts_what_failed_since_something_arrived(self, ended: list[bool]) -> None:
        health, failed = Health(), 0
        for number, success in enumerate(ended):
            health, failed = health.after(success=success, at=NOON + number * HOUR), 0 if success else failed + 1

        assert health.failures == failed
        assert (health.failing_since is None) == (failed == 0)
        assert health.failing_since is None or health.failing_since == NOON + (len(ended) - failed) * HOUR


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "event_type", "expected"),
        [
            (["*"], "check_in.recorded", True),
            (["check_in.*"], "check_in.recorded", True),
            (["check_in.recorded"], "check_in.recorded", True),
            (["check_in.recorded"], "check_in.corrected", False),
            (["check.*"], "check_in.recorded", False),
            (["consent.*"], "consent_document.published", False),
            (["dosing_session.*", "check_in.corrected"], "check_in.corrected", True),
            ([], "check_in.recorded", False),
        ],
    )
    def test_hear_of_names_nouns_and_everything(self, filters: list[str], event_type: str, expected: bool) -> None:
        assert hears(filters, event_type) is expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("*", True),
            ("check_in.*", True),
            ("check_in.recorded", True),
            ("check_in", False),
            ("", False),
            ("x.*", False),
        ],
    )
    def test_are_some_that_hear_of_anything(self, text: str, expected: bool) -> None:
        assert is_filter(text) is expected


class TestCategory:
    @pytest.mark.parametrize(
        ("event_type", "expected"),
        [("check_in.recorded", Category.CHECK_INS), ("alert.raised", Category.ALERTS), ("protocol.changed", None)],
    )
    def test_says_what_is_told_by_telling(self, event_type: str, expected: Category | None) -> None:
        assert category(event_type) is expected

    def test_lets_nothing_leave_that_nobody_thought_of(self) -> None:
        with pytest.raises(KeyError):
            category("something.new")


class TestWindow:
    @given(st.integers(1, 16), st.lists(st.tuples(st.booleans(), st.booleans())))
    def test_stays_between_one_and_eight_times_the_connections(
        self, concurrency: int, ended: list[tuple[bool, bool]]
    ) -> None:
        window = Window.opening(concurrency)
        for success, fast in ended:
            window = window.after(success=success, fast=fast)
            assert 1 <= window.size <= concurrency * 8
            assert success or window.size == 1
            assert fast or window.size <= concurrency

    def test_grows_by_one_with_each_success(self) -> None:
        window = Window.opening(4)
        sizes = [(window := window.after(success=True, fast=True)).size for _ in range(40)]

        assert sizes == [*range(5, 33), *[32] * 12]


def test_only_research_is_pseudonymous() -> None:
    assert [each for each in ("treatment", "integration", "research") if is_pseudonymous(each)] == ["research"]
