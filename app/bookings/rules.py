"""Where there is room left: hours of the wall clock, less what is taken, in steps.

Pure. Hours are those of the clock on the clinic's wall, on the nights when clocks move too: a step that a clock skips
is not offered, and of an hour that comes twice both are. Hours whose end is not after their begin last into the next
day; the same time twice is a whole day.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from app.core.days import date_of
from app.core.fields import zone
from app.core.local_times import resolve
from app.protocols.day_figures import Booking

DAY: Final = timedelta(days=1)
WORKDAYS: Final = range(5)
"""Monday to Friday."""


class Span(NamedTuple):
    """From one instant until just before another."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of one day of the week; Monday is 0."""

    weekday: int
    begins: time
    ends: time

    def on(self, day: date, time_zone: str) -> Span:
        """Those that begin on this day."""
        last = day if self.ends > self.begins else day + DAY
        return Span(resolve(day, self.begins, time_zone).at, resolve(last, self.ends, time_zone).at)


@dataclass(frozen=True, slots=True)
class Week:
    """When somebody works, every week, and the days on which they are away, from the first to the last."""

    hours: tuple[Hours, ...]
    away: tuple[tuple[date, date], ...] = ()

    def is_away(self, day: date) -> bool:
        """Whether this is a day on which no hours begin."""
        return any(first <= day <= last for first, last in self.away)


def usual_week(figures: Booking) -> Week:
    """Return the clinic's usual hours."""
    opens, closes = time.fromisoformat(figures.opens), time.fromisoformat(figures.closes)
    return Week(tuple(Hours(weekday, opens, closes) for weekday in WORKDAYS))


def open_spans(week: Week, closed_on: frozenset[date], span: Span, time_zone: str) -> list[Span]:
    """Return when somebody works between two instants, what touches in one; never on days when the clinic is closed."""
    first, last = date_of(span.begins, time_zone) - DAY, date_of(span.ends, time_zone)
    found = [
        hours.on(day, time_zone)
        for day in (first + n * DAY for n in range((last - first).days + 1))
        if day not in closed_on and not week.is_away(day)
        for hours in week.hours
        if hours.weekday == day.weekday()
    ]
    return meeting(joined(found), [span])


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the same time in as few spans as possible, in order."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.begins < span.ends):
        if found and span.begins <= found[-1].ends:
            found[-1] = Span(found[-1].begins, max(found[-1].ends, span.ends))
        else:
            found.append(span)
    return found


def meeting(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return what is in both; each in order and without overlaps."""
    return joined(
        Span(max(one.begins, other.begins), min(one.ends, other.ends))
        for one in some
        for other in others
        if one.begins < other.ends and other.begins < one.ends
    )


def without(spans: Sequence[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of these after what is taken."""
    left: list[Span] = []
    blocks = joined(taken)
    for span in spans:
        begins = span.begins
        for block in blocks:
            if block.ends <= begins or block.begins >= span.ends:
                continue
            if begins < block.begins:
                left.append(Span(begins, block.begins))
            begins = max(begins, block.ends)
        if begins < span.ends:
            left.append(Span(begins, span.ends))
    return left


def free_times(spans: Iterable[Span], length: timedelta, step_minutes: int, time_zone: str) -> Iterator[Span]:
    """Yield each time of this length that fits, in steps of the wall clock from midnight on."""
    place, step = zone(time_zone), timedelta(minutes=step_minutes)
    for span in spans:
        at = _whole_minute(span.begins)
        while at + length <= span.ends:
            local = at.astimezone(place)
            beside = (local.hour * 60 + local.minute) % step_minutes
            if beside == 0:
                yield Span(at, at + length)
                at += step
            else:  # it begins beside the grid, or a change of clocks or midnight led there
                at += timedelta(minutes=step_minutes - beside)


def _whole_minute(at: datetime) -> datetime:
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)
