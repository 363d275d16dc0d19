"""Reading appointments with those who take part."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import Appointment, AppointmentParticipant, AppointmentStep
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import ClinicAccess, PatientAccess, visible_patients

_COLUMNS = [column.key for column in Appointment.__table__.columns]


def in_clinic(access: ClinicAccess, since: datetime, until: datetime) -> list[sa.ColumnElement[bool]]:
    """Select those of a span of time, of the patients whom the caller may know of."""
    return [
        Appointment.clinic_id == access.clinic.id,
        Appointment.scheduled_at >= since,
        Appointment.scheduled_at < until,
        Appointment.patient_id.in_(visible_patients(access)),
    ]


def of_patient(access: PatientAccess, since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    """Select those of one patient, in a span of time that may be open at either end."""
    where = [Appointment.clinic_id == access.clinic.id, Appointment.patient_id == access.patient.id]
    where += [Appointment.scheduled_at >= since] if since else []
    where += [Appointment.scheduled_at < until] if until else []
    return where


async def page_of(
    db: Database, where: Sequence[sa.ColumnElement[bool]], page: PageRequest, *filters: object
) -> tuple[Sequence[Any], str | None]:
    """Read one page in the order of the planned begin, and the cursor of the next."""
    at, this = Appointment.scheduled_at, Appointment.id
    statement = sa.select(Appointment.__table__).where(*where).order_by(at, this).limit(page.limit + 1)
    after = page.after(*filters)
    if after is not None:
        statement = statement.where(at >= after[0], sa.or_(at > after[0], this > after[1]))
    rows = (await db.execute(statement)).all()
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], make_cursor([last.scheduled_at, last.id], *filters)


def of_appointments(clinic_id: UUID, ids: Collection[UUID]) -> tuple[sa.ColumnElement[bool], ...]:
    """Select the participants of these appointments."""
    return AppointmentParticipant.clinic_id == clinic_id, AppointmentParticipant.appointment_id.in_(ids)


async def with_participants(db: Database, clinic_id: UUID, appointments: Sequence[Any]) -> list[dict[str, Any]]:
    """Read who takes part in these appointments, in one statement; each appointment as the columns that it has."""
    taking_part: dict[UUID, list[Any]] = {appointment.id: [] for appointment in appointments}
    if taking_part:
        rows = await db.execute(
            sa.select(AppointmentParticipant.__table__)
            .where(*of_appointments(clinic_id, taking_part))
            .order_by(AppointmentParticipant.appointment_id, AppointmentParticipant.position)
        )
        for row in rows:
            taking_part[row.appointment_id].append(row)
    return [
        {name: getattr(appointment, name) for name in _COLUMNS} | {"participants": taking_part[appointment.id]}
        for appointment in appointments
    ]


async def steps_of(db: Database, appointment: Appointment) -> Sequence[AppointmentStep]:
    """List every step of an appointment, oldest first."""
    found = await db.scalars(
        sa.select(AppointmentStep)
        .where(AppointmentStep.clinic_id == appointment.clinic_id, AppointmentStep.appointment_id == appointment.id)
        .order_by(AppointmentStep.version)
    )
    return found.all()
