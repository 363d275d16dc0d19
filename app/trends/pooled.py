"""All doses of one patient laid on one another: the middle of them, and how far they spread, by the time since a dose.

- A *stretch* is a span of hours from a dose (`Trends.pooled_hours`), its end excluded; the last one ends where a dose
  is no longer followed. What lies before the first is left out.
- A dose counts once in a stretch, with the median of its values there, so that a day of many check-ins does not weigh
  more. `n` is the number of doses with a value.
- A dose is followed to the next dose, to the horizon, or to now (as its curve in `relief.py`). What came after the next
  dose belongs to that one. So later stretches hold fewer doses, and perhaps others: `n_followed` says how many could
  have had a value, and a change from one stretch to the next may be a change of who is in it.
- Quartiles rest on 3 doses or more (`Trends.pooled_min_sessions`); below that there are none, and no band is drawn.
- Values before a dose are those of its baseline; where they lie in the time after an earlier dose, `n_overlapping`
  counts the dose.

Nothing is interpolated or carried forward; a stretch without a value has no median.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles
from typing import Final

from app.protocols.rules import Trends
from app.trends.relief import HOUR_IN_MINUTES, MINUTE, Curve, Series
from app.trends.rules import DAY, Rule

POOLED_RULE: Final = Rule("median_of_sessions_by_stretch", "1")
_DAY_IN_HOURS: Final = 24
_QUARTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the doses did in one span of time since a dose."""

    from_minutes: int
    until_minutes: int
    """The end is no part of it, except of the last."""
    n: int
    """Doses with a value in it."""
    n_followed: int
    """Doses that were followed as far as this."""
    n_values: int
    median: float | None
    lower_quartile: float | None
    upper_quartile: float | None


@dataclass(frozen=True, slots=True)
class Pooled:
    """All doses of a period laid on one another."""

    stretches: Sequence[Stretch]
    baseline: float | None
    """The median of the doses' own baselines."""
    baseline_n: int
    n_sessions: int
    n_overlapping: int
    """Doses whose baseline reaches into the time after an earlier dose."""
    min_sessions: int
    rule: Rule = POOLED_RULE


def pooled_of(series: Series, curves: Sequence[Curve], protocol: Trends) -> Pooled:
    """Lay the curves of these doses on one another."""
    baselines = [curve.baseline.value for curve in curves if curve.baseline.value is not None]
    ends = [_followed_until(series, curve, protocol) for curve in curves]
    spans = stretches_of(protocol)
    return Pooled(
        stretches=[
            _stretch(series, curves, ends, span, protocol, is_last=index == len(spans) - 1)
            for index, span in enumerate(spans)
        ],
        baseline=median(baselines) if baselines else None,
        baseline_n=len(baselines),
        n_sessions=len(curves),
        n_overlapping=sum(curve.overlaps for curve in curves),
        min_sessions=protocol.pooled_min_sessions,
    )


def stretches_of(protocol: Trends) -> list[tuple[int, int]]:
    """The stretches in minutes from a dose: those of the protocol, cut off where a dose is no longer followed."""
    horizon = protocol.horizon_days * _DAY_IN_HOURS
    edges = [*(hours for hours in protocol.pooled_hours if hours < horizon), horizon]
    return [(start * HOUR_IN_MINUTES, end * HOUR_IN_MINUTES) for start, end in pairwise(edges)]


def _followed_until(series: Series, curve: Curve, protocol: Trends) -> int:
    """The instant up to which values of a dose are its own and can be there; its last value lies before it."""
    spacing = curve.spacing
    ends = [spacing.dose_at + protocol.horizon_days * DAY, series.until]
    if spacing.next_at is not None:
        ends.append(spacing.next_at)
    last = series.times[curve.last - 1] + 1 if curve.last > curve.first else spacing.dose_at
    return max(min(ends), last)


def _stretch(
    series: Series,
    curves: Sequence[Curve],
    ends: Sequence[int],
    span: tuple[int, int],
    protocol: Trends,
    *,
    is_last: bool,
) -> Stretch:
    found: list[float] = []
    n_values = n_followed = 0
    for curve, end in zip(curves, ends, strict=True):
        start, stop = (curve.spacing.dose_at + minutes * MINUTE for minutes in span)
        n_followed += start < end
        first = bisect_left(series.times, start, curve.first, curve.last)
        last = curve.last if is_last else bisect_left(series.times, stop, first, curve.last)
        if last > first:
            n_values += last - first
            found.append(median(series.values[first:last]))
    lower, upper = _quartiles(found) if len(found) >= protocol.pooled_min_sessions else (None, None)
    middle = median(found) if found else None
    return Stretch(*span, len(found), n_followed, n_values, middle, lower, upper)


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third quartile, straight between the values around them (Hyndman and Fan's definition 7)."""
    if len(values) == 1:
        return values[0], values[0]
    lower, _, upper = quantiles(values, n=_QUARTERS, method="inclusive")
    return lower, upper
