from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.care_plans.practice_rules import Adherence, Assigned, InForce, Window, adherence, current_window, in_force

ID, OTHER = UUID(int=1), UUID(int=2)
START = date(2026, 3, 2)


def day(number: int) -> date:
    return START + timedelta(days=number)


def assigned(**but: Any) -> Assigned:
    usual: dict[str, Any] = {"id": ID, "times": 1, "window_days": 1, "starts_on": day(0), "ends_on": None}
    return Assigned(**(usual | but))


def counted(stood: list[InForce], done: list[int], since: int, before: int) -> Adherence:
    return adherence(stood, [day(number) for number in done], day(since), day(before))


class TestInForce:
    def test_goes_on_through_versions_that_leave_an_assignment_as_it_was(self) -> None:
        same, changed, other = assigned(), assigned(times=2), assigned(id=OTHER)

        assert in_force([(day(0), [same]), (day(3), [same, other]), (day(5), [changed]), (day(8), [])]) == {
            ID: [InForce(same, day(0), day(5)), InForce(changed, day(5), day(8))],
            OTHER: [InForce(other, day(3), day(5))],
        }

    def test_of_one_day_is_what_was_said_last(self) -> None:
        assert in_force([(day(0), [assigned(times=9)]), (day(0), [assigned()])]) == {
            ID: [InForce(assigned(), day(0), None)]
        }

    def test_comes_back(self) -> None:
        found = in_force([(day(0), [assigned()]), (day(2), []), (day(4), [assigned()])])

        assert found == {ID: [InForce(assigned(), day(0), day(2)), InForce(assigned(), day(4), None)]}


class TestAdherence:
    @pytest.mark.parametrize(
        ("but", "done", "since", "before", "expected"),
        [
            # daily: seven days that are over
            ({}, [0, 1, 1, 3], 0, 7, Adherence(7, 7, 3, 1)),
            # nothing was asked for: nothing of nothing
            ({}, [0], 0, 0, Adherence()),
            ({"starts_on": day(9)}, [0, 1], 0, 7, Adherence()),
            # three times a week: the second week is not over
            ({"times": 3, "window_days": 7}, [0, 0, 2, 6, 8], 0, 13, Adherence(1, 3, 3, 1)),
            ({"times": 3, "window_days": 7}, [0, 8], 0, 14, Adherence(2, 6, 2, 0)),
            # a window that began before the days asked about is left out
            ({"times": 1, "window_days": 7}, [1, 8], 1, 14, Adherence(1, 1, 1, 0)),
            # more in one window makes up for nothing in another
            ({"times": 1, "window_days": 7}, [0, 1, 2], 0, 14, Adherence(2, 2, 1, 2)),
            # it ends: no window after that, and none that would end later
            ({"ends_on": day(2)}, [0, 1, 2, 3], 0, 7, Adherence(3, 3, 3, 0)),
            ({"window_days": 2, "ends_on": day(4)}, [4], 0, 7, Adherence(2, 2, 0, 0)),
        ],
    )
    def test_counts_windows_that_are_over(
        self, but: dict[str, Any], done: list[int], since: int, before: int, expected: Adherence
    ) -> None:
        assert counted([InForce(assigned(**but), day(0), None)], done, since, before) == expected

    def test_asks_for_nothing_before_it_was_said_and_after_it_was_taken_back(self) -> None:
        weekly = assigned(window_days=7)

        assert counted([InForce(weekly, day(3), day(20))], [], 0, 30) == Adherence(1, 1, 0, 0)  # days 7 to 13
        assert counted([InForce(weekly, day(3), day(21))], [], 0, 30) == Adherence(2, 2, 0, 0)  # and 14 to 20

    def test_has_no_share_of_nothing(self) -> None:
        assert Adherence().share is None
        assert Adherence(2, 4, 1, 0).share == 0.25

    @given(
        st.integers(1, 4),
        st.integers(1, 9),
        st.integers(-20, 20),
        st.none() | st.integers(0, 40),
        st.integers(0, 20),
        st.none() | st.integers(0, 40),
        st.lists(st.integers(-5, 45)),
        st.integers(0, 20),
        st.integers(0, 45),
    )
    def test_agrees_with_looking_at_each_day(
        self,
        times: int,
        length: int,
        starts: int,
        ends: int | None,
        since: int,
        until: int | None,
        done: list[int],
        first: int,
        before: int,
    ) -> None:
        it = assigned(
            times=times, window_days=length, starts_on=day(starts), ends_on=None if ends is None else day(ends)
        )
        stood = InForce(it, day(since), None if until is None else day(until))
        by_day, expected = Counter(done), Adherence()
        for begin in range(-30, 60):
            window = range(begin, begin + length)
            whole = all(
                first <= each < before
                and since <= each < (99 if until is None else until)
                and starts <= each <= (99 if ends is None else ends)
                for each in window
            )
            if whole and (begin - starts) % length == 0:
                n = sum(by_day[each] for each in window)
                expected += Adherence(1, times, min(n, times), max(0, n - times))

        assert counted([stood], done, first, before) == expected


class TestCurrentWindow:
    @pytest.mark.parametrize(
        ("but", "until", "today", "expected"),
        [
            ({}, None, 5, Window(day(5), day(5))),
            ({"window_days": 7}, None, 13, Window(day(7), day(13))),
            ({"window_days": 7}, None, 14, Window(day(14), day(20))),
            ({}, 3, 2, None),
            ({"starts_on": day(1)}, None, 0, None),
            ({"ends_on": day(4)}, None, 5, None),
            ({"window_days": 7, "ends_on": day(12)}, None, 8, None),
        ],
    )
    def test_is_the_one_that_the_day_lies_in(
        self, but: dict[str, Any], until: int | None, today: int, expected: Window | None
    ) -> None:
        stood = InForce(assigned(**but), day(0), None if until is None else day(until))

        assert current_window(stood, day(today)) == expected
