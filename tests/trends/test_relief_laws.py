"""Relief after doses: a literal second reading of the definitions, and properties that hold for every patient."""

from dataclasses import replace
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trends import relief
from app.trends.relief import Spacing
from app.trends.rules import HOUR, Scale
from tests.trends.cases import CRAVING, MOOD, NEVER, PROTOCOL, Case, series_of

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
