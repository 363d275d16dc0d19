"""The statistics against worked examples, and against scipy and pymannkendall."""

import itertools
import math
import warnings
from statistics import median

import numpy as np
import pymannkendall
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from app.trends import statistics

FALLING = [8, 7, 7, 6, 7, 5, 5, 4, 4, 3]

SCORES = st.integers(0, 10).map(float)
A_SERIES = st.lists(st.tuples(st.integers(0, 400), SCORES), min_size=2, max_size=40, unique_by=lambda pair: pair[0])


class TestTheilSen:
    def test_finds_the_published_slope_and_interval(self) -> None:
        slope = statistics.theil_sen(range(10), FALLING)

        assert slope is not None
        assert slope.per_unit == -0.5
        assert slope.intercept == 7.75
        assert slope.ci_low == pytest.approx(-0.6667, abs=5e-5)
        assert slope.ci_high == pytest.approx(-0.4286, abs=5e-5)
        assert (slope.n, slope.method) == (10, "theil_sen")

    @given(A_SERIES)
    def test_agrees_with_scipy(self, series: list[tuple[int, float]]) -> None:
        times, values = zip(*series, strict=True)
        slope = statistics.theil_sen(times, values)
        expected = scipy.stats.theilslopes(values, times, 0.95, method="separate")

        assert slope is not None
        ours = (slope.per_unit, slope.intercept, slope.ci_low, slope.ci_high)
        assert ours == pytest.approx(tuple(expected), abs=1e-9)

    @given(st.lists(st.tuples(st.integers(0, 15), SCORES), min_size=2, max_size=40))
    def test_agrees_with_scipy_where_values_share_a_time(self, series: list[tuple[int, float]]) -> None:
        times, values = zip(*series, strict=True)
        slope = statistics.theil_sen(times, values)
        if len(set(times)) == 1:
            assert slope is None
            return
        run = np.subtract.outer(times, times)
        expected = np.median(np.subtract.outer(values, values)[run > 0] / run[run > 0])

        assert slope is not None
        assert slope.per_unit == pytest.approx(expected)
        assert (slope.ci_low is None) == (len(set(times)) < len(times))

    @given(A_SERIES, st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_arrival(self, series: list[tuple[int, float]], random: object) -> None:
        shuffled = list(series)
        random.shuffle(shuffled)  # type: ignore[attr-defined]

        assert statistics.theil_sen(*zip(*series, strict=True)) == statistics.theil_sen(*zip(*shuffled, strict=True))

    @given(A_SERIES, st.integers(-50, 50), st.integers(-1000, 1000))
    def test_ignores_where_both_axes_start(self, series: list[tuple[int, float]], up: int, later: int) -> None:
        times, values = zip(*series, strict=True)
        here = statistics.theil_sen(times, values)
        there = statistics.theil_sen([t + later for t in times], [v + up for v in values])

        assert here is not None
        assert there is not None
        assert there.per_unit == pytest.approx(here.per_unit)
        assert (there.ci_low, there.ci_high) == pytest.approx((here.ci_low, here.ci_high))
        assert there.intercept == pytest.approx(here.intercept + up - here.per_unit * later, abs=1e-6)

    @given(A_SERIES, st.sampled_from([-4.0, -1.0, 0.5, 3.0]))
    def test_scales_with_the_values_and_turns_with_their_sign(
        self, series: list[tuple[int, float]], factor: float
    ) -> None:
        times, values = zip(*series, strict=True)
        here = statistics.theil_sen(times, values)
        there = statistics.theil_sen(times, [factor * v for v in values])

        assert here is not None
        assert there is not None
        assert there.per_unit == pytest.approx(factor * here.per_unit)
        if factor > 0:
            assert there.ci_low == pytest.approx(factor * (here.ci_low or 0))

    def test_says_so_when_it_does_not_use_every_pair(self) -> None:
        rng = np.random.default_rng(7)
        times = list(range(3650))
        values = [5 + 0.001 * t + float(rng.normal()) for t in times]
        slope = statistics.theil_sen(times, values)

        assert slope is not None
        assert slope.method == "theil_sen_1_of_54_lags"
        assert slope.ci_low is not None
        assert slope.ci_high is not None
        assert slope.ci_low < 0.001 < slope.ci_high

    def test_comes_close_to_all_pairs_when_it_does_not_use_every_pair(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(11)
        times = [float(t) for t in np.cumsum(rng.integers(1, 4, 400))]
        values = [8 - 0.01 * t + float(rng.normal(0, 1.5)) for t in times]
        whole = statistics.theil_sen(times, values)
        monkeypatch.setattr(statistics, "MOST_PAIRS", 10_000)
        part = statistics.theil_sen(list(reversed(times)), list(reversed(values)))

        assert whole is not None
        assert part is not None
        assert (whole.method, part.method) == ("theil_sen", "theil_sen_1_of_8_lags")
        width = (whole.ci_high or 0) - (whole.ci_low or 0)
        assert part.per_unit == pytest.approx(whole.per_unit, abs=width / 10)
        assert part.ci_low == pytest.approx(whole.ci_low, abs=width / 10)
        assert part.ci_high == pytest.approx(whole.ci_high, abs=width / 10)

    def test_never_steps_by_whole_weeks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(statistics, "MOST_PAIRS", 700)
        weekly = [float(day % 7) for day in range(100)]
        slope = statistics.theil_sen(range(100), weekly)

        assert slope is not None
        assert slope.method == "theil_sen_1_of_8_lags"
        assert slope.per_unit == pytest.approx(0, abs=0.02)

    def test_leaves_the_interval_out_when_not_asked(self) -> None:
        slope = statistics.theil_sen([0, 1], [3, 4], alpha=None)

        assert slope is not None
        assert (slope.per_unit, slope.ci_low, slope.ci_high) == (1, None, None)

    @pytest.mark.parametrize("times", [[], [3], [3, 3, 3]])
    def test_needs_two_different_times(self, times: list[int]) -> None:
        assert statistics.theil_sen(times, [1.0] * len(times)) is None

    @given(st.integers(2, 30))
    def test_sees_no_slope_in_equal_values(self, n: int) -> None:
        slope = statistics.theil_sen(range(n), [4.0] * n)

        assert slope is not None
        assert (slope.per_unit, slope.intercept, slope.ci_low, slope.ci_high) == (0, 4, 0, 0)


class TestMannKendall:
    def test_finds_the_published_figures(self) -> None:
        test = statistics.mann_kendall(FALLING)

        assert (test.s, test.n) == (-38, 10)
        assert test.variance == pytest.approx(119.3333, abs=5e-5)
        assert test.z == pytest.approx(-3.3870, abs=5e-5)
        assert test.p_value == pytest.approx(0.00070650, abs=5e-9)

    @given(st.lists(SCORES, min_size=3, max_size=60))
    def test_agrees_with_pymannkendall(self, values: list[float]) -> None:
        test = statistics.mann_kendall(values)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it divides by zero when all values are equal
            expected = pymannkendall.original_test(values)

        assert test.s == expected.s
        assert test.variance == pytest.approx(expected.var_s)
        assert test.z == pytest.approx(expected.z)
        assert test.p_value == pytest.approx(expected.p)

    @given(st.lists(SCORES, min_size=1, max_size=40))
    def test_turns_with_the_sign_of_the_values_and_with_the_order(self, values: list[float]) -> None:
        here = statistics.mann_kendall(values)

        for mirrored in (statistics.mann_kendall([-v for v in values]), statistics.mann_kendall(values[::-1])):
            assert mirrored.s == -here.s
            assert mirrored.z == -here.z
            assert mirrored.p_value == here.p_value

    @pytest.mark.parametrize("values", [[], [3.0], [3.0] * 9])
    def test_sees_no_trend_where_nothing_can_be_ordered(self, values: list[float]) -> None:
        test = statistics.mann_kendall(values)

        assert (test.s, test.z, test.p_value) == (0, 0, 1)


class TestEwma:
    def test_finds_the_published_line(self) -> None:
        smooth = statistics.ewma(FALLING, weight=0.3)

        expected = [8, 7.7, 7.49, 7.043, 7.0301, 6.4211, 5.9947, 5.3963, 4.9774, 4.3842]
        assert smooth == pytest.approx(expected, abs=5e-5)

    def test_is_the_same_by_time_when_values_are_equally_far_apart(self) -> None:
        tau = -1 / math.log(0.7)

        assert statistics.ewma_by_time(range(10), FALLING, tau=tau) == pytest.approx(statistics.ewma(FALLING))

    @given(A_SERIES)
    def test_stays_within_the_values(self, series: list[tuple[int, float]]) -> None:
        times, values = zip(*sorted(series), strict=True)
        smooth = statistics.ewma_by_time(times, values, tau=2.8)

        assert min(values) - 1e-9 <= min(smooth)
        assert max(smooth) <= max(values) + 1e-9

    def test_forgets_what_is_long_ago(self) -> None:
        assert statistics.ewma_by_time([0, 100], [9, 2], tau=2.8)[1] == pytest.approx(2)

    def test_draws_nothing_without_values(self) -> None:
        assert statistics.ewma([]) == []
        assert statistics.ewma_by_time([], [], tau=2.8) == []


class TestRollingMedian:
    def test_waits_for_three_values(self) -> None:
        assert statistics.rolling_median([0, 1, 2], [8, 2, 5], window=7) == [None, None, 5]

    def test_forgets_a_value_when_its_day_comes_round(self) -> None:
        assert statistics.rolling_median([0, 6, 7, 8], [0, 4, 5, 6], window=7) == [None, None, None, 5]

    @given(A_SERIES, st.integers(1, 60), st.integers(1, 5))
    def test_is_the_median_of_its_window(self, series: list[tuple[int, float]], window: int, minimum: int) -> None:
        times, values = zip(*sorted(series), strict=True)
        rolling = statistics.rolling_median(times, values, window=window, minimum=minimum)

        for at, found in zip(times, rolling, strict=True):
            inside = [v for t, v in zip(times, values, strict=True) if at - window < t <= at]
            assert found == (median(inside) if len(inside) >= minimum else None)


DURATIONS = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=25)


class TestKaplanMeierMedian:
    @pytest.mark.parametrize(
        ("durations", "ended", "expected"),
        [
            ([], [], None),
            ([5], [True], 5),
            ([5], [False], None),
            ([2, 4], [True, True], 2),
            ([6, 6, 6, 7, 10, 13], [True, True, False, True, False, True], 7),  # 4/6, then 4/6 x 2/3
            ([3, 3, 9], [False, True, True], 9),  # both on 3 were at risk when one ended: 2/3, then 0
            ([1, 2, 3, 4], [False, False, False, True], 4),
            ([1, 2, 3, 4], [True, False, False, False], None),
        ],
    )
    def test_gives_worked_examples(self, durations: list[int], ended: list[bool], expected: int | None) -> None:
        assert statistics.kaplan_meier_median(durations, ended) == expected

    @given(DURATIONS)
    def test_agrees_with_scipy(self, reliefs: list[tuple[int, bool]]) -> None:
        durations, ended = zip(*reliefs, strict=True)
        over = [d for d, e in reliefs if e]
        going_on = [d for d, e in reliefs if not e]
        if not over:
            assert statistics.kaplan_meier_median(durations, ended) is None
            return
        curve = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=over, right=going_on)).sf
        below = [q for q, p in zip(curve.quantiles, curve.probabilities, strict=True) if p <= 0.5 + 1e-12]

        assert statistics.kaplan_meier_median(durations, ended) == (below[0] if below else None)

    @given(DURATIONS, st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_doses(self, reliefs: list[tuple[int, bool]], random: object) -> None:
        shuffled = list(reliefs)
        random.shuffle(shuffled)  # type: ignore[attr-defined]

        ours = statistics.kaplan_meier_median(*zip(*reliefs, strict=True))
        assert ours == statistics.kaplan_meier_median(*zip(*shuffled, strict=True))

    @given(DURATIONS)
    def test_never_takes_a_relief_cut_off_for_a_short_one(self, reliefs: list[tuple[int, bool]]) -> None:
        durations, ended = zip(*reliefs, strict=True)
        honest = statistics.kaplan_meier_median(durations, ended)
        naive = statistics.kaplan_meier_median(durations, [True] * len(durations))

        assert naive is not None
        assert honest is None or honest >= naive

    @given(DURATIONS, st.integers(2, 9))
    def test_scales_with_the_unit_of_time(self, reliefs: list[tuple[int, bool]], factor: int) -> None:
        durations, ended = zip(*reliefs, strict=True)
        here = statistics.kaplan_meier_median(durations, ended)

        there = statistics.kaplan_meier_median([factor * d for d in durations], ended)
        assert there == (None if here is None else factor * here)


class TestAreaUnder:
    @given(A_SERIES)
    def test_is_the_trapezoid_of_numpy_without_gaps(self, series: list[tuple[int, float]]) -> None:
        times, values = zip(*sorted(series), strict=True)
        area = statistics.area_under(times, values, longest_gap=1000, end=1000)

        assert area.value == pytest.approx(float(np.trapezoid(values, times)))
        assert area.covered == times[-1] - times[0]

    @given(A_SERIES, st.integers(0, 50), st.integers(0, 400))
    def test_is_the_sum_of_its_unbroken_pieces_up_to_the_end(
        self, series: list[tuple[int, float]], gap: int, end: int
    ) -> None:
        points = sorted(series)
        area = statistics.area_under(*zip(*points, strict=True), longest_gap=gap, end=end)

        value = covered = 0.0
        for (t0, y0), (t1, y1) in itertools.pairwise(points):
            if t1 - t0 <= gap and t0 < end:
                stop = min(t1, end)
                value += (y0 + float(np.interp(stop, [t0, t1], [y0, y1]))) / 2 * (stop - t0)
                covered += stop - t0
        assert area.value == pytest.approx(value)
        assert area.covered == covered

    def test_leaves_out_what_lies_behind_a_gap_too_long(self) -> None:
        area = statistics.area_under([0, 10, 100, 110], [1, 1, 5, 5], longest_gap=50, end=200)

        assert (area.value, area.covered) == (60, 20)

    def test_keeps_a_gap_of_exactly_the_longest_length(self) -> None:
        assert statistics.area_under([0, 50], [1, 1], longest_gap=50, end=200).covered == 50

    def test_cuts_the_last_piece_at_the_end(self) -> None:
        area = statistics.area_under([0, 10], [0, 10], longest_gap=50, end=5)

        assert (area.value, area.covered) == (12.5, 5)

    def test_adds_nothing_for_two_values_at_once(self) -> None:
        assert statistics.area_under([3, 3], [1, 9], longest_gap=5, end=9).covered == 0

    def test_is_empty_without_values(self) -> None:
        assert statistics.area_under([], [], longest_gap=5, end=9) == statistics.Area(0, 0)


class TestReliableChange:
    def test_finds_the_published_figures(self) -> None:
        sem = statistics.standard_error_of_measurement(6, 0.84)

        assert sem == pytest.approx(2.4)
        assert math.sqrt(2) * sem == pytest.approx(3.3941, abs=5e-5)
        assert statistics.reliable_change(sem) == pytest.approx(6.6525, abs=5e-5)

    def test_finds_the_published_figure_of_phq9(self) -> None:
        assert statistics.reliable_change(2.5) == pytest.approx(6.93, abs=5e-3)


@settings(max_examples=30)
@given(st.lists(SCORES, min_size=2, max_size=300))
def test_slope_and_test_agree_on_the_direction(values: list[float]) -> None:
    slope = statistics.theil_sen(range(len(values)), values)
    test = statistics.mann_kendall(values)

    assert slope is not None
    assert slope.per_unit == 0 or test.s == 0 or math.copysign(1, slope.per_unit) == math.copysign(1, test.s)
