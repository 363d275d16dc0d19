"""Clearance: a prescriber's word that the dose may be given, on one checklist, with a reason for every exception."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.consents import service as consents
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.ids import new_id
from app.dosing import checklist_rules, checklists, exposure, signs, steps
from app.dosing.checklist_schemas import ClearanceWrite
from app.dosing.errors import ClearanceExpired, NotCleared
from app.dosing.models import DosingSession, SessionClearance
from app.dosing.rules import SessionAction
from app.identity.access import PatientAccess


async def clear(
    db: Database, access: PatientAccess, session_id: UUID, asked: ClearanceWrite | None, if_match: str | None
) -> DosingSession:
    """Record that a prescriber says the dose may be given.

    Raises `ConsentNeeded` when a consent does not stand, and `NotCleared` when a check is neither passed nor passed
    over with a reason.
    """
    session = await steps.session_of(db, access, session_id)
    steps.may_take(session, if_match, SessionAction.CLEARANCE)
    await consents.check_before_clearance(db, access.patient, access.protocol)
    asked = asked or ClearanceWrite()
    judged = await checklists.judge(db, access, session)
    reasons = _reasons(asked, judged)
    _check(judged, reasons)
    now = clock.now()
    given: dict[str, Any] = {"cleared_at": now, "session_clinician_id": access.caller.membership_id}
    await steps.take(db, access, session, if_match, SessionAction.CLEARANCE, change=given)
    findings = [checklists.plain(check) | {"reason": reasons.get(check.code)} for check in judged.checks]
    db.add(
        SessionClearance(
            id=new_id(),
            clinic_id=session.clinic_id,
            session_id=session.id,
            patient_id=session.patient_id,
            checklist_version=judged.stored.version if judged.stored else 0,
            cleared_at=now,
            cleared_by=access.caller.membership_id,
            findings=json.dumps(findings, ensure_ascii=False),
        )
    )
    await db.flush()
    await signs.raise_before_dose(db, access, session, judged.checklist, judged.before)
    return session


async def newest_in_brief(db: Database, access: PatientAccess, session: DosingSession) -> dict[str, Any] | None:
    """The newest clearance of a session on the wire, without what was found; None before the first."""
    if session.cleared_at is None:
        return None
    every = await checklists.clearances_of(db, access, session)
    return {name: value for name, value in every[-1].items() if name != "findings"} if every else None


async def check_stands(db: Database, access: PatientAccess, session: DosingSession, started_at: datetime) -> None:
    """Refuse a dose that the clearance does not cover; raises `ClearanceExpired`, or `InvalidRequest` with a pointer.

    What counts is when the dose began, not when somebody wrote it down. A dose that the patient was given in another
    session meanwhile makes the clearance void: nobody looked at the interval to it.
    """
    dosing, linking = access.protocol.dosing, access.protocol.linking
    cleared_at = session.cleared_at
    if cleared_at is None or started_at > cleared_at + timedelta(minutes=dosing.clearance_minutes):
        raise ClearanceExpired(reason="too_long_ago", valid_minutes=dosing.clearance_minutes)
    if started_at < cleared_at - timedelta(minutes=linking.clock_tolerance_minutes):
        fault = FieldError("/dose_started_at", "before_the_clearance", "The dose cannot begin before it was cleared.")
        raise InvalidRequest(errors=[fault])
    others = exposure.given_here(await exposure.doses_of(db, access.patient, but=session.id))
    if any(cleared_at < each.started_at for each in others):
        raise ClearanceExpired(reason="dosed_since", valid_minutes=dosing.clearance_minutes)
    if any(each.started_at > started_at - timedelta(hours=dosing.min_interval_hours) for each in others):
        raise ClearanceExpired(reason="too_soon", valid_minutes=dosing.clearance_minutes)


def _reasons(asked: ClearanceWrite, judged: checklists.Judged) -> dict[str, str]:
    """The reasons by check; raises `InvalidRequest` for what cannot be passed over."""
    faults = []
    newest = judged.stored.version if judged.stored else None
    if asked.checklist_version is not None and asked.checklist_version != newest:
        faults.append(FieldError("/checklist_version", "not_the_newest", "The checklist was written down again."))
    known = {check.code for check in judged.checks}
    seen: set[str] = set()
    for place, override in enumerate(asked.overrides):
        if override.code not in known:
            faults.append(FieldError(f"/overrides/{place}/code", "unknown_check", "There is no such check."))
        elif override.code in seen:
            faults.append(FieldError(f"/overrides/{place}/code", "named_twice", "One reason for each check."))
        seen.add(override.code)
    if faults:
        raise InvalidRequest(errors=faults)
    return {override.code: override.reason for override in asked.overrides}


def _check(judged: checklists.Judged, reasons: Mapping[str, str]) -> None:
    missing, needs_reason = checklist_rules.not_passed(judged.checks)
    unreasoned = [code for code in needs_reason if code not in reasons]
    if missing or unreasoned:
        codes = {*missing, *unreasoned}
        findings = [checklists.plain(check) for check in judged.checks if check.code in codes]
        raise NotCleared(missing=missing, needs_reason=unreasoned, findings=findings)
