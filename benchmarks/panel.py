"""A clinic of its own with thousands of patients, each with a summary as the panel keeps it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.clinics import service as clinics
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.identity.models import CareTeamMember, Membership, Patient, PatientRevision
from app.identity.permissions import Role
from app.panel.models import PatientSummary
from benchmarks import world as worlds

SEVERITIES = (None, None, None, None, None, None, "routine", "routine", "urgent", "critical")
MEASURES = ("craving/alcohol", "craving_peak/alcohol", "mood/", "withdrawal/", "dissociation/", "sleep/")


async def make(db: Database, settings: Settings, patients: int) -> tuple[UUID, str]:
    """The clinic, and the token of a prescriber who looks after everybody there."""
    clinic = await clinics.create_clinic(db, name="Panel", time_zone="Europe/Berlin", locale="en-GB")
    _, token = await worlds.person(db, settings, clinic.id, Role.PRESCRIBER, "panel")
    who = (await db.scalars(sa.select(Membership.id).where(Membership.clinic_id == clinic.id))).one()
    people = [new_id() for _ in range(patients)]
    for table, row in ((Patient, _patient), (PatientRevision, _revision), (PatientSummary, _summary)):
        rows = [row(clinic.id, patient, number) for number, patient in enumerate(people)]
        await db.execute(sa.insert(table), rows)
    await db.execute(sa.insert(CareTeamMember), [_looked_after(clinic.id, patient, who) for patient in people])
    return clinic.id, token


def _patient(clinic_id: UUID, patient_id: UUID, number: int) -> dict[str, Any]:
    return {
        "id": patient_id,
        "clinic_id": clinic_id,
        "display_name": f"Somebody {number}",
        "time_zone": "Europe/Berlin",
        "status": "active",
        "version": 1,
        "enrolled_at": worlds.LAST_DAY - timedelta(days=100, minutes=number),
    }


def _revision(clinic_id: UUID, patient_id: UUID, _: int) -> dict[str, Any]:
    return {"clinic_id": clinic_id, "patient_id": patient_id, "revision": 9}


def _looked_after(clinic_id: UUID, patient_id: UUID, who: UUID) -> dict[str, Any]:
    return {
        "id": new_id(),
        "clinic_id": clinic_id,
        "patient_id": patient_id,
        "membership_id": who,
        "kind": "member",
        "responsible": False,
        "since": worlds.LAST_DAY - timedelta(days=99),
    }


def _summary(clinic_id: UUID, patient_id: UUID, number: int) -> dict[str, Any]:
    at = worlds.LAST_DAY - timedelta(minutes=number)
    worst, overdue = SEVERITIES[number % len(SEVERITIES)], number % 7
    since = at if worst else None
    return {
        "clinic_id": clinic_id,
        "patient_id": patient_id,
        "revision": 9,
        "updated_at": at,
        "need": -SEVERITIES.index(worst) * 10_000 + number,
        "open_alerts": int(worst is not None),
        "acknowledged_alerts": 0,
        "worst_alert_severity": worst,
        "oldest_open_alert_at": since,
        "overdue_check_ins": overdue,
        "completed_check_ins": 20 + number % 30,
        "late_check_ins": number % 3,
        "missed_check_ins": number % 9,
        "last_session_id": new_id(),
        "last_session_status": "closed",
        "last_dose_at": at - timedelta(days=number % 20),
        "next_session_id": new_id(),
        "next_session_status": "scheduled",
        "next_session_at": at + timedelta(days=number % 20),
        "phase": "integration",
        "latest": {name: [number % 10, int(at.timestamp()) * 1_000_000, -0.5] for name in MEASURES},
        "relief": "relieved",
        "relief_since": at,
        "relief_substance": "alcohol",
    }
