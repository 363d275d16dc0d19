"""What can be done with appointments. Every change is one step: checked, kept, told, and placed on the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.appointments import queries, rules, schemas
from app.appointments.models import Appointment, AppointmentParticipant, AppointmentStep
from app.appointments.rules import (
    AppointmentAction,
    AppointmentChannel,
    AppointmentFormat,
    AppointmentKind,
    AppointmentOrigin,
    AppointmentStatus,
    Attendance,
    AttendanceReason,
)
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound
from app.core.ids import new_id
from app.core.pagination import PageRequest
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess, PatientAccess, PatientView
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.errors import IdTaken
from app.timeline.rules import Anchor, AnchorKind, LinkingWindows

TOLD_AS: Final[dict[AppointmentAction, EventType]] = {
    AppointmentAction.MOVE: EventType.APPOINTMENT_MOVED,
    AppointmentAction.ARRIVAL: EventType.APPOINTMENT_ARRIVED,
    AppointmentAction.ATTENDANCE: EventType.APPOINTMENT_ATTENDED,
    AppointmentAction.CANCELLATION: EventType.APPOINTMENT_CANCELLED,
}
FIRST_STEP: Final = "book"
IMPORT: Final = "import"


@dataclass(frozen=True, slots=True)
class AppointmentHistory:
    """An appointment of the past: what an import knows of it. `attendance` is None when nobody wrote it down."""

    id: UUID
    kind: AppointmentKind
    scheduled_at: datetime
    ends_at: datetime | None = None
    format: AppointmentFormat = AppointmentFormat.INDIVIDUAL
    channel: AppointmentChannel = AppointmentChannel.IN_PERSON
    attendance: Attendance | None = None
    attended_minutes: int | None = None
    reason: AttendanceReason | None = None


Entered = Literal["new", "known", "other"]
"""What became of an appointment of the past; `other`: its id stands for one with other content already."""


async def book(
    db: Database, access: PatientAccess, appointment_id: UUID, plan: schemas.AppointmentWrite, if_match: str | None
) -> tuple[schemas.Appointment, bool]:
    """Plan an appointment, or replan one that has not begun; the appointment, and whether it is new.

    Planning the same again changes nothing, so that a lost answer can be asked for again.
    """
    appointment = await db.get(Appointment, (access.clinic.id, appointment_id))
    if appointment is not None and appointment.patient_id != access.patient.id:
        raise IdTaken
    rules.check_times(plan.scheduled_at, plan.ends_at)
    rules.check_participants([(p.role, p.staff_id is not None, p.name is not None) for p in plan.participants])
    if appointment is None:
        return await _add(db, access, appointment_id, plan), True
    current = await _shown(db, appointment)
    if _is_planned_so(current, plan):
        return current, False
    etags.require_match(if_match, appointment.version, lambda: current.model_dump(mode="json"))
    rules.check_planning(current.status, plan.status)
    await _check_staff(db, access, plan)
    for name, value in _planned(plan).items():
        setattr(appointment, name, value)
    await db.execute(
        sa.delete(AppointmentParticipant).where(*queries.of_appointments(access.clinic.id, [appointment_id]))
    )
    await _add_participants(db, appointment, plan)
    await _keep(db, access, appointment, AppointmentAction.MOVE, plan.status)
    return await _shown(db, appointment), False


async def arrive(
    db: Database, access: PatientAccess, appointment_id: UUID, if_match: str | None
) -> schemas.Appointment:
    """Record that the patient is here."""
    appointment = await _matching(db, access, appointment_id, if_match)
    rules.check_arrival(AppointmentStatus(appointment.status))
    await _keep(db, access, appointment, AppointmentAction.ARRIVAL, AppointmentStatus.ARRIVED)
    return await _shown(db, appointment)


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
    await _keep(db, access, appointment, AppointmentAction.ATTENDANCE, status)
    return await _shown(db, appointment)


async def cancel(
    db: Database,
    access: PatientAccess,
    appointment_id: UUID,
    cancellation: schemas.AppointmentCancellationWrite,
    if_match: str | None,
) -> schemas.Appointment:
    """Record that the appointment will not take place, or should never have existed."""
    appointment = await _matching(db, access, appointment_id, if_match)
    status = rules.status_after_cancellation(AppointmentStatus(appointment.status), cancellation.reason)
    by_patient = cancellation.by == "patient"
    who = Attendance.CANCELLED_PATIENT if by_patient else Attendance.CANCELLED_CLINIC
    appointment.attendance = who.value if status is AppointmentStatus.CANCELLED else None
    appointment.attended_minutes = None
    appointment.reason = cancellation.reason.value
    await _keep(db, access, appointment, AppointmentAction.CANCELLATION, status)
    return await _shown(db, appointment)


async def import_appointment(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    history: AppointmentHistory,
    *,
    actor_id: UUID | None = None,
) -> bool:
    """Enter an appointment of the past; whether it was new. What is known under its id already is left alone."""
    return await import_appointments(db, patient, protocol, [history], actor_id=actor_id) == ["new"]


async def import_appointments(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    histories: Sequence[AppointmentHistory],
    *,
    actor_id: UUID | None = None,
) -> list[Entered]:
    """Enter a patient's appointments of the past; for each, what became of it. Known ones are left alone."""
    ids = [history.id for history in histories]
    here = await db.scalars(
        sa.select(Appointment).where(Appointment.clinic_id == patient.clinic_id, Appointment.id.in_(ids))
    )
    known = {appointment.id: appointment for appointment in here}
    entered: list[Entered] = []
    new: list[Appointment] = []
    for history in histories:
        appointment = _of_the_past(patient, history)
        there = known.setdefault(history.id, appointment)
        if there is appointment:
            appointment.revision = patient.revise(db)
            new.append(appointment)
        entered.append("new" if there is appointment else "known" if _says_the_same(there, appointment) else "other")
    if not new:
        return entered
    await _insert(db, *new)
    for appointment in new:
        _keep_step(db, appointment, action=IMPORT, from_status=None, actor_id=actor_id)
        _tell(db, appointment, EventType.APPOINTMENT_BOOKED)
    windows = LinkingWindows.of(protocol.linking)
    await timeline.place_anchors(db, patient, [_anchor(appointment) for appointment in new], windows)
    return entered


