"""The statements behind a trend: values and days of one measure, doses, and what else stands on the axis.

They are written once, with named parameters, so that SQLAlchemy compiles each of them once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.appointments.models import Appointment
from app.appointments.rules import AppointmentStatus
from app.check_ins.models import Observation
from app.core.columns import Instant
from app.core.db import Database
from app.dosing.models import DosingSession
from app.dosing.rules import SessionStage
from app.identity.access import PatientView
from app.trends.days import LocalDay

FARTHEST_ZONES: Final = timedelta(hours=26)
"""The same calendar day starts and ends at most this far apart around the world."""

_NOT_ON_THE_AXIS: Final = (
    AppointmentStatus.PROPOSED.value,
    AppointmentStatus.WAITLIST.value,
    AppointmentStatus.CANCELLED.value,
    AppointmentStatus.ENTERED_IN_ERROR.value,
)
_INSTANT = Instant()
_START, _END = sa.bindparam("start", type_=_INSTANT), sa.bindparam("end", type_=_INSTANT)


def _of_patient(table: Any) -> tuple[sa.ColumnElement[bool], ...]:  # noqa: ANN401  a mapped class
    return table.clinic_id == sa.bindparam("clinic_id"), table.patient_id == sa.bindparam("patient_id")


_SERIES = (
    *_of_patient(Observation),
    Observation.measure == sa.bindparam("measure"),
    Observation.substance == sa.bindparam("substance"),
)
_SPAN = (Observation.recorded_at >= _START, Observation.recorded_at < _END)
_DAYS = Observation.local_day.between(sa.bindparam("first_day"), sa.bindparam("last_day"))
_IN_ORDER = (Observation.recorded_at, Observation.check_in_id)

_VALUES = sa.select(Observation.recorded_at, Observation.value).where(*_SERIES, *_SPAN).order_by(*_IN_ORDER)
_RAW = (
    sa.select(Observation.recorded_at, Observation.value, Observation.local_day)
    .where(*_SERIES, *_SPAN, _DAYS)
    .order_by(*_IN_ORDER)
)
_RAW_WITH_OFFSET = _RAW.add_columns(Observation.utc_offset_minutes)
_BY_DAY = (
    sa.select(
        Observation.local_day,
        sa.func.sum(Observation.value),
        sa.func.min(Observation.value),
        sa.func.max(Observation.value),
        sa.func.count(),
    )
    .where(*_SERIES, *_SPAN, _DAYS)
    .group_by(Observation.local_day)
    .order_by(Observation.local_day)
)

_MEASURED = (*_of_patient(Observation), Observation.measure == sa.bindparam("measure"))
_ENDS_OF_SUBSTANCES = sa.select(
    # Two steps into the index, however long the series is; listing all of them would read it whole.
    sa.select(sa.func.min(Observation.substance)).where(*_MEASURED).scalar_subquery(),
    sa.select(sa.func.max(Observation.substance)).where(*_MEASURED).scalar_subquery(),
)
_SUBSTANCES = sa.select(Observation.substance).where(*_MEASURED).distinct().order_by(Observation.substance)

_DOSES = (
    sa.select(
        DosingSession.id,
        DosingSession.dose_started_at,
        DosingSession.dose_mg,
        DosingSession.substance,
        DosingSession.route,
    )
    .where(*_of_patient(DosingSession), DosingSession.dose_started_at.is_not(None))
    .order_by(DosingSession.dose_started_at, DosingSession.id)
)


def _nothing(kind: Any) -> sa.ColumnElement[Any]:  # noqa: ANN401  a column type
    return sa.cast(sa.null(), kind)


def _markers() -> sa.CompoundSelect[Any]:
    """Sessions and appointments of a span, and in the same trip the patient's first dose ever."""
    text = sa.String(40)
    at = sa.func.coalesce(DosingSession.dose_started_at, DosingSession.scheduled_at, type_=_INSTANT)
    sessions = sa.select(
        sa.literal("dosing_session").label("kind"),
        DosingSession.id,
        at.label("at"),
        DosingSession.status,
        DosingSession.dose_started_at.is_not(None).label("dose_given"),
        DosingSession.dose_mg,
        DosingSession.substance,
        DosingSession.route,
        _nothing(text).label("appointment_kind"),
        _nothing(text).label("attendance"),
    ).where(*_of_patient(DosingSession), at >= _START, at < _END, DosingSession.status != SessionStage.CANCELLED.value)
    appointments = sa.select(
        sa.literal("appointment"),
        Appointment.id,
        Appointment.scheduled_at,
        Appointment.status,
        sa.false(),
        _nothing(sa.Double()),
        _nothing(text),
        _nothing(text),
        Appointment.kind,
        Appointment.attendance,
    ).where(
        *_of_patient(Appointment),
        Appointment.scheduled_at >= _START,
        Appointment.scheduled_at < _END,
        Appointment.status.not_in(_NOT_ON_THE_AXIS),
    )
    first_dose = sa.select(
        sa.literal("first_dose"),
        _nothing(sa.Uuid()),
        sa.func.min(DosingSession.dose_started_at),
        _nothing(text),
        sa.true(),
        _nothing(sa.Double()),
        *(_nothing(text) for _ in ("substance", "route", "appointment_kind", "attendance")),
    ).where(*_of_patient(DosingSession))
    return sa.union_all(sessions, appointments, first_dose)


