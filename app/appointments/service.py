"""What can be done with appointments. Every change is one step: checked, kept, told, and placed on the timeline.

`add`, `replan` and `call_off` need no request: series, groups and the worker use them too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.appointments import holding, places, queries, rules, schemas, steps
from app.appointments.holding import HOLDER, Belongs
from app.appointments.models import Appointment, AppointmentParticipant
from app.appointments.rules import AppointmentAction, AppointmentOrigin, AppointmentStatus, Attendance
from app.bookings import service as bookings
from app.bookings.queries import rooms_among
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound
from app.core.pagination import PageRequest
from app.events.types import EventType
from app.identity.access import ClinicAccess, PatientAccess, PatientView
from app.identity.queries import staff_among
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.errors import IdTaken

__all__ = ["Belongs", "New", "add", "add_all", "call_off", "call_off_all", "replan", "replan_all"]

FIRST_STEP: Final = "book"


@dataclass(frozen=True, slots=True)
class New:
    """An appointment to be made."""

    id: UUID
    plan: schemas.AppointmentWrite
    belongs: Belongs = field(default_factory=Belongs)


async def book(
    db: Database, access: PatientAccess, appointment_id: UUID, plan: schemas.AppointmentWrite, if_match: str | None
) -> tuple[schemas.Appointment, bool]:
    """Plan an appointment, or replan one that has not begun; the appointment, and whether it is new.

    Planning the same again changes nothing, so that a lost answer can be asked for again.
    """
    appointment = await db.get(Appointment, (access.clinic.id, appointment_id))
    if appointment is not None and appointment.patient_id != access.patient.id:
        raise IdTaken
    actor_id = access.caller.membership_id
    if appointment is None:
        appointment = await add(db, access.patient, access.protocol, actor_id, appointment_id, plan)
        return await steps.shown(db, appointment), True
    current = await steps.shown(db, appointment)
    if _is_planned_so(current, plan):
        return current, False
    etags.require_match(if_match, appointment.version, lambda: current.model_dump(mode="json"))
    if appointment.group_session_id is not None:
        raise places.OfGroup
    await replan(db, access.patient, access.protocol, actor_id, appointment, plan)
    return await steps.shown(db, appointment), False


async def add(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    actor_id: UUID | None,
    appointment_id: UUID,
    plan: schemas.AppointmentWrite,
    belongs: Belongs = Belongs(),  # noqa: B008  frozen
) -> Appointment:
    """Make an appointment; raises `DoubleBooked`, `InvalidRequest` or `IdTaken`.

    The patient must be locked (a writing guard, or `patient_for_writing`). After `DoubleBooked` nothing has changed,
    and the transaction can go on.
    """
    (appointment,) = await add_all(db, patient, protocol, actor_id, [New(appointment_id, plan, belongs)])
    return appointment


async def add_all(
    db: Database, patient: PatientView, protocol: Protocol, actor_id: UUID | None, wanted: Sequence[New]
) -> list[Appointment]:
    """Make many appointments of one patient, or none of them. It takes as many statements as making one does."""
    if not wanted:
        return []
    for new in wanted:
        _check(new.plan)
    known = {anchor.id for anchor in await timeline.anchors_of(db, patient)}
    if not known.isdisjoint(new.id for new in wanted):
        raise IdTaken  # a dosing session of the same patient
    await _check_named(db, patient.clinic_id, [new.plan for new in wanted])
    holds = [_held(patient, protocol, new.id, new.plan, new.belongs.group_session_id) for new in wanted]
    await bookings.hold_all(db, patient.clinic_id, HOLDER, holds)
    appointments = [
        Appointment(
            clinic_id=patient.clinic_id,
            id=new.id,
            patient_id=patient.id,
            status=new.plan.status.value,
            version=1,
            revision=patient.revise(db),
            origin=AppointmentOrigin.CLINIC.value,
            series_id=new.belongs.series_id,
            recurrence_at=new.belongs.recurrence_at,
            group_session_id=new.belongs.group_session_id,
            **_planned(new.plan),
        )
        for new in wanted
    ]
    await steps.insert(db, *appointments)
    await _add_participants(db, patient.clinic_id, {new.id: new.plan for new in wanted})
    for appointment in appointments:
        steps.keep_step(db, appointment, action=FIRST_STEP, from_status=None, actor_id=actor_id)
        steps.tell(db, appointment, EventType.APPOINTMENT_BOOKED)
    await steps.place(db, patient, protocol, *appointments)
    return appointments


async def replan(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    actor_id: UUID | None,
    appointment: Appointment,
    plan: schemas.AppointmentWrite,
) -> Appointment:
    """Plan an appointment anew; raises `IllegalMove` once it has begun, and what `add` raises.

    What it is one of stays. After `DoubleBooked` nothing has changed, and the transaction can go on.
    """
    await replan_all(db, patient, protocol, actor_id, [(appointment, plan)])
    return appointment


async def replan_all(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    actor_id: UUID | None,
    wanted: Sequence[tuple[Appointment, schemas.AppointmentWrite]],
) -> None:
    """Plan many appointments of one patient anew, or none of them. It takes as many statements as one does."""
    if not wanted:
        return
    for appointment, plan in wanted:
        _check(plan)
        rules.check_planning(AppointmentStatus(appointment.status), plan.status)
    await _check_named(db, patient.clinic_id, [plan for _, plan in wanted])
    holds = [_held(patient, protocol, each.id, plan, each.group_session_id) for each, plan in wanted]
    await bookings.hold_all(db, patient.clinic_id, HOLDER, holds)
    for appointment, plan in wanted:
        for name, value in _planned(plan).items():
            setattr(appointment, name, value)
    plans = {appointment.id: plan for appointment, plan in wanted}
    await db.execute(sa.delete(AppointmentParticipant).where(*queries.of_appointments(patient.clinic_id, plans)))
    await _add_participants(db, patient.clinic_id, plans)
    moved = [(appointment, AppointmentStatus(plan.status)) for appointment, plan in wanted]
    await steps.keep_all(db, patient, protocol, actor_id, moved, AppointmentAction.MOVE)


async def call_off(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    actor_id: UUID | None,
    appointment: Appointment,
    cancellation: schemas.AppointmentCancellationWrite,
) -> Appointment:
    """Record that it will not take place, or should never have existed, and let go of what it held."""
    await call_off_all(db, patient, protocol, actor_id, [appointment], cancellation)
    return appointment


async def call_off_all(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    actor_id: UUID | None,
    appointments: Sequence[Appointment],
    cancellation: schemas.AppointmentCancellationWrite,
) -> None:
    """Call off many appointments of one patient. It takes as many statements as one does, and one for each place."""
    if not appointments:
        return
    who = Attendance.CANCELLED_PATIENT if cancellation.by == "patient" else Attendance.CANCELLED_CLINIC
    now = clock.now()
    ended = []
    for appointment in appointments:
        status = rules.status_after_cancellation(AppointmentStatus(appointment.status), cancellation.reason)
        called_off = status is AppointmentStatus.CANCELLED
        appointment.attendance = who.value if called_off else None
        appointment.attended_minutes = None
        appointment.reason = cancellation.reason.value
        appointment.cancelled_late = (
            rules.is_late(appointment.scheduled_at, protocol.booking, now=now) if called_off else None
        )
        ended.append((appointment, status))
    await bookings.release(db, patient.clinic_id, *(appointment.id for appointment in appointments))
    for appointment in appointments:
        await places.leave(db, appointment)
    await steps.keep_all(db, patient, protocol, actor_id, ended, AppointmentAction.CANCELLATION)


async def arrive(
    db: Database, access: PatientAccess, appointment_id: UUID, if_match: str | None
) -> schemas.Appointment:
    """Record that the patient is here."""
    appointment = await _matching(db, access, appointment_id, if_match)
    rules.check_arrival(AppointmentStatus(appointment.status))
    await _step(db, access, appointment, AppointmentAction.ARRIVAL, AppointmentStatus.ARRIVED)
    return await steps.shown(db, appointment)


async def attend(
    db: Database,
    access: PatientAccess,
    appointment_id: UUID,
    record: schemas.AttendanceWrite,
    if_match: str | None,
) -> schemas.Appointment:
    """Record whether the patient took part, or correct what was recorded."""
    appointment = await _matching(db, access, appointment_id, if_match)
    status = rules.status_after_attendance(
        AppointmentStatus(appointment.status), record.attendance, scheduled_at=appointment.scheduled_at, now=clock.now()
    )
    rules.check_attendance(record.attendance, record.minutes, record.reason)
    appointment.attendance = record.attendance.value
    appointment.attended_minutes = record.minutes
    appointment.reason = record.reason and record.reason.value
    if status is AppointmentStatus.NOSHOW:
        await bookings.release(db, access.clinic.id, appointment.id)
    await _step(db, access, appointment, AppointmentAction.ATTENDANCE, status)
    return await steps.shown(db, appointment)


async def cancel(
    db: Database,
    access: PatientAccess,
    appointment_id: UUID,
    cancellation: schemas.AppointmentCancellationWrite,
    if_match: str | None,
) -> schemas.Appointment:
    """Record that the appointment will not take place, or should never have existed."""
    appointment = await _matching(db, access, appointment_id, if_match)
    actor_id = access.caller.membership_id
    await call_off(db, access.patient, access.protocol, actor_id, appointment, cancellation)
    return await steps.shown(db, appointment)


async def cancel_own(
    db: Database,
    access: PatientAccess,
    appointment_id: UUID,
    cancellation: schemas.OwnCancellationWrite,
    if_match: str | None,
) -> schemas.OwnAppointment:
    """Let the patient cancel, as long before it begins as the clinic allows."""
    appointment = await read(db, access, appointment_id)
    current = await steps.shown_to_patient(db, appointment)
    etags.require_match(if_match, appointment.version, lambda: current.model_dump(mode="json"))
    booking = access.protocol.booking
    rules.check_own_cancellation(AppointmentStatus(appointment.status), appointment.scheduled_at, booking, clock.now())
    said = schemas.AppointmentCancellationWrite(by="patient", reason=cancellation.reason)
    await call_off(db, access.patient, access.protocol, access.caller.membership_id, appointment, said)
    return await steps.shown_to_patient(db, appointment)


async def read(db: Database, access: PatientAccess, appointment_id: UUID) -> Appointment:
    """Read one appointment of the patient, or raise `NotFound`."""
    appointment = await db.get(Appointment, (access.clinic.id, appointment_id))
    if appointment is None or appointment.patient_id != access.patient.id:
        raise NotFound
    return appointment


async def record_of(db: Database, appointment: Appointment) -> schemas.AppointmentRecord:
    """Read an appointment with everyone who takes part, and every step that it took."""
    shown = await steps.shown(db, appointment)
    taken = await queries.steps_of(db, appointment)
    return schemas.AppointmentRecord.model_validate(shown.model_dump(exclude={"open_moves"}) | {"steps": taken})


async def list_of_clinic(
    db: Database, access: ClinicAccess, since: datetime, until: datetime, page: PageRequest
) -> schemas.AppointmentPage:
    """List the appointments planned from `since` on and before `until`, of patients whom the caller may know of."""
    where = queries.in_clinic(access, since, until)
    rows, cursor = await queries.page_of(db, where, page, "appointments", access.caller.membership_id, since, until)
    items = [
        schemas.Appointment.model_validate(row) for row in await queries.with_participants(db, access.clinic.id, rows)
    ]
    return schemas.AppointmentPage(items=items, next_cursor=cursor)


async def list_of_patient(
    db: Database, access: PatientAccess, since: datetime | None, until: datetime | None, page: PageRequest
) -> schemas.OwnAppointmentPage:
    """List the patient's appointments, all of them or those planned from `since` on and before `until`."""
    where = queries.of_patient(access, since, until)
    rows, cursor = await queries.page_of(db, where, page, "my-appointments", access.patient.id, since, until)
    whole = await queries.with_participants(db, access.clinic.id, rows)
    items = [schemas.OwnAppointment.model_validate(row) for row in whole]
    return schemas.OwnAppointmentPage(items=items, next_cursor=cursor)


