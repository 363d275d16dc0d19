"""Reports: filled in anew each time that somebody looks, until the clinic notes that it sent one. Then it stays.

A row is kept only once somebody adds something: what a session says is not written down twice.
"""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.etags import require_match
from app.core.pagination import PageRequest, make_cursor
from app.dosing import steps
from app.dosing.models import DosingSession
from app.dosing.rules import SessionOrigin, Substance
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess, PatientAccess, visible_patients
from app.protocols.rules import Protocol
from app.rems import gathering, schemas
from app.rems.errors import NotInTheProgramme, ReportSubmitted
from app.rems.models import RemsReport
from app.rems.rules import FORM, RemsField, RemsSource, Value, fill_in

IN_THE_PROGRAMME = sa.and_(
    DosingSession.substance == Substance.ESKETAMINE.value,
    DosingSession.origin == SessionOrigin.CLINIC.value,
    DosingSession.dose_started_at.is_not(None),
)
"""Sessions of which a report is asked for."""
IS_SENT = sa.and_(
    RemsReport.clinic_id == DosingSession.clinic_id,
    RemsReport.session_id == DosingSession.id,
    RemsReport.status == "submitted",
)


def due_at(dose_started_at: datetime, protocol: Protocol) -> datetime:
    """Until when the programme wants the report of a session."""
    return dose_started_at + timedelta(days=protocol.discharge.rems_due_days)


async def show(db: Database, access: PatientAccess, session_id: UUID) -> dict[str, Any]:
    """The report of a session as it stands, or as it was sent."""
    session, started = await _session(db, access, session_id)
    return await _shown(db, access, session, started, await _stored(db, session))


async def put(
    db: Database, access: PatientAccess, session_id: UUID, said: schemas.RemsReportWrite, if_match: str | None
) -> dict[str, Any]:
    """Add what the session does not say. The same again changes nothing."""
    session, started = await _session(db, access, session_id)
    stored = await _stored(db, session)
    added = said.model_dump(mode="json", exclude_none=True)
    if stored is not None and stored.status == "draft" and json.loads(stored.additions) == added:
        return await _shown(db, access, session, started, stored)
    await _check(db, access, session, started, stored, if_match)
    if stored is None:
        stored = _new(db, access, session, started)
    stored.additions = json.dumps(added, ensure_ascii=False)
    stored.due_at = due_at(started, access.protocol)
    stored.version += 1
    await db.flush()
    _tell(db, access, stored, EventType.REMS_REPORT_CHANGED)
    return await _shown(db, access, session, started, stored)


async def submit(
    db: Database, access: PatientAccess, session_id: UUID, sent: schemas.RemsSubmissionWrite, if_match: str | None
) -> dict[str, Any]:
    """Note that the clinic sent the report, and keep it as it was then."""
    session, started = await _session(db, access, session_id)
    stored = await _stored(db, session)
    await _check(db, access, session, started, stored, if_match)
    now = clock.now()
    submitted_at = sent.submitted_at or now
    tolerance = timedelta(minutes=access.protocol.linking.clock_tolerance_minutes)
    if not started <= submitted_at <= now + tolerance:
        detail = "It was sent after the dose, and is noted when it was, not before."
        raise InvalidRequest(errors=[FieldError("/submitted_at", "impossible_moment", detail)])
    shown = await _shown(db, access, session, started, stored)
    stored = stored or _new(db, access, session, started)
    stored.submitted = json.dumps({"entries": shown["entries"]}, ensure_ascii=False)
    stored.status, stored.submitted_at, stored.submitted_by = "submitted", submitted_at, access.caller.membership_id
    stored.reference = sent.reference
    stored.version += 1
    await db.flush()
    _tell(db, access, stored, EventType.REMS_REPORT_SUBMITTED)
    return await _shown(db, access, session, started, stored)


