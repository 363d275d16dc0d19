"""Smoothed lines, against pandas, and never across a gap."""

from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.rules import Trends
from app.trends.days import LocalDay, gaps
from app.trends.smoothing import Method, smooth

FIRST = date(2026, 9, 1)
PROTOCOL = Trends()
FALLING = (8, 7, 7, 6, 7, 5, 5, 4, 4, 3)
PUBLISHED = (8, 7.7, 7.49, 7.043, 7.0301, 6.4211, 5.9947, 5.3963, 4.9774, 4.3842)
METHODS: list[Method] = ["ewma", "median_7d"]
SERIES = st.dictionaries(st.integers(0, 60), st.integers(0, 10), max_size=40)


def days_of(values: dict[int, float]) -> list[LocalDay]:
    return [LocalDay(FIRST + timedelta(days=day), value, value, value, 1) for day, value in sorted(values.items())]


def flat(values: dict[int, float], method: Method) -> list[tuple[date, float | None]]:
    return [point for line in smooth(days_of(values), method, 3, PROTOCOL).lines for point in line]


class TestSmooth:
    def test_follows_the_published_line_of_a_weight_of_three_tenths(self) -> None:
        line = flat(dict(enumerate(FALLING)), "ewma")

        assert [value for _, value in line] == pytest.approx(PUBLISHED, abs=2e-3)

    def test_takes_the_median_of_seven_days_where_there_are_three(self) -> None:
        line = flat({0: 8, 1: 2, 3: 5, 8: 9, 9: 1, 10: 3}, "median_7d")

        assert [value for _, value in line] == [None, None, 5, None, None, 3]

    @given(SERIES)
    def test_agrees_with_pandas_between_two_gaps(self, values: dict[int, int]) -> None:
        plain = {day: float(value) for day, value in values.items()}
        for line in smooth(days_of(plain), "median_7d", 3, PROTOCOL).lines:
            index = pd.DatetimeIndex([pd.Timestamp(day) for day, _ in line])
            series = pd.Series([plain[(day - FIRST).days] for day, _ in line], index=index)
            expected = series.rolling("7D", min_periods=3).median()
            assert [value for _, value in line] == [None if pd.isna(one) else one for one in expected]

    @given(SERIES, st.sampled_from(METHODS))
    def test_never_crosses_a_gap_and_leaves_no_day_out(self, values: dict[int, int], method: Method) -> None:
        days = days_of({day: float(value) for day, value in values.items()})
        lines = smooth(days, method, 3, PROTOCOL).lines
        found = gaps([day.day for day in days], until=days[-1].day if days else FIRST, shortest=3)

        assert [day for line in lines for day, _ in line] == [day.day for day in days]
        assert len(lines) == (len(found) + 1 if days else 0)
        for one, other in pairwise(lines):
            assert any(one[-1][0] < gap.first_day and gap.last_day < other[0][0] for gap in found)

    @given(SERIES, st.sampled_from(METHODS), st.integers(1, 60))
    def test_what_lies_beyond_a_gap_changes_nothing(self, values: dict[int, int], method: Method, cut: int) -> None:
        plain = {day: float(value) for day, value in values.items() if not cut <= day < cut + 4}
        before = {day: value for day, value in plain.items() if day < cut}
        after = {day: value for day, value in plain.items() if day >= cut}

        assert flat(plain, method) == flat(before, method) + flat(after, method)

    @given(SERIES, st.sampled_from(METHODS), st.integers(-50, 50), st.sampled_from([-2.0, 0.5, 3.0]))
    def test_moves_and_grows_with_the_values(
        self, values: dict[int, int], method: Method, up: int, factor: float
    ) -> None:
        here = flat({day: float(value) for day, value in values.items()}, method)
        there = flat({day: factor * value + up for day, value in values.items()}, method)

        assert [day for day, _ in there] == [day for day, _ in here]
        for (_, mine), (_, other) in zip(here, there, strict=True):
            assert (other is None) == (mine is None)
            if mine is not None:
                assert other == pytest.approx(factor * mine + up)