def _of_the_past(patient: PatientView, history: AppointmentHistory) -> Appointment:
    return Appointment(
        clinic_id=patient.clinic_id,
        id=history.id,
        patient_id=patient.id,
        kind=history.kind.value,
        format=history.format.value,
        channel=history.channel.value,
        status=rules.status_of_history(history.attendance).value,
        version=1,
        scheduled_at=history.scheduled_at,
        ends_at=history.ends_at,
        attendance=history.attendance and history.attendance.value,
        attended_minutes=history.attended_minutes,
        reason=history.reason and history.reason.value,
        origin=AppointmentOrigin.IMPORTED.value,
    )


def _says_the_same(one: Appointment, other: Appointment) -> bool:
    """Whether two say the same of the past; attendance that the clinic has corrected since is not part of it."""
    said = ["patient_id", "kind", "format", "channel", "scheduled_at", "ends_at", "origin"]
    said += ["attendance", "attended_minutes", "reason"] if one.version == 1 else []
    return all(getattr(one, name) == getattr(other, name) for name in said)


async def read(db: Database, access: PatientAccess, appointment_id: UUID) -> Appointment:
    """Read one appointment of the patient, or raise `NotFound`."""
    appointment = await db.get(Appointment, (access.clinic.id, appointment_id))
    if appointment is None or appointment.patient_id != access.patient.id:
        raise NotFound
    return appointment


async def record_of(db: Database, appointment: Appointment) -> schemas.AppointmentRecord:
    """Read an appointment with everyone who takes part, and every step that it took."""
    shown = await _shown(db, appointment)
    steps = await queries.steps_of(db, appointment)
    return schemas.AppointmentRecord.model_validate(shown.model_dump(exclude={"open_moves"}) | {"steps": steps})


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


async def _add(
    db: Database, access: PatientAccess, appointment_id: UUID, plan: schemas.AppointmentWrite
) -> schemas.Appointment:
    if any(anchor.id == appointment_id for anchor in await timeline.anchors_of(db, access.patient)):
        raise IdTaken  # a dosing session of the same patient
    await _check_staff(db, access, plan)
    appointment = Appointment(
        clinic_id=access.clinic.id,
        id=appointment_id,
        patient_id=access.patient.id,
        status=plan.status.value,
        version=1,
        revision=access.patient.revise(db),
        origin=AppointmentOrigin.CLINIC.value,
        **_planned(plan),
    )
    await _insert(db, appointment)
    await _add_participants(db, appointment, plan)
    _keep_step(db, appointment, action=FIRST_STEP, from_status=None, actor_id=access.caller.membership_id)
    _tell(db, appointment, EventType.APPOINTMENT_BOOKED)
    windows = LinkingWindows.of(access.protocol.linking)
    await timeline.place_anchor(db, access.patient, _anchor(appointment), windows)
    return await _shown(db, appointment)


