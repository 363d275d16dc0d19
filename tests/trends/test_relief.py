"""Relief after doses: the worked example, hard cases, a literal second reading of the definitions, and properties."""

from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.rules import Trends
from app.trends import relief
from app.trends.relief import CensoredBy, Curve, Series, Spacing
from app.trends.rules import HOUR, Scale, Shortfall, change_threshold

PROTOCOL = Trends()
UNTIL = 1000 * HOUR
NEVER = 10**9 * HOUR
CRAVING = Scale(0, 10, "worse")
MOOD = Scale(0, 10, "better")
AROUSAL = Scale(-4, 4, "neutral")

EXAMPLE = dict(
    zip(
        (-60, -48, -30, -12, -1, 1, 4, 24, 48, 72, 120, 168, 240, 336),
        (7, 8, 7, 6, 7, 6, 4, 3, 2, 3, 4, 5, 6, 7),
        strict=True,
    )
)
BEFORE = {-48: 7, -24: 7, -1: 7}


def series_of(hours: dict[int, int], until: int = UNTIL) -> Series:
    ordered = sorted(hours.items())
    return Series([hour * HOUR for hour, _ in ordered], [float(value) for _, value in ordered], until)


def curve(
    hours: dict[int, int], scale: Scale = CRAVING, *, previous: int | None = None, following: int | None = None
) -> Curve:
    spacing = Spacing(0, None if previous is None else previous * HOUR, None if following is None else following * HOUR)
    return relief.curve_of(series_of(hours), spacing, scale, PROTOCOL)


class TestWorkedExample:
    def test_finds_every_published_figure(self) -> None:
        found = curve(EXAMPLE)

        assert found.baseline.value == 7
        assert found.threshold == pytest.approx(2.1)
        assert found.relief_at == pytest.approx(4.9)
        assert found.nadir == relief.Nadir(2, 48 * 60)
        assert found.relief is not None
        assert (found.relief.onset_minutes, found.relief.return_minutes) == (4 * 60, 168 * 60)
        assert found.relief.duration_minutes == 164 * 60
        assert (found.relief.censored, found.relief.censored_by) == (False, None)
        assert found.auc == 580.5
        assert found.mean_reduction == pytest.approx(3.4554, abs=5e-5)
        assert (found.coverage, found.missing, found.reachable) == (100, [], True)

    def test_finds_the_same_in_the_mirror_image(self) -> None:
        found = curve({hour: 10 - value for hour, value in EXAMPLE.items()}, MOOD)

        assert found.relief == curve(EXAMPLE).relief
        assert (found.auc, found.coverage) == (580.5, 100)
        assert found.nadir == relief.Nadir(8, 48 * 60)
        assert found.relief_at == pytest.approx(5.1)

    def test_summarises_one_dose(self) -> None:
        assert relief.summary_of([curve(EXAMPLE)]) == relief.Summary(164 * 60, n=1, n_censored=0, n_without_onset=0)


class TestOnset:
    def test_needs_two_values_in_a_row(self) -> None:
        assert curve(BEFORE | {4: 3, 24: 7, 48: 3, 72: 7}).relief is None

    def test_does_not_count_the_instant_of_the_dose(self) -> None:
        found = curve(BEFORE | {0: 2, 4: 2, 24: 2}).relief

        assert found is not None
        assert found.onset_minutes == 240

    def test_takes_a_value_exactly_at_the_threshold(self) -> None:
        found = curve({-48: 10, -24: 10, -1: 10, 4: 7, 24: 7}).relief

        assert found is not None
        assert found.onset_minutes == 240

    def test_is_not_possible_from_a_baseline_at_the_good_end(self) -> None:
        found = curve({-48: 0, -24: 0, -1: 0, 4: 0, 24: 0, 48: 3})

        assert (found.baseline.value, found.threshold, found.reachable) == (0, 2, False)
        assert found.relief is None
        assert found.auc is not None

    def test_waits_for_a_baseline(self) -> None:
        found = curve({-48: 7, -1: 7, 4: 2, 24: 2, 48: 2})

        assert (found.relief, found.auc, found.coverage, found.reachable) == (None, None, 0, None)
        assert found.nadir == relief.Nadir(2, 240)
        assert found.missing == [Shortfall("baseline", 3, 2)]

    def test_does_not_reach_into_the_next_dose(self) -> None:
        assert curve(BEFORE | {4: 3, 24: 3}, following=24).relief is None


