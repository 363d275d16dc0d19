"""What happened after each dose: when relief began, how far it went, when it was over, and what cannot be known.

For one dose, with D the change threshold from the dose's own baseline b (`rules.change_threshold`), and every
comparison mirrored for a measure where higher is better:

- **window**: from the dose to the next dose (its first instant excluded) or 14 days (included), whichever is sooner.
- **baseline** b: `rules.dose_baseline`. The window before a second dose may lie inside the relief of the first; b is
  then what that relief had made usual, so the second dose is credited only with what it added. `overlaps` says so.
- **onset**: the first value after the dose at `b - D` or below that is followed by another such value.
- **nadir**: the best value in the window, the earliest of equals; needs 3 values.
- **return**: the first value after nadir and onset above `b - D` that is followed by another such value. Where the
  values end first, relief is *censored*: it lasted at least to the last value. It is not said to have lasted to the
  next dose, since nobody asked in between.
- **area**: of `b - y` over the first 168 hours, starting from `y = b` at the dose; positive is better than before.
  Pieces longer than 72 hours without a value are left out, and `coverage` says how much of the 168 hours is in.

Two consecutive values are needed for onset and return because single answers jump. Where the baseline leaves no room
(craving 1 of 10 cannot fall by 2), there is no onset, and `reachable` is false.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from app.protocols.rules import Trends
from app.trends.rules import DAY, HOUR, Baseline, Rule, Scale, Shortfall, change_threshold, dose_baseline, shortfalls
from app.trends.statistics import Area, area_under, kaplan_meier_median

HOUR_IN_MINUTES: Final = 60
MINUTE: Final = HOUR // HOUR_IN_MINUTES
IN_A_ROW: Final = 2
RELIEF_RULE: Final = Rule("two_values_beyond_threshold", "1")
SUMMARY_METHOD: Final = "kaplan_meier"


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one measure in order of time, as they were known at `until`; microseconds since 1970."""

    times: Sequence[int]
    values: Sequence[float]
    until: int


@dataclass(frozen=True, slots=True)
class Spacing:
    """A dose between its neighbours; None where there is none. Instants in microseconds since 1970."""

    dose_at: int
    previous_at: int | None = None
    next_at: int | None = None


class CensoredBy(StrEnum):
    """Why the end of relief was not seen.

    `next_dose`: the next dose was given first. `horizon`: the 14 days were over first. `last_value`: neither has
    happened yet, there are only no later values so far.
    """

    NEXT_DOSE = "next_dose"
    HORIZON = "horizon"
    LAST_VALUE = "last_value"


@dataclass(frozen=True, slots=True)
class Nadir:
    """The best value after a dose."""

    value: float
    minutes_from_dose: int


@dataclass(frozen=True, slots=True)
class Relief:
    """From onset to return, in whole minutes from the dose."""

    onset_minutes: int
    return_minutes: int | None
    """None where the values end before relief does."""
    until_minutes: int
    """The return, or the last value: relief lasted at least to here."""
    censored_by: CensoredBy | None
    interrupted: bool
    """Whether two values in a row were back above the threshold between onset and nadir."""

    @property
    def censored(self) -> bool:
        """Whether the end of relief was not seen."""
        return self.return_minutes is None

    @property
    def duration_minutes(self) -> int:
        """Length of relief, at least so long where it is censored."""
        return self.until_minutes - self.onset_minutes


@dataclass(frozen=True, slots=True)
class Curve:
    """One dose: its values and what was found in them."""

    spacing: Spacing
    first: int
    """Index in the series of the first value that belongs to the curve, in the baseline's window."""
    last: int
    """Index after the last one."""
    baseline: Baseline
    overlaps: bool
    """Whether the baseline's window reaches into the 14 days after an earlier dose."""
    threshold: float | None
    relief_at: float | None
    """The value at which relief counts as begun."""
    reachable: bool | None
    """Whether that value lies on the scale at all."""
    n_after: int
    relief: Relief | None
    nadir: Nadir | None
    area: Area | None
    """In point-microseconds."""
    coverage: float
    """Percent of the first 168 hours that the area covers."""
    missing: list[Shortfall]
    rule: Rule = RELIEF_RULE

    @property
    def baseline_minutes(self) -> int:
        """Length of the baseline's window, in minutes before the dose."""
        start = self.baseline.starts_at
        return 0 if start is None else whole_minutes(self.spacing.dose_at - start)

    @property
    def auc(self) -> float | None:
        """Area between baseline and values in point-hours, positive where the values are better than the baseline."""
        return self.area.value / HOUR if self.area else None

    @property
    def mean_reduction(self) -> float | None:
        """The area divided by the time it covers: points better than the baseline, on average."""
        return self.area.value / self.area.covered if self.area else None


@dataclass(frozen=True, slots=True)
class Summary:
    """Relief over several doses."""

    median_relief_minutes: int | None
    """None where more than half of the reliefs were still going on when their values ended, or there is none."""
    n: int
    """Doses with an onset, which the median rests on."""
    n_censored: int
    n_without_onset: int
    method: str = SUMMARY_METHOD


def curves_of(
    series: Series, doses: Sequence[int], scale: Scale, protocol: Trends, *, every_dose: Sequence[int] | None = None
) -> list[Curve]:
    """Return a curve for each of these doses (their starts). `every_dose` of the patient says what came between."""
    distinct = sorted(set(doses if every_dose is None else every_dose))
    return [curve_of(series, _spacing(dose_at, distinct), scale, protocol) for dose_at in doses]


def _spacing(dose_at: int, distinct: Sequence[int]) -> Spacing:
    earlier, later = bisect_left(distinct, dose_at), bisect_right(distinct, dose_at)
    return Spacing(
        dose_at,
        distinct[earlier - 1] if earlier else None,
        distinct[later] if later < len(distinct) else None,
    )


