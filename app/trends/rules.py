"""What a clinician reads in a trend: baseline, change, direction, gaps. Every threshold is the clinic's own.

Instants are whole microseconds since 1970 in UTC, so that the edge of a window is exact; days are the patient's local
days. Comparisons forgive a billionth of the scale's range, which is the rounding of decimal fractions.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from app.instruments.definitions import Direction, Measure
from app.protocols.rules import Trends
from app.trends.days import Latest, LocalDay
from app.trends.statistics import MannKendall, Slope, mann_kendall, theil_sen

HOUR: Final = 3_600_000_000
"""Microseconds in an hour."""
DAY: Final = 24 * HOUR
ROUNDING: Final = 1e-9
SIGNS: Final[Mapping[Direction, int]] = {"worse": 1, "better": -1, "neutral": 0}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by name and version, as it stands beside every label that it made."""

    name: str
    version: str


BASELINE_RULE: Final = Rule("median_before_first_dose", "1")
DOSE_BASELINE_RULE: Final = Rule("median_before_dose", "1")
CHANGE_RULE: Final = Rule("range_or_baseline_share", "1")
TREND_RULE: Final = Rule("mann_kendall_and_change_threshold", "1")

RESPONSE_PERCENT: Final[Mapping[str, float]] = {"pacs_total": 50}
"""Fall in percent of the baseline that trials count as a response, for measures whose definition does not say it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of a measure's values and which way is worse."""

    lowest: float
    highest: float
    higher_is: Direction

    @classmethod
    def of(cls, measure: Measure) -> "Scale":
        """Take the scale of a measure."""
        return cls(measure.minimum, measure.maximum, measure.higher_is)

    @property
    def span(self) -> float:
        """Width of the range in points."""
        return self.highest - self.lowest

    @property
    def sign(self) -> int:
        """1 where higher is worse, -1 where higher is better, 0 where neither end is."""
        return SIGNS[self.higher_is]

    @property
    def slack(self) -> float:
        """How much two values may differ and still count as equal."""
        return self.span * ROUNDING

    def burden(self, value: float) -> float:
        """Distance of a value from the good end of its scale: craving 7 of 10 is 7, mood 7 of 10 (better) is 3."""
        return self.highest - value if self.higher_is == "better" else value - self.lowest

    def relief(self, before: float, after: float) -> float:
        """How much better `after` is than `before`, in points: positive for better, whichever way the scale runs."""
        return self.sign * (before - after)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A statistic that is left out because it would rest on too little."""

    statistic: str
    needed: int
    have: int


def shortfalls(counts: Mapping[str, tuple[int, int]]) -> list[Shortfall]:
    """Name the statistics that lack data, from what each needs and what there is."""
    return [Shortfall(name, needed, have) for name, (needed, have) in counts.items() if have < needed]


# Baseline -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Baseline:
    """The usual value before a dose: the median of a window that ends where the dose starts.

    `value` is None, "insufficient", where the window holds too few values. Without a dose there is no window.
    """

    value: float | None
    n: int
    starts_at: int | None
    ends_at: int | None
    rule: Rule

    @property
    def sufficient(self) -> bool:
        """Whether there were enough values."""
        return self.value is not None


Window = tuple[int, int]
"""Instants at which it starts and ends; the end is no part of it."""


def first_dose_window(first_dose_at: int, protocol: Trends) -> Window:
    """Return the 14 days before the patient's first dose."""
    return first_dose_at - protocol.baseline_days * DAY, first_dose_at


def first_dose_baseline(window: Window | None, values: Sequence[float], protocol: Trends) -> Baseline:
    """Take the median of the values in the window before the first dose, when there are 3 or more."""
    if window is None:
        return Baseline(None, 0, None, None, BASELINE_RULE)
    return _median_of(values, window, protocol, BASELINE_RULE)


def dose_baseline(times: Sequence[int], values: Sequence[float], dose_at: int, protocol: Trends) -> Baseline:
    """Take the median of the 72 hours before one dose; of the 7 days before it where those hold fewer than 3 values.

    The window is not cut at an earlier dose: the question is how much *this* dose changed from what was usual just
    before it, also where that was the relief of the dose before. The caller says so beside the value.
    """
    narrow = dose_at - protocol.dose_baseline_hours * HOUR
    wide = dose_at - protocol.dose_baseline_wide_days * DAY
    end = bisect_left(times, dose_at)
    inside = values[bisect_left(times, narrow) : end]
    if len(inside) >= protocol.baseline_min_values:
        return _median_of(inside, (narrow, dose_at), protocol, DOSE_BASELINE_RULE)
    return _median_of(values[bisect_left(times, wide) : end], (wide, dose_at), protocol, DOSE_BASELINE_RULE)


def _median_of(values: Sequence[float], window: Window, protocol: Trends, rule: Rule) -> Baseline:
    enough = len(values) >= protocol.baseline_min_values
    return Baseline(float(median(values)) if enough else None, len(values), *window, rule)


# Change ---------------------------------------------------------------------------------------------------------------


def change_threshold(baseline: float | None, scale: Scale, protocol: Trends) -> float:
    """D, the smallest difference that counts as a change: the larger of 20 % of the range and 30 % of the baseline.

    The baseline counts by its burden, its distance from the good end, so mood 3 of 10 has the threshold of craving 7 of
    10. A baseline at the good end leaves the share of the range; so does a baseline that is not known.

    No published figure exists for craving: this is a declared default, and the name and version of the rule stand
    beside every label it makes.
    """
    by_range = protocol.change_range_share * scale.span
    if baseline is None or scale.higher_is == "neutral":
        return by_range
    return max(by_range, protocol.change_baseline_share * scale.burden(baseline))


