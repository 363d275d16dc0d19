"""Letting the appointments of one member follow the meetings of their group, under the lock of that patient.

It happens when somebody joins or leaves, for them alone, and in the worker for everybody else: after a meeting was
moved, called off or added, and after a place came free. Doing it again changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa

from app.appointments import places, queries, schemas
from app.appointments import service as appointments
from app.appointments.models import Appointment
from app.appointments.rules import (
    PLANNED,
    AppointmentChannel,
    AppointmentFormat,
    AppointmentKind,
    AppointmentStatus,
    AttendanceReason,
    ParticipantRole,
    ParticipantStatus,
)
from app.appointments.schemas import AppointmentCancellationWrite, AppointmentWrite, ParticipantWrite
from app.appointments.series_rules import instance_id
from app.appointments.service import Belongs, New
from app.bookings import service as bookings
from app.bookings.errors import DoubleBooked
from app.bookings.service import Hold, Resource, ResourceKind
from app.core import clock
from app.core.db import Database
from app.groups.models import Group, GroupMember, GroupSession
from app.groups.plans import day_of
from app.groups.schemas import GroupSessionStatus
from app.identity.access import PatientView
from app.protocols.rules import Protocol

_WAITING: Final = AppointmentStatus.WAITLIST.value
_PLANNED: Final = frozenset(status.value for status in PLANNED)


@dataclass(frozen=True, slots=True)
class Member:
    """One who belongs to a group, locked; and who lets their appointments follow (None: the service itself)."""

    patient: PatientView
    protocol: Protocol
    actor_id: UUID | None
    membership: GroupMember


async def settle(db: Database, group: Group, sessions: Iterable[GroupSession], member: Member) -> None:
    """Bring a member's appointments in line with these meetings. Meetings that have begun are left alone."""
    now = clock.now()
    changed = sorted((s for s in sessions if s.scheduled_at > now or not _meets(s)), key=lambda s: s.id)
    theirs = await of_member(db, group, changed, member)
    waiting = [s for s in changed if _meets(s) and s.id in theirs and theirs[s.id].status == _WAITING]
    busy = await busy_at(db, group, waiting, member)
    for session in changed:  # in the order of ids, so that no two wait for each other's places
        appointment = theirs.get(session.id)
        if appointment is None or appointment.status not in _PLANNED:
            continue
        if _meets(session):
            await _follow(db, group, session, member, appointment, can_come=session.id not in busy)
        elif appointment.scheduled_at > now:
            by = _cancelled(AttendanceReason(session.reason or AttendanceReason.RESCHEDULED))
            await appointments.call_off(db, member.patient, member.protocol, member.actor_id, appointment, by)
    await enrol(db, group, [s for s in changed if _meets(s) and s.id not in theirs], member)


async def enrol(db: Database, group: Group, sessions: Iterable[GroupSession], member: Member) -> None:
    """Give a member an appointment in each of these meetings: with a place, or in the waiting list.

    At a meeting at which the patient has something else they have none.
    """
    new = sorted(sessions, key=lambda session: session.id)
    busy = await busy_at(db, group, new, member)
    wanted = [await _new(db, group, session, member) for session in new if session.id not in busy]
    await appointments.add_all(db, member.patient, member.protocol, member.actor_id, wanted)


async def withdraw(
    db: Database,
    group: Group,
    sessions: Sequence[GroupSession],
    member: Member,
    by: AppointmentCancellationWrite,
) -> None:
    """Cancel what a member has in these meetings."""
    theirs = await of_member(db, group, sessions, member)
    left = [theirs[this] for this in sorted(theirs) if theirs[this].status in _PLANNED]
    await appointments.call_off_all(db, member.patient, member.protocol, member.actor_id, left, by)


