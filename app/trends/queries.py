"""The statements behind a trend: values and days of one measure, doses, and what else stands on the axis.

They are written once, with named parameters, so that SQLAlchemy compiles each of them once. Instants come as whole
microseconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.appointments.models import Appointment
from app.appointments.rules import AppointmentStatus
from app.check_ins.models import Observation
from app.core.columns import Instant
from app.core.db import Database
from app.dosing.models import DosingSession
from app.dosing.rules import SessionStage
from app.identity.access import PatientView
from app.trends.buckets import instant
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
OBSERVATIONS = Observation.__table__.c
SESSIONS = DosingSession.__table__.c
APPOINTMENTS = Appointment.__table__.c


class _Microseconds(FunctionElement[int]):
    """An instant as microseconds since 1970: SQLite's own form, and cheaper to fetch from PostgreSQL than a time."""

    type = sa.BigInteger()
    inherit_cache = True
    name = "microseconds"


@compiles(_Microseconds)
def _microseconds(element: _Microseconds, compiler: Any, **options: Any) -> str:  # noqa: ANN401  SQLAlchemy's protocol
    column = compiler.process(element.clauses, **options)
    if compiler.dialect.name == "postgresql":
        return f"CAST(date_part('epoch', {column}) * 1000000 AS BIGINT)"
    return str(column)


class _Written(FunctionElement[str]):
    """An instant as it stands in JSON. The database writes 900 of them in a tenth of the time that Python takes."""

    type = sa.String()
    inherit_cache = True
    name = "written"


@compiles(_Written)
def _written(element: _Written, compiler: Any, **options: Any) -> str:  # noqa: ANN401  SQLAlchemy's protocol
    column = compiler.process(element.clauses, **options)
    if compiler.dialect.name == "postgresql":
        return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
    seconds = f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000000, 'unixepoch')"
    return f"{seconds} || printf('.%03dZ', {column} / 1000 % 1000)"


def _of_patient(columns: Any) -> tuple[sa.ColumnElement[bool], ...]:  # noqa: ANN401  the columns of a table
    return columns.clinic_id == sa.bindparam("clinic_id"), columns.patient_id == sa.bindparam("patient_id")


def _nothing(kind: Any) -> sa.ColumnElement[Any]:  # noqa: ANN401  a column type
    return sa.cast(sa.null(), kind)


_MEASURED = (*_of_patient(OBSERVATIONS), OBSERVATIONS.measure == sa.bindparam("measure"))
_SERIES = (*_MEASURED, OBSERVATIONS.substance == sa.bindparam("substance"))
_SPAN = (OBSERVATIONS.recorded_at >= _START, OBSERVATIONS.recorded_at < _END)
_DAYS = OBSERVATIONS.local_day.between(sa.bindparam("first_day"), sa.bindparam("last_day"))
_IN_ORDER = (OBSERVATIONS.recorded_at, OBSERVATIONS.check_in_id)
_AT = _Microseconds(OBSERVATIONS.recorded_at)

_VALUES = sa.select(_AT, OBSERVATIONS.value).where(*_SERIES, *_SPAN).order_by(*_IN_ORDER)
_RAW = (
    sa.select(OBSERVATIONS.local_day, OBSERVATIONS.value, _AT, _Written(OBSERVATIONS.recorded_at))
    .where(*_SERIES, *_SPAN, _DAYS)
    .order_by(*_IN_ORDER)
)
_RAW_WITH_OFFSET = _RAW.add_columns(OBSERVATIONS.utc_offset_minutes)
_BY_DAY = sa.union_all(
    sa.select(
        OBSERVATIONS.local_day,
        sa.func.sum(OBSERVATIONS.value),
        sa.func.min(OBSERVATIONS.value),
        sa.func.max(OBSERVATIONS.value),
        sa.func.count(),
    )
    .where(*_SERIES, *_SPAN, _DAYS)
    .group_by(OBSERVATIONS.local_day),
    sa.select(  # in the same trip, the values of the baseline one by one, since a median needs them
        _nothing(sa.Date()), OBSERVATIONS.value, _nothing(sa.Double()), _nothing(sa.Double()), sa.literal(1)
    ).where(
        *_SERIES,
        OBSERVATIONS.recorded_at >= sa.bindparam("baseline_start", type_=_INSTANT),
        OBSERVATIONS.recorded_at < sa.bindparam("baseline_end", type_=_INSTANT),
    ),
)

_ENDS_OF_SUBSTANCES = sa.select(
    # Two steps into the index, however long the series is; listing all of them would read it whole.
    sa.select(sa.func.min(OBSERVATIONS.substance)).where(*_MEASURED).scalar_subquery(),
    sa.select(sa.func.max(OBSERVATIONS.substance)).where(*_MEASURED).scalar_subquery(),
)
_SUBSTANCES = sa.select(OBSERVATIONS.substance).where(*_MEASURED).distinct().order_by(OBSERVATIONS.substance)

