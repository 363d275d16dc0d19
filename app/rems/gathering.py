"""Gathering what is known of a session for its report."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.adverse_events.models import AdverseEvent
from app.core.db import Database
from app.core.fields import zone
from app.dosing import checklists, discharge, readings
from app.dosing.checklist_schemas import SubstanceUse
from app.dosing.models import DoseRecord, DosingSession
from app.dosing.rules import SessionStage, Substance
from app.identity.access import PatientAccess
from app.identity.models import Membership, Patient, PatientDetails
from app.protocols.rules import Protocol
from app.rems.rules import FORM_MINUTE, Measured, RemsInputs
from app.safety.models import OnCallRoster

_OVER: Final = frozenset({SessionStage.DISCHARGED, SessionStage.TRANSFERRED, SessionStage.CLOSED})


async def inputs_of(db: Database, access: PatientAccess, session: DosingSession, started: datetime) -> RemsInputs:
    """Everything that fills the form in."""
    patient, details = await db.get_one(Patient, access.patient.id), await db.get(PatientDetails, access.patient.id)
    stored = await checklists.newest(db, session)
    checklist = None if stored is None else checklists.content_of(stored)
    dose = await _dose(db, session)
    roster = await _roster(db, access.clinic.id)
    went_home = await discharge.discharge_of(db, session)
    clinician = session.session_clinician_id or (dose.administered_by if dose else None)
    names = ("at", "systolic", "diastolic", "moaas", "dissociation")
    return RemsInputs(
        patient_name=patient.display_name,
        born_on=date.fromisoformat(details.born_on) if details and details.born_on else None,
        sex=details.sex if details else None,
        earlier_doses=await _earlier_doses(db, session, started),
        sedatives=_used(checklist.sedatives if checklist else None),
        opioids=_used(checklist.opioids if checklist else None),
        stimulants=_used(checklist.stimulants if checklist else None),
        maoi=_used(checklist.maoi if checklist else None),
        clinician_name=await _name_of(db, access.clinic.id, clinician),
        telephone=roster.get("telephone"),
        setting_name=access.clinic.name,
        address=roster.get("address"),
        treated_on=started.astimezone(zone(access.clinic.time_zone)).date(),
        dose_started_at=started,
        dose_mg=session.dose_mg,
        lot=dose.lot if dose else None,
        monitored_until=went_home.discharged_at if went_home else None,
        readings=[
            Measured(*(getattr(each, name) for name in names)) for each in await readings.of_session(db, session)
        ],
        alert_from=access.protocol.discharge.moaas_from,
        tolerance_minutes=_tolerance(access.protocol),
        serious_events=await _serious_events(db, session),
        events_are_complete=session.status in _OVER,
    )


def _used(use: SubstanceUse | None) -> bool | None:
    return None if use is None else use.used


def _tolerance(protocol: Protocol) -> int:
    """How early or late a blood pressure of minute 40 may be, by the clinic's own plan."""
    points = protocol.readings.time_points
    planned = [point.tolerance_minutes for point in points if point.by == "staff" and point.minutes == FORM_MINUTE]
    return planned[0] if planned else protocol.readings.regular_tolerance_minutes


async def _dose(db: Database, session: DosingSession) -> DoseRecord | None:
    found: DoseRecord | None = await db.scalar(
        sa.select(DoseRecord)
        .where(DoseRecord.clinic_id == session.clinic_id, DoseRecord.session_id == session.id)
        .order_by(DoseRecord.version.desc())
        .limit(1)
    )
    return found


async def _roster(db: Database, clinic_id: UUID) -> dict[str, str | None]:
    """Telephone and address of the clinic, as the newest roster says."""
    content = await db.scalar(
        sa.select(OnCallRoster.content)
        .where(OnCallRoster.clinic_id == clinic_id)
        .order_by(OnCallRoster.version.desc())
        .limit(1)
    )
    return {name: (content or {}).get(name) for name in ("telephone", "address")}


async def _name_of(db: Database, clinic_id: UUID, membership_id: UUID | None) -> str | None:
    if membership_id is None:
        return None
    found: str | None = await db.scalar(
        sa.select(Membership.display_name).where(Membership.clinic_id == clinic_id, Membership.id == membership_id)
    )
    return found


async def _earlier_doses(db: Database, session: DosingSession, started: datetime) -> int:
    found = await db.scalar(
        sa.select(sa.func.count())
        .select_from(DosingSession)
        .where(
            DosingSession.clinic_id == session.clinic_id,
            DosingSession.patient_id == session.patient_id,
            DosingSession.substance == Substance.ESKETAMINE.value,
            DosingSession.dose_started_at < started,
        )
    )
    return found or 0


async def _serious_events(db: Database, session: DosingSession) -> Sequence[str]:
    found = await db.scalars(
        sa.select(AdverseEvent)
        .where(
            AdverseEvent.clinic_id == session.clinic_id,
            AdverseEvent.session_id == session.id,
            AdverseEvent.serious.is_(True),
        )
        .order_by(AdverseEvent.onset_at, AdverseEvent.id)
    )
    return [each.term for each in found]
