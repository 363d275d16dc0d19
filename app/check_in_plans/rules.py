"""When a check-in after a dose is due, and what became of it. Pure; the moments themselves are the clinic's figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from app.protocols.session_figures import TimePoint, Wanted

Moment = TypeVar("Moment", int, datetime)
INSTRUMENTS: Final[dict[Wanted, str]] = {
    "craving": "craving_nrs",
    "mood": "mood_nrs",
    "dissociation": "dissociation_brief",
}
"""What a patient fills in by themselves for what a time point wants; the rest is recorded by staff."""


class DueState(StrEnum):
    """What became of a check-in that was asked for.

    `expected`: its time has not come. `open`: it can be answered now. `answered`: in time. `late`: after it had closed.
    `missed`: it closed without an answer; one that arrives afterwards still counts. `withdrawn`: not wanted any more.
    """

    EXPECTED = "expected"
    OPEN = "open"
    ANSWERED = "answered"
    LATE = "late"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"


class Kept(StrEnum):
    """What is stored of that; the rest follows from the clock. `cancelled` is what is called `withdrawn` outside."""

    WAITING = "waiting"
    ANSWERED = "answered"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Asked:
    """One check-in to be asked for."""

    time_point: str
    opens_at: datetime
    due_at: datetime
    closes_at: datetime
    instruments: tuple[str, ...]


def after_dose(points: Iterable[TimePoint], dose_started_at: datetime) -> list[Asked]:
    """What the patient is asked for after a dose, in the order in which it is due."""
    asked = []
    for point in points:
        instruments = tuple(INSTRUMENTS[wanted] for wanted in point.wants if wanted in INSTRUMENTS)
        if point.by != "patient" or point.minutes < 0 or not instruments:
            continue
        due_at, around = dose_started_at + timedelta(minutes=point.minutes), timedelta(minutes=point.tolerance_minutes)
        asked.append(Asked(point.key, max(due_at - around, dose_started_at), due_at, due_at + around, instruments))
    return sorted(asked, key=lambda each: each.due_at)


def state_of(
    kept: str, *, opens_at: datetime, closes_at: datetime, answered_at: datetime | None, now: datetime
) -> DueState:
    """What became of it by now. Whoever is offline answers in time: it counts when it was answered, not received."""
    return state_at(kept, opens_at, closes_at, answered_at, now)


def state_at(kept: str, opens_at: Moment, closes_at: Moment, answered_at: Moment | None, now: Moment) -> DueState:
    """The same of moments of any kind: the hot path counts them in microseconds."""
    match kept:
        case Kept.ANSWERED:
            return DueState.LATE if answered_at is not None and answered_at > closes_at else DueState.ANSWERED
        case Kept.CANCELLED:
            return DueState.WITHDRAWN
        case Kept.MISSED:
            return DueState.MISSED
        case _:
            if now < opens_at:
                return DueState.EXPECTED
            return DueState.OPEN if now <= closes_at else DueState.MISSED


def missed_in_a_row(newest_first: Iterable[str]) -> int:
    """How many were missed since the last answer. What still waits or was called off is neither."""
    run = 0
    for kept in newest_first:
        if kept == Kept.ANSWERED:
            break
        run += kept == Kept.MISSED
    return run
