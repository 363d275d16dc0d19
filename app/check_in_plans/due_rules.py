"""What can become of a due check-in, until when that is known, and which days a list is about. Pure.

What is kept of a due check-in, and what makes something else of it (`TURNS`):

| kept | answered | closed | withdrawn | asked again | answer taken back |
|---|---|---|---|---|---|
| `waiting` | `answered` | `missed` | `cancelled` | | |
| `missed` | `answered` | | `cancelled` | `waiting` | |
| `answered` | | | | | `waiting` |
| `cancelled` | | | | `waiting` | |

An empty place means that it stays what it is: the first answer stands, and an answer to what was withdrawn is kept as a
check-in of its own. What was missed is withdrawn only where nobody should have been asked: no dose was given.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from app.check_in_plans.rules import Kept
from app.core.fields import zone

MICROSECOND: Final = timedelta(microseconds=1)


class Turn(StrEnum):
    """What happens to a due check-in."""

    ANSWERED = "answered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    ASKED_AGAIN = "asked_again"
    TAKEN_BACK = "taken_back"


TURNS: Final[dict[tuple[Kept, Turn], Kept]] = {
    (Kept.WAITING, Turn.ANSWERED): Kept.ANSWERED,
    (Kept.WAITING, Turn.CLOSED): Kept.MISSED,
    (Kept.WAITING, Turn.WITHDRAWN): Kept.CANCELLED,
    (Kept.MISSED, Turn.ANSWERED): Kept.ANSWERED,
    (Kept.MISSED, Turn.WITHDRAWN): Kept.CANCELLED,
    (Kept.MISSED, Turn.ASKED_AGAIN): Kept.WAITING,
    (Kept.ANSWERED, Turn.TAKEN_BACK): Kept.WAITING,
    (Kept.CANCELLED, Turn.ASKED_AGAIN): Kept.WAITING,
}
"""What becomes of what; whatever is not here stays what it is."""


def after(kept: Kept, turn: Turn) -> Kept:
    """What is kept once this has happened."""
    return TURNS.get((kept, turn), kept)


def turned_by(turn: Turn) -> tuple[str, ...]:
    """What is kept of those that this makes something else of."""
    return tuple(before.value for before, what in TURNS if what is turn)


@dataclass(frozen=True, slots=True)
class Window:
    """The local days that a list is about: from the first instant of the first up to that after the last."""

    start: datetime
    end: datetime
    now: datetime
    """What waits and has not closed by now is part of the list though it was due before."""
    tomorrow: datetime
    """When the list is about other days."""


def window(now: datetime, days: int, past_days: int, time_zone: str) -> Window:
    """Today where the patient lives, so many days after it, and so many before it."""
    place = zone(time_zone)
    today = now.astimezone(place).date()

    def first_instant(day: date) -> datetime:
        return datetime.combine(day, time(), place).astimezone(UTC)

    one = timedelta(days=1)
    start, end = first_instant(today - past_days * one), first_instant(today + (days + 1) * one)
    return Window(start, end, now, first_instant(today + one))


def valid_until(waiting: Iterable[tuple[int, int]], now: int, tomorrow: int) -> int:
    """From when on a list may be another one though nothing was written: something opens or closes, or a day is over.

    `waiting` are the moments at which what waits opens and closes. All are microseconds since 1970; what closes can be
    answered at that moment still.
    """
    until = tomorrow
    for opens, closes in waiting:
        turns = opens if now < opens else closes + 1
        if now < turns < until:
            until = turns
    return until
