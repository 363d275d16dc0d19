"""Reading series with their appointments."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.appointments import series_schemas as schemas
from app.appointments.models import Appointment, AppointmentSeries
from app.appointments.series_plans import day_of, kept
from app.appointments.series_schemas import SeriesStatus
from app.core.db import Database
from app.core.local_times import resolve
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import PatientAccess, PatientView


async def appointments_of(db: Database, patient: PatientView, *series_ids: UUID) -> Sequence[Appointment]:
    """List the appointments of series, in the order in which their rules put them."""
    found = await db.scalars(
        sa.select(Appointment)
        .where(
            Appointment.clinic_id == patient.clinic_id,
            Appointment.patient_id == patient.id,
            Appointment.series_id.in_(series_ids),
            Appointment.recurrence_at.is_not(None),
        )
        .order_by(Appointment.recurrence_at, Appointment.id)
    )
    return found.all()


def as_shown(series: AppointmentSeries) -> dict[str, Any]:
    """The fields of a series as it is answered, without its appointments."""
    asked = kept(series).asked
    left_out = [date.fromisoformat(day) for day in series.left_out]
    return {name: getattr(asked, name) for name in type(asked).model_fields} | {
        "id": series.id,
        "patient_id": series.patient_id,
        "status": SeriesStatus.ENDED if series.ended_at else SeriesStatus.ACTIVE,
        "version": series.version,
        "rule": series.rule,
        "time_zone": series.time_zone,
        "left_out": left_out,
        "clashing": [day for day in left_out if day not in asked.left_out],
        "planned_until": series.planned_until,
    }


async def shown(db: Database, patient: PatientView, series: AppointmentSeries) -> schemas.AppointmentSeries:
    """Read a series with each of its appointments."""
    await db.flush()
    instances = [_instance(series, a) for a in await appointments_of(db, patient, series.id)]
    return schemas.AppointmentSeries.model_validate(as_shown(series) | {"instances": instances})


async def list_of_patient(db: Database, access: PatientAccess, page: PageRequest) -> schemas.AppointmentSeriesPage:
    """List the series of a patient, the newest first."""
    after = page.after("appointment-series", access.patient.id)
    found = await db.scalars(
        sa.select(AppointmentSeries)
        .where(
            AppointmentSeries.clinic_id == access.clinic.id,
            AppointmentSeries.patient_id == access.patient.id,
            *([AppointmentSeries.id < after[0]] if after else []),
        )
        .order_by(AppointmentSeries.id.desc())
        .limit(page.limit + 1)
    )
    rows = found.all()
    cursor = None
    if len(rows) > page.limit:
        cursor = make_cursor([rows[page.limit - 1].id], "appointment-series", access.patient.id)
    items = [schemas.AppointmentSeriesBrief.model_validate(as_shown(series)) for series in rows[: page.limit]]
    return schemas.AppointmentSeriesPage(items=items, next_cursor=cursor)


def _instance(series: AppointmentSeries, appointment: Appointment) -> dict[str, Any]:
    put_at = appointment.recurrence_at or appointment.scheduled_at
    day = day_of(series, put_at)
    resolved = resolve(day, datetime.fromisoformat(series.first_at).time(), series.time_zone)
    return {
        "day": day,
        "appointment_id": appointment.id,
        "scheduled_at": appointment.scheduled_at,
        "ends_at": appointment.ends_at,
        "status": appointment.status,
        "version": appointment.version,
        "moved": appointment.scheduled_at != put_at,
        "shifted": resolved.shifted and resolved.at == put_at,
        "folded": resolved.folded and resolved.at == put_at,
    }
