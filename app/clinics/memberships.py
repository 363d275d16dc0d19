"""Bringing accounts back, and ending the membership of staff who leave."""

from uuid import UUID

import sqlalchemy as sa

from app.clinics import service as clinics
from app.clinics.errors import CannotEndYourself, CannotRecover
from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound
from app.core.settings import Settings
from app.events import service as events
from app.events.types import EventType
from app.identity import service as identity
from app.identity.access import ClinicAccess, PatientAccess, patient_for_writing
from app.identity.models import CareTeamMember, Membership, Patient
from app.identity.permissions import Role
from app.invitations import service as invitations


async def recover_patient(db: Database, settings: Settings, access: PatientAccess) -> invitations.NewInvitation:
    """A code by which a patient gets their account back. Until it is used, the account stays as it is."""
    membership = await db.scalar(
        sa.select(Membership).where(
            Membership.clinic_id == access.clinic.id,
            Membership.patient_id == access.patient.id,
            Membership.ended_at.is_(None),
        )
    )
    if membership is None:
        raise CannotRecover
    return await _recover(db, settings, membership)


async def recover_staff(
    db: Database, settings: Settings, access: ClinicAccess, staff_id: UUID
) -> invitations.NewInvitation:
    """The same for somebody who works at the clinic."""
    membership = await _staff(db, access, staff_id)
    if membership.ended_at is not None:
        raise NotFound
    return await _recover(db, settings, membership)


async def _recover(db: Database, settings: Settings, membership: Membership) -> invitations.NewInvitation:
    if not await identity.is_only_membership(db, membership):
        raise CannotRecover
    return await invitations.invite(
        db,
        settings,
        clinic_id=membership.clinic_id,
        role=Role(membership.role),
        display_name=membership.display_name,
        patient_id=membership.patient_id,
        membership_id=membership.id,
    )


async def end_staff(db: Database, access: ClinicAccess, staff_id: UUID) -> None:
    """Somebody leaves: their devices, their codes and their places in care teams end with their membership."""
    membership = await _staff(db, access, staff_id)
    if membership.id == access.caller.membership_id:
        raise CannotEndYourself
    if membership.ended_at is not None:
        return
    membership.ended_at = clock.now()
    await db.flush()
    await identity.end_devices(db, membership, "left")
    await invitations.withdraw(db, access.clinic.id, membership_id=membership.id)
    await _leave_care_teams(db, access.clinic.id, membership.id)
    events.record(db, EventType.STAFF_LEFT, clinic_id=access.clinic.id, subject_id=membership.id)


async def _staff(db: Database, access: ClinicAccess, staff_id: UUID) -> Membership:
    found = await db.scalar(
        sa.select(Membership)
        .where(
            Membership.id == staff_id,
            Membership.clinic_id == access.clinic.id,
            Membership.patient_id.is_(None),
            Membership.account_id.is_not(None),  # an API client is no colleague
        )
        .with_for_update(key_share=True)
    )
    if found is None:
        raise NotFound
    return found


async def _leave_care_teams(db: Database, clinic_id: UUID, staff_id: UUID) -> None:
    """One patient after the other, locked in one order as by every writing guard, so that no ring can form."""
    now = clock.now()
    places = sa.and_(
        CareTeamMember.clinic_id == clinic_id,
        sa.or_(CareTeamMember.until.is_(None), CareTeamMember.until > now),
    )
    everyone = await db.scalars(
        sa.select(CareTeamMember.patient_id)
        .where(places, CareTeamMember.membership_id == staff_id)
        .distinct()
        .order_by(CareTeamMember.patient_id)
    )
    for patient_id in everyone.all():
        await patient_for_writing(db, clinic_id, patient_id)
        await db.execute(  # emergency access too
            sa.update(CareTeamMember)
            .where(places, CareTeamMember.patient_id == patient_id, CareTeamMember.membership_id == staff_id)
            .values(until=now)
        )
        others = await db.execute(
            sa.select(CareTeamMember.membership_id, CareTeamMember.responsible).where(
                places, CareTeamMember.patient_id == patient_id, CareTeamMember.kind == "member"
            )
        )
        patient = await db.get_one(Patient, patient_id)
        await clinics.put_care_team(db, clinic_id, patient, {row[0]: row[1] for row in others})
