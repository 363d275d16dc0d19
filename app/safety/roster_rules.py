"""Who is on call, when the clinic is staffed, and until when somebody has to have answered.

Pure: a roster and a moment in, the answer out. Hours are those of the clock on the clinic's wall, so that "8 to 18" is
that on every day, and a span that a change of clocks makes shorter or longer is shorter or longer. A span whose end is
not after its begin lasts into the next day; the same time twice is a whole day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from uuid import UUID

from app.core.days import day_of
from app.core.fields import zone
from app.protocols.safety_figures import Within

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
LOOK_AHEAD_DAYS: Final = 400
"""Further ahead nobody looks for the next staffed hour."""
_MINUTES: Final[dict[Within, int]] = {
    "now": 0,
    "15_minutes": 15,
    "60_minutes": 60,
    "2_hours": 120,
    "4_hours": 240,
}
_DAYS: Final[dict[Within, int]] = {"same_day": 0, "next_day": 1, "2_days": 2}


@dataclass(frozen=True, slots=True)
class Span:
    """From one time of the wall clock to another."""

    begins: time
    ends: time

    def on(self, day: date, time_zone: str) -> tuple[datetime, datetime]:
        """The span that begins on this day, in UTC."""
        place = zone(time_zone)
        last = day if self.ends > self.begins else day + DAY
        return (
            datetime.combine(day, self.begins, place).astimezone(UTC),
            datetime.combine(last, self.ends, place).astimezone(UTC),
        )


@dataclass(frozen=True, slots=True)
class Staffed:
    """Hours of one day of the week (Monday is 0) in which somebody is at the clinic."""

    weekday: int
    span: Span


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is called first, and who then."""

    first_id: UUID
    second_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on call in a span: every week, or on one day, for which it then counts alone."""

    span: Span
    who: OnCall
    weekday: int | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """What a clinic says of being reached. One without anything in it is that of a clinic which has said nothing."""

    time_zone: str
    staffed: tuple[Staffed, ...] = ()
    closed_on: frozenset[date] = frozenset()
    shifts: tuple[Shift, ...] = ()
    lead_id: UUID | None = None
    outside_hours: Literal["on_call", "not_promised"] = "not_promised"
    channels: frozenset[str] = field(default_factory=lambda: frozenset({"mail"}))


def on_call_at(roster: Roster, at: datetime) -> OnCall | None:
    """Who is on call then; None when nobody is. A shift of that very day goes before those of every week."""
    found: tuple[bool, datetime, OnCall] | None = None
    for day in _days_around(roster, at):
        for shift in roster.shifts:
            if shift.day != day and shift.weekday != day.weekday():
                continue
            begins, ends = shift.span.on(day, roster.time_zone)
            candidate = (shift.day is not None, begins, shift.who)
            if begins <= at < ends and (found is None or candidate[:2] > found[:2]):
                found = candidate
    return found and found[2]


def is_staffed(roster: Roster, at: datetime) -> bool:
    """Whether somebody is at the clinic then."""
    return any(begins <= at < ends for day in _days_around(roster, at) for begins, ends in _staffed_on(roster, day))


def staffed_until(roster: Roster, at: datetime) -> datetime | None:
    """Until when somebody is there without a break; None when nobody is, and when that is always."""
    until = at
    for begins, ends in _staffed_from(roster, at):
        if begins > until:
            break
        if begins - at > WEEK:
            return None
        until = max(until, ends)
    return until if until > at else None


def staffed_next(roster: Roster, after: datetime) -> datetime | None:
    """When somebody is there again: at the next begin; None when the roster knows of none, and when that is always."""
    until = staffed_until(roster, after)
    if until is None and is_staffed(roster, after):
        return None
    until = until or after
    return next((begins for begins, _ in _staffed_from(roster, until) if begins > until), None)


def waits(roster: Roster, at: datetime) -> bool:
    """Whether nobody has to answer then, because the clinic is closed and does not promise anything."""
    return bool(roster.staffed) and roster.outside_hours == "not_promised" and not is_staffed(roster, at)


def after_minutes(roster: Roster, at: datetime, minutes: int) -> datetime:
    """When so many minutes have passed in which somebody had to answer.

    A clinic that promises nothing outside its hours answers for its hours alone: the rest of the time runs when it is
    staffed again. Where somebody is always on call, or nobody has said when anybody is there, time is time.
    """
    left = timedelta(minutes=minutes)
    if not roster.staffed or roster.outside_hours == "on_call":
        return at + left
    here = at
    for begins, ends in _staffed_from(roster, at):
        here = max(here, begins)
        if ends - here >= left:
            return here + left
        left -= max(ends - here, timedelta())
        here = max(here, ends)
    return at + timedelta(minutes=minutes)


def acknowledge_by(raised_at: datetime, within: Within, roster: Roster) -> datetime:
    """Until when somebody has to have acknowledged what was raised then.

    Minutes and hours run as `after_minutes` says. `same_day` is the end of that working day, or of the next when it is
    over; `next_day` and `2_days` are the ends of the first and the second working day after it. A working day is one on
    which the clinic is staffed; without any in the roster every day is, from midnight to midnight.
    """
    if within in _MINUTES:
        return after_minutes(roster, raised_at, _MINUTES[within])
    local = raised_at.astimezone(zone(roster.time_zone)).date()
    ends = _ends_of_working_days(roster, local)
    if within == "same_day":
        return next(end for _, end in ends if end > raised_at)
    later = (end for day, end in ends if day > local)
    return [end for end, _ in zip(later, range(_DAYS[within]), strict=False)][-1]


def _ends_of_working_days(roster: Roster, first: date) -> Iterator[tuple[date, datetime]]:
    """The working days from this one on, each with the moment when the last of its staff leaves."""
    for number in range(LOOK_AHEAD_DAYS):
        day = first + number * DAY
        ends = [end for _, end in _staffed_on(roster, day)]
        if ends:
            yield day, max(ends)
    for number in range(LOOK_AHEAD_DAYS):  # nobody said when anybody is there
        day = first + number * DAY
        noon = datetime.combine(day, time(12), zone(roster.time_zone))
        yield day, day_of(noon, roster.time_zone)[1]


def _staffed_from(roster: Roster, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The staffed spans that end after this moment, by their begin."""
    if not roster.staffed:
        return
    first = at.astimezone(zone(roster.time_zone)).date() - DAY
    for number in range(LOOK_AHEAD_DAYS):
        yield from sorted(span for span in _staffed_on(roster, first + number * DAY) if span[1] > at)


def _staffed_on(roster: Roster, day: date) -> list[tuple[datetime, datetime]]:
    """The staffed spans that begin on this day; none on a day when the clinic is closed."""
    if day in roster.closed_on:
        return []
    return [each.span.on(day, roster.time_zone) for each in roster.staffed if each.weekday == day.weekday()]


def _days_around(roster: Roster, at: datetime) -> tuple[date, date]:
    """The local day of this moment and the one before, whose spans may last into it."""
    day = at.astimezone(zone(roster.time_zone)).date()
    return day - DAY, day