class TestReturn:
    def test_is_censored_by_the_next_dose_at_the_last_value_before_it(self) -> None:
        found = curve(BEFORE | {4: 3, 24: 3, 60: 6, 80: 7, 90: 7}, following=72).relief

        assert found is not None
        assert (found.return_minutes, found.until_minutes, found.duration_minutes) == (None, 60 * 60, 56 * 60)
        assert found.censored_by is CensoredBy.NEXT_DOSE

    @pytest.mark.parametrize(
        ("days", "censored_by"), [(5, CensoredBy.LAST_VALUE), (14, CensoredBy.LAST_VALUE), (15, CensoredBy.HORIZON)]
    )
    def test_is_censored_by_the_last_value_until_its_days_are_over(self, days: int, censored_by: CensoredBy) -> None:
        series = series_of(BEFORE | {4: 3, 24: 3, 60: 6}, until=days * 24 * HOUR)
        found = relief.curve_of(series, Spacing(0), CRAVING, PROTOCOL).relief

        assert found is not None
        assert (found.censored, found.until_minutes, found.censored_by) == (True, 60 * 60, censored_by)

    def test_looks_no_further_than_the_horizon(self) -> None:
        found = curve(BEFORE | {4: 3, 24: 3, 300: 3, 336: 7, 337: 7}).relief

        assert found is not None
        assert (found.censored_by, found.until_minutes) == (CensoredBy.HORIZON, 336 * 60)

    def test_comes_after_the_nadir_and_says_when_relief_was_interrupted(self) -> None:
        found = curve(BEFORE | {4: 3, 24: 3, 48: 7, 72: 7, 96: 3, 120: 1, 144: 7, 168: 7}).relief

        assert found is not None
        assert (found.onset_minutes, found.return_minutes, found.interrupted) == (240, 144 * 60, True)

    def test_comes_after_the_onset_when_a_lone_low_value_came_before_it(self) -> None:
        found = curve(BEFORE | {1: 0, 4: 7, 8: 7, 24: 4, 48: 4, 72: 7, 96: 7}).relief

        assert found is not None
        assert (found.onset_minutes, found.return_minutes, found.interrupted) == (24 * 60, 72 * 60, False)

    def test_needs_two_values_in_a_row(self) -> None:
        found = curve(BEFORE | {4: 3, 24: 3, 48: 7, 72: 3, 96: 7}).relief

        assert found is not None
        assert found.censored


class TestNadir:
    def test_is_the_earliest_of_equals(self) -> None:
        assert curve(BEFORE | {4: 5, 24: 2, 48: 2}).nadir == relief.Nadir(2, 24 * 60)

    def test_may_be_at_the_instant_of_the_dose(self) -> None:
        assert curve(BEFORE | {0: 1, 24: 2, 48: 2}).nadir == relief.Nadir(1, 0)

    def test_needs_three_values(self) -> None:
        found = curve(BEFORE | {4: 3, 24: 2})

        assert found.nadir is None
        assert found.relief is not None
        assert found.missing == [Shortfall("nadir", 3, 2)]


class TestArea:
    def test_leaves_out_gaps_longer_than_72_hours(self) -> None:
        found = curve(BEFORE | {24: 3, 97: 3, 121: 3})

        assert found.auc == 4 / 2 * 24 + 4 * 24
        assert found.coverage == pytest.approx(100 * 48 / 168)
        assert found.mean_reduction == found.auc / 48

    def test_is_negative_where_values_are_worse(self) -> None:
        assert curve(BEFORE | {24: 9, 48: 9}).auc == -(24 + 48)

    def test_stops_at_168_hours_between_two_values(self) -> None:
        assert curve(BEFORE | {72: 7, 144: 7, 192: 3}).auc == pytest.approx(24 * 2 / 2)

    def test_stops_at_the_last_value_before_the_next_dose(self) -> None:
        found = curve(BEFORE | {24: 3, 48: 3, 60: 0}, following=60)

        assert found.auc == 4 / 2 * 24 + 4 * 24
        assert found.coverage == pytest.approx(100 * 48 / 168)

    def test_does_not_exist_without_a_value_near_the_dose(self) -> None:
        found = curve(BEFORE | {100: 3, 200: 3})

        assert (found.auc, found.mean_reduction, found.coverage) == (None, None, 0)

    def test_does_not_count_a_value_at_the_instant_of_the_dose(self) -> None:
        assert curve(BEFORE | {0: 0, 24: 7}).auc == 0


