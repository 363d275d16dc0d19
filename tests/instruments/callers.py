"""People who ask for instruments."""

from datetime import timedelta
from uuid import UUID

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.identity import tokens
from app.identity.models import Account, Clinic, Device, Membership, Patient, PatientRevision
from app.identity.permissions import Role
from app.protocols import service as protocols
from app.protocols.rules import Protocol


async def a_clinic(db: Database, locale: str = "en-US") -> UUID:
    clinic = Clinic(
        id=new_id(), name="Northside", time_zone="UTC", locale=locale, protocol_version=1, created_at=clock.now()
    )
    db.add(clinic)
    protocols.add_version(db, clinic.id, 1, Protocol(), reason="start")
    await db.flush()
    return clinic.id


async def a_token(db: Database, clinic_id: UUID, role: Role) -> str:
    """The access token of somebody who is signed in at the clinic."""
    now = clock.now()
    account = Account(id=new_id(), email="somebody@example.org", email_index=new_id().bytes, created_at=now)
    db.add(account)
    await db.flush()
    patient_id = await _a_record(db, clinic_id) if role is Role.PATIENT else None
    membership = Membership(
        id=new_id(),
        account_id=account.id,
        clinic_id=clinic_id,
        patient_id=patient_id,
        role=role.value,
        display_name="Somebody",
        created_at=now,
    )
    db.add(membership)
    await db.flush()
    later = now + timedelta(days=1)
    device = Device(
        id=new_id(),
        clinic_id=clinic_id,
        membership_id=membership.id,
        label="phone",
        methods="password otp",
        signed_in_at=now,
        refresh_n=1,
        confirmed_n=1,
        refreshed_at=now,
        idle_expires_at=later,
        absolute_expires_at=later,
    )
    db.add(device)
    await db.flush()
    return tokens.write(tokens.Kind.ACCESS, device.clinic_id, device.id, 1, later)


async def _a_record(db: Database, clinic_id: UUID) -> UUID:
    patient = Patient(
        id=new_id(),
        clinic_id=clinic_id,
        display_name="Somebody",
        time_zone="UTC",
        status="active",
        version=1,
        enrolled_at=clock.now(),
    )
    db.add(patient)
    await db.flush()
    db.add(PatientRevision(patient_id=patient.id, clinic_id=clinic_id, revision=0))
    await db.flush()
    return patient.id
