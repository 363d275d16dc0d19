"""The one way in which a session changes: a step of a named person, checked, kept, told, placed on the timeline."""

from typing import Any, Final
from uuid import UUID

from app.check_in_plans import around_dose
from app.consents import service as consents
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import NotFound
from app.core.ids import new_id
from app.dosing import rules, schemas
from app.dosing.models import DosingSession, DosingSessionStep
from app.dosing.rules import SessionAction, SessionOrigin, SessionStage
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess
from app.timeline import service as timeline
from app.timeline.rules import Anchor, AnchorKind, LinkingWindows

TOLD_AS: Final[dict[SessionAction, EventType]] = {
    SessionAction.MOVE: EventType.DOSING_SESSION_MOVED,
    SessionAction.ARRIVAL: EventType.DOSING_SESSION_ARRIVED,
    SessionAction.CLEARANCE: EventType.DOSING_SESSION_CLEARED,
    SessionAction.DOSE: EventType.DOSING_SESSION_STARTED,
    SessionAction.DOSE_END: EventType.DOSING_SESSION_ENDED,
    SessionAction.READINESS: EventType.DOSING_SESSION_ASSESSED,
    SessionAction.DISCHARGE: EventType.DOSING_SESSION_DISCHARGED,
    SessionAction.CLOSURE: EventType.DOSING_SESSION_CLOSED,
    SessionAction.HOLD: EventType.DOSING_SESSION_HELD,
    SessionAction.ABORT: EventType.DOSING_SESSION_ABORTED,
    SessionAction.TRANSFER: EventType.DOSING_SESSION_TRANSFERRED,
    SessionAction.CANCELLATION: EventType.DOSING_SESSION_CANCELLED,
}
BY_READING: Final = "reading"
"""The action of a step that a reading caused; its reason is the id of the rule, or of the criterion."""


async def session_of(db: Database, access: PatientAccess, session_id: UUID) -> DosingSession:
    """Find a session of the patient, or raise `NotFound`."""
    session = await db.get(DosingSession, (access.clinic.id, session_id))
    if session is None or session.patient_id != access.patient.id:
        raise NotFound
    return session


def may_take(session: DosingSession, if_match: str | None, action: SessionAction) -> SessionStage:
    """Return the stage that the action leads to; raises for the wrong version, then for the wrong stage."""
    check_version(session, if_match)
    return rules.check_move(SessionStage(session.status), action)


def check_version(session: DosingSession, if_match: str | None) -> None:
    """Raise unless the caller has seen the session as it stands: two nurses at once, and one is told."""
    etags.require_match(
        if_match, session.version, lambda: schemas.DosingSession.model_validate(session).model_dump(mode="json")
    )


async def take(
    db: Database,
    access: PatientAccess,
    session: DosingSession,
    if_match: str | None,
    action: SessionAction,
    *,
    change: dict[str, Any] | None = None,
    reason: str | None = None,
) -> DosingSession:
    """Take one step of the caller's."""
    to_status = may_take(session, if_match, action)
    return await _enter(db, access, session, to_status, str(action), TOLD_AS[action], change=change, reason=reason)


async def fall_back(
    db: Database, access: PatientAccess, session: DosingSession, to_status: SessionStage, because: str
) -> DosingSession:
    """Let a reading of the caller's hold a session, or send it back to monitoring; `because` names the rule."""
    step = hold_back if to_status is SessionStage.HELD else watch_again
    return await step(db, access, session, because)


async def hold_back(db: Database, access: PatientAccess, session: DosingSession, because: str) -> DosingSession:
    """Let what the caller wrote down hold a session; `because` names the rule, or what was written."""
    rules.check_fall(SessionStage(session.status), SessionStage.HELD)
    told = EventType.DOSING_SESSION_HELD
    return await _enter(db, access, session, SessionStage.HELD, BY_READING, told, reason=because)


async def watch_again(db: Database, access: PatientAccess, session: DosingSession, because: str) -> DosingSession:
    """Let what the caller wrote down send a session back to monitoring; `because` names the rule, or what it was."""
    rules.check_fall(SessionStage(session.status), SessionStage.MONITORING)
    told = EventType.DOSING_SESSION_ASSESSED
    return await _enter(db, access, session, SessionStage.MONITORING, BY_READING, told, reason=because)


