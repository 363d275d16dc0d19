"""Laws of baseline, change and course that hold for every patient."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.rules import Trends
from app.trends import days, rules
from app.trends.buckets import by_day
from app.trends.days import LocalDay
from app.trends.rules import ChangeLabel, Course, Scale, TrendLabel
from tests.trends.cases import CRAVING, MOOD

PROTOCOL = Trends()
FIRST = date(2026, 9, 1)
REPORTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10)), max_size=60)
SERIES = REPORTS | st.builds(
    lambda steps, drift: [(day, min(10, max(0, round(8 - drift * day / 10) + step))) for day, step in enumerate(steps)],
    st.lists(st.integers(-1, 1), min_size=8, max_size=50),
    st.integers(-3, 3),
)
Reports = list[tuple[int, int]]


def local(reports: Reports, *, factor: int = 1, up: int = 0, later: int = 0) -> list[LocalDay]:
    rows = [(FIRST + timedelta(days=day + later), float(factor * value + up)) for day, value in reports]
    return by_day(sorted(rows))


def course(reports: Reports, scale: Scale = CRAVING, **moved: int) -> Course:
    return rules.course(local(reports, **moved), None, scale, PROTOCOL)


class TestCourse:
    @given(SERIES, st.integers(-400, 400))
    def test_another_date_reads_the_same(self, reports: Reports, later: int) -> None:
        here, there = course(reports), course(reports, later=later)

        assert (there.label, there.test, there.n, there.span_days) == (here.label, here.test, here.n, here.span_days)
        assert there.slope == here.slope

    @given(SERIES)
    def test_the_mirror_image_of_a_scale_reads_the_same(self, reports: Reports) -> None:
        here, there = course(reports), course(reports, MOOD, factor=-1, up=10)

        assert there.label == here.label
        if here.test and there.test and here.slope and there.slope:
            assert (there.test.s, there.test.p_value) == (-here.test.s, here.test.p_value)
            assert there.slope.per_unit == pytest.approx(-here.slope.per_unit)

    @given(SERIES, st.integers(2, 10), st.integers(-40, 40))
    def test_another_range_of_the_scale_reads_the_same(self, reports: Reports, factor: int, up: int) -> None:
        here = course(reports)
        there = course(reports, Scale(up, up + 10 * factor, "worse"), factor=factor, up=up)

        assert there.label == here.label
        if here.slope and there.slope:
            assert there.slope.per_unit == pytest.approx(factor * here.slope.per_unit)

    @given(SERIES, st.randoms(use_true_random=False))
    def test_the_order_of_arrival_does_not_matter(self, reports: Reports, random: object) -> None:
        shuffled = list(reports)
        random.shuffle(shuffled)  # type: ignore[attr-defined]

        assert course(shuffled) == course(reports)

    @given(SERIES)
    def test_a_trend_is_named_only_where_both_the_test_and_the_slope_support_it(self, reports: Reports) -> None:
        found = course(reports)
        if found.label in {TrendLabel.IMPROVING, TrendLabel.WORSENING}:
            assert found.test is not None
            assert found.slope is not None
            assert found.test.p_value < PROTOCOL.alpha
            assert abs(found.slope.per_unit * found.span_days) >= 2 - 1e-6
        assert (found.label is None) == (found.n < PROTOCOL.kendall_min)


class TestChange:
    @given(st.integers(0, 100), st.integers(0, 100), st.integers(2, 10), st.integers(-40, 40))
    def test_another_range_of_the_scale_reads_the_same(self, b: int, y: int, factor: int, up: int) -> None:
        before, after, scale = b / 10, y / 10, Scale(up, up + 10 * factor, "worse")
        here = rules.change_label(before, after, rules.change_threshold(before, CRAVING, PROTOCOL), CRAVING)
        threshold = rules.change_threshold(factor * before + up, scale, PROTOCOL)

        assert threshold == pytest.approx(factor * rules.change_threshold(before, CRAVING, PROTOCOL))
        assert rules.change_label(factor * before + up, factor * after + up, threshold, scale) == here

    @given(st.integers(0, 10), st.integers(0, 10), st.floats(0.1, 10))
    def test_there_and_back_are_opposites(self, one: int, other: int, points: float) -> None:
        opposite = {
            ChangeLabel.IMPROVED: ChangeLabel.WORSE,
            ChangeLabel.WORSE: ChangeLabel.IMPROVED,
            ChangeLabel.UNCHANGED: ChangeLabel.UNCHANGED,
        }
        there = rules.change_label(one, other, points, CRAVING)

        assert there is not None
        assert rules.change_label(other, one, points, CRAVING) == opposite[there]


class TestDays:
    @given(REPORTS, st.integers(1, 10))
    def test_a_gap_holds_no_day_with_a_value_and_none_is_missed(self, reports: Reports, shortest: int) -> None:
        reported = [day.day for day in local(reports)]
        until = FIRST + timedelta(days=70)
        found = days.gaps(reported, until=until, shortest=shortest)
        inside = {gap.first_day + timedelta(days=n) for gap in found for n in range(gap.days)}

        assert inside.isdisjoint(reported)
        run = 0
        for n in range((until - reported[0]).days + 1) if reported else []:
            day = reported[0] + timedelta(days=n)
            run = 0 if day in reported else run + 1
            assert run < shortest or day in inside

    @given(REPORTS, st.integers(1, 14))
    def test_the_latest_values_are_those_of_the_last_days_alone(self, reports: Reports, length: int) -> None:
        found = days.latest_after(FIRST, local(reports), length)
        after = [(day, value) for day, value in reports if day > 0]
        last = max((day for day, _ in after), default=0)
        inside = [value for day, value in after if day > last - length]

        assert found.n == len(inside)
        assert found.mean == (pytest.approx(sum(inside) / len(inside)) if inside else None)
