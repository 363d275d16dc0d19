"""Enrolling patients, inviting people, care teams, and signing protocols off."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from app.clinics import schemas
from app.clinics.errors import AlreadyActive, UnknownStaff
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, PreconditionFailed
from app.core.etags import require_match
from app.core.ids import new_id
from app.core.pagination import PageRequest, make_cursor
from app.core.settings import Settings
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess, PatientAccess, patient_for_writing, visible_patients
from app.identity.models import CareTeamMember, Clinic, Membership, Patient, PatientRevision
from app.identity.permissions import Role
from app.identity.queries import IS_STAFF, staff_among
from app.invitations import service as invitations
from app.protocols import service as protocols
from app.protocols.models import ProtocolVersion
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.rules import LinkingWindows


async def create_clinic(db: Database, *, name: str, time_zone: str, locale: str) -> Clinic:
    """A new clinic with the proposed figures, which nobody has signed off."""
    clinic = Clinic(
        id=new_id(), name=name, time_zone=time_zone, locale=locale, protocol_version=1, created_at=clock.now()
    )
    db.add(clinic)
    protocols.add_version(db, clinic.id, 1, Protocol(), reason="Proposed defaults; nobody has signed them off yet.")
    await db.flush()
    return clinic


async def enrol(
    db: Database,
    clinic_id: UUID,
    *,
    display_name: str,
    time_zone: str,
    patient_id: UUID | None = None,
    status: Literal["invited", "imported"] = "invited",
) -> Patient:
    """A new patient, not yet active."""
    patient = Patient(
        id=patient_id or new_id(),
        clinic_id=clinic_id,
        display_name=display_name,
        time_zone=time_zone,
        status=status,
        version=1,
        enrolled_at=clock.now(),
    )
    db.add(patient)
    await db.flush()
    db.add(PatientRevision(patient_id=patient.id, clinic_id=clinic_id, revision=0))
    db.touch(clinic_id, patient.id)
    await db.flush()
    events.record(db, EventType.PATIENT_ENROLLED, clinic_id=clinic_id, patient_id=patient.id, subject_id=patient.id)
    return patient


async def patients(db: Database, access: ClinicAccess, paging: PageRequest) -> tuple[Sequence[Patient], str | None]:
    """A page of the patients whom the caller may know of, and the cursor of the next."""
    statement = sa.select(Patient).where(
        Patient.clinic_id == access.clinic.id, Patient.id.in_(visible_patients(access))
    )
    after = paging.after(access.clinic.id)
    if after is not None:
        statement = statement.where(sa.tuple_(Patient.enrolled_at, Patient.id) < sa.tuple_(*_key(after)))
    rows = (
        await db.scalars(statement.order_by(Patient.enrolled_at.desc(), Patient.id.desc()).limit(paging.limit + 1))
    ).all()
    more, rows = len(rows) > paging.limit, rows[: paging.limit]
    return rows, make_cursor([rows[-1].enrolled_at, rows[-1].id], access.clinic.id) if more else None


def _key(after: list[Any]) -> tuple[Any, Any]:
    return sa.bindparam(None, after[0], type_=Patient.enrolled_at.type), sa.bindparam(None, after[1], type_=sa.Uuid())


async def patient_with_team(db: Database, clinic_id: UUID, patient_id: UUID) -> dict[str, Any]:
    """A patient and who looks after them."""
    patient = await db.get_one(Patient, patient_id)
    team = await db.execute(
        sa.select(
            CareTeamMember.membership_id.label("staff_id"),
            Membership.display_name,
            Membership.role,
            CareTeamMember.responsible,
            CareTeamMember.since,
        )
        .join(Membership, Membership.id == CareTeamMember.membership_id)
        .where(
            CareTeamMember.clinic_id == clinic_id,
            CareTeamMember.patient_id == patient_id,
            CareTeamMember.kind == "member",
            Membership.ended_at.is_(None),
            sa.or_(CareTeamMember.until.is_(None), CareTeamMember.until > clock.now()),
        )
        .order_by(CareTeamMember.since, CareTeamMember.id)
    )
    return {
        name: getattr(patient, name) for name in ("id", "display_name", "time_zone", "status", "version", "enrolled_at")
    } | {"care_team": [dict(row._mapping) for row in team]}  # noqa: SLF001  SQLAlchemy's public name has an underscore


async def invite_patient(db: Database, settings: Settings, access: PatientAccess) -> invitations.NewInvitation:
    """A code for a patient who has no account yet."""
    if access.patient.status not in {"invited", "imported"}:
        raise AlreadyActive
    patient = await db.get_one(Patient, access.patient.id)
    return await invitations.invite(
        db,
        settings,
        clinic_id=access.clinic.id,
        role=Role.PATIENT,
        display_name=patient.display_name,
        patient_id=patient.id,
    )


async def set_care_team(
    db: Database, access: PatientAccess, team: schemas.CareTeamWrite, if_match: str | None
) -> dict[str, Any]:
    """Say who looks after a patient. Whoever leaves keeps their place in the history, not their access."""
    patient = await db.get_one(Patient, access.patient.id)
    current = await patient_with_team(db, access.clinic.id, patient.id)
    require_match(if_match, patient.version, lambda: schemas.Patient.model_validate(current).model_dump(mode="json"))
    await _must_work_here(db, access.clinic.id, team)
    await put_care_team(db, access.clinic.id, patient, {member.staff_id: member.responsible for member in team.members})
    return await patient_with_team(db, access.clinic.id, patient.id)


async def put_care_team(db: Database, clinic_id: UUID, patient: Patient, wanted: dict[UUID, bool]) -> None:
    """End what is no longer wanted, begin what is new, and tell."""
    now = clock.now()
    here = await db.scalars(
        sa.select(CareTeamMember).where(
            CareTeamMember.clinic_id == clinic_id,
            CareTeamMember.patient_id == patient.id,
            CareTeamMember.kind == "member",
            CareTeamMember.until.is_(None),
        )
    )
    for member in here:
        if wanted.get(member.membership_id) == member.responsible:
            del wanted[member.membership_id]
        else:
            member.until = now
    for staff_id, responsible in wanted.items():
        db.add(
            CareTeamMember(
                id=new_id(),
                clinic_id=clinic_id,
                patient_id=patient.id,
                membership_id=staff_id,
                kind="member",
                responsible=responsible,
                since=now,
            )
        )
    patient.version += 1
    await db.flush()
    events.record(
        db,
        EventType.CARE_TEAM_CHANGED,
        clinic_id=clinic_id,
        patient_id=patient.id,
        subject_id=patient.id,
        version=patient.version,
    )


async def _must_work_here(db: Database, clinic_id: UUID, team: schemas.CareTeamWrite) -> None:
    named = [member.staff_id for member in team.members]
    known = await staff_among(db, clinic_id, named)
    faults = [
        FieldError(f"/members/{number}/staff_id", "unknown_staff", "Nobody of this id works here.")
        for number, staff_id in enumerate(named)
        if staff_id not in known
    ]
    if faults:
        raise UnknownStaff(errors=faults)


async def staff(db: Database, clinic_id: UUID) -> Sequence[Membership]:
    """Everyone who works at the clinic, by role."""
    found = await db.scalars(
        sa.select(Membership)
        .where(Membership.clinic_id == clinic_id, IS_STAFF, Membership.ended_at.is_(None))
        .order_by(Membership.role, Membership.id)
    )
    return found.all()


async def sign_protocol(
    db: Database, access: ClinicAccess, wanted: schemas.ProtocolWrite, if_match: str | None
) -> ProtocolVersion:
    """Add the clinic's next protocol, signed off by the caller."""
    current = await protocols.row(db, access.clinic.id, access.clinic.protocol_version)
    require_match(
        if_match,
        current.version,
        lambda: schemas.SignedProtocol.model_validate(current).model_dump(mode="json"),
    )
    clinic = await db.scalar(sa.select(Clinic).where(Clinic.id == access.clinic.id).with_for_update(key_share=True))
    if clinic is None or clinic.protocol_version != current.version:
        raise PreconditionFailed(current=None)  # somebody signed between our reading and our lock
    clinic.protocol_version += 1
    made = protocols.add_version(
        db,
        clinic.id,
        clinic.protocol_version,
        wanted.figures,
        reason=wanted.reason,
        signed_off_by=access.caller.membership_id,
        signed_off_at=clock.now(),
    )
    events.record(
        db,
        EventType.PROTOCOL_CHANGED,
        clinic_id=clinic.id,
        subject_id=clinic.id,
        version=clinic.protocol_version,
    )
    if wanted.figures.linking != access.protocol.linking:
        await _link_again(db, clinic.id, LinkingWindows.of(wanted.figures.linking))
    if wanted.figures.trends != access.protocol.trends:
        await _look_anew(db, clinic.id)
    return made


async def _look_anew(db: Database, clinic_id: UUID) -> None:
    """Let what is kept of each patient follow the new figures; patients are locked in one order, as below."""
    this = PatientRevision
    everyone = await db.scalars(
        sa.select(this.patient_id)
        .where(this.clinic_id == clinic_id)
        .order_by(this.patient_id)
        .with_for_update(key_share=True)
    )
    for patient_id in everyone.all():
        db.touch(clinic_id, patient_id, [("protocol_versions",)])


async def _link_again(db: Database, clinic_id: UUID, windows: LinkingWindows) -> None:
    """Link every check-in of the clinic by the new windows; patients are locked in one order, so no ring can form."""
    everyone = await db.scalars(sa.select(Patient.id).where(Patient.clinic_id == clinic_id).order_by(Patient.id))
    for patient_id in everyone.all():
        patient = await patient_for_writing(db, clinic_id, patient_id)
        await timeline.link_everything_again(db, patient, windows)
        await db.flush_staged()
