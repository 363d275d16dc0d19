"""A session whose dose was given some time ago, and what was measured since: for tests of what comes after it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core import clock
from app.core.db import Database
from app.dosing.models import DoseRecord, DosingSession, Reading
from tests.dosing.sessions import Sessions
from tests.factories import an_id

WELL: dict[str, Any] = {"systolic": 124, "diastolic": 78, "moaas": 5, "aldrete": 10, "dissociation": 1}


async def dosed(
    db: Database,
    sessions: Sessions,
    *,
    status: str = "monitoring",
    dose_started: int = 180,
    dose_ended: int | None = 140,
    **but: Any,
) -> DosingSession:
    """Plan a session and let its dose be given so many minutes ago."""
    await sessions.plan()
    session = await db.get_one(DosingSession, (sessions.cast.clinic.id, UUID(sessions.session_id)))
    now = clock.now()
    session.status = status
    session.scheduled_at = now - timedelta(minutes=dose_started)
    session.dose_started_at = now - timedelta(minutes=dose_started)
    session.dose_ended_at = None if dose_ended is None else now - timedelta(minutes=dose_ended)
    session.substance, session.route, session.dose_mg = "ketamine", "IV", 40
    session.version = sessions.version = 5
    for name, value in but.items():
        setattr(session, name, value)
    if session.dose_started_at is not None:
        db.add(_record_of(session))
    await db.flush()
    return session


def _record_of(session: DosingSession) -> DoseRecord:
    assert session.dose_started_at is not None
    return DoseRecord(
        clinic_id=session.clinic_id,
        session_id=session.id,
        version=1,
        patient_id=session.patient_id,
        recorded_at=session.dose_started_at,
        recorded_by=an_id(),
        substance=session.substance,
        route=session.route,
        dose_mg=session.dose_mg,
        started_at=session.dose_started_at,
        ended_at=session.dose_ended_at,
        administered_by=an_id(),
        warnings=[],
    )


async def measured(db: Database, session: DosingSession, minutes_ago: float, **values: Any) -> Reading:
    """What was measured of a patient so many minutes ago."""
    at = clock.now() - timedelta(minutes=minutes_ago)
    reading = Reading(
        clinic_id=session.clinic_id,
        session_id=session.id,
        id=an_id(),
        patient_id=session.patient_id,
        version=1,
        **_when(at),
        minutes_from_dose=None,
        recorded_by=an_id(),
        device_id=None,
        clock_suspect=False,
        received_late=False,
        confirmed=[],
        flags=[],
        fingerprint=b"",
        note=None,
        **values,
    )
    db.add(reading)
    await db.flush()
    return reading


def _when(at: datetime) -> dict[str, datetime]:
    return {"taken_at": at, "at": at, "received_at": at}