async def touch(
    db: Database,
    access: PatientAccess,
    session: DosingSession,
    action: str,
    event_type: EventType,
    *,
    change: dict[str, Any] | None = None,
    reason: str | None = None,
) -> DosingSession:
    """Keep a step that leaves the session at its stage: its checklist, a pause, a correction of the dose."""
    status = SessionStage(session.status)
    return await _enter(db, access, session, status, action, event_type, change=change, reason=reason)


async def _enter(
    db: Database,
    access: PatientAccess,
    session: DosingSession,
    to_status: SessionStage,
    action: str,
    event_type: EventType,
    *,
    change: dict[str, Any] | None = None,
    reason: str | None = None,
) -> DosingSession:
    from_status = session.status
    for name, value in (change or {}).items():
        setattr(session, name, value)
    session.status = to_status.value
    _hold_or_release_signing(db, access, session, SessionStage(from_status))
    session.version += 1
    session.revision = access.patient.revise(db)
    keep(db, session, action=action, from_status=from_status, actor_id=access.caller.membership_id, reason=reason)
    tell(db, session, event_type)
    await timeline.place_anchor(db, access.patient, anchor_of(session), LinkingWindows.of(access.protocol.linking))
    return session


async def ask_around(db: Database, access: PatientAccess, session: DosingSession, *, keep_open: bool = False) -> None:
    """Ask the patient for check-ins around the session as it stands now; again changes nothing.

    Called wherever the begin of the dose changes, or whether there is one. At the discharge it is called once more
    (`keep_open`: the begin is as it was), for sessions that began with the release before this one.
    """
    anchor = anchor_of(session)
    await around_dose.place(
        db,
        access.patient,
        session.id,
        scheduled_at=anchor.scheduled_at,
        dose_started_at=anchor.started_at,
        wanted=not anchor.cancelled,
        protocol=access.protocol,
        keep_open=keep_open,
    )


def _hold_or_release_signing(
    db: Database, access: PatientAccess, session: DosingSession, from_status: SessionStage
) -> None:
    """Nobody signs a consent while a session of theirs is open."""
    was_open, is_open = from_status in rules.OPEN, SessionStage(session.status) in rules.OPEN
    if is_open and not was_open:
        consents.hold_signing(db, access.patient, session.id)
    elif was_open and not is_open:
        consents.release_signing(db, access.patient, session.id)


def keep(
    db: Database,
    session: DosingSession,
    *,
    action: str,
    from_status: str | None,
    actor_id: UUID | None,
    reason: str | None = None,
) -> None:
    """Keep one step of a session as it stands now."""
    db.stage(
        DosingSessionStep,
        {
            "id": new_id(),
            "clinic_id": session.clinic_id,
            "session_id": session.id,
            "version": session.version,
            "at": clock.now(),
            "actor_id": actor_id,
            "action": action,
            "from_status": from_status,
            "to_status": session.status,
            "scheduled_at": session.scheduled_at,
            "reason": reason,
        },
    )


def tell(db: Database, session: DosingSession, event_type: EventType) -> None:
    """Record an event about a session as it stands now."""
    events.record(
        db,
        event_type,
        clinic_id=session.clinic_id,
        patient_id=session.patient_id,
        subject_id=session.id,
        version=session.version,
    )


def anchor_of(session: DosingSession) -> Anchor:
    """The session as the timeline knows it. One that ended without a dose was none, as if it had been cancelled."""
    status, here = SessionStage(session.status), session.origin != SessionOrigin.IMPORTED
    over_without = here and status in {SessionStage.TRANSFERRED, SessionStage.CLOSED} and not session.dose_started_at
    return Anchor(
        id=session.id,
        kind=AnchorKind.DOSING_SESSION,
        scheduled_at=session.scheduled_at,
        started_at=session.dose_started_at,
        ended_at=session.dose_ended_at,
        cancelled=status is SessionStage.CANCELLED or over_without,
    )