def _check(plan: schemas.AppointmentWrite) -> None:
    rules.check_times(plan.scheduled_at, plan.ends_at)
    rules.check_participants([(p.role, p.staff_id is not None, p.name is not None) for p in plan.participants])


def _held(
    patient: PatientView,
    protocol: Protocol,
    appointment_id: UUID,
    plan: schemas.AppointmentWrite,
    group_session_id: UUID | None,
) -> bookings.Hold:
    return holding.held_by(
        plan,
        protocol,
        appointment_id=appointment_id,
        patient_id=patient.id,
        in_group=group_session_id is not None,
    )


def _planned(plan: schemas.AppointmentWrite) -> dict[str, Any]:
    return {
        "kind": plan.kind.value,
        "format": plan.format.value,
        "channel": plan.channel.value,
        "scheduled_at": plan.scheduled_at,
        "ends_at": plan.ends_at,
        "location": plan.location,
        "room_id": plan.room_id,
        "override_reason": plan.override_reason,
    }


def _is_planned_so(current: schemas.Appointment, plan: schemas.AppointmentWrite) -> bool:
    """Whether the plan is what is stored already; what became of the appointment since is not part of the plan."""
    status = current.status if current.status in rules.PLANNED else plan.status
    wanted, known = plan.model_dump(), current.model_dump(include=set(schemas.AppointmentWrite.model_fields))
    return wanted == known | {"status": status}


