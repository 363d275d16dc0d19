"""When a check-in after a dose is due, and what became of it. Pure; the moments themselves are the clinic's figures."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from app.protocols.session_figures import Wanted

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


def state_of(
    kept: str,
    *,
    opens_at: datetime,
    closes_at: datetime,
    answered_at: datetime | None,
    now: datetime,
    awaits_dose: bool | None = None,
) -> DueState:
    """What became of it by now. Whoever is offline answers in time: it counts when it was answered, not received."""
    return state_at(kept, opens_at, closes_at, answered_at, now, awaits_dose=awaits_dose)


def state_at(
    kept: str,
    opens_at: Moment,
    closes_at: Moment,
    answered_at: Moment | None,
    now: Moment,
    *,
    awaits_dose: bool | None = None,
) -> DueState:
    """The same of moments of any kind: the hot path counts them in microseconds.

    What counts from a dose that has not begun is expected, however late the session is.
    """
    match kept:
        case Kept.ANSWERED:
            return DueState.LATE if answered_at is not None and answered_at > closes_at else DueState.ANSWERED
        case Kept.CANCELLED:
            return DueState.WITHDRAWN
        case Kept.MISSED:
            return DueState.MISSED
        case _:
            if now < opens_at or awaits_dose:
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