_MARKERS = _markers()


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose values, of what."""

    patient: PatientView
    measure: str
    substance: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that every statement of a series takes."""
        return {
            "clinic_id": self.patient.clinic_id,
            "patient_id": self.patient.id,
            "measure": self.measure,
            "substance": self.substance,
        }


async def only_substance(db: Database, whose: Whose) -> str | None:
    """The one substance that the patient reports a measure about, "" where there is no value; None for several."""
    first, last = (await db.execute(_ENDS_OF_SUBSTANCES, whose.parameters)).one()
    return None if first != last else first or ""


async def substances(db: Database, whose: Whose) -> Sequence[str]:
    """All substances that the patient reports a measure about."""
    return (await db.scalars(_SUBSTANCES, whose.parameters)).all()


async def values(db: Database, whose: Whose, start: datetime, end: datetime) -> Sequence[Any]:
    """Instants and values from `start` up to `end`, in order of time."""
    return (await db.execute(_VALUES, whose.parameters | {"start": start, "end": end})).all()


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, and the instants between which any value of such a day must lie wherever it was given."""

    first_day: date
    last_day: date
    start: datetime
    end: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that every statement of a period takes."""
        return {
            "first_day": self.first_day,
            "last_day": self.last_day,
            "start": self.start - FARTHEST_ZONES,
            "end": self.end + FARTHEST_ZONES,
        }


async def raw(db: Database, whose: Whose, period: Period, *, with_offset: bool = False) -> Sequence[Any]:
    """Instant, value and local day of each value of a period, in order of time."""
    statement = _RAW_WITH_OFFSET if with_offset else _RAW
    return (await db.execute(statement, whose.parameters | period.parameters)).all()


async def by_day(db: Database, whose: Whose, period: Period) -> list[LocalDay]:
    """The local days of a period that have values."""
    rows = await db.execute(_BY_DAY, whose.parameters | period.parameters)
    return [LocalDay(*row) for row in rows]


async def markers(
    db: Database, patient: PatientView, start: datetime, end: datetime
) -> tuple[list[Any], datetime | None]:
    """What stands on the axis from `start` up to `end`, in order of time; and the start of the first dose ever."""
    parameters = {"clinic_id": patient.clinic_id, "patient_id": patient.id, "start": start, "end": end}
    rows = (await db.execute(_MARKERS, parameters)).all()
    first_dose = next(row.at for row in rows if row.kind == "first_dose")
    return sorted((row for row in rows if row.kind != "first_dose"), key=lambda row: (row.at, row.id)), first_dose


async def doses(db: Database, patient: PatientView) -> Sequence[Any]:
    """Every dose that the patient ever started, in order of time."""
    return (await db.execute(_DOSES, {"clinic_id": patient.clinic_id, "patient_id": patient.id})).all()
