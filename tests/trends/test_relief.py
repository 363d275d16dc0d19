"""Relief after doses: the worked example and hard cases."""

import pytest

from app.protocols.rules import Trends
from app.trends import relief
from app.trends.relief import CensoredBy, Curve, Spacing
from app.trends.rules import HOUR, Scale, Shortfall, change_threshold
from tests.trends.cases import AROUSAL, CRAVING, EXAMPLE, MOOD, PROTOCOL, Case, series_of

BEFORE = {-48: 7, -24: 7, -1: 7}


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
