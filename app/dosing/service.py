"""What can be done with dosing sessions. Every change is one step: checked, kept, told, and placed on the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.db import Database
from app.dosing import doses, rules, schemas, signs, steps
from app.dosing.models import DosingSession, DosingSessionStep
from app.dosing.rules import DoseRoute, SessionAction, SessionOrigin, SessionStage, Substance
from app.events.types import EventType
from app.identity.access import PatientAccess, PatientView
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.errors import IdTaken
from app.timeline.rules import LinkingWindows

FIRST_STEP: Final = "schedule"
IMPORT: Final = "import"


@dataclass(frozen=True, slots=True)
class SessionHistory:
    """A session that took place elsewhere or earlier: what an import knows of it."""

    id: UUID
    scheduled_at: datetime
    dose_started_at: datetime | None = None
    dose_ended_at: datetime | None = None
    substance: Substance | None = None
    route: DoseRoute | None = None
    dose_mg: float | None = None
    remark: str | None = None
    """Kept with the step of the import, for instance that the time was invented."""


Entered = Literal["new", "known", "other"]
"""What became of a session of the past; `other`: its id stands for a session with other content already."""


async def schedule(
    db: Database, access: PatientAccess, session_id: UUID, plan: schemas.DosingSessionWrite, if_match: str | None
) -> tuple[DosingSession, bool]:
    """Plan a session, or move one that has not begun; the session, and whether it is new.

    Planning the same again changes nothing, so that a lost answer can be asked for again.
    """
    session = await db.get(DosingSession, (access.clinic.id, session_id))
    if session is None:
        return await _add(db, access, session_id, plan), True
    if session.patient_id != access.patient.id:
        raise IdTaken
    if session.scheduled_at != plan.scheduled_at:
        await steps.take(db, access, session, if_match, SessionAction.MOVE, change={"scheduled_at": plan.scheduled_at})
        await steps.ask_around(db, access, session)
    return session, False


async def arrive(db: Database, access: PatientAccess, session_id: UUID, if_match: str | None) -> DosingSession:
    """Record that the patient is here."""
    return await steps.take(db, access, await steps.session_of(db, access, session_id), if_match, SessionAction.ARRIVAL)


async def close(db: Database, access: PatientAccess, session_id: UUID, if_match: str | None) -> DosingSession:
    """Record that the session's record is complete."""
    return await steps.take(db, access, await steps.session_of(db, access, session_id), if_match, SessionAction.CLOSURE)


async def cancel(
    db: Database,
    access: PatientAccess,
    session_id: UUID,
    cancellation: schemas.DosingSessionCancellationWrite,
    if_match: str | None,
) -> DosingSession:
    """Record that the session will not take place, and why."""
    session = await steps.session_of(db, access, session_id)
    change = {"cancellation_reason": cancellation.reason, "no_show": cancellation.no_show}
    steps.may_take(session, if_match, SessionAction.CANCELLATION)
    if cancellation.no_show:
        rules.check_no_show(SessionStage(session.status), session.scheduled_at, now=clock.now())
    await steps.take(
        db, access, session, if_match, SessionAction.CANCELLATION, change=change, reason=cancellation.reason
    )
    await steps.ask_around(db, access, session)
    if cancellation.no_show:
        await signs.raise_missed_session(db, access, session)
    return session


async def hold(
    db: Database, access: PatientAccess, session_id: UUID, why: schemas.HoldWrite, if_match: str | None
) -> DosingSession:
    """Record that the session waits for a prescriber, and why."""
    session = await steps.session_of(db, access, session_id)
    return await steps.take(db, access, session, if_match, SessionAction.HOLD, reason=why.reason)


async def abort(
    db: Database, access: PatientAccess, session_id: UUID, why: schemas.AbortWrite, if_match: str | None
) -> DosingSession:
    """Record that the dose was stopped before its end, and why."""
    session = await steps.session_of(db, access, session_id)
    return await doses.stop(
        db, access, session, if_match, SessionAction.ABORT, ended_at=why.dose_ended_at, reason=why.reason
    )


async def transfer(
    db: Database, access: PatientAccess, session_id: UUID, why: schemas.TransferWrite, if_match: str | None
) -> DosingSession:
    """Record that the patient was handed over in an emergency, to whom and why."""
    session = await steps.session_of(db, access, session_id)
    reason = f"{why.destination}: {why.reason}"
    await doses.stop(db, access, session, if_match, SessionAction.TRANSFER, ended_at=why.dose_ended_at, reason=reason)
    if session.dose_started_at is None:
        await steps.ask_around(db, access, session)
    return session


