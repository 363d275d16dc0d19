"""Statistics of one patient's series, in the plain form that papers define them.

A series is two sequences of the same length, `times` and `values`; times are numbers in one unit of the caller's choice
(days, for the slope). Nothing is imputed here, nothing carried forward, and no minimum of data is enforced: what is too
little to be shown is a clinical rule and stands in `rules.py`. Values are finite numbers.

numpy is imported when the first slope is computed: it costs 15 MB and 40 ms that an idle server need not pay.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PAIRS: Final = 125_000
"""Pairs of points that a slope is computed from at most: all of them up to 500 points."""

A_WEEK_OF_POINTS: Final = 7
HALF: Final = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Slope:
    """A Theil-Sen line: `value = intercept + per_unit * time`, and the interval of its slope."""

    per_unit: float
    """Change of the value per unit of time; negative when the values fall."""
    intercept: float
    """The line's value at time 0."""
    ci_low: float | None
    ci_high: float | None
    n: int
    """Points it rests on."""
    method: str
    """`theil_sen`, or `theil_sen_1_of_K_lags` where a long series made it use every K-th distance between points."""


@dataclass(frozen=True, slots=True)
class MannKendall:
    """A test for a monotone trend. `s` is positive when later values tend to be higher."""

    s: int
    variance: float
    z: float
    p_value: float
    """Two-sided. Values of following days resemble each other, which makes it look smaller than it is."""
    n: int


@dataclass(frozen=True, slots=True)
class Area:
    """The area under a broken line, and how much of the time axis the unbroken pieces cover."""

    value: float
    covered: float


def theil_sen(times: Sequence[float], values: Sequence[float], *, alpha: float | None = 0.05) -> Slope | None:
    """Return the median of the slopes between all pairs of points; None without two different times.

    The interval is Sen's (1968), by Kendall's variance with ties; `alpha` is 1 minus its confidence, None leaves it
    out. It is left out too where values share a time, which that variance does not know.

    A series of more than 500 points uses the pairs whose distance in points is one in so many, never more than
    `MOST_PAIRS`, and its interval takes the same share of those pairs; `method` says so.
    """
    import numpy as np  # noqa: PLC0415  see the module's docstring

    t, y = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    step = _step_between_lags(len(t))
    slopes = _all_slopes(t, y) if step == 1 else _slopes_by_lag(t, y, step)
    if not len(slopes):
        return None
    slopes.sort()
    per_unit = _middle(slopes)
    low = high = None
    if alpha is not None and len(set(times)) == len(times):
        low, high = _kendall_interval(values, slopes, alpha)
    return Slope(
        per_unit=per_unit,
        intercept=_middle(sorted(values)) - per_unit * _middle(sorted(times)),
        ci_low=low,
        ci_high=high,
        n=len(t),
        method="theil_sen" if step == 1 else f"theil_sen_1_of_{step}_lags",
    )