_DOSES = (
    sa.select(
        SESSIONS.id,
        _Microseconds(SESSIONS.dose_started_at).label("at"),
        SESSIONS.dose_mg,
        SESSIONS.substance,
        SESSIONS.route,
    )
    .where(*_of_patient(SESSIONS), SESSIONS.dose_started_at.is_not(None))
    .order_by(SESSIONS.dose_started_at, SESSIONS.id)
)


def _markers() -> sa.CompoundSelect[Any]:
    """Sessions and appointments of a span, and in the same trip the patient's first dose ever."""
    text = sa.String(40)
    at = sa.func.coalesce(SESSIONS.dose_started_at, SESSIONS.scheduled_at, type_=_INSTANT)
    sessions = sa.select(
        sa.literal("dosing_session").label("kind"),
        SESSIONS.id,
        _Microseconds(at).label("at"),
        SESSIONS.status,
        SESSIONS.dose_started_at.is_not(None).label("dose_given"),
        SESSIONS.dose_mg,
        SESSIONS.substance,
        SESSIONS.route,
        _nothing(text).label("appointment_kind"),
        _nothing(text).label("attendance"),
    ).where(*_of_patient(SESSIONS), at >= _START, at < _END, SESSIONS.status != SessionStage.CANCELLED.value)
    appointments = sa.select(
        sa.literal("appointment"),
        APPOINTMENTS.id,
        _Microseconds(APPOINTMENTS.scheduled_at),
        APPOINTMENTS.status,
        sa.false(),
        _nothing(sa.Double()),
        _nothing(text),
        _nothing(text),
        APPOINTMENTS.kind,
        APPOINTMENTS.attendance,
    ).where(
        *_of_patient(APPOINTMENTS),
        APPOINTMENTS.scheduled_at >= _START,
        APPOINTMENTS.scheduled_at < _END,
        APPOINTMENTS.status.not_in(_NOT_ON_THE_AXIS),
    )
    first_dose = sa.select(
        sa.literal("first_dose"),
        _nothing(sa.Uuid()),
        _Microseconds(sa.func.min(SESSIONS.dose_started_at)),
        _nothing(text),
        sa.true(),
        _nothing(sa.Double()),
        *(_nothing(text) for _ in ("substance", "route", "appointment_kind", "attendance")),
    ).where(*_of_patient(SESSIONS))
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
    ends: Any = (await db.read(_ENDS_OF_SUBSTANCES, whose.parameters)).one()
    first, last = ends
    return None if first != last else first or ""


async def substances(db: Database, whose: Whose) -> Sequence[str]:
    """All substances that the patient reports a measure about."""
    return (await db.read(_SUBSTANCES, whose.parameters)).scalars().all()


async def values(db: Database, whose: Whose, start: int, end: int) -> Sequence[Any]:
    """Instant and value from `start` up to `end`, in order of time."""
    return (await db.read(_VALUES, whose.parameters | {"start": instant(start), "end": instant(end)})).all()


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

    def holds(self, start: int, end: int) -> bool:
        """Whether every value between these instants must be on one of the local days."""
        return instant(start) >= self.start + FARTHEST_ZONES and instant(end) <= self.end - FARTHEST_ZONES


async def raw(db: Database, whose: Whose, period: Period, *, with_offset: bool = False) -> Sequence[Any]:
    """Local day, value, instant and the instant as text, of each value of a period, in order of time."""
    statement = _RAW_WITH_OFFSET if with_offset else _RAW
    return (await db.read(statement, whose.parameters | period.parameters)).all()


async def by_day(
    db: Database, whose: Whose, period: Period, baseline: tuple[int, int] | None
) -> tuple[list[LocalDay], list[float]]:
    """The local days of a period that have values, and the values in the window of the baseline."""
    start, end = baseline or (0, 0)
    window = {"baseline_start": instant(start), "baseline_end": instant(end)}
    rows: Sequence[Any] = (await db.read(_BY_DAY, whose.parameters | period.parameters | window)).all()
    days = [LocalDay(*row) for row in rows if row[0] is not None]
    return sorted(days), [row[1] for row in rows if row[0] is None]


async def markers(db: Database, patient: PatientView, start: datetime, end: datetime) -> tuple[list[Any], int | None]:
    """What stands on the axis from `start` up to `end`, in order of time; and the start of the first dose ever."""
    parameters = {"clinic_id": patient.clinic_id, "patient_id": patient.id, "start": start, "end": end}
    rows = (await db.read(_MARKERS, parameters)).all()
    first_dose = next(row.at for row in rows if row.kind == "first_dose")
    return sorted((row for row in rows if row.kind != "first_dose"), key=attrgetter("at", "id")), first_dose


async def doses(db: Database, patient: PatientView) -> Sequence[Any]:
    """Every dose that the patient ever started, in order of time."""
    return (await db.read(_DOSES, {"clinic_id": patient.clinic_id, "patient_id": patient.id})).all()