async def import_session(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    history: SessionHistory,
    *,
    actor_id: UUID | None = None,
) -> bool:
    """Enter a session of the past as closed; whether it was new. What is known under its id already is left alone."""
    return await import_sessions(db, patient, protocol, [history], actor_id=actor_id) == ["new"]


async def import_sessions(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    histories: Sequence[SessionHistory],
    *,
    actor_id: UUID | None = None,
) -> list[Entered]:
    """Enter a patient's sessions of the past as closed; for each, what became of it. Known ones are left alone.

    History is exempt from the order of stages and from the rules about a dose of today.
    """
    ids = [history.id for history in histories]
    here = await db.scalars(
        sa.select(DosingSession).where(DosingSession.clinic_id == patient.clinic_id, DosingSession.id.in_(ids))
    )
    known = {session.id: session for session in here}
    entered: list[Entered] = []
    new: list[DosingSession] = []
    for history in histories:
        session = _of_the_past(patient, history)
        there = known.setdefault(history.id, session)
        if there is session:
            session.revision = patient.revise(db)
            new.append(session)
        entered.append("new" if there is session else "known" if _says_the_same(there, session) else "other")
    if not new:
        return entered
    await _insert(db, *new)
    remarks = {history.id: history.remark for history in histories}
    for session in new:
        steps.keep(db, session, action=IMPORT, from_status=None, actor_id=actor_id, reason=remarks[session.id])
        steps.tell(db, session, EventType.DOSING_SESSION_CLOSED)
    windows = LinkingWindows.of(protocol.linking)
    await timeline.place_anchors(db, patient, [steps.anchor_of(session) for session in new], windows)
    return entered


def _of_the_past(patient: PatientView, history: SessionHistory) -> DosingSession:
    return DosingSession(
        clinic_id=patient.clinic_id,
        id=history.id,
        patient_id=patient.id,
        status=SessionStage.CLOSED.value,
        version=1,
        scheduled_at=history.scheduled_at,
        dose_started_at=history.dose_started_at,
        dose_ended_at=history.dose_ended_at,
        substance=history.substance and history.substance.value,
        route=history.route and history.route.value,
        dose_mg=history.dose_mg,
        origin=SessionOrigin.IMPORTED.value,
    )


def _says_the_same(one: DosingSession, other: DosingSession) -> bool:
    said = ("patient_id", "scheduled_at", "dose_started_at", "dose_ended_at", "substance", "route", "dose_mg", "origin")
    return all(getattr(one, name) == getattr(other, name) for name in said)


async def read(db: Database, access: PatientAccess, session_id: UUID) -> DosingSession:
    """Read one session of the patient, or raise `NotFound`."""
    return await steps.session_of(db, access, session_id)


async def steps_of(db: Database, session: DosingSession) -> Sequence[DosingSessionStep]:
    """List every step of a session, oldest first."""
    found = await db.scalars(
        sa.select(DosingSessionStep)
        .where(DosingSessionStep.clinic_id == session.clinic_id, DosingSessionStep.session_id == session.id)
        .order_by(DosingSessionStep.version)
    )
    return found.all()


async def _add(
    db: Database, access: PatientAccess, session_id: UUID, plan: schemas.DosingSessionWrite
) -> DosingSession:
    if any(anchor.id == session_id for anchor in await timeline.anchors_of(db, access.patient)):
        raise IdTaken  # an appointment of the same patient
    session = DosingSession(
        clinic_id=access.clinic.id,
        id=session_id,
        patient_id=access.patient.id,
        status=SessionStage.SCHEDULED.value,
        version=1,
        revision=access.patient.revise(db),
        scheduled_at=plan.scheduled_at,
        origin=SessionOrigin.CLINIC.value,
    )
    await _insert(db, session)
    steps.keep(db, session, action=FIRST_STEP, from_status=None, actor_id=access.caller.membership_id)
    steps.tell(db, session, EventType.DOSING_SESSION_SCHEDULED)
    await timeline.place_anchor(
        db, access.patient, steps.anchor_of(session), LinkingWindows.of(access.protocol.linking)
    )
    await steps.ask_around(db, access, session)
    return session


async def _insert(db: Database, *sessions: DosingSession) -> None:
    db.add_all(sessions)
    try:
        await db.flush()
    except IntegrityError as error:  # two patients' sessions under one id at the same moment
        raise IdTaken from error
