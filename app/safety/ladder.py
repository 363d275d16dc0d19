"""The ladder: who is asked next when nobody answers, and when.

Pure. A critical alert goes from whoever it was first for to the second on call, then to the lead, then to all of them
again and again. An urgent one that is overdue goes to the same people and the lead, again and again. A routine one
waits. Whoever acknowledges or resolves it ends that; nothing else does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.protocols.safety_figures import Escalation
from app.safety.findings import Severity
from app.safety.roster_rules import Roster, after_minutes

MINUTES_PER_HOUR = 60


class Level(StrEnum):
    """For whom a notice is. `again` are all who were asked before; `owner` whoever has it in hand."""

    FIRST = "first"
    SECOND = "second"
    LEAD = "lead"
    AGAIN = "again"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step up: who is asked now, how far the alert then is, whether that comes late, and when the next is due."""

    ask: frozenset[Level]
    level: Level
    late: bool
    next_at: datetime


def first_step_at(
    severity: Severity, raised_at: datetime, acknowledge_by: datetime, figures: Escalation, roster: Roster
) -> datetime | None:
    """When others are asked if nobody answers what was raised then; None when they are not.

    Nobody else is asked before a second on call would be, however soon somebody should have looked: whoever stands at
    the bedside has both hands full.
    """
    second_at = after_minutes(roster, raised_at, figures.second_after_minutes)
    if severity is Severity.CRITICAL:
        return second_at
    return max(acknowledge_by, second_at) if severity is Severity.URGENT else None


def climb(
    severity: Severity,
    level: Level,
    *,
    raised_at: datetime,
    due_at: datetime,
    now: datetime,
    figures: Escalation,
    roster: Roster,
) -> Rung:
    """The step that is due: one, however many were missed, and as high as it would be by now."""
    late = now - due_at > timedelta(minutes=figures.late_after_minutes)
    if severity is not Severity.CRITICAL:
        again_at = after_minutes(roster, now, figures.urgent_again_hours * MINUTES_PER_HOUR)
        return Rung(frozenset({Level.AGAIN, Level.LEAD}), Level.LEAD, late, again_at)
    lead_at = after_minutes(roster, raised_at, figures.lead_after_minutes)
    if level is Level.FIRST and now < lead_at:
        return Rung(frozenset({Level.SECOND}), Level.SECOND, late, lead_at)
    asked = {
        Level.FIRST: {Level.SECOND, Level.LEAD},
        Level.SECOND: {Level.LEAD},
    }.get(level, {Level.AGAIN, Level.FIRST, Level.SECOND, Level.LEAD})
    return Rung(frozenset(asked), Level.LEAD, late, after_minutes(roster, now, figures.again_after_minutes))
