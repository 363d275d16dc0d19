"""Whether check-ins are missed more often after worse values: missing answers may say something themselves. Pure.

A check-in counts with the last value that was recorded before it opened, if that is no older than the clinic's hours.
*Worse* is worse than the patient's own median of the period, so that the comparison is within the person. The share
missed after worse values is compared with the share missed after the others by Fisher's exact test. Nothing is
imputed: the answer is a note beside a trend, that its line may look better than the days were.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import comb
from statistics import median
from typing import Final, NamedTuple

from app.protocols.rules import Trends
from app.trends.rules import HOUR, Rule, Scale, Shortfall, shortfalls

MISSED_RULE: Final = Rule("missed_after_worse_than_own_median", "1")
TEST: Final = "fisher_exact"
NEARLY_AS_LIKELY: Final = 1 + 1e-7
"""Tables this much likelier than the one seen still count as unlikely: the rounding of the probabilities."""


class MissedLabel(StrEnum):
    """What the comparison supports."""

    MORE_AFTER_WORSE = "more_missed_after_worse_values"
    FEWER_AFTER_WORSE = "fewer_missed_after_worse_values"
    NO_CLEAR_DIFFERENCE = "no_clear_difference"


class Prompt(NamedTuple):
    """A check-in that was due and asked for the measure. Instants in microseconds since 1970."""

    opens_at: int
    missed: bool


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some check-ins were missed."""

    n: int
    missed: int

    @property
    def percent(self) -> float | None:
        """Of 100; None of none."""
        return 100 * self.missed / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Missed:
    """Both shares and what they support. `label` is None for too little data and for scales without a worse end."""

    own_median: float | None
    after_worse: Share
    after_others: Share
    without_value: int
    """Check-ins with no value shortly before them, which count on neither side."""
    p_value: float | None
    label: MissedLabel | None
    missing: list[Shortfall]
    rule: Rule = MISSED_RULE


def missed_after(
    prompts: Sequence[Prompt],
    times: Sequence[int],
    values: Sequence[float],
    *,
    own: Sequence[float],
    scale: Scale,
    protocol: Trends,
) -> Missed:
    """Compare what was missed after values worse than the median of `own` with what was missed after the others.

    `times` and `values` are the series in order of time, also those shortly before the period; `own` are the period's.
    """
    middle = float(median(own)) if own else None
    worse: list[bool] = []
    others: list[bool] = []
    without_value = 0
    for prompt in prompts:
        before = bisect_left(times, prompt.opens_at) - 1
        if middle is None or before < 0 or times[before] < prompt.opens_at - protocol.missed_after_hours * HOUR:
            without_value += 1
            continue
        is_worse = scale.relief(middle, values[before]) < -scale.slack
        (worse if is_worse else others).append(prompt.missed)
    after_worse, after_others = Share(len(worse), sum(worse)), Share(len(others), sum(others))
    missing = shortfalls(
        {
            "check_ins_after_worse_values": (protocol.missed_min, after_worse.n),
            "check_ins_after_other_values": (protocol.missed_min, after_others.n),
        }
    )
    p_value = label = None
    if scale.sign and not missing:
        p_value = fisher_exact(after_worse, after_others)
        label = _label(after_worse, after_others, p_value, protocol.alpha)
    return Missed(middle, after_worse, after_others, without_value, p_value, label, missing)


def _label(worse: Share, others: Share, p_value: float, alpha: float) -> MissedLabel:
    if p_value >= alpha:
        return MissedLabel.NO_CLEAR_DIFFERENCE
    more = worse.missed * others.n > others.missed * worse.n
    return MissedLabel.MORE_AFTER_WORSE if more else MissedLabel.FEWER_AFTER_WORSE


def fisher_exact(one: Share, other: Share) -> float:
    """Two-sided p of Fisher's exact test: all tables with these margins that are no likelier than the one seen."""
    total, missed = one.n + other.n, one.missed + other.missed
    ways = comb(total, missed)

    def likelihood(of_one: int) -> int:
        return comb(one.n, of_one) * comb(other.n, missed - of_one)

    seen = likelihood(one.missed) * NEARLY_AS_LIKELY
    possible = range(max(0, missed - other.n), min(one.n, missed) + 1)
    return min(sum(each for each in map(likelihood, possible) if each <= seen) / ways, 1.0)