async def busy_at(db: Database, group: Group, sessions: Iterable[GroupSession], member: Member) -> frozenset[UUID]:
    """Those of these meetings at which the patient has something else."""
    holds = {
        session.id: Hold(
            appointment_id(group, session, member.membership),
            [Resource(ResourceKind.PATIENT, member.patient.id, "/patient_id")],
            session.scheduled_at,
            session.ends_at,
        )
        for session in sessions
    }
    await db.flush()
    taken = {each.holder_id for each in await bookings.find_taken(db, group.clinic_id, list(holds.values()))}
    return frozenset(this for this, hold in holds.items() if hold.holder_id in taken)


async def of_member(
    db: Database, group: Group, sessions: Sequence[GroupSession], member: Member
) -> Mapping[UUID, Appointment]:
    """The appointments that a member has in meetings since they joined, by the meetings' ids."""
    ids = {appointment_id(group, session, member.membership): session.id for session in sessions}
    found = await db.scalars(
        sa.select(Appointment).where(
            Appointment.clinic_id == group.clinic_id,
            Appointment.patient_id == member.patient.id,
            Appointment.id.in_(ids),
        )
    )
    return {ids[appointment.id]: appointment for appointment in found}


def appointment_id(group: Group, session: GroupSession, membership: GroupMember) -> UUID:
    """The id of a member's appointment: it follows from the meeting, the member and since when they are one."""
    joined_at = membership.joined_at.isoformat()
    return instance_id(session.id, day_of(group, session), membership.patient_id, joined_at)


def plan_of(group: Group, session: GroupSession, *, has_place: bool) -> AppointmentWrite:
    """What a member's appointment looks like. It names those who lead the group, and no other member."""
    status: Literal[AppointmentStatus.BOOKED, AppointmentStatus.WAITLIST]
    status = AppointmentStatus.BOOKED if has_place else AppointmentStatus.WAITLIST
    return AppointmentWrite(
        kind=AppointmentKind(group.kind),
        format=AppointmentFormat.GROUP,
        channel=AppointmentChannel(group.channel),
        status=status,
        scheduled_at=session.scheduled_at,
        ends_at=session.ends_at,
        location=group.location,
        participants=[
            ParticipantWrite(role=ParticipantRole.STAFF, staff_id=UUID(this), status=ParticipantStatus.ACCEPTED)
            for this in group.staff_ids
        ],
        room_id=session.room_id,
    )


async def _follow(
    db: Database,
    group: Group,
    session: GroupSession,
    member: Member,
    appointment: Appointment,
    *,
    can_come: bool,
) -> None:
    """Move an appointment with its meeting, and give a place to who waits for one and can come."""
    waits = appointment.status == _WAITING
    promoted = waits and can_come and await places.take(db, group.clinic_id, session.id, behind_others=False)
    wanted = plan_of(group, session, has_place=promoted or not waits)
    appointment.recurrence_at = session.recurrence_at
    if not promoted and await _is_so(db, appointment, wanted):
        return
    who = member.patient, member.protocol, member.actor_id
    try:
        await appointments.replan(db, *who, appointment, wanted)
    except DoubleBooked:  # it was moved to where this patient has something else
        await appointments.call_off(db, *who, appointment, _cancelled(AttendanceReason.RESCHEDULED))


async def _new(db: Database, group: Group, session: GroupSession, member: Member) -> New:
    has_place = await places.take(db, group.clinic_id, session.id, behind_others=True)
    if not has_place:
        await places.ask(db, group.clinic_id, session.id)
    belongs = Belongs(recurrence_at=session.recurrence_at, group_session_id=session.id)
    this = appointment_id(group, session, member.membership)
    return New(this, plan_of(group, session, has_place=has_place), belongs)


def _meets(session: GroupSession) -> bool:
    return session.status == GroupSessionStatus.BOOKED.value


async def _is_so(db: Database, appointment: Appointment, wanted: AppointmentWrite) -> bool:
    (columns,) = await queries.with_participants(db, appointment.clinic_id, [appointment])
    current = schemas.Appointment.model_validate(columns).model_dump(include=set(AppointmentWrite.model_fields))
    return current == wanted.model_dump()


def _cancelled(reason: AttendanceReason) -> AppointmentCancellationWrite:
    return AppointmentCancellationWrite(by="clinic", reason=reason)
