"""Two periods of one patient beside each other, and their doses by what was given. Data, never advice. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import median
from typing import Any, Final

from app.instruments.definitions import Measure
from app.protocols.rules import Trends
from app.trends.criteria import Criterion, criteria_of
from app.trends.days import LocalDay
from app.trends.relief import Curve, Summary, summary_of, whole_minutes
from app.trends.rules import (
    ChangeLabel,
    Rule,
    Scale,
    Shortfall,
    change_label,
    change_threshold,
    percent_change,
    shortfalls,
)

PERIODS_RULE: Final = Rule("medians_of_local_days", "1")
DOSES_RULE: Final = Rule("relief_by_what_was_given", "1")


# Two periods ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """One measure in one period. The figures are of the local days' means, so that a day counts once."""

    first_day: date
    last_day: date
    days: int
    """Local days of the period that have begun."""
    n: int
    days_with_values: int
    median: float | None
    mean: float | None
    lowest: float | None
    """Of all values."""
    highest: float | None


@dataclass(frozen=True, slots=True)
class PeriodChange:
    """The second period against the first. What cannot be said is None."""

    difference: float | None
    """Median of the second minus median of the first, in points."""
    mean_difference: float | None
    percent: float | None
    threshold: float | None
    label: ChangeLabel | None
    criteria: Sequence[Criterion]
    missing: Sequence[Shortfall]
    rule: Rule = PERIODS_RULE


def figures_of(first_day: date, last_day: date, days_begun: int, days: Sequence[LocalDay]) -> PeriodFigures:
    """Sum up a period. A period without values has no figures, and none of them is zero."""
    means = [day.mean for day in days]
    return PeriodFigures(
        first_day=first_day,
        last_day=last_day,
        days=days_begun,
        n=sum(day.n for day in days),
        days_with_values=len(days),
        median=float(median(means)) if means else None,
        mean=sum(means) / len(means) if means else None,
        lowest=min((day.lowest for day in days), default=None),
        highest=max((day.highest for day in days), default=None),
    )


def compare(first: PeriodFigures, second: PeriodFigures, measure: Measure, protocol: Trends) -> PeriodChange:
    """Compare the medians by the clinic's rule and by what is published, where both periods have enough days."""
    missing = shortfalls(
        {
            "first_period": (protocol.baseline_min_values, first.days_with_values),
            "second_period": (protocol.baseline_min_values, second.days_with_values),
        }
    )
    b, y = first.median, second.median
    if missing or b is None or y is None or first.mean is None or second.mean is None:
        return PeriodChange(None, None, None, None, None, criteria_of(measure, None, None, None), missing)
    scale = Scale.of(measure)
    threshold, percent = change_threshold(b, scale, protocol), percent_change(b, y, scale, protocol)
    return PeriodChange(
        difference=y - b,
        mean_difference=second.mean - first.mean,
        percent=percent,
        threshold=threshold,
        label=change_label(b, y, threshold, scale),
        criteria=criteria_of(measure, b, y, percent),
        missing=missing,
    )


# Doses of one patient -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DoseGroup:
    """The doses of one patient that were given alike: substance, route and amount. None is not recorded."""

    substance: str | None
    route: str | None
    mg: float | None
    session_ids: Sequence[Any]
    relief: Summary
    median_minutes_since_previous: int | None
    median_onset_minutes: int | None
    """Of the doses that had an onset, where those are enough."""
    median_mean_reduction: float | None
    """Of the doses with an area, in points, where those are enough."""
    missing: Sequence[Shortfall]


def groups_of(doses: Sequence[Any], curves: Sequence[Curve], protocol: Trends) -> list[DoseGroup]:
    """Put together the doses that were given alike, in the order in which each was first given.

    Nothing ranks the groups: they were not given by chance, earlier doses act on later ones, and a patient changes.
    A group of fewer doses than a summary needs says so, and has no median.
    """
    found: dict[tuple[str | None, str | None, float | None], list[tuple[Any, Curve]]] = {}
    for dose, curve in zip(doses, curves, strict=True):
        found.setdefault((dose.substance, dose.route, dose.dose_mg), []).append((dose, curve))
    return [_group(*given, members, protocol) for given, members in found.items()]


def _group(
    substance: str | None, route: str | None, mg: float | None, members: Sequence[tuple[Any, Curve]], protocol: Trends
) -> DoseGroup:
    curves = [curve for _, curve in members]
    summary = summary_of(curves)
    missing = shortfalls({"median_relief": (protocol.dose_group_min, summary.n)})
    since = [each.spacing.dose_at - each.spacing.previous_at for each in curves if each.spacing.previous_at is not None]
    onsets = [curve.relief.onset_minutes for curve in curves if curve.relief]
    areas = [curve.mean_reduction for curve in curves if curve.mean_reduction is not None]
    return DoseGroup(
        substance=substance,
        route=route,
        mg=mg,
        session_ids=[dose.id for dose, _ in members],
        relief=replace(summary, median_relief_minutes=None) if missing else summary,
        median_minutes_since_previous=whole_minutes(int(median(since))) if since else None,
        median_onset_minutes=int(median(onsets)) if onsets and not missing else None,
        median_mean_reduction=float(median(areas)) if len(areas) >= protocol.dose_group_min else None,
        missing=missing,
    )
