"""What is planned of a session and what was seen of it, read together: for the plan, and for the chart."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from app.core.db import Database
from app.dosing import reading_queries, steps
from app.dosing.models import DosingSession
from app.dosing.observation_plan import A_MINUTE, Plan, Span, Taken, plan
from app.dosing.rules import BEFORE_DOSE, SessionOrigin, SessionStage
from app.identity.access import PatientAccess
from app.protocols import service as protocols
from app.protocols.rules import Protocol

CountedFrom = Literal["dose", "planned_begin", "now"]
_OVER: Final = reading_queries.GONE | {SessionStage.CLOSED}


@dataclass(frozen=True, slots=True)
class Observed:
    """A session with its readings (whole rows, by `at`), its plan, and the figures by which it was planned."""

    session: DosingSession
    protocol: Protocol
    protocol_version: int
    readings: list[dict[str, Any]]
    span: Span
    counted_from: CountedFrom
    plan: Plan


async def observed(db: Database, access: PatientAccess, session_id: UUID, now: datetime) -> Observed:
    """Read a session of the patient as it stands now; raises `NotFound`."""
    session = await steps.session_of(db, access, session_id)
    version = session.protocol_version or access.clinic.protocol_version
    protocol = await protocols.at_version(db, access.clinic.id, version)
    rows = await reading_queries.stored(db, access.clinic.id, session_id)
    status = SessionStage(session.status)
    gone_at = await reading_queries.gone_at(db, access.clinic.id, session_id) if status in _OVER else None
    counted_from, begins_at = _begin(session, now)
    span = Span(
        begins_at=begins_at,
        has_begun=session.dose_started_at is not None,
        ended_at=session.dose_ended_at,
        gone_at=gone_at,
    )
    taken = [Taken.of(row) for row in rows]
    if _is_planned(session):
        made = plan(span, protocol.readings, taken, now)
    else:
        made = Plan((), tuple(reading.id for reading in taken))
    return Observed(session, protocol, version, rows, span, counted_from, made)


def _begin(session: DosingSession, now: datetime) -> tuple[CountedFrom, datetime]:
    """From when minutes are counted; before the dose from its planned begin, or from now once that has passed."""
    if session.dose_started_at is not None:
        return "dose", session.dose_started_at
    if SessionStage(session.status) in BEFORE_DOSE and now > session.scheduled_at:
        return "now", now.replace(second=0, microsecond=0) + A_MINUTE  # the same for all who ask within a minute
    return "planned_begin", session.scheduled_at


def _is_planned(session: DosingSession) -> bool:
    """Nothing was planned here for what took place elsewhere; and nothing is for what will not take place."""
    ran_here = session.origin == SessionOrigin.CLINIC
    return ran_here and (session.dose_started_at is not None or SessionStage(session.status) in BEFORE_DOSE)