def _planned(plan: schemas.AppointmentWrite) -> dict[str, Any]:
    return {
        "kind": plan.kind.value,
        "format": plan.format.value,
        "channel": plan.channel.value,
        "scheduled_at": plan.scheduled_at,
        "ends_at": plan.ends_at,
        "location": plan.location,
    }


def _is_planned_so(current: schemas.Appointment, plan: schemas.AppointmentWrite) -> bool:
    """Whether the plan is what is stored already; what became of the appointment since is not part of the plan."""
    status = current.status if current.status in rules.PLANNED else plan.status
    wanted, known = plan.model_dump(), current.model_dump(include=set(schemas.AppointmentWrite.model_fields))
    return wanted == known | {"status": status}


async def _check_staff(db: Database, access: PatientAccess, plan: schemas.AppointmentWrite) -> None:
    named = {p.staff_id for p in plan.participants if p.staff_id is not None}
    known = await queries.staff_among(db, access.clinic.id, named) if named else frozenset[UUID]()
    faults = [
        FieldError(
            f"/participants/{index}/staff_id", "unknown_staff", "The clinic has no member of staff with this id."
        )
        for index, participant in enumerate(plan.participants)
        if participant.staff_id is not None and participant.staff_id not in known
    ]
    if faults:
        raise InvalidRequest(errors=faults)


async def _add_participants(db: Database, appointment: Appointment, plan: schemas.AppointmentWrite) -> None:
    if not plan.participants:
        return
    whose = {"clinic_id": appointment.clinic_id, "appointment_id": appointment.id}
    rows = [whose | {"position": n} | participant.model_dump() for n, participant in enumerate(plan.participants)]
    await db.execute(sa.insert(AppointmentParticipant), rows)


async def _insert(db: Database, *appointments: Appointment) -> None:
    db.add_all(appointments)
    try:
        await db.flush()
    except IntegrityError as error:  # two patients' appointments under one id at the same moment
        raise IdTaken from error


async def _matching(db: Database, access: PatientAccess, appointment_id: UUID, if_match: str | None) -> Appointment:
    """Read the appointment that the caller has read in this version; raises 428 and 412."""
    appointment = await read(db, access, appointment_id)
    current = await _shown(db, appointment)
    etags.require_match(if_match, appointment.version, lambda: current.model_dump(mode="json"))
    return appointment


async def _shown(db: Database, appointment: Appointment) -> schemas.Appointment:
    (whole,) = await queries.with_participants(db, appointment.clinic_id, [appointment])
    return schemas.Appointment.model_validate(whole)


async def _keep(
    db: Database, access: PatientAccess, appointment: Appointment, action: AppointmentAction, status: AppointmentStatus
) -> None:
    """Take one step, after everything else about it was set: the only way in which an appointment changes."""
    from_status, appointment.status = appointment.status, status.value
    appointment.version += 1
    appointment.revision = access.patient.revise(db)
    _keep_step(db, appointment, action=action, from_status=from_status, actor_id=access.caller.membership_id)
    _tell(db, appointment, TOLD_AS[action])
    windows = LinkingWindows.of(access.protocol.linking)
    await timeline.place_anchor(db, access.patient, _anchor(appointment), windows)


def _keep_step(
    db: Database, appointment: Appointment, *, action: str, from_status: str | None, actor_id: UUID | None
) -> None:
    db.stage(
        AppointmentStep,
        {
            "id": new_id(),
            "clinic_id": appointment.clinic_id,
            "appointment_id": appointment.id,
            "version": appointment.version,
            "at": clock.now(),
            "actor_id": actor_id,
            "action": str(action),
            "from_status": from_status,
            "to_status": appointment.status,
            "scheduled_at": appointment.scheduled_at,
            "attendance": appointment.attendance,
            "reason": appointment.reason,
        },
    )


def _tell(db: Database, appointment: Appointment, event_type: EventType) -> None:
    events.record(
        db,
        event_type,
        clinic_id=appointment.clinic_id,
        patient_id=appointment.patient_id,
        subject_id=appointment.id,
        version=appointment.version,
    )


def _anchor(appointment: Appointment) -> Anchor:
    return Anchor(
        id=appointment.id,
        kind=AnchorKind.APPOINTMENT,
        scheduled_at=appointment.scheduled_at,
        ends_at=appointment.ends_at,
        cancelled=AppointmentStatus(appointment.status) in rules.TAKES_NO_PLACE,
    )
