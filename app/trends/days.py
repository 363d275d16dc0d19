"""The patient's own local days: what was reported on them, the latest of them, and the gaps between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple


class LocalDay(NamedTuple):
    """What a measure did on one of the patient's local days. Only days with values exist."""

    day: date
    total: float
    lowest: float
    highest: float
    n: int

    @property
    def mean(self) -> float:
        """Mean of the day's values."""
        return self.total / self.n


@dataclass(frozen=True, slots=True)
class Latest:
    """The mean of the latest values and what it rests on."""

    mean: float | None
    n: int
    first_day: date | None = None
    last_day: date | None = None


def latest_after(first_dose_day: date | None, days: Sequence[LocalDay], length: int) -> Latest:
    """Take the mean of all values of so many local days (7 as proposed) up to the last day that has any.

    The day of the first dose and those before it are left out: it holds values of before and of after.
    """
    after = [day for day in days if first_dose_day is None or day.day > first_dose_day]
    if not after:
        return Latest(None, 0)
    last = after[-1].day
    inside = [day for day in after if day.day > last - timedelta(days=length)]
    n = sum(day.n for day in inside)
    return Latest(sum(day.total for day in inside) / n, n, inside[0].day, last)


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of local days without a value, both ends included."""

    first_day: date
    last_day: date

    @property
    def days(self) -> int:
        """Number of days without a value."""
        return (self.last_day - self.first_day).days + 1


def gaps(days: Sequence[date], *, until: date, shortest: int) -> list[Gap]:
    """Return the runs of at least so many days without a value, between values and from the last one to `until`."""
    one = timedelta(days=1)
    ends = [*days, until + one] if days else []
    long = timedelta(days=shortest)
    return [Gap(before + one, after - one) for before, after in pairwise(ends) if after - before > long]


def whole_weeks(found: Sequence[Gap]) -> list[Gap]:
    """Keep of each gap the whole weeks (Monday to Sunday) in it: the gaps of a series of weeks."""
    weeks = []
    for gap in found:
        monday = gap.first_day + timedelta(days=-gap.first_day.weekday() % 7)
        sunday = gap.last_day - timedelta(days=(gap.last_day.weekday() + 1) % 7)
        if monday < sunday:
            weeks.append(Gap(monday, sunday))
    return weeks
