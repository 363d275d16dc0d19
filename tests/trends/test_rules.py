"""What a clinician reads, as tables and as properties."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.instruments.measures import MEASURES
from app.protocols.rules import Trends
from app.trends import rules
from app.trends.buckets import by_day
from app.trends.days import Latest, LocalDay
from app.trends.rules import DAY, HOUR, ChangeLabel, Scale, Shortfall, TrendLabel

PROTOCOL = Trends()
CRAVING = Scale(0, 10, "worse")
MOOD = Scale(0, 10, "better")
VAS = Scale(0, 100, "worse")
WHO5 = Scale(0, 100, "better")
VALENCE = Scale(-4, 4, "better")
AROUSAL = Scale(-4, 4, "neutral")
FIRST = date(2026, 9, 1)

IMPROVED, UNCHANGED, WORSE = ChangeLabel.IMPROVED, ChangeLabel.UNCHANGED, ChangeLabel.WORSE


def daily(*means: float, every: int = 1) -> list[LocalDay]:
    return by_day((FIRST + timedelta(days=every * n), mean) for n, mean in enumerate(means))


class TestChangeThreshold:
    @pytest.mark.parametrize(
        ("scale", "baseline", "points"),
        [
            (CRAVING, 7, 2.1),  # the worked example
            (CRAVING, 10, 3),
            (CRAVING, 5, 2),
            (CRAVING, 0, 2),  # a zero baseline leaves the share of the range
            (CRAVING, None, 2),
            (MOOD, 3, 2.1),  # the mirror image of craving 7
            (MOOD, 10, 2),
            (VAS, 70, 21),
            (VAS, 10, 20),
            (WHO5, 20, 24),
            (VALENCE, -4, 2.4),
            (VALENCE, 4, 1.6),
            (AROUSAL, -4, 1.6),
            (Scale(0, 27, "worse"), 20, 6),
            (Scale(0, 27, "worse"), 10, 5.4),
        ],
    )
    def test_is_the_larger_share(self, scale: Scale, baseline: float | None, points: float) -> None:
        assert rules.change_threshold(baseline, scale, PROTOCOL) == pytest.approx(points)

    def test_follows_the_clinic(self) -> None:
        strict = Trends(change_range_share=0.1, change_baseline_share=0.5)

        assert rules.change_threshold(7, CRAVING, strict) == 3.5

    @given(st.floats(0, 10), st.floats(0.1, 100), st.floats(-50, 50))
    def test_grows_with_the_scale_and_ignores_where_it_starts(self, value: float, factor: float, up: float) -> None:
        here = rules.change_threshold(value, CRAVING, PROTOCOL)
        moved = Scale(up, up + 10 * factor, "worse")

        assert rules.change_threshold(up + factor * value, moved, PROTOCOL) == pytest.approx(factor * here, abs=1e-6)

    @given(st.floats(0, 10))
    def test_is_the_same_for_the_mirror_image(self, value: float) -> None:
        here = rules.change_threshold(value, CRAVING, PROTOCOL)

        assert rules.change_threshold(-value, Scale(-10, 0, "better"), PROTOCOL) == here
        assert rules.change_threshold(10 - value, MOOD, PROTOCOL) == pytest.approx(here)


class TestChangeLabel:
    @pytest.mark.parametrize(
        ("scale", "baseline", "current", "points", "label"),
        [
            (CRAVING, 7, 4.9, 2.1, IMPROVED),
            (CRAVING, 7, 4.91, 2.1, UNCHANGED),
            (CRAVING, 7, 9.1, 2.1, WORSE),
            (CRAVING, 7, 9.09, 2.1, UNCHANGED),
            (CRAVING, 0, 2, 2, WORSE),
            (MOOD, 3, 5.1, 2.1, IMPROVED),
            (MOOD, 3, 0.9, 2.1, WORSE),
            (MOOD, 3, 3, 2.1, UNCHANGED),
            (VAS, 0.3, 0.3 - 0.1 - 0.1, 0.2, IMPROVED),  # 0.09999999999999998
            (AROUSAL, 1, 4, 1.6, None),
            (CRAVING, 7, 1, None, None),
        ],
    )
    def test_names_a_difference(
        self, scale: Scale, baseline: float, current: float, points: float | None, label: ChangeLabel | None
    ) -> None:
        assert rules.change_label(baseline, current, points, scale) is label

    @given(st.integers(0, 10), st.integers(0, 10))
    def test_is_the_same_for_the_mirror_image(self, baseline: int, current: int) -> None:
        points = rules.change_threshold(baseline, CRAVING, PROTOCOL)

        here = rules.change_label(baseline, current, points, CRAVING)
        assert rules.change_label(10 - baseline, 10 - current, points, MOOD) is here
        opposite = {IMPROVED: WORSE, WORSE: IMPROVED, UNCHANGED: UNCHANGED}
        assert here is not None
        assert rules.change_label(baseline, current, points, MOOD) is opposite[here]


class TestPercentChange:
    @pytest.mark.parametrize(
        ("scale", "baseline", "current", "percent"),
        [
            (CRAVING, 8, 4, -50),
            (CRAVING, 8, 10, 25),
            (CRAVING, 1, 0, -100),  # exactly 10 % of the range
            (CRAVING, 0.99, 0, None),
            (CRAVING, 0, 5, None),
            (MOOD, 4, 6, 50),
            (VALENCE, 2, 3, None),  # a scale without a zero has no percent
            (Scale(1, 5, "worse"), 4, 2, None),
        ],
    )
    def test_is_given_where_it_means_something(
        self, scale: Scale, baseline: float, current: float, percent: float | None
    ) -> None:
        assert rules.percent_change(baseline, current, scale, PROTOCOL) == percent

    def test_is_undefined_for_a_zero_baseline_whatever_the_clinic_says(self) -> None:
        assert rules.percent_change(0, 5, CRAVING, Trends(percent_min_range_share=0)) is None


class TestFirstDoseBaseline:
    def test_is_the_median_of_the_fourteen_days_before(self) -> None:
        window = rules.first_dose_window(100 * DAY, PROTOCOL)
        baseline = rules.first_dose_baseline(window, [1, 9, 2], PROTOCOL)

        assert window == (86 * DAY, 100 * DAY)
        assert (baseline.value, baseline.n, baseline.sufficient) == (2, 3, True)
        assert (baseline.starts_at, baseline.ends_at) == window

    @pytest.mark.parametrize("values", [[], [7], [7, 7]])
    def test_needs_three_values(self, values: list[float]) -> None:
        baseline = rules.first_dose_baseline((0, DAY), values, PROTOCOL)

        assert (baseline.value, baseline.n, baseline.sufficient) == (None, len(values), False)

    def test_does_not_exist_without_a_dose(self) -> None:
        baseline = rules.first_dose_baseline(None, [], PROTOCOL)

        assert (baseline.value, baseline.n, baseline.starts_at) == (None, 0, None)

    def test_follows_the_clinic(self) -> None:
        own = Trends(baseline_min_values=1, baseline_days=1)
        window = rules.first_dose_window(2 * DAY, own)

        assert window == (DAY, 2 * DAY)
        assert rules.first_dose_baseline(window, [5], own).value == 5


class TestDoseBaseline:
    def test_finds_the_worked_example(self) -> None:
        hours = [-60, -48, -30, -12, -1, 1, 4]
        baseline = rules.dose_baseline([h * HOUR for h in hours], [7, 8, 7, 6, 7, 6, 4], 0, PROTOCOL)

        assert (baseline.value, baseline.n) == (7, 5)

    @pytest.mark.parametrize(
        ("hours", "value", "n", "reaches"),
        [
            ([-72, -2, -1], 5, 3, 72),
            ([-73, -2, -1], 5, 3, 168),
            ([-168, -2, -1], 5, 3, 168),
            ([-169, -2, -1], None, 2, 168),
            ([-2, -1, 0], None, 2, 168),
        ],
    )
    def test_widens_to_seven_days_when_three_hold_too_little(
        self, hours: list[int], value: float | None, n: int, reaches: int
    ) -> None:
        baseline = rules.dose_baseline([h * HOUR for h in hours], [4, 5, 6], 0, PROTOCOL)

        assert (baseline.value, baseline.n, baseline.starts_at) == (value, n, -reaches * HOUR)


class TestChangeFrom:
    def test_says_everything_that_is_published_for_phq9(self) -> None:
        change = rules.change_from(16, Latest(4, 2), MEASURES["phq9_total"], PROTOCOL)

        assert (change.current, change.current_n, change.difference, change.percent) == (4, 2, -12, -75)
        assert change.threshold == pytest.approx(5.4)
        assert change.label is change.mcid_label is change.reliable_label is IMPROVED
        assert (change.responder, change.remission) == (True, True)
        assert change.rule == rules.CHANGE_RULE

    @pytest.mark.parametrize(
        ("current", "label", "mcid", "reliable", "responder"),
        [
            (11, UNCHANGED, IMPROVED, UNCHANGED, False),
            (10, IMPROVED, IMPROVED, IMPROVED, False),
            (8, IMPROVED, IMPROVED, IMPROVED, True),
            (21, UNCHANGED, WORSE, UNCHANGED, False),
            (22, WORSE, WORSE, WORSE, False),
        ],
    )
    def test_keeps_the_clinics_rule_apart_from_the_published_ones(
        self, current: float, label: ChangeLabel, mcid: ChangeLabel, reliable: ChangeLabel, responder: bool
    ) -> None:
        change = rules.change_from(16, Latest(current, 1), MEASURES["phq9_total"], PROTOCOL)

        assert (change.label, change.mcid_label, change.reliable_label, change.responder) == (
            label,
            mcid,
            reliable,
            responder,
        )
        assert change.remission is False

    def test_says_nothing_published_of_craving(self) -> None:
        change = rules.change_from(7, Latest(4, 3), MEASURES["craving"], PROTOCOL)

        assert change.label is IMPROVED
        assert change.percent == pytest.approx(-42.857142857)
        assert (change.mcid_label, change.reliable_label, change.responder, change.remission) == (None,) * 4

    def test_mirrors_a_scale_where_higher_is_better(self) -> None:
        change = rules.change_from(30, Latest(60, 3), MEASURES["who5_total"], PROTOCOL)

        assert (change.difference, change.percent, change.label, change.mcid_label) == (30, 100, IMPROVED, IMPROVED)

    def test_has_no_response_from_a_baseline_near_zero(self) -> None:
        change = rules.change_from(2, Latest(0, 3), MEASURES["phq9_total"], PROTOCOL)

        assert (change.percent, change.responder, change.remission) == (None, None, True)

    def test_still_knows_remission_without_a_baseline(self) -> None:
        change = rules.change_from(None, Latest(3, 1), MEASURES["phq9_total"], PROTOCOL)

        assert (change.current, change.label, change.threshold, change.remission) == (3, None, None, True)

    def test_says_nothing_without_later_values(self) -> None:
        change = rules.change_from(7, Latest(None, 0), MEASURES["phq9_total"], PROTOCOL)

        assert (change.current, change.current_n, change.label, change.remission) == (None, 0, None, None)

    def test_has_no_published_figures_for_a_part_of_an_instrument(self) -> None:
        change = rules.change_from(12, Latest(20, 1), MEASURES["bam_protective"], PROTOCOL)

        assert (change.label, change.mcid_label) == (IMPROVED, None)


class TestCourse:
    def test_finds_the_worked_example(self) -> None:
        course = rules.course(daily(8, 7, 7, 6, 7, 5, 5, 4, 4, 3), 7, CRAVING, PROTOCOL)

        assert course.slope is not None
        assert course.test is not None
        assert (course.slope.per_unit, course.test.s) == (-0.5, -38)
        assert (course.n, course.span_days, course.label) == (10, 9, TrendLabel.IMPROVING)

    @pytest.mark.parametrize(("days", "slope", "interval"), [(4, False, False), (5, True, False), (8, True, True)])
    def test_needs_five_days_for_a_slope_and_eight_for_its_interval_and_test(
        self, days: int, slope: bool, interval: bool
    ) -> None:
        course = rules.course(daily(*[9.0 - day for day in range(days)]), None, CRAVING, PROTOCOL)

        assert (course.slope is not None) is slope
        assert (course.slope is not None and course.slope.ci_low is not None) is interval
        assert (course.test is not None) is interval
        assert (course.label is not None) is interval

    def test_needs_a_change_that_matters_as_well_as_a_small_p(self) -> None:
        slight = rules.course(daily(*[5 - 0.1 * day for day in range(12)]), 5, CRAVING, PROTOCOL)

        assert slight.test is not None
        assert slight.test.p_value < 0.001
        assert slight.label is TrendLabel.NO_CLEAR_TREND

    def test_needs_a_small_p_as_well_as_a_change_that_matters(self) -> None:
        noisy = rules.course(daily(9, 0, 8, 1, 7, 0, 6, 1, every=9), 5, CRAVING, PROTOCOL)

        assert noisy.slope is not None
        assert abs(noisy.slope.per_unit * noisy.span_days) > 2
        assert noisy.label is TrendLabel.NO_CLEAR_TREND

    def test_names_neither_direction_of_a_neutral_scale(self) -> None:
        course = rules.course(daily(-4, -3, -2, -1, 0, 1, 2, 3), None, AROUSAL, PROTOCOL)

        assert course.slope is not None
        assert course.label is None

    @given(st.lists(st.integers(0, 10), min_size=8, max_size=30), st.integers(0, 10))
    def test_is_the_same_for_the_mirror_image(self, means: list[int], baseline: int) -> None:
        here = rules.course(daily(*means), baseline, CRAVING, PROTOCOL)
        there = rules.course(daily(*[10 - mean for mean in means]), 10 - baseline, MOOD, PROTOCOL)

        assert here.slope is not None
        assert there.slope is not None
        assert there.label is here.label
        assert there.slope.per_unit == pytest.approx(-here.slope.per_unit)

    def test_weighs_a_day_of_many_check_ins_like_any_other(self) -> None:
        busy = by_day([(FIRST, 8.0)] * 20 + [(FIRST + timedelta(days=day), 8.0 - day) for day in range(1, 8)])

        assert rules.course(busy, 8, CRAVING, PROTOCOL).n == 8

    def test_says_nothing_without_values(self) -> None:
        course = rules.course([], None, CRAVING, PROTOCOL)

        assert (course.slope, course.test, course.label, course.n, course.span_days) == (None, None, None, 0, 0)

    def test_makes_no_slope_of_one_day_even_where_a_clinic_asks_for_one(self) -> None:
        course = rules.course(daily(5), 5, CRAVING, Trends(slope_min=1, kendall_min=1))

        assert (course.slope, course.label) == (None, None)


class TestShortfalls:
    def test_names_only_what_is_short_of_data(self) -> None:
        assert rules.shortfalls({"baseline": (3, 2), "slope": (5, 5), "change": (1, 0)}) == [
            Shortfall("baseline", 3, 2),
            Shortfall("change", 1, 0),
        ]


class TestShortestGap:
    @pytest.mark.parametrize(("interval", "days"), [(None, 3), (1, 3), (7, 14), (14, 28)])
    def test_grows_with_the_interval_a_questionnaire_is_meant_for(self, interval: int | None, days: int) -> None:
        assert rules.shortest_gap(interval, PROTOCOL) == days
