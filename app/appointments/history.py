"""Appointments of the past, entered from elsewhere. They hold nobody and no room: what was, is no plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa

from app.appointments import rules, steps
from app.appointments.models import Appointment
from app.appointments.rules import (
    AppointmentChannel,
    AppointmentFormat,
    AppointmentKind,
    AppointmentOrigin,
    Attendance,
    AttendanceReason,
)
from app.core.db import Database
from app.events.types import EventType
from app.identity.access import PatientView
from app.protocols.rules import Protocol

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
    await steps.insert(db, *new)
    for appointment in new:
        steps.keep_step(db, appointment, action=IMPORT, from_status=None, actor_id=actor_id)
        steps.tell(db, appointment, EventType.APPOINTMENT_BOOKED)
    await steps.place(db, patient, protocol, *new)
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
