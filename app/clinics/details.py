"""A patient's day of birth and sex: asked for by a report to somebody else and by some rules, and by nothing more."""

from datetime import date, timedelta
from typing import Any

from app.clinics import schemas
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.etags import require_match
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess
from app.identity.models import PatientDetails


async def read(db: Database, access: PatientAccess) -> dict[str, Any]:
    """What is known of the patient; version 0 while nobody has said anything."""
    return _shown(await _stored(db, access))


async def put(
    db: Database, access: PatientAccess, said: schemas.PatientDetailsWrite, if_match: str | None
) -> dict[str, Any]:
    """Say what is known of the patient. The same again changes nothing."""
    stored = await _stored(db, access)
    shown = _shown(stored)
    if shown["version"] and (shown["born_on"], shown["sex"]) == (said.born_on, said.sex):
        return shown
    require_match(
        if_match, shown["version"], lambda: schemas.PatientDetails.model_validate(shown).model_dump(mode="json")
    )
    if said.born_on is not None and said.born_on > (clock.now() + timedelta(days=1)).date():
        raise InvalidRequest(errors=[FieldError("/born_on", "in_the_future", "Nobody is born yet who is to be.")])
    if stored is None:
        stored = PatientDetails(patient_id=access.patient.id, clinic_id=access.clinic.id, version=0)
        db.add(stored)
    stored.born_on = None if said.born_on is None else said.born_on.isoformat()
    stored.sex = said.sex
    stored.version += 1
    await db.flush()
    access.patient.revise(db)
    events.record(
        db,
        EventType.PATIENT_DETAILS_CHANGED,
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        subject_id=access.patient.id,
        version=stored.version,
    )
    return _shown(stored)


async def _stored(db: Database, access: PatientAccess) -> PatientDetails | None:
    return await db.get(PatientDetails, access.patient.id)


def _shown(stored: PatientDetails | None) -> dict[str, Any]:
    if stored is None:
        return {"version": 0, "born_on": None, "sex": "unknown"}
    born_on = None if stored.born_on is None else date.fromisoformat(stored.born_on)
    return {"version": stored.version, "born_on": born_on, "sex": stored.sex or "unknown"}