class TestNeutralScale:
    def test_has_points_and_a_baseline_but_no_relief(self) -> None:
        found = curve({-48: 1, -24: 1, -1: 1, 4: -4, 24: -4, 48: -4}, AROUSAL)

        assert found.baseline.value == 1
        assert (found.last - found.first, found.n_after) == (6, 3)
        assert (found.relief, found.nadir, found.auc, found.threshold, found.relief_at, found.reachable) == (None,) * 6


class TestOverlappingDoses:
    HOURS = BEFORE | {4: 3, 24: 3, 48: 3, 70: 3, 76: 1, 96: 0, 120: 1, 144: 3, 168: 3, 192: 7}

    def test_measures_the_second_dose_from_the_relief_of_the_first(self) -> None:
        first, second = relief.curves_of(series_of(self.HOURS), [0, 72 * HOUR], CRAVING, PROTOCOL)

        assert first.relief is not None
        assert (first.relief.onset_minutes, first.relief.censored_by) == (240, CensoredBy.NEXT_DOSE)
        assert (first.overlaps, second.overlaps) == (False, True)
        assert (second.baseline.value, second.baseline.n, second.threshold) == (3, 4, 2)
        assert second.relief is not None
        assert (second.relief.onset_minutes, second.relief.return_minutes) == (4 * 60, 72 * 60)
        assert relief.summary_of([first, second]) == relief.Summary(68 * 60, n=2, n_censored=1, n_without_onset=0)

    def test_shows_each_value_after_the_dose_it_followed(self) -> None:
        first, second = relief.curves_of(series_of(self.HOURS), [0, 72 * HOUR], CRAVING, PROTOCOL)

        assert (first.first, first.last) == (0, 7)
        assert (second.first, second.last) == (3, 13)  # from 72 h before it

    def test_does_not_flag_a_baseline_after_the_first_dose_has_had_its_time(self) -> None:
        assert curve(EXAMPLE, previous=-408).overlaps is False
        assert curve(EXAMPLE, previous=-407).overlaps is True

    def test_survives_two_doses_at_once_and_doses_minutes_apart(self) -> None:
        doses = [0, 0, HOUR // 6, HOUR // 6]
        curves = relief.curves_of(series_of(EXAMPLE), doses, CRAVING, PROTOCOL)

        assert [found.n_after for found in curves] == [0, 0, 9, 9]
        assert [found.relief is not None for found in curves] == [False, False, True, True]

    def test_has_nothing_to_summarise_without_doses(self) -> None:
        assert relief.curves_of(series_of(EXAMPLE), [], CRAVING, PROTOCOL) == []
        assert relief.summary_of([]) == relief.Summary(None, n=0, n_censored=0, n_without_onset=0)


class TestSeriesWithoutValues:
    def test_names_everything_that_is_missing(self) -> None:
        found = curve({})

        assert (found.first, found.last, found.n_after) == (0, 0, 0)
        assert found.missing == [Shortfall("baseline", 3, 0), Shortfall("onset", 2, 0), Shortfall("nadir", 3, 0)]


@dataclass(frozen=True)
class Case:
    """A made-up patient: values by the hour, and doses."""

    hours: dict[int, int]
    doses: list[int]

    def curves(self, scale: Scale = CRAVING, protocol: Trends = PROTOCOL) -> list[Curve]:
        return relief.curves_of(series_of(self.hours, NEVER), [dose * HOUR for dose in self.doses], scale, protocol)

    def but(self, turn: int, up: int, scale: Scale, later: int = 0) -> list[Curve]:
        """Read the same patient on another scale, at another time."""
        hours = {hour + later: turn * value + up for hour, value in self.hours.items()}
        return Case(hours, [dose + later for dose in self.doses]).curves(scale)


CASES = st.builds(
    Case,
    st.dictionaries(st.integers(-200, 700), st.integers(0, 10), max_size=60),
    st.lists(st.integers(0, 400), unique=True, max_size=4).map(sorted),
)
LIVELY = st.builds(
    lambda steps, values, doses: Case(
        dict(zip([sum(steps[: n + 1]) - 150 for n in range(len(steps))], values, strict=False)), doses
    ),
    st.lists(st.integers(1, 90), min_size=20, max_size=40),
    st.lists(st.sampled_from([0, 1, 2, 3, 7, 8, 9]), min_size=40, max_size=40),
    st.lists(st.integers(0, 400), unique=True, min_size=1, max_size=3).map(sorted),
)


def read_literally(case: Case, dose: int) -> tuple[object, ...]:
    """Read the definitions a second time, in hours, as slowly and plainly as they are written."""
    values = sorted((hour - dose, value) for hour, value in case.hours.items())
    window = [v for t, v in values if -72 <= t < 0]
    if len(window) < 3:
        window = [v for t, v in values if -168 <= t < 0]
    b = median(window) if len(window) >= 3 else None
    nexts = [other - dose for other in case.doses if other > dose]
    after = [(t, v) for t, v in values if 0 <= t <= 336 and all(t < following for following in nexts)]
    nadir = min(after, key=lambda pair: (pair[1], pair[0])) if after else None
    onset = back = None
    if b is not None:
        level = b - max(2, 0.3 * b) + 1e-8
        for (t, v), (_, then) in pairwise(after):
            if onset is None and t > 0 and v <= level and then <= level:
                onset = t
        if onset is not None and nadir is not None:
            for (t, v), (_, then) in pairwise(after):
                if back is None and t > max(nadir[0], onset) and v > level and then > level:
                    back = t
    return b, nadir if len(after) >= 3 else None, onset, back


class TestDefinitions:
    @given(CASES | LIVELY)
    def test_are_read_the_same_twice(self, case: Case) -> None:
        for dose, found in zip(case.doses, case.curves(), strict=True):
            b, nadir, onset, back = read_literally(case, dose)

            assert found.baseline.value == b
            assert found.nadir == (None if nadir is None else relief.Nadir(nadir[1], nadir[0] * 60))  # type: ignore[index]
            assert (found.relief is None) == (onset is None)
            if found.relief is not None:
                assert found.relief.onset_minutes == onset * 60  # type: ignore[operator]
                assert found.relief.return_minutes == (None if back is None else back * 60)  # type: ignore[operator]


class TestProperties:
    @given(CASES | LIVELY)
    def test_mirror_image_of_a_scale_reads_the_same(self, case: Case) -> None:
        here = case.curves()
        for there in (case.but(-1, 10, MOOD), case.but(-1, 0, Scale(-10, 0, "better"))):
            assert [c.relief for c in there] == [c.relief for c in here]
            assert [c.nadir and c.nadir.minutes_from_dose for c in there] == [
                c.nadir and c.nadir.minutes_from_dose for c in here
            ]
            assert [(c.auc, c.coverage) for c in there] == [(c.auc, c.coverage) for c in here]
            assert relief.summary_of(there) == relief.summary_of(here)

    @given(CASES | LIVELY, st.integers(-10_000, 10_000))
    def test_another_date_reads_the_same(self, case: Case, later: int) -> None:
        moved = case.but(1, 0, CRAVING, later)

        assert [(c.relief, c.nadir, c.auc) for c in moved] == [(c.relief, c.nadir, c.auc) for c in case.curves()]

    @given(CASES | LIVELY, st.integers(2, 10), st.integers(-40, 40))
    def test_another_range_of_the_scale_reads_the_same(self, case: Case, factor: int, up: int) -> None:
        there = case.but(factor, up, Scale(up, up + 10 * factor, "worse"))

        for mine, other in zip(case.curves(), there, strict=True):
            assert other.relief == mine.relief
            assert (other.auc is None) == (mine.auc is None)
            assert (other.auc or 0) == pytest.approx(factor * (mine.auc or 0))

    @given(CASES | LIVELY, st.randoms(use_true_random=False))
    def test_summary_does_not_depend_on_the_order_of_doses(self, case: Case, random: object) -> None:
        shuffled = list(case.doses)
        random.shuffle(shuffled)  # type: ignore[attr-defined]

        assert relief.summary_of(replace(case, doses=shuffled).curves()) == relief.summary_of(case.curves())

    @given(CASES | LIVELY)
    def test_figures_never_contradict_each_other(self, case: Case) -> None:
        curves = case.curves()
        for found in curves:
            assert 0 <= found.coverage <= 100 + 1e-9
            assert (found.auc is None) == (found.coverage == 0)
            if found.relief is None:
                continue
            assert found.reachable
            assert found.relief.onset_minutes > 0
            assert found.relief.duration_minutes > 0
            assert found.relief.censored == (found.relief.censored_by is not None)
            assert found.relief.until_minutes <= 14 * 24 * 60
        summary = relief.summary_of(curves)
        assert summary.n + summary.n_without_onset == len(curves)
        assert summary.n_censored <= summary.n

    @given(CASES | LIVELY, st.integers(0, 600))
    def test_cutting_the_values_off_never_lengthens_relief(self, case: Case, cut: int) -> None:
        kept = {hour: value for hour, value in case.hours.items() if hour <= cut}
        for whole, part in zip(case.curves(), replace(case, hours=kept).curves(), strict=True):
            if part.relief is not None and part.baseline == whole.baseline:
                assert whole.relief is not None
                assert part.relief.onset_minutes == whole.relief.onset_minutes
                assert part.relief.until_minutes <= whole.relief.until_minutes
                assert part.relief.return_minutes is not None or part.relief.censored_by is not None

    @given(LIVELY)
    def test_summary_takes_a_relief_cut_off_for_no_shorter_than_it_was_seen(self, case: Case) -> None:
        curves = case.curves()
        lengths = sorted(c.relief.duration_minutes for c in curves if c.relief)
        found = relief.summary_of(curves).median_relief_minutes

        assert found is None or found >= lengths[(len(lengths) - 1) // 2]

    @given(CASES | LIVELY)
    def test_area_never_bridges_a_gap(self, case: Case) -> None:
        for dose, found in zip(case.doses, case.curves(), strict=True):
            following = min((other for other in case.doses if other > dose), default=10_000)
            hours = [0, *sorted(h - dose for h in case.hours if dose < h < min(following, dose + 337))]
            pieces = [min(b, 168) - a for a, b in pairwise(hours) if b - a <= 72 and a < 168]
            expected = sum(pieces) if found.baseline.value is not None else 0

            assert found.coverage == pytest.approx(100 * expected / 168)

    @given(CASES | LIVELY)
    def test_values_of_other_times_change_nothing(self, case: Case) -> None:
        for dose, found in zip(case.doses, case.curves(), strict=True):
            following = min((other for other in case.doses if other > dose), default=10_000)
            near = {h: v for h, v in case.hours.items() if dose - 168 <= h < min(following, dose + 337)}
            spacing = Spacing(dose * HOUR, next_at=following * HOUR)
            alone = relief.curve_of(series_of(near, NEVER), spacing, CRAVING, PROTOCOL)

            assert (alone.baseline, alone.nadir, alone.auc) == (found.baseline, found.nadir, found.auc)
            if alone.relief and found.relief:
                assert alone.relief.until_minutes == found.relief.until_minutes
            assert (alone.relief is None) == (found.relief is None)


class TestProtocol:
    def test_decides_every_figure(self) -> None:
        own = Trends(
            dose_baseline_hours=24,
            dose_baseline_wide_days=3,
            baseline_min_values=2,
            change_range_share=0.1,
            change_baseline_share=0.1,
            horizon_days=2,
            auc_hours=24,
            gap_break_hours=12,
            nadir_min=1,
        )
        case = Case({-48: 9, -24: 5, -1: 5, 12: 4, 24: 4, 40: 1, 49: 0}, [0])
        (found,) = case.curves(protocol=own)

        assert (found.baseline.value, found.threshold) == (5, 1)
        assert found.nadir == relief.Nadir(1, 40 * 60)
        assert found.relief is not None
        assert (found.relief.until_minutes, found.relief.censored_by) == (40 * 60, CensoredBy.HORIZON)
        assert (found.auc, found.coverage) == (12 / 2 + 12, 100)
        assert found.threshold == change_threshold(5, CRAVING, own)

    def test_may_ask_for_no_area(self) -> None:
        (found,) = Case(EXAMPLE, [0]).curves(protocol=Trends(auc_hours=0))

        assert (found.auc, found.coverage) == (None, 0)
