"""Two periods, and doses given alike."""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.instruments.measures import MEASURES
from app.protocols.rules import Trends
from app.trends import comparisons
from app.trends.buckets import by_day
from app.trends.comparisons import PeriodChange, PeriodFigures, compare, figures_of
from app.trends.relief import summary_of
from tests.factories import an_id
from tests.trends.cases import EXAMPLE, Case

FIRST = date(2026, 9, 1)
PROTOCOL = Trends()
REPORTS = st.lists(st.tuples(st.integers(0, 13), st.integers(0, 10)), max_size=40)


def figures(reports: list[tuple[int, int]]) -> PeriodFigures:
    rows = sorted((FIRST + timedelta(days=day), float(value)) for day, value in reports)
    return figures_of(FIRST, FIRST + timedelta(days=13), 14, by_day(rows))


def between(one: list[tuple[int, int]], other: list[tuple[int, int]], key: str = "craving") -> PeriodChange:
    return compare(figures(one), figures(other), MEASURES[key], PROTOCOL)


def turned(reports: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(day, 10 - value) for day, value in reports]


class TestPeriods:
    @given(REPORTS)
    def test_count_every_day_once(self, reports: list[tuple[int, int]]) -> None:
        by_hand = [fmean([v for d, v in reports if d == day]) for day in sorted({day for day, _ in reports})]
        found = figures(reports)

        assert (found.n, found.days_with_values) == (len(reports), len(by_hand))
        assert found.median == (pytest.approx(median(by_hand)) if by_hand else None)
        assert found.mean == (pytest.approx(fmean(by_hand)) if by_hand else None)

    @given(REPORTS, REPORTS)
    def test_of_a_mirrored_scale_read_the_same(self, one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
        here, there = between(one, other), between(turned(one), turned(other), "mood")

        assert (there.label, there.missing) == (here.label, here.missing)
        if here.difference is not None:
            assert there.difference == pytest.approx(-here.difference)
            assert there.threshold == pytest.approx(here.threshold)

    @given(REPORTS, REPORTS, st.randoms(use_true_random=False))
    def test_do_not_depend_on_the_order_of_reports(
        self, one: list[tuple[int, int]], other: list[tuple[int, int]], random: object
    ) -> None:
        shuffled = list(one)
        random.shuffle(shuffled)  # type: ignore[attr-defined]

        assert between(shuffled, other) == between(one, other)

    @given(REPORTS, REPORTS)
    def test_say_nothing_where_either_has_too_few_days(
        self, one: list[tuple[int, int]], other: list[tuple[int, int]]
    ) -> None:
        found = between(one, other)
        enough = all(len({day for day, _ in reports}) >= PROTOCOL.baseline_min_values for reports in (one, other))

        assert (found.difference is not None) == (found.label is not None) == enough
        assert (found.missing == []) == enough


@dataclass(frozen=True)
class Dose:
    """What a row of a dose says."""

    id: UUID
    substance: str | None
    route: str | None
    dose_mg: float | None


GIVEN = st.sampled_from(
    [("ketamine", "IM", 40.0), ("ketamine", "IV", 40.0), ("ketamine", "IM", 60.0), (None, None, None)]
)


class TestDoses:
    @given(st.lists(GIVEN, max_size=8))
    def test_are_each_in_exactly_one_group(self, given: list[tuple[str | None, str | None, float | None]]) -> None:
        case = Case({hour + 800 * n: v for n in range(len(given)) for hour, v in EXAMPLE.items()}, [])
        doses = [Dose(an_id(), *each) for each in given]
        curves = Case(case.hours, [800 * n for n in range(len(given))]).curves()

        groups = comparisons.groups_of(doses, curves, PROTOCOL)

        assert sorted(each for group in groups for each in group.session_ids) == sorted(dose.id for dose in doses)
        assert [(group.substance, group.route, group.mg) for group in groups] == list(dict.fromkeys(given))
        for group in groups:
            mine = [curve for dose, curve in zip(doses, curves, strict=True) if dose.id in group.session_ids]
            assert group.relief.n + group.relief.n_without_onset == len(mine)
            enough = group.relief.n >= PROTOCOL.dose_group_min
            assert (group.missing == []) == enough
            assert group.relief.median_relief_minutes == (summary_of(mine).median_relief_minutes if enough else None)