def curve_of(series: Series, spacing: Spacing, scale: Scale, protocol: Trends) -> Curve:
    """Read the values around one dose."""
    dose_at = spacing.dose_at
    baseline = dose_baseline(series.times, series.values, dose_at, protocol)
    window = _window(series, spacing, protocol)
    b, n = baseline.value, len(window.values)
    threshold = relief = area = None
    if b is not None and scale.sign:
        threshold = change_threshold(b, scale, protocol)
        relief = _relief(window, b - scale.sign * threshold, scale)
        area = _area(window, b, scale, protocol)
    return Curve(
        spacing=spacing,
        first=bisect_left(series.times, dose_at if baseline.starts_at is None else baseline.starts_at),
        last=window.last,
        baseline=baseline,
        overlaps=_overlaps(baseline, spacing, protocol),
        threshold=threshold,
        relief_at=None if b is None or threshold is None else b - scale.sign * threshold,
        reachable=None if b is None or threshold is None else scale.burden(b) >= threshold - scale.slack,
        n_after=n,
        relief=relief,
        nadir=_nadir(window, scale) if scale.sign and n >= protocol.nadir_min else None,
        area=area,
        coverage=100 * area.covered / (protocol.auc_hours * HOUR) if area else 0.0,
        missing=shortfalls(
            {
                "baseline": (protocol.baseline_min_values, baseline.n),
                "onset": (IN_A_ROW, n),
                "nadir": (protocol.nadir_min, n),
            }
        ),
    )


def summary_of(curves: Sequence[Curve]) -> Summary:
    """Summarise relief over doses by the Kaplan-Meier median, in which a relief cut off counts as far as it was seen.

    A plain mean or median of the lengths would take a cut-off relief for a short one.
    """
    reliefs = [curve.relief for curve in curves if curve.relief]
    durations = [relief.duration_minutes for relief in reliefs]
    return Summary(
        median_relief_minutes=kaplan_meier_median(durations, [not relief.censored for relief in reliefs]),
        n=len(reliefs),
        n_censored=sum(relief.censored for relief in reliefs),
        n_without_onset=len(curves) - len(reliefs),
    )


def whole_minutes(microseconds: int) -> int:
    """Round down to whole minutes, as links count them: what lies before a dose is always negative."""
    return microseconds // MINUTE


@dataclass(frozen=True, slots=True)
class _Window:
    """The values from a dose to its horizon; `times` are microseconds since the dose."""

    times: Sequence[int]
    values: Sequence[float]
    last: int
    """Index in the series after the last of them."""
    cut_by: CensoredBy

    def minutes(self, index: int) -> int:
        """Whole minutes from the dose."""
        return whole_minutes(self.times[index])


def _window(series: Series, spacing: Spacing, protocol: Trends) -> _Window:
    horizon = spacing.dose_at + protocol.horizon_days * DAY
    start, end = bisect_left(series.times, spacing.dose_at), bisect_right(series.times, horizon)
    cut_by = CensoredBy.HORIZON if horizon < series.until else CensoredBy.LAST_VALUE
    if spacing.next_at is not None and spacing.next_at <= horizon:
        end, cut_by = bisect_left(series.times, spacing.next_at), CensoredBy.NEXT_DOSE
    since = [at - spacing.dose_at for at in series.times[start:end]]
    return _Window(since, series.values[start:end], end, cut_by)


def _overlaps(baseline: Baseline, spacing: Spacing, protocol: Trends) -> bool:
    if baseline.starts_at is None or spacing.previous_at is None:
        return False
    return baseline.starts_at < spacing.previous_at + protocol.horizon_days * DAY


def _best(window: _Window, scale: Scale) -> int:
    """Index of the best value, the earliest of equals."""
    return min(range(len(window.values)), key=lambda index: scale.sign * window.values[index])


def _nadir(window: _Window, scale: Scale) -> Nadir:
    best = _best(window, scale)
    return Nadir(window.values[best], window.minutes(best))


def _first_pair(hits: Sequence[bool], *, start: int, end: int | None = None) -> int | None:
    """Return the index of the first hit that is followed by another, both in `[start, end)`."""
    pairs = enumerate(pairwise(hits[start:end]), start)
    return next((index for index, (one, next_one) in pairs if one and next_one), None)


def _relief(window: _Window, relief_at: float, scale: Scale) -> Relief | None:
    relieved = [scale.relief(relief_at, value) >= -scale.slack for value in window.values]
    onset = _first_pair(relieved, start=bisect_right(window.times, 0))
    if onset is None:
        return None
    turn = max(onset, _best(window, scale))
    back = [not is_relieved for is_relieved in relieved]
    returned = _first_pair(back, start=turn + 1)
    return Relief(
        onset_minutes=window.minutes(onset),
        return_minutes=None if returned is None else window.minutes(returned),
        until_minutes=window.minutes(-1 if returned is None else returned),
        censored_by=window.cut_by if returned is None else None,
        interrupted=_first_pair(back, start=onset, end=turn) is not None,
    )


def _area(window: _Window, b: float, scale: Scale, protocol: Trends) -> Area | None:
    """Return the area of relief in point-microseconds; None where no piece of the line is short enough to be drawn."""
    start = bisect_right(window.times, 0)
    times = [0, *window.times[start:]]
    relief = [0.0, *(scale.relief(b, value) for value in window.values[start:])]
    area = area_under(times, relief, longest_gap=protocol.gap_break_hours * HOUR, end=protocol.auc_hours * HOUR)
    return area if area.covered else None
