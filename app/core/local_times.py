"""Times on a wall clock as instants: what happens in the nights when clocks move, told in one place.

A plan says "at nine, where the patient lives", and nine stays nine when clocks move. A time that a day does not have
(the hour that is left out in spring) becomes as much later as the clocks jump, and says so; of a time that a day has
twice (in autumn) the first is meant. Days run on the same wall clock, see `app.core.days`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.core.fields import zone


@dataclass(frozen=True, slots=True)
class Resolved:
    """The instant that a time on the wall clock stands for."""

    at: datetime
    """The instant, in UTC."""
    local: datetime
    """What the clock on the wall shows then, without a zone: the time that was asked for, unless it was shifted."""
    shifted: bool
    """Whether the day has no such time, so that a later one is used."""
    folded: bool
    """Whether the day has this time twice; the first is used."""


def resolve(day: date, at: time, time_zone: str) -> Resolved:
    """Tell which instant this time of this day is in a zone.

    Shifted as far as the clocks jump where the day has no such time; the first where it has it twice. Where a whole day
    is left out (a country that crosses the date line), `local` lies on another day.
    """
    place = zone(time_zone)
    asked = datetime.combine(day, at)
    # Python counts on with the offset before the jump: as far behind it as the time lies within it.
    instant = asked.replace(tzinfo=place, fold=0).astimezone(UTC)
    local = instant.astimezone(place).replace(tzinfo=None, fold=0)
    shifted = local != asked
    second = asked.replace(tzinfo=place, fold=1).astimezone(UTC)
    return Resolved(instant, local, shifted, folded=not shifted and second != instant)


def resolve_local(local: datetime, time_zone: str) -> Resolved:
    """Tell which instant this wall-clock time is; like `resolve`, for who has both in one."""
    return resolve(local.date(), local.time(), time_zone)


def left_out(day: date, resolved: Resolved) -> bool:
    """Whether the calendar of the place has no such day at all."""
    return resolved.shifted and resolved.local - datetime.combine(day, time()) >= timedelta(days=1)
