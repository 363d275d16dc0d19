"""Writing adverse events down, correcting them, and showing them with the time in which they have to be reported."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.adverse_events import rules, schemas
from app.adverse_events.models import AdverseEvent, AdverseEventVersion
from app.adverse_events.rules import Known, ReportRecipient, SeriousnessCriterion
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound
from app.core.pagination import PageRequest, make_cursor
from app.dosing.models import DosingSession
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess
from app.safety.alerts import raise_alerts
from app.safety.findings import Subject, SubjectKind
from app.safety.rules import judge_adverse_event
from app.timeline.errors import IdTaken

CONTENT: Final = tuple(schemas.AdverseEventWrite.model_fields)
"""What is said of an event: the same names in what is sent, in a row, and in an earlier version."""


async def put(
    db: Database, access: PatientAccess, event_id: UUID, said: schemas.AdverseEventWrite, if_match: str | None
) -> tuple[dict[str, Any], bool]:
    """Write an adverse event down, or correct it; the event, and whether it is new. The same again changes nothing."""
    now = clock.now()
    tolerance = timedelta(minutes=access.protocol.linking.clock_tolerance_minutes)
    current = await db.get(AdverseEvent, (access.clinic.id, event_id))
    if current is not None and current.patient_id != access.patient.id:
        raise IdTaken
    content = {name: getattr(said, name) for name in CONTENT} | {
        "seriousness_criteria": sorted(each.value for each in said.seriousness_criteria),
        "reported_to": [each.model_dump(mode="json") for each in said.reported_to],
    }
    if current is not None and all(getattr(current, name) == value for name, value in content.items()):
        return await one(db, current), False
    rules.check(
        onset_at=said.onset_at,
        resolved_at=said.resolved_at,
        serious=said.serious,
        criteria=said.seriousness_criteria,
        now=now,
        tolerance=tolerance,
    )
    session = await _session_of(db, access, said.session_id)
    before = None if current is None else (current.grade, current.serious)
    if current is None:
        stored = await _add(db, access, event_id, content, now)
    else:
        etags.require_match(if_match, current.version, (await _current(db, current)).copy)
        stored = _correct(db, access, current, content, now)
    stored.onset_minutes_from_dose = _minutes(stored.onset_at, session)
    await db.flush()
    access.patient.revise(db)
    _tell(db, stored)
    if rules.is_worse(before, (stored.grade, stored.serious)):
        await _raise(db, access, stored, session)
    return await one(db, stored), current is None


async def read(db: Database, access: PatientAccess, event_id: UUID) -> dict[str, Any]:
    """One adverse event with what was said before; raises `NotFound`."""
    stored = await db.get(AdverseEvent, (access.clinic.id, event_id))
    if stored is None or stored.patient_id != access.patient.id:
        raise NotFound
    (shown,), earlier = await _shown(db, [stored])
    return shown | {"earlier_versions": [_said_then(each) for each in earlier.get(stored.id, [])]}


async def one(db: Database, stored: AdverseEvent) -> dict[str, Any]:
    """An adverse event as it stands."""
    (shown,), _ = await _shown(db, [stored])
    return shown


async def of_patient(db: Database, access: PatientAccess, page: PageRequest) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the patient's adverse events, the latest onset first; its next cursor."""
    return await _page(db, access, page, AdverseEvent.patient_id == access.patient.id, "adverse-events")


async def of_session(
    db: Database, access: PatientAccess, session_id: UUID, page: PageRequest
) -> tuple[list[dict[str, Any]], str | None]:
    """The same of one dosing session."""
    this = sa.and_(AdverseEvent.session_id == session_id, AdverseEvent.patient_id == access.patient.id)
    return await _page(db, access, page, this, session_id)


async def _page(
    db: Database, access: PatientAccess, page: PageRequest, which: sa.ColumnElement[bool], what: object
) -> tuple[list[dict[str, Any]], str | None]:
    filters = ("adverse-events", access.patient.id, what)
    statement = sa.select(AdverseEvent).where(AdverseEvent.clinic_id == access.clinic.id, which)
    after = page.after(*filters)
    if after is not None:
        at, last = after
        earlier = sa.and_(AdverseEvent.onset_at == at, AdverseEvent.id < last)
        statement = statement.where(sa.or_(AdverseEvent.onset_at < at, earlier))
    ordered = statement.order_by(AdverseEvent.onset_at.desc(), AdverseEvent.id.desc()).limit(page.limit + 1)
    rows = (await db.scalars(ordered)).all()
    more, rows = len(rows) > page.limit, rows[: page.limit]
    shown, _ = await _shown(db, rows)
    return shown, make_cursor([rows[-1].onset_at, rows[-1].id], *filters) if more else None


async def _shown(
    db: Database, stored: Sequence[AdverseEvent]
) -> tuple[list[dict[str, Any]], dict[UUID, list[AdverseEventVersion]]]:
    """Events with their clocks, in the given order; and their earlier versions, the oldest first."""
    earlier: dict[UUID, list[AdverseEventVersion]] = {}
    corrected = [each.id for each in stored if each.version > 1]
    if corrected:
        kept = await db.scalars(
            sa.select(AdverseEventVersion)
            .where(
                AdverseEventVersion.clinic_id == stored[0].clinic_id,
                AdverseEventVersion.adverse_event_id.in_(corrected),
            )
            .order_by(AdverseEventVersion.adverse_event_id, AdverseEventVersion.version)
        )
        for version in kept:
            earlier.setdefault(version.adverse_event_id, []).append(version)
    sessions = await _sessions(db, stored)
    return [_with_clock(each, earlier.get(each.id, []), sessions) for each in stored], earlier


