"""What the panel derives: one number that sorts by need, relief after the last dose, and what the clock adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from app.protocols.rules import Trends
from app.safety.findings import Severity
from app.trends.buckets import instant, microseconds
from app.trends.relief import MINUTE, Series, Spacing, curve_of
from app.trends.rules import Scale

DAY: Final = timedelta(days=1)
SEVERITIES: Final = (Severity.CRITICAL, Severity.URGENT, Severity.ROUTINE)
"""The worst first; where one stands is its rank."""
ADHERENCE_DAYS: Final = 28
"""How far adherence looks back from the newest check-in of which anything became."""
CHANGE_DAYS: Final = 7
"""Days of the means whose difference is the change of a measure."""
MOST_OVERDUE: Final = 9999
LONGEST_SECONDS: Final = 9_999_999_999
RELIEF_MEASURE: Final = "craving"
NEVER: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Later than anything that can be written down."""


class ReliefState(StrEnum):
    """What is known of relief from craving after the last dose.

    `unknown`: too few values before the dose to say what was usual. `no_room`: craving was so low before it that it
    cannot fall by as much as counts. `not_begun`: no two values in a row were low enough yet. `relieved`: they were,
    and no two in a row rose above it since. `returned`: two did. `over`: the dose is no longer followed.
    """

    UNKNOWN = "unknown"
    NO_ROOM = "no_room"
    NOT_BEGUN = "not_begun"
    RELIEVED = "relieved"
    RETURNED = "returned"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Relief:
    """What is known of it, since when, and about craving for what."""

    state: ReliefState | None
    since: datetime | None = None
    substance: str | None = None


NO_DOSE: Final = Relief(None)


def need(worst: str | None, oldest_open: datetime | None, overdue: int) -> int:
    """Return one number that sorts by need, the smallest first.

    First those with the worst alert that nobody has resolved; of equals first those of whom an alert is in nobody's
    hands, the oldest first; then those who missed the most check-ins in a row. `queries` says the same in SQL.
    """
    rank = SEVERITIES.index(Severity(worst)) if worst else len(SEVERITIES)
    seconds = LONGEST_SECONDS if oldest_open is None else int(oldest_open.timestamp())
    return (
        ((2 * rank + (oldest_open is None)) * (LONGEST_SECONDS + 1) + seconds) * (MOST_OVERDUE + 1)
        + MOST_OVERDUE
        - min(overdue, MOST_OVERDUE)
    )


def relief_after(
    dose_at: datetime, substance: str, values: Sequence[Sequence[Any]], scale: Scale, figures: Trends
) -> Relief:
    """Say what is known of relief after a dose that no other followed, from instants and values in order of time."""
    dose = microseconds(dose_at)
    # Where the values end says nothing of how relief stands: `until` only names why its end was not seen.
    series = Series([at for at, _ in values], [value for _, value in values], until=0)
    curve = curve_of(series, Spacing(dose), scale, figures)
    if curve.baseline.value is None:
        return Relief(ReliefState.UNKNOWN, None, substance)
    if curve.relief is None:
        return Relief(ReliefState.NOT_BEGUN if curve.reachable else ReliefState.NO_ROOM, None, substance)
    back = curve.relief.return_minutes
    state = ReliefState.RELIEVED if back is None else ReliefState.RETURNED
    minutes = curve.relief.onset_minutes if back is None else back
    return Relief(state, instant(dose + minutes * MINUTE), substance)


def relief_now(state: str | None, last_dose_at: datetime | None, now: datetime, figures: Trends) -> ReliefState | None:
    """Return the state as it is by now: what went on when the dose ceased to be followed is over."""
    if state is None or last_dose_at is None:
        return None
    known = ReliefState(state)
    followed = now <= last_dose_at + figures.horizon_days * DAY
    return known if followed or known is ReliefState.RETURNED else ReliefState.OVER


def percent(completed: int, due: int) -> float | None:
    """Return those answered in time, of 100; None where none was due."""
    return 100 * completed / due if due else None