def _step_between_lags(n: int) -> int:
    pairs = n * (n - 1) // 2
    step = -(-pairs // MOST_PAIRS) if pairs else 1
    # Steps of whole weeks would compare daily values on the same two days of the week only.
    return step + 1 if step > 1 and step % A_WEEK_OF_POINTS == 0 else step


def _all_slopes(t: "NDArray[np.float64]", y: "NDArray[np.float64]") -> "NDArray[np.float64]":
    run = t[:, None] - t
    later = run > 0
    slopes: NDArray[np.float64] = (y[:, None] - y)[later] / run[later]
    return slopes


def _slopes_by_lag(t: "NDArray[np.float64]", y: "NDArray[np.float64]", step: int) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415  see the module's docstring

    order = np.lexsort((y, t))
    t, y = t[order], y[order]
    pieces = []
    for lag in range(1, len(t), step):
        run = t[lag:] - t[:-lag]
        later = run > 0
        pieces.append((y[lag:] - y[:-lag])[later] / run[later])
    return np.concatenate(pieces)


def _middle(ordered: "Sequence[float] | NDArray[np.float64]") -> float:
    """Return the median of values that are in order; numpy's own looks for it longer than all else here takes."""
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return float((ordered[middle - 1] + ordered[middle]) / 2)


def _kendall_interval(values: Sequence[float], slopes: "NDArray[np.float64]", alpha: float) -> tuple[float, float]:
    """Sen's interval: the slopes whose ranks lie one half width of Kendall's S away from the middle."""
    n, used = len(values), len(slopes)
    spread = math.sqrt(_kendall_variance(n, _ties(values)))
    half_width = NormalDist().inv_cdf(1 - alpha / 2) * spread * used / (n * (n - 1) / 2)
    low = max(round((used - half_width) / 2) - 1, 0)
    high = min(round((used + half_width) / 2), used - 1)
    return float(slopes[low]), float(slopes[high])


def _ties(values: Iterable[float]) -> list[int]:
    return [count for count in Counter(values).values() if count > 1]


def _kendall_variance(n: int, ties: list[int]) -> float:
    tied = sum(k * (k - 1) * (2 * k + 5) for k in ties)
    return (n * (n - 1) * (2 * n + 5) - tied) / 18


def mann_kendall(values: Sequence[float]) -> MannKendall:
    """Test a series in order of time for a monotone trend, with the variance for ties and the continuity correction."""
    seen: list[float] = []
    s = 0
    for value in values:
        below = bisect_left(seen, value)
        above = len(seen) - bisect_right(seen, value)
        s += below - above
        insort(seen, value)
    variance = _kendall_variance(len(seen), _ties(seen))
    z = (s - math.copysign(1, s)) / math.sqrt(variance) if s and variance > 0 else 0.0
    return MannKendall(s=s, variance=variance, z=z, p_value=math.erfc(abs(z) / math.sqrt(2)), n=len(seen))


def ewma(values: Sequence[float], *, weight: float = 0.3) -> list[float]:
    """Smooth values of equal distance: `weight` of the new value, the rest of the line so far. For drawing only."""
    smooth: list[float] = []
    for value in values:
        smooth.append(weight * value + (1 - weight) * smooth[-1] if smooth else float(value))
    return smooth


def ewma_by_time(times: Sequence[float], values: Sequence[float], *, tau: float) -> list[float]:
    """Smooth values of unequal distance: a value weighs `1 - exp(-dt / tau)`, `dt` since the last one. For drawing."""
    smooth: list[float] = []
    before = 0.0
    for time, value in zip(times, values, strict=True):
        weight = -math.expm1(-(time - before) / tau) if smooth else 1.0
        smooth.append(weight * value + (1 - weight) * smooth[-1] if smooth else float(value))
        before = time
    return smooth


def rolling_median(
    times: Sequence[float], values: Sequence[float], *, window: float, minimum: int = 3
) -> list[float | None]:
    """Return at each point the median of the values in `(time - window, time]`; None where there are too few."""
    medians: list[float | None] = []
    inside: list[float] = []
    first = 0
    for time, value in zip(times, values, strict=True):
        insort(inside, value)
        while times[first] <= time - window:
            inside.pop(bisect_left(inside, values[first]))
            first += 1
        medians.append(float(median(inside)) if len(inside) >= minimum else None)
    return medians


def kaplan_meier_median(durations: Sequence[int], ended: Sequence[bool]) -> int | None:
    """Return the shortest duration that at most half outlast; None where more than half were still going on.

    `ended` is False for a duration that was cut off (censored): it lasted at least that long. Where both fall on the
    same duration, those that ended count first.
    """
    flags: dict[int, list[bool]] = {}
    for duration, over in zip(durations, ended, strict=True):
        flags.setdefault(duration, []).append(over)
    outlasting, at_risk = Fraction(1), len(durations)
    for duration in sorted(flags):
        outlasting *= Fraction(at_risk - sum(flags[duration]), at_risk)
        if outlasting <= HALF:
            return duration
        at_risk -= len(flags[duration])
    return None


def area_under(times: Sequence[float], values: Sequence[float], *, longest_gap: float, end: float) -> Area:
    """Return the trapezoid area of a line up to the time `end`, broken where points lie more than a gap apart."""
    value = covered = 0.0
    for (t0, y0), (t1, y1) in pairwise(zip(times, values, strict=True)):
        if t0 >= end:
            break
        if t1 - t0 > longest_gap or t1 == t0:
            continue
        until = min(t1, end)
        at_end = y0 + (y1 - y0) * (until - t0) / (t1 - t0)
        value += (y0 + at_end) / 2 * (until - t0)
        covered += until - t0
    return Area(value=value, covered=covered)


def standard_error_of_measurement(deviation: float, reliability: float) -> float:
    """SEM of a scale with this standard deviation and this (retest) reliability between 0 and 1."""
    return deviation * math.sqrt(1 - reliability)


def reliable_change(sem: float, *, z: float = 1.96) -> float:
    """Return the smallest change that measurement error alone rarely makes: `z * sqrt(2) * SEM` (also called MDC95)."""
    return z * math.sqrt(2) * sem