async def _sessions(db: Database, stored: Sequence[AdverseEvent]) -> dict[UUID, DosingSession]:
    """The sessions of these events: the begin of a dose may have been corrected since."""
    named = {each.session_id for each in stored if each.session_id is not None}
    if not named:
        return {}
    found = await db.scalars(
        sa.select(DosingSession).where(DosingSession.clinic_id == stored[0].clinic_id, DosingSession.id.in_(named))
    )
    return {session.id: session for session in found}


def _with_clock(
    stored: AdverseEvent, earlier: Sequence[AdverseEventVersion], sessions: dict[UUID, DosingSession]
) -> dict[str, Any]:
    said = [(version.recorded_at, json.loads(version.content)["seriousness_criteria"]) for version in earlier]
    said.append((stored.recorded_at, stored.seriousness_criteria))
    versions = [Known(at, frozenset(map(SeriousnessCriterion, criteria))) for at, criteria in said]
    reports = [
        (ReportRecipient(each["recipient"]), datetime.fromisoformat(each["reported_at"])) for each in stored.reported_to
    ]
    found = rules.reporting(versions, reports, clock.now())
    names = ("id", "patient_id", "version", "recorded_at", "recorded_by", *CONTENT)
    return {name: getattr(stored, name) for name in names} | {
        "onset_minutes_from_dose": _minutes(stored.onset_at, sessions.get(stored.session_id or stored.id)),
        "first_recorded_at": versions[0].at,
        "reporting": found
        and {
            "clock": found.clock.name,
            "days": found.clock.days,
            "report_by": found.report_by,
            "state": found.state,
            "reported_at": found.reported_at,
            "source": found.clock.source,
        },
    }


def _said_then(version: AdverseEventVersion) -> dict[str, Any]:
    names = ("version", "recorded_at", "recorded_by")
    return {**json.loads(version.content), **{name: getattr(version, name) for name in names}}


async def _current(db: Database, current: AdverseEvent) -> dict[str, Any]:
    return schemas.AdverseEvent.model_validate(await one(db, current)).model_dump(mode="json")


async def _session_of(db: Database, access: PatientAccess, session_id: UUID | None) -> DosingSession | None:
    if session_id is None:
        return None
    session = await db.get(DosingSession, (access.clinic.id, session_id))
    if session is None or session.patient_id != access.patient.id:
        fault = FieldError("/session_id", "unknown_dosing_session", "The patient has none with this id.")
        raise InvalidRequest(errors=[fault])
    return session


async def _add(
    db: Database, access: PatientAccess, event_id: UUID, content: dict[str, Any], now: datetime
) -> AdverseEvent:
    stored = AdverseEvent(
        clinic_id=access.clinic.id,
        id=event_id,
        patient_id=access.patient.id,
        version=1,
        recorded_at=now,
        recorded_by=access.caller.membership_id,
        **content,
    )
    db.add(stored)
    try:
        await db.flush()
    except IntegrityError as error:  # two patients' events under one id at the same moment
        raise IdTaken from error
    return stored


def _correct(
    db: Database, access: PatientAccess, current: AdverseEvent, content: dict[str, Any], now: datetime
) -> AdverseEvent:
    """Keep what was said, then say it anew."""
    as_it_was = schemas.AdverseEventVersion.model_validate(current).model_dump(mode="json", include=set(CONTENT))
    db.add(
        AdverseEventVersion(
            clinic_id=current.clinic_id,
            adverse_event_id=current.id,
            version=current.version,
            recorded_at=current.recorded_at,
            recorded_by=current.recorded_by,
            replaced_at=now,
            content=json.dumps(as_it_was, ensure_ascii=False),
        )
    )
    for name, value in content.items():
        setattr(current, name, value)
    current.version += 1
    current.recorded_at, current.recorded_by = now, access.caller.membership_id
    return current


def _minutes(onset_at: datetime, session: DosingSession | None) -> int | None:
    if session is None or session.dose_started_at is None:
        return None
    return (onset_at - session.dose_started_at) // timedelta(minutes=1)


def _tell(db: Database, stored: AdverseEvent) -> None:
    told = EventType.ADVERSE_EVENT_RECORDED if stored.version == 1 else EventType.ADVERSE_EVENT_CORRECTED
    events.record(
        db,
        told,
        clinic_id=stored.clinic_id,
        patient_id=stored.patient_id,
        subject_id=stored.id,
        version=stored.version,
    )


async def _raise(db: Database, access: PatientAccess, stored: AdverseEvent, session: DosingSession | None) -> None:
    """Raise AE-1, for an event that is new or became worse."""
    found = judge_adverse_event(grade=stored.grade, serious=stored.serious, figures=access.protocol.safety)
    subject = Subject(
        SubjectKind.ADVERSE_EVENT,
        stored.id,
        stored.onset_at,
        stored.session_id,
        None if session is None else session.session_clinician_id,
    )
    await raise_alerts(db, access.clinic, access.patient, access.protocol, found, subject)