def percent_change(baseline: float, current: float, scale: Scale, protocol: Trends) -> float | None:
    """Return `100 * (current - baseline) / baseline`, negative when the value fell.

    None where it would mislead: a scale that does not start at 0, or a baseline below 10 % of the range.
    """
    if scale.lowest != 0 or baseline <= 0 or baseline < protocol.percent_min_range_share * scale.span - scale.slack:
        return None
    return 100 * (current - baseline) / baseline


def response_percent(measure: Measure) -> float | None:
    """Fall in percent of the baseline that counts as a response; None where nobody published one."""
    return RESPONSE_PERCENT.get(measure.key) if measure.response_pct is None else measure.response_pct


class ChangeLabel(StrEnum):
    """A difference in words, by a rule that stands beside it."""

    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    WORSE = "worse"


def change_label(baseline: float, current: float, by_at_least: float | None, scale: Scale) -> ChangeLabel | None:
    """Name a difference of at least so many points.

    None where no number of points is known, or where neither end of the scale is better.
    """
    if by_at_least is None or scale.higher_is == "neutral":
        return None
    relief = scale.relief(baseline, current)
    if relief >= by_at_least - scale.slack:
        return ChangeLabel.IMPROVED
    return ChangeLabel.WORSE if -relief >= by_at_least - scale.slack else ChangeLabel.UNCHANGED


@dataclass(frozen=True, slots=True)
class Change:
    """How the latest values differ from the baseline. What cannot be said is None."""

    current: float | None
    """Mean of the latest values (7 local days up to the last one, after the day of the first dose)."""
    current_n: int
    difference: float | None = None
    """`current - baseline` in points, with the sign of the scale."""
    percent: float | None = None
    threshold: float | None = None
    """D: points that the label asks for."""
    label: ChangeLabel | None = None
    rule: Rule = CHANGE_RULE
    mcid_label: ChangeLabel | None = None
    reliable_label: ChangeLabel | None = None
    responder: bool | None = None
    remission: bool | None = None


def change_from(baseline: float | None, latest: Latest, measure: Measure, protocol: Trends) -> Change:
    """Compare the latest values with the baseline, by the clinic's rule and by what is published for the measure."""
    current, below, share = latest.mean, measure.remission_below, response_percent(measure)
    if current is None:
        return Change(None, 0)
    remission = None if below is None else current < below
    if baseline is None:
        return Change(current, latest.n, remission=remission)
    scale, published = Scale.of(measure), measure.change
    mcid = published.mcid_points if published else None
    reliable = published.reliable_change_points_gte if published else None
    threshold = change_threshold(baseline, scale, protocol)
    percent = percent_change(baseline, current, scale, protocol)
    return Change(
        current=current,
        current_n=latest.n,
        difference=current - baseline,
        percent=percent,
        threshold=threshold,
        label=change_label(baseline, current, threshold, scale),
        mcid_label=change_label(baseline, current, mcid, scale),
        reliable_label=change_label(baseline, current, reliable, scale),
        responder=None if share is None or percent is None else -percent >= share - ROUNDING,
        remission=remission,
    )


# Course --------------------------------------------------------------------------------------------------------------


class TrendLabel(StrEnum):
    """Where a series is heading, as far as a test and the change threshold both support it."""

    IMPROVING = "improving"
    WORSENING = "worsening"
    NO_CLEAR_TREND = "no_clear_trend"


@dataclass(frozen=True, slots=True)
class Course:
    """Slope, test and label of a series of daily means."""

    slope: Slope | None
    test: MannKendall | None
    label: TrendLabel | None
    n: int
    span_days: int
    """Days from the first to the last value; the slope says nothing of other days."""
    rule: Rule = TREND_RULE


def course(days: Sequence[LocalDay], baseline: float | None, scale: Scale, protocol: Trends) -> Course:
    """Fit and test the means of the local days, one value a day, so that a day of many check-ins does not weigh more.

    A slope needs 5 days, its interval and the test 8. There is a trend only where the test's p is below 0.05 *and* the
    slope moves the value by the change threshold between the first and the last day.
    """
    ordinals = [day.day.toordinal() for day in days]
    means = [day.mean for day in days]
    n, span = len(days), ordinals[-1] - ordinals[0] if ordinals else 0
    tested = n >= protocol.kendall_min
    slope = test = label = None
    if n >= protocol.slope_min:
        slope = theil_sen([day - ordinals[0] for day in ordinals], means, alpha=protocol.alpha if tested else None)
    if tested:
        test = mann_kendall(means)
    if slope and test:
        threshold = change_threshold(baseline, scale, protocol)
        label = trend_label(slope.per_unit * span, threshold, test.p_value, scale, protocol.alpha)
    return Course(slope=slope, test=test, label=label, n=n, span_days=span)


def trend_label(moved: float, by_at_least: float, p_value: float, scale: Scale, alpha: float) -> TrendLabel | None:
    """Name where a series went that moved by so many points; None where neither end of the scale is better."""
    if scale.higher_is == "neutral":
        return None
    if p_value >= alpha or abs(moved) < by_at_least - scale.slack:
        return TrendLabel.NO_CLEAR_TREND
    return TrendLabel.IMPROVING if scale.sign * moved < 0 else TrendLabel.WORSENING


# Gaps -----------------------------------------------------------------------------------------------------------------


def shortest_gap(interval_days: int | None, protocol: Trends) -> int:
    """Days without a value that make a gap: the clinic's number, or so many of the intervals of a questionnaire."""
    return max(protocol.gap_days, protocol.gap_intervals * (interval_days or 1))
