"""Telling which therapy followed a dose, and summing a session up."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.check_in_plans import due
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import state_of
from app.core.db import Database
from app.core.pagination import PageRequest
from app.dosing import service as dosing
from app.dosing.errors import NoDose
from app.dosing.models import DosingSession
from app.identity.access import PatientAccess
from app.integration import queries, rules, schemas
from app.integration.rules import HOUR, MINUTE, Therapy

SAID: Final = (
    "patient_id",
    "status",
    "origin",
    "scheduled_at",
    "dose_started_at",
    "dose_ended_at",
    "substance",
    "route",
    "dose_mg",
)
"""What a summary repeats of the session."""


async def of_session(db: Database, access: PatientAccess, session_id: UUID, now: datetime) -> schemas.IntegrationWindow:
    """Tell which therapy followed the dose of a session; raises `NoDose`."""
    found = await _of_session(db, access, await dosing.read(db, access, session_id), now)
    if found is None:
        raise NoDose
    return found


async def of_patient(
    db: Database,
    access: PatientAccess,
    since: datetime | None,
    until: datetime | None,
    page: PageRequest,
    *,
    now: datetime,
) -> schemas.IntegrationWindowPage:
    """Tell which therapy followed each of a patient's doses, the newest first. Two statements, however many doses."""
    doses, cursor = await queries.doses(db, access, since, until, page)
    therapies = await _after(db, access, [dose.dose_started_at for dose in doses])
    items = [_shown(dose, therapies, access, now) for dose in doses]
    return schemas.IntegrationWindowPage(items=items, next_cursor=cursor)


async def summary(db: Database, access: PatientAccess, session_id: UUID, now: datetime) -> schemas.SessionSummary:
    """Sum a session up."""
    session = await dosing.read(db, access, session_id)
    alerts = await queries.alerts_of(db, session)
    asked = await due.of_session(db, access.patient, session.id)
    said = {name: getattr(session, name) for name in SAID}
    return schemas.SessionSummary.model_validate(
        said
        | {
            "dosing_session_id": session.id,
            "check_ins": [_asked(each, now) for each in asked],
            "alerts": {"raised": sum(alerts.values()), "open": alerts.get("open", 0)},
            "adverse_events": await queries.adverse_events_of(db, access.clinic.id, session.id),
            "integration": await _of_session(db, access, session, now),
        }
    )


async def _of_session(
    db: Database, access: PatientAccess, session: DosingSession, now: datetime
) -> schemas.IntegrationWindow | None:
    if session.dose_started_at is None:
        return None
    return _shown(session, await _after(db, access, [session.dose_started_at]), access, now)


async def _after(db: Database, access: PatientAccess, doses: Sequence[datetime]) -> list[Therapy]:
    """The therapies that may have followed these doses."""
    if not doses:
        return []
    until = max(doses) + rules.longest(access.protocol.integration)
    return await queries.therapies(db, access.patient, min(doses), until)


def _shown(
    dose: Any,  # noqa: ANN401  a session, or a row of one
    therapies: Sequence[Therapy],
    access: PatientAccess,
    now: datetime,
) -> schemas.IntegrationWindow:
    at = dose.dose_started_at
    after = rules.after_dose(at, therapies, access.protocol.integration, now=now)
    first = after.first_attended_at
    return schemas.IntegrationWindow(
        dosing_session_id=dose.id,
        dose_started_at=at,
        substance=dose.substance,
        route=dose.route,
        dose_mg=dose.dose_mg,
        windows=[
            schemas.TherapyWindow(
                key=filled.window.key,
                from_hours=filled.window.from_hours,
                until_hours=filled.window.until_hours,
                starts_at=at + filled.window.from_hours * HOUR,
                ends_at=at + filled.window.until_hours * HOUR,
                state=filled.state,
                offered=filled.count.offered,
                attended=filled.count.attended,
                not_recorded=filled.count.not_recorded,
                appointments=[_therapy(each, at) for each in filled.therapies],
            )
            for filled in after.windows
        ],
        therapy_within_hours=after.within_hours,
        outcome=after.outcome,
        first_attended_at=first,
        minutes_to_first_attended=None if first is None else (first - at) // MINUTE,
    )


def _therapy(each: Therapy, dose_at: datetime) -> schemas.TherapyAfterDose:
    since = {"minutes_from_dose": (each.scheduled_at - dose_at) // MINUTE}
    return schemas.TherapyAfterDose.model_validate(asdict(each) | since | {"offered": each.offered})


def _asked(asked: DueCheckIn, now: datetime) -> schemas.CheckInOfSession:
    return schemas.CheckInOfSession(
        id=asked.id,
        time_point=asked.time_point,
        minutes_from_dose=asked.minutes_from_dose,
        due_at=asked.due_at,
        state=state_of(
            asked.state,
            opens_at=asked.opens_at,
            closes_at=asked.closes_at,
            answered_at=asked.answered_at,
            now=now,
            awaits_dose=asked.awaits_dose,
        ),
        check_in_id=asked.check_in_id,
    )
