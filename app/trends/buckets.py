"""Values gathered by the patient's own hours, days and weeks.

A local day has 23, 24 or 25 hours and starts where its zone says, which is not always midnight. The day of a value
is stored with it, in the zone the patient was in; the zone given here places the days on the axis of the answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.trends.days import LocalDay

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class LocalHour:
    """What a measure did in one hour of the clock on the wall."""

    at: int
    """Start of the hour, in microseconds since 1970."""
    total: float
    lowest: float
    highest: float
    n: int

    @property
    def mean(self) -> float:
        """Mean of the hour's values."""
        return self.total / self.n


def instant(microseconds: int) -> datetime:
    """Return the instant so many microseconds after 1970 began, in UTC."""
    return EPOCH + timedelta(microseconds=microseconds)


def microseconds(at: datetime) -> int:
    """Return the microseconds from 1970 to an instant."""
    return (at - EPOCH) // MICROSECOND


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC. Where the clock skips midnight, the day starts later by it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which a period of local days starts and ends; the end is no part of it."""
    return start_of(first, zone), start_of(last + timedelta(days=1), zone)


def by_day(values: Iterable[Sequence[Any]]) -> list[LocalDay]:
    """Gather values by their local day, in order of days. Days without values are not made up.

    Each row starts with the local day and the value.
    """
    gathered: dict[date, list[float]] = {}
    for row in values:
        of = gathered.get(row[0])
        if of is None:
            gathered[row[0]] = [row[1]]
        else:
            of.append(row[1])
    return [LocalDay(day, sum(of), min(of), max(of), len(of)) for day, of in sorted(gathered.items())]


def by_week(days: Sequence[LocalDay]) -> list[LocalDay]:
    """Gather local days by their week, named by its Monday. Its mean is that of all values, not of its days."""
    weeks: dict[date, list[LocalDay]] = {}
    for day in days:
        weeks.setdefault(monday_of(day.day), []).append(day)
    return [
        LocalDay(
            monday,
            sum(day.total for day in of),
            min(day.lowest for day in of),
            max(day.highest for day in of),
            sum(day.n for day in of),
        )
        for monday, of in sorted(weeks.items())
    ]


def monday_of(day: date) -> date:
    """Return the Monday on or before a day (ISO 8601 weeks)."""
    return day - timedelta(days=day.weekday())


def by_hour(values: Iterable[tuple[int, int, float]]) -> list[LocalHour]:
    """Gather values by the hour on the wall, given each one's instant and offset from UTC in minutes.

    The hour that the clock repeats in autumn makes two. Where the offset is half an hour off, so are the hours.
    """
    gathered: dict[int, list[float]] = {}
    for at, offset_minutes, value in values:
        shift = offset_minutes * MINUTE
        gathered.setdefault((at + shift) // HOUR * HOUR - shift, []).append(value)
    return [LocalHour(hour, sum(of), min(of), max(of), len(of)) for hour, of in sorted(gathered.items())]