async def _check_named(db: Database, clinic_id: UUID, plans: Sequence[schemas.AppointmentWrite]) -> None:
    """Raise `InvalidRequest` for staff and rooms that the clinic does not have."""
    staff_ids = {p.staff_id for plan in plans for p in plan.participants if p.staff_id is not None}
    staff = await staff_among(db, clinic_id, staff_ids)
    room_ids = {plan.room_id for plan in plans if plan.room_id is not None}
    rooms = await rooms_among(db, clinic_id, room_ids) if room_ids else frozenset[UUID]()
    faults: dict[str, FieldError] = {}
    for plan in plans:
        for index, participant in enumerate(plan.participants):
            if participant.staff_id is not None and participant.staff_id not in staff:
                pointer = f"/participants/{index}/staff_id"
                words = "The clinic has no member of staff with this id."
                faults[pointer] = FieldError(pointer, "unknown_staff", words)
        if plan.room_id is not None and plan.room_id not in rooms:
            faults["/room_id"] = FieldError("/room_id", "unknown_room", "The clinic has no room in use with this id.")
    if faults:
        raise InvalidRequest(errors=list(faults.values()))


async def _add_participants(db: Database, clinic_id: UUID, plans: dict[UUID, schemas.AppointmentWrite]) -> None:
    rows = [
        {"clinic_id": clinic_id, "appointment_id": appointment_id, "position": n} | participant.model_dump()
        for appointment_id, plan in plans.items()
        for n, participant in enumerate(plan.participants)
    ]
    if rows:
        await db.execute(sa.insert(AppointmentParticipant), rows)


async def _matching(db: Database, access: PatientAccess, appointment_id: UUID, if_match: str | None) -> Appointment:
    """Read the appointment that the caller has read in this version; raises 428 and 412."""
    appointment = await read(db, access, appointment_id)
    current = await steps.shown(db, appointment)
    etags.require_match(if_match, appointment.version, lambda: current.model_dump(mode="json"))
    return appointment


async def _step(
    db: Database, access: PatientAccess, appointment: Appointment, action: AppointmentAction, status: AppointmentStatus
) -> None:
    actor_id = access.caller.membership_id
    await steps.keep(db, access.patient, access.protocol, actor_id, appointment, action, status)
