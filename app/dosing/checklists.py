"""The checklist before a dose: kept version by version, and judged anew each time that somebody looks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.consents import service as consents
from app.consents.errors import ConsentNeeded
from app.core import clock, days
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.dosing import checklist_rules, exposure, models, rules, signs, steps
from app.dosing.checklist_rules import Before, Check, Vitals
from app.dosing.checklist_schemas import (
    CheckFinding,
    Checklist,
    ChecklistRecord,
    ChecklistVersion,
    PreDoseVitals,
    SessionClearance,
)
from app.dosing.models import DosingSession, PreDoseChecklist, Reading
from app.dosing.rules import SessionStage
from app.events.types import EventType
from app.identity.access import PatientAccess

STEP: Final = "checklist"
VITALS: Final = ("heart_rate", "spo2", "respiratory_rate", "temperature")
LOOKED_BACK: Final = 100
"""So many earlier checklists are searched for a documented review."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A checklist with every check."""

    stored: PreDoseChecklist | None
    checklist: Checklist
    vitals: Vitals
    vitals_at: datetime | None
    before: Before
    checks: list[Check]


async def newest(db: Database, session: DosingSession) -> PreDoseChecklist | None:
    """The checklist of a session as it was written down last; None before the first."""
    found: PreDoseChecklist | None = await db.scalar(
        sa.select(PreDoseChecklist)
        .where(PreDoseChecklist.clinic_id == session.clinic_id, PreDoseChecklist.session_id == session.id)
        .order_by(PreDoseChecklist.version.desc())
        .limit(1)
    )
    return found


def content_of(stored: PreDoseChecklist) -> Checklist:
    """What a stored checklist says."""
    return Checklist.model_validate_json(stored.content)


async def put(
    db: Database, access: PatientAccess, session_id: UUID, content: Checklist, if_match: str | None
) -> ChecklistRecord:
    """Write the checklist down once more. A clearance that was given on an earlier one does not count any more."""
    session = await steps.session_of(db, access, session_id)
    steps.check_version(session, if_match)
    stage = SessionStage(session.status)
    rules.check_is_open_to_checklist(stage)
    _check_days(content, days.date_of(clock.now(), access.clinic.time_zone))
    before = await newest(db, session)
    db.add(
        PreDoseChecklist(
            clinic_id=session.clinic_id,
            session_id=session.id,
            version=before.version + 1 if before else 1,
            patient_id=session.patient_id,
            recorded_at=clock.now(),
            recorded_by=access.caller.membership_id,
            content=content.model_dump_json(),
        )
    )
    await db.flush()
    await steps.touch(db, access, session, STEP, EventType.DOSING_SESSION_CHECKED)
    if stage is SessionStage.CLEARED:
        await steps.hold_back(db, access, session, STEP)
    judged = await judge(db, access, session)
    await signs.raise_before_dose(db, access, session, judged.checklist, judged.before)
    return await _shown(db, access, session, judged)


async def read(db: Database, access: PatientAccess, session_id: UUID) -> ChecklistRecord:
    """Read the checklist of a session with every check, by the figures of now."""
    session = await steps.session_of(db, access, session_id)
    return await _shown(db, access, session, await judge(db, access, session))


async def judge(db: Database, access: PatientAccess, session: DosingSession) -> Judged:
    """Make every check of a session. Before the first checklist everything is missing."""
    now = clock.now()
    at = session.dose_started_at or now
    stored = await newest(db, session)
    content = Checklist() if stored is None else content_of(stored)
    newer_than = at - timedelta(minutes=access.protocol.dosing.pre_dose_reading_minutes)
    vitals, vitals_at = await _vitals(db, session, newer_than)
    before = await _before(db, access, session, content, at)
    checks = checklist_rules.look(
        content,
        vitals,
        before,
        await _lacking_consents(db, access),
        access.protocol,
        today=days.date_of(at, access.clinic.time_zone),
    )
    return Judged(stored, content, vitals, vitals_at, before, checks)


async def _before(
    db: Database, access: PatientAccess, session: DosingSession, content: Checklist, at: datetime
) -> Before:
    doses = await exposure.doses_of(db, access.patient, but=session.id)
    here = exposure.exposure(exposure.given_here(doses), at)
    total = exposure.exposure(doses, at).sessions_total
    review = content.induction_review
    if review is None and total >= access.protocol.dosing.induction_sessions:
        review = next((each.induction_review for each in await _earlier(db, session) if each.induction_review), None)
    return Before(
        hours_since_last_dose=here.hours_since,
        doses_7d=here.sessions_7d,
        doses_28d=here.sessions_28d,
        doses_total=total,
        reviewed_on=review.reviewed_on if review else None,
    )


