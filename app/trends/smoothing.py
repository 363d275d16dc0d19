"""Smoothed lines, for drawing alone: no statistic rests on them, and none crosses a gap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final, Literal

from app.protocols.rules import Trends
from app.trends.days import LocalDay
from app.trends.rules import Rule
from app.trends.statistics import ewma_by_time, rolling_median

Method = Literal["ewma", "median_7d"]
RULES: Final[dict[Method, Rule]] = {
    "ewma": Rule("exponential_by_days_between", "1"),
    "median_7d": Rule("median_of_the_days_before", "1"),
}


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A smoothed line in its unbroken pieces, each of which has a point on every local day with values.

    A point without a value (None) would rest on too few days.
    """

    method: Method
    lines: Sequence[Sequence[tuple[date, float | None]]]
    rule: Rule


def smooth(days: Sequence[LocalDay], method: Method, shortest_gap: int, protocol: Trends) -> Smoothed:
    """Draw one line through the means of the local days, begun anew after each run of so many days without a value.

    `ewma`: each day weighs `1 - exp(-days since the last one / tau)` with the protocol's tau (2.8 days: a weight of
    0.3 from one day to the next). `median_7d`: the median of the days with values among the 7 up to it.
    """
    lines: list[Sequence[tuple[date, float | None]]] = []
    for piece in _pieces(days, shortest_gap):
        times, values = [float(day.day.toordinal()) for day in piece], [day.mean for day in piece]
        line: Sequence[float | None]
        if method == "ewma":
            line = ewma_by_time(times, values, tau=protocol.ewma_tau_days)
        else:
            window, fewest = protocol.smooth_median_days, protocol.smooth_median_min
            line = rolling_median(times, values, window=window, minimum=fewest)
        lines.append([(day.day, value) for day, value in zip(piece, line, strict=True)])
    return Smoothed(method, lines, RULES[method])


def _pieces(days: Sequence[LocalDay], shortest_gap: int) -> Iterator[Sequence[LocalDay]]:
    """Cut where so many days or more passed without a value: exactly where `days.gaps` sees a gap."""
    start = 0
    for index, (before, after) in enumerate(pairwise(days), 1):
        if (after.day - before.day).days > shortest_gap:
            yield days[start:index]
            start = index
    if days:
        yield days[start:]