async def listed(
    db: Database, access: ClinicAccess, page: PageRequest, *, overdue: bool | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Reports of the patients whom the caller may know of, the earliest session first; all, or only (not) overdue."""
    now = clock.now()
    latest = now - timedelta(days=access.protocol.discharge.rems_due_days)
    filters = ("rems-reports", access.caller.membership_id, overdue)
    at = DosingSession.dose_started_at
    mine = sa.and_(RemsReport.clinic_id == DosingSession.clinic_id, RemsReport.session_id == DosingSession.id)
    statement = (
        sa.select(DosingSession, RemsReport)
        .outerjoin(RemsReport, mine)
        .where(
            DosingSession.clinic_id == access.clinic.id,
            IN_THE_PROGRAMME,
            DosingSession.patient_id.in_(visible_patients(access)),
        )
    )
    is_overdue = sa.and_(at < latest, sa.func.coalesce(RemsReport.status, "draft") != "submitted")
    if overdue is not None:
        statement = statement.where(is_overdue if overdue else sa.not_(is_overdue))
    after = page.after(*filters)
    if after is not None:
        statement = statement.where(sa.or_(at > after[0], sa.and_(at == after[0], DosingSession.id > after[1])))
    rows = (await db.execute(statement.order_by(at, DosingSession.id).limit(page.limit + 1))).all()
    more, rows = len(rows) > page.limit, rows[: page.limit]
    items = [_line(session, stored, access.protocol, now) for session, stored in rows]
    return items, make_cursor([items[-1]["dose_started_at"], items[-1]["session_id"]], *filters) if more else None


def _line(session: DosingSession, stored: RemsReport | None, protocol: Protocol, now: datetime) -> dict[str, Any]:
    started = session.dose_started_at
    assert started is not None  # noqa: S101  the statement asked for it
    until = due_at(started, protocol)
    sent = stored is not None and stored.status == "submitted"
    return {
        "session_id": session.id,
        "patient_id": session.patient_id,
        "dose_started_at": started,
        "status": "not_started" if stored is None else stored.status,
        "due_at": until,
        "overdue": not sent and now > until,
        "submitted_at": stored and stored.submitted_at,
    }


async def _session(db: Database, access: PatientAccess, session_id: UUID) -> tuple[DosingSession, datetime]:
    session = await steps.session_of(db, access, session_id)
    is_ours = session.origin == SessionOrigin.CLINIC and session.substance == Substance.ESKETAMINE
    if not is_ours or session.dose_started_at is None:
        raise NotInTheProgramme
    return session, session.dose_started_at


async def _stored(db: Database, session: DosingSession) -> RemsReport | None:
    return await db.get(RemsReport, (session.clinic_id, session.id))


def _new(db: Database, access: PatientAccess, session: DosingSession, started: datetime) -> RemsReport:
    stored = RemsReport(
        clinic_id=session.clinic_id,
        session_id=session.id,
        patient_id=session.patient_id,
        version=0,
        status="draft",
        due_at=due_at(started, access.protocol),
        additions="{}",
    )
    db.add(stored)
    return stored


async def _check(
    db: Database,
    access: PatientAccess,
    session: DosingSession,
    started: datetime,
    stored: RemsReport | None,
    if_match: str | None,
) -> None:
    """Go on only with a report that was read as it stands, and was not sent."""
    shown = await _shown(db, access, session, started, stored)
    require_match(if_match, shown["version"], lambda: schemas.RemsReport.model_validate(shown).model_dump(mode="json"))
    if stored is not None and stored.status == "submitted":
        raise ReportSubmitted


async def _shown(
    db: Database, access: PatientAccess, session: DosingSession, started: datetime, stored: RemsReport | None
) -> dict[str, Any]:
    if stored is not None and stored.submitted is not None:
        entries = json.loads(stored.submitted)["entries"]
    else:
        said = {} if stored is None else json.loads(stored.additions)
        added: dict[RemsField, Value] = {RemsField(name): value for name, value in said.items()}
        inputs = await gathering.inputs_of(db, access, session, started)
        entries = [
            {
                "field": entry.field.value,
                "section": FORM[entry.field][0].value,
                "label": FORM[entry.field][1],
                "value": entry.value,
                "source": entry.source.value,
            }
            for entry in fill_in(inputs, added)
        ]
    return {
        **_line(session, stored, access.protocol, clock.now()),
        "version": 0 if stored is None else stored.version,
        "entries": entries,
        "missing": [entry["field"] for entry in entries if entry["source"] == RemsSource.MISSING],
        "submitted_by": stored and stored.submitted_by,
        "reference": stored and stored.reference,
    }


def _tell(db: Database, access: PatientAccess, stored: RemsReport, told: EventType) -> None:
    access.patient.revise(db)
    events.record(
        db,
        told,
        clinic_id=stored.clinic_id,
        patient_id=stored.patient_id,
        subject_id=stored.session_id,
        version=stored.version,
    )
