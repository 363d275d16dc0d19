"""Who belongs to a group: joining, leaving, and reading who is there."""

from collections.abc import Sequence
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa

from app.appointments import series_errors
from app.appointments.models import Appointment
from app.appointments.recurrence import Instance
from app.appointments.rules import PLANNED, AppointmentStatus, AttendanceReason
from app.appointments.schemas import AppointmentCancellationWrite
from app.appointments.series_schemas import SeriesStatus
from app.bookings.service import Hold, Resource, ResourceKind, Taken
from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound
from app.core.fields import zone
from app.core.local_times import resolve_local
from app.core.moves import IllegalMove
from app.groups import schemas, settling, views
from app.groups.models import Group, GroupMember, GroupSession
from app.groups.schemas import GroupSessionStatus
from app.groups.settling import Member
from app.identity.access import ClinicAccess, PatientAccess, PatientView, visible_patients

LEFT: Final = AppointmentCancellationWrite(by="clinic", reason=AttendanceReason.RESCHEDULED)


async def join(
    db: Database, access: PatientAccess, group_id: UUID, wanted: schemas.GroupMemberWrite
) -> tuple[schemas.GroupMember, bool]:
    """Make a patient a member, with a place in each meeting to come or waiting for one; and whether they are new."""
    group = await db.get(Group, (access.clinic.id, group_id))
    if group is None:
        raise NotFound
    membership = await _active(db, group, access.patient)
    if membership is not None:
        return await _shown(db, group, membership), False
    if group.ended_at is not None:
        raise IllegalMove(current=SeriesStatus.ENDED, open_moves=())
    membership = GroupMember(
        clinic_id=access.clinic.id,
        group_id=group.id,
        patient_id=access.patient.id,
        joined_at=clock.now(),
        revision=access.patient.revise(db),
    )
    member = Member(access.patient, access.protocol, access.caller.membership_id, membership)
    sessions = await to_come(db, group)
    if wanted.clashes == "refuse":
        await _refuse_clashes(db, group, sessions, member)
    db.add(membership)
    await db.flush()
    await settling.enrol(db, group, sessions, member)
    return await _shown(db, group, membership), True


async def leave(db: Database, access: PatientAccess, group_id: UUID) -> None:
    """Let a patient leave: what they have of the meetings to come is cancelled, and their places come free."""
    group = await db.get(Group, (access.clinic.id, group_id))
    if group is None:
        raise NotFound
    membership = await _active(db, group, access.patient)
    if membership is None:
        raise NotFound
    member = Member(access.patient, access.protocol, access.caller.membership_id, membership)
    await settling.withdraw(db, group, await to_come(db, group), member, LEFT)
    membership.left_at = clock.now()
    membership.revision = access.patient.revise(db)


async def members_of(db: Database, access: ClinicAccess, group_id: UUID) -> schemas.GroupMemberList:
    """List the members whom the caller may know of, and count the others."""
    group = await db.get(Group, (access.clinic.id, group_id))
    if group is None:
        raise NotFound
    where = [
        GroupMember.clinic_id == group.clinic_id,
        GroupMember.group_id == group.id,
        GroupMember.left_at.is_(None),
    ]
    everybody = await db.scalar(sa.select(sa.func.count()).select_from(GroupMember).where(*where)) or 0
    found = await db.scalars(
        sa.select(GroupMember)
        .where(*where, GroupMember.patient_id.in_(visible_patients(access)))
        .order_by(GroupMember.joined_at, GroupMember.patient_id)
    )
    items = [await _shown(db, group, membership) for membership in found]
    return schemas.GroupMemberList(items=items, next_cursor=None, others=everybody - len(items))


async def groups_of(db: Database, access: PatientAccess) -> schemas.PatientGroupList:
    """List the groups of a patient, those joined last first."""
    found = await db.execute(
        sa.select(Group, GroupMember)
        .join(GroupMember, sa.and_(GroupMember.clinic_id == Group.clinic_id, GroupMember.group_id == Group.id))
        .where(GroupMember.clinic_id == access.clinic.id, GroupMember.patient_id == access.patient.id)
        .order_by(GroupMember.joined_at.desc())
    )
    items = [
        schemas.PatientGroup(group=views.brief(group), joined_at=member.joined_at, left_at=member.left_at)
        for group, member in found
    ]
    return schemas.PatientGroupList(items=items, next_cursor=None)


async def to_come(db: Database, group: Group) -> Sequence[GroupSession]:
    """The meetings of a group that have not begun."""
    found = await db.scalars(
        sa.select(GroupSession)
        .where(
            GroupSession.clinic_id == group.clinic_id,
            GroupSession.group_id == group.id,
            GroupSession.status == GroupSessionStatus.BOOKED.value,
            GroupSession.scheduled_at > clock.now(),
        )
        .order_by(GroupSession.scheduled_at, GroupSession.id)
    )
    return found.all()


async def _active(db: Database, group: Group, patient: PatientView) -> GroupMember | None:
    found = await db.scalars(
        sa.select(GroupMember).where(
            GroupMember.clinic_id == group.clinic_id,
            GroupMember.group_id == group.id,
            GroupMember.patient_id == patient.id,
            GroupMember.left_at.is_(None),
        )
    )
    return found.one_or_none()


async def _refuse_clashes(db: Database, group: Group, sessions: Sequence[GroupSession], member: Member) -> None:
    busy = await settling.busy_at(db, group, sessions, member)
    patient = Resource(ResourceKind.PATIENT, member.patient.id, "/patient_id")
    holds = [Hold(s.id, [patient], s.scheduled_at, s.ends_at) for s in sessions if s.id in busy]
    place = zone(group.time_zone)
    instances = {}
    for hold in holds:
        local = hold.starts_at.astimezone(place).replace(tzinfo=None)
        instances[hold.holder_id] = Instance(local, resolve_local(local, group.time_zone))
    series_errors.refuse_clashes(instances, holds, [Taken(this, patient.id) for this in busy])


async def _shown(db: Database, group: Group, membership: GroupMember) -> schemas.GroupMember:
    """A member with what they have in the meetings to come."""
    await db.flush()
    found = await db.scalars(
        sa.select(Appointment)
        .join(
            GroupSession,
            sa.and_(GroupSession.clinic_id == Appointment.clinic_id, GroupSession.id == Appointment.group_session_id),
        )
        .where(
            Appointment.clinic_id == group.clinic_id,
            Appointment.patient_id == membership.patient_id,
            GroupSession.group_id == group.id,
            Appointment.scheduled_at > clock.now(),
            Appointment.status.in_([status.value for status in PLANNED]),
        )
        .order_by(Appointment.scheduled_at, Appointment.id)
    )
    places = [
        schemas.Place(
            group_session_id=cast("UUID", each.group_session_id),
            appointment_id=each.id,
            scheduled_at=each.scheduled_at,
            status=AppointmentStatus(each.status),
        )
        for each in found
    ]
    return schemas.GroupMember(
        group_id=group.id,
        patient_id=membership.patient_id,
        joined_at=membership.joined_at,
        left_at=membership.left_at,
        places=places,
    )