async def _earlier(db: Database, session: DosingSession) -> Sequence[Checklist]:
    """What the patient's latest checklists said in other sessions, the newest first."""
    rows = await db.scalars(
        sa.select(PreDoseChecklist)
        .where(
            PreDoseChecklist.clinic_id == session.clinic_id,
            PreDoseChecklist.patient_id == session.patient_id,
            PreDoseChecklist.session_id != session.id,
        )
        .order_by(PreDoseChecklist.recorded_at.desc(), PreDoseChecklist.version.desc())
        .limit(LOOKED_BACK)
    )
    return [content_of(row) for row in rows]


async def _vitals(db: Database, session: DosingSession, newer_than: datetime) -> tuple[Vitals, datetime | None]:
    """The newest of each vital sign: somebody who only takes the pressure again has not lost the rest."""
    where = [
        Reading.clinic_id == session.clinic_id,
        Reading.session_id == session.id,
        Reading.at >= newer_than,
    ]
    if session.dose_started_at is not None:
        where.append(Reading.at < session.dose_started_at)
    readings = (await db.scalars(sa.select(Reading).where(*where).order_by(Reading.at.desc(), Reading.id))).all()
    found: dict[str, Any] = {}
    for reading in readings:
        if reading.systolic is not None and reading.diastolic is not None:
            found.setdefault("systolic", reading.systolic)
            found.setdefault("diastolic", reading.diastolic)
        for name in VITALS:
            if getattr(reading, name) is not None:
                found.setdefault(name, getattr(reading, name))
    return Vitals(**found), readings[0].at if readings else None


async def _lacking_consents(db: Database, access: PatientAccess) -> list[dict[str, str]]:
    try:
        await consents.check_before_clearance(db, access.patient, access.protocol)
    except ConsentNeeded as lacking:
        found: list[dict[str, str]] = lacking.members["consents"]
        return found
    return []


async def _shown(db: Database, access: PatientAccess, session: DosingSession, judged: Judged) -> ChecklistRecord:
    versions = await db.scalars(
        sa.select(PreDoseChecklist)
        .where(PreDoseChecklist.clinic_id == session.clinic_id, PreDoseChecklist.session_id == session.id)
        .order_by(PreDoseChecklist.version)
    )
    missing, needs_reason = checklist_rules.not_passed(judged.checks)
    stored = judged.stored
    vitals = {name: getattr(judged.vitals, name) for name in ("systolic", "diastolic", *VITALS)}
    return ChecklistRecord(
        session_id=session.id,
        session_version=session.version,
        status=SessionStage(session.status),
        version=stored.version if stored else None,
        content=None if stored is None else judged.checklist,
        versions=[ChecklistVersion.model_validate(each) for each in versions],
        vital_signs=PreDoseVitals(**vitals, taken_at=judged.vitals_at),
        findings=[CheckFinding(**plain(check)) for check in judged.checks],
        missing=missing,
        needs_reason=needs_reason,
        clearances=[SessionClearance(**each) for each in await clearances_of(db, access, session)],
    )


async def clearances_of(db: Database, access: PatientAccess, session: DosingSession) -> list[dict[str, Any]]:
    """Every clearance of a session on the wire, the oldest first."""
    if session.cleared_at is None:
        return []
    found = await db.scalars(
        sa.select(models.SessionClearance)
        .where(models.SessionClearance.clinic_id == session.clinic_id)
        .where(models.SessionClearance.session_id == session.id)
        .order_by(models.SessionClearance.cleared_at, models.SessionClearance.id)
    )
    good_for = timedelta(minutes=access.protocol.dosing.clearance_minutes)
    return [
        {
            "cleared_at": each.cleared_at,
            "cleared_by": each.cleared_by,
            "checklist_version": each.checklist_version,
            "valid_until": each.cleared_at + good_for,
            "findings": json.loads(each.findings),
        }
        for each in found
    ]


def plain(check: Check) -> dict[str, Any]:
    """A check as it is kept and shown."""
    return {name: getattr(check, name) for name in Check.__slots__}


def _check_days(content: Checklist, today: date) -> None:
    """Refuse days that have not come; raises `InvalidRequest` with a pointer to each."""
    test, screen, review = content.pregnancy_test, content.urine_drug_screen, content.induction_review
    said = {
        "/weighed_on": content.weighed_on,
        "/pregnancy_test/tested_on": test.tested_on if test else None,
        "/urine_drug_screen/tested_on": screen.tested_on if screen else None,
        "/induction_review/reviewed_on": review.reviewed_on if review else None,
    }
    faults = [
        FieldError(pointer, "in_the_future", "This day has not come.")
        for pointer, day in said.items()
        if day is not None and day > today
    ]
    if faults:
        raise InvalidRequest(errors=faults)
