"""What the counts of a clinic are made from: one statement for each kind of thing, however many patients there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import Appointment
from app.check_in_plans.adherence import COUNTED
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import Kept
from app.check_ins.models import Observation
from app.clinic_view.rules import Period
from app.core.db import Database
from app.core.sql import Earlier, Microseconds
from app.dosing.models import DosingSession
from app.dosing.rules import SessionOrigin
from app.identity.models import Patient

IMPORTED: Final = SessionOrigin.IMPORTED.value
"""History from elsewhere says nothing of how this clinic worked; as a dose in somebody's life it counts."""


@dataclass(frozen=True, slots=True)
class Span:
    """A clinic's period, as days and as the instants at which it starts and ends."""

    clinic_id: UUID
    days: Period
    start: datetime
    end: datetime


async def appointments(db: Database, span: Span) -> Sequence[Any]:
    """By patient: `kind`, `status`, `attendance` and how many, of the appointments of a period."""
    this = Appointment
    keys = (this.patient_id, this.kind, this.status, this.attendance)
    rows = await db.execute(
        sa.select(*keys, sa.func.count().label("n"))
        .where(
            this.clinic_id == span.clinic_id,
            this.scheduled_at >= span.start,
            this.scheduled_at < span.end,
            this.origin != IMPORTED,
        )
        .group_by(*keys)
    )
    return rows.all()


async def sessions(db: Database, span: Span) -> Sequence[Any]:
    """By patient: `status`, `no_show`, whether a dose was given, and how many, of the dosing sessions of a period."""
    this = DosingSession
    given = this.dose_started_at.is_not(None).label("given")
    keys = (this.patient_id, this.status, this.no_show, given)
    rows = await db.execute(
        sa.select(*keys, sa.func.count().label("n"))
        .where(
            this.clinic_id == span.clinic_id,
            this.scheduled_at >= span.start,
            this.scheduled_at < span.end,
            this.origin != IMPORTED,
        )
        .group_by(this.patient_id, this.status, this.no_show, given)
    )
    return rows.all()


async def due(db: Database, span: Span) -> Sequence[Any]:
    """By patient: what became of the check-ins that were due in a period (`completed`, `late`, `missed`)."""
    this = DueCheckIn
    outcome = sa.case(
        (this.state == Kept.MISSED.value, sa.literal_column("'missed'")),
        (this.answered_at > this.closes_at, sa.literal_column("'late'")),
        else_=sa.literal_column("'completed'"),
    ).label("outcome")
    rows = await db.execute(
        sa.select(this.patient_id, outcome, sa.func.count().label("n"))
        .where(
            this.clinic_id == span.clinic_id,
            this.due_at >= span.start,
            this.due_at < span.end,
            this.state.in_(COUNTED),
        )
        .group_by(this.patient_id, outcome)
    )
    return rows.all()


async def doses(db: Database, span: Span) -> Sequence[Any]:
    """Every dose that was started before the end of a period, by patient (and their zone) and time; imported too."""
    this = DosingSession
    rows = await db.execute(
        sa.select(this.patient_id, Patient.time_zone, Microseconds(this.dose_started_at).label("at"), this.origin)
        .join(Patient, sa.and_(Patient.clinic_id == this.clinic_id, Patient.id == this.patient_id))
        .where(this.clinic_id == span.clinic_id, this.dose_started_at < span.end)
        .order_by(this.patient_id, this.dose_started_at)
    )
    return rows.all()


def _first_doses(span: Span) -> sa.CTE:
    this = DosingSession
    return (
        sa.select(this.patient_id, sa.func.min(this.dose_started_at).label("at"))
        .where(this.clinic_id == span.clinic_id, this.dose_started_at < span.end)
        .group_by(this.patient_id)
        .cte("first_doses")
    )


async def local_days(db: Database, span: Span, measures: Collection[str]) -> Sequence[Any]:
    """By patient and measure: the local days of a period that have values, of patients who were given a dose."""
    this, first = Observation, _first_doses(span)
    value, keys = this.value, (this.patient_id, this.measure, this.local_day)
    rows = await db.execute(
        sa.select(
            *keys,
            sa.func.sum(value).label("total"),
            sa.func.min(value).label("lowest"),
            sa.func.max(value).label("highest"),
            sa.func.count().label("n"),
        )
        .join(first, first.c.patient_id == this.patient_id)
        .where(
            this.clinic_id == span.clinic_id,
            this.measure.in_(measures),
            this.local_day.between(span.days.first_day, span.days.last_day),
        )
        .group_by(*keys)
        .order_by(*keys)
    )
    return rows.all()


async def before_first_doses(db: Database, span: Span, measures: Collection[str], length: timedelta) -> Sequence[Any]:
    """By patient and measure: each value so long before the patient's first dose."""
    this, first = Observation, _first_doses(span)
    microseconds = sa.literal(length // timedelta(microseconds=1), sa.BigInteger)
    rows = await db.execute(
        sa.select(this.patient_id, this.measure, this.value)
        .join(first, first.c.patient_id == this.patient_id)
        .where(
            this.clinic_id == span.clinic_id,
            this.measure.in_(measures),
            this.recorded_at >= Earlier(first.c.at, microseconds),
            this.recorded_at < first.c.at,
        )
    )
    return rows.all()


async def around_doses(db: Database, span: Span, measure: str, before: timedelta) -> Sequence[Any]:
    """By patient, substance and time: the values of a measure that the doses of a period are judged by."""
    this, dose = Observation, DosingSession
    given = sa.exists().where(
        dose.clinic_id == span.clinic_id,
        dose.patient_id == this.patient_id,
        dose.dose_started_at >= span.start,
        dose.dose_started_at < span.end,
        dose.origin != IMPORTED,
    )
    rows = await db.execute(
        sa.select(this.patient_id, this.substance, Microseconds(this.recorded_at).label("at"), this.value)
        .where(
            this.clinic_id == span.clinic_id,
            this.measure == measure,
            this.recorded_at >= span.start - before,
            this.recorded_at < span.end,
            given,
        )
        .order_by(this.patient_id, this.substance, this.recorded_at, this.check_in_id)
    )
    return rows.all()
