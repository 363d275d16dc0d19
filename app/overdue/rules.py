"""By which figures what should have happened by now is looked for. Pure: no clock, no database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.protocols.rules import Protocol

HOUR: Final = timedelta(hours=1)
LOOK_BACK: Final = timedelta(days=7)
"""What was overdue longer than this when no worker ran is not raised any more: nobody can act on it."""
REPORTS_LOOK_BACK: Final = timedelta(days=90)
"""The same for reports, which are wanted however late."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The figures of a clinic that say what is overdue. Clinics with the same ones are looked at together."""

    day_after_from: timedelta
    day_after_until: timedelta
    day_after_points: tuple[str, ...]
    """Time points of the protocol that ask the patient about a day after the dose."""
    missed_session: timedelta
    report: timedelta
    therapy: timedelta | None
    """By when therapy has to have followed a dose; None where the clinic wants no task of it."""
    late_after: timedelta

    @classmethod
    def of(cls, protocol: Protocol) -> "Deadlines":
        """The figures of a protocol."""
        safety = protocol.safety
        since, until = safety.dis1_next_day_from_hours * HOUR, safety.miss1_after_hours * HOUR
        return cls(
            day_after_from=since,
            day_after_until=until,
            day_after_points=tuple(
                point.key
                for point in protocol.readings.time_points
                if point.by == "patient" and since <= timedelta(minutes=point.minutes) <= until
            ),
            missed_session=protocol.dosing.missed_session_hours * HOUR,
            report=timedelta(days=protocol.discharge.rems_due_days),
            therapy=protocol.integration.therapy_within_hours * HOUR if protocol.integration.raises_a_task else None,
            late_after=timedelta(minutes=protocol.escalation.late_after_minutes),
        )

    def is_late(self, due_at: datetime, now: datetime) -> bool:
        """Whether what was due then is found late: no worker ran, or what it follows from was written down late."""
        return now > due_at + self.late_after


LATER_PHASES: Final = frozenset({"maintenance", "follow_up", "completed", "withdrawn"})
"""Phases of a care plan in which more check-ins may be missed in a row before somebody asks: MISS-2."""


def is_induction(phase: str | None, sessions: int, induction_sessions: int) -> bool:
    """Whether MISS-2 goes by its limit for induction: by the care plan, without one by how many doses were given."""
    return sessions <= induction_sessions if phase is None else phase not in LATER_PHASES
