"""By whose clock a patient lives. It changes when they say so, or the clinic does, and never because a phone travelled.

What was asked for before keeps the zone in which it was asked; what lies ahead moves to the same time in the new one.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.check_in_plans import plan_schemas, planning
from app.core import clock
from app.core.db import Database
from app.core.etags import require_match
from app.core.ids import new_id
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess, patient_for_writing
from app.identity.models import Membership, Patient, TimeZoneChange


async def read(db: Database, access: PatientAccess) -> dict[str, Any]:
    """The patient's zone and every change of it, as `plan_schemas.PatientTimeZone` shows it."""
    return _shown(access.patient.time_zone, await _changes(db, access))


async def put(
    db: Database, access: PatientAccess, wanted: plan_schemas.TimeZoneWrite, if_match: str | None
) -> dict[str, Any]:
    """Let the patient's plan follow another clock from now on. The same zone changes nothing."""
    shown = await read(db, access)
    if wanted.time_zone == access.patient.time_zone:
        return shown
    require_match(
        if_match,
        shown["version"],
        lambda: plan_schemas.PatientTimeZone.model_validate(shown).model_dump(mode="json"),
    )
    db.add(
        TimeZoneChange(
            id=new_id(),
            clinic_id=access.clinic.id,
            patient_id=access.patient.id,
            at=clock.now(),
            from_zone=access.patient.time_zone,
            to_zone=wanted.time_zone,
            changed_by=access.caller.membership_id,
        )
    )
    patient = await db.get(Patient, access.patient.id)
    assert patient is not None  # noqa: S101  the guard found it
    patient.time_zone = wanted.time_zone
    patient.version += 1
    await db.flush()
    access.patient.revise(db)
    moved = await patient_for_writing(db, access.clinic.id, access.patient.id)
    await planning.plan(db, moved, access.protocol)
    events.record(
        db,
        EventType.PATIENT_TIME_ZONE_CHANGED,
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        subject_id=access.patient.id,
        version=patient.version,
    )
    return _shown(wanted.time_zone, await _changes(db, access))


async def _changes(db: Database, access: PatientAccess) -> Sequence[Any]:
    this = TimeZoneChange
    found = await db.execute(
        sa.select(this.at, this.from_zone, this.to_zone, Membership.patient_id.is_not(None).label("by_patient"))
        .outerjoin(Membership, sa.and_(Membership.clinic_id == this.clinic_id, Membership.id == this.changed_by))
        .where(this.clinic_id == access.clinic.id, this.patient_id == access.patient.id)
        .order_by(this.at.desc(), this.id.desc())
    )
    return found.all()


def _shown(time_zone: str, changes: Sequence[Any]) -> dict[str, Any]:
    names = ("at", "from_zone", "to_zone", "by_patient")
    return {
        "time_zone": time_zone,
        "version": len(changes) + 1,
        "changes": [{name: getattr(each, name) for name in names} for each in changes],
    }
