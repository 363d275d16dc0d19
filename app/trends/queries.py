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

from app.appointments.models import Appointment
from app.appointments.rules import AppointmentStatus, Attendance
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import Kept
from app.check_ins.models import Observation
from app.core.columns import Instant
from app.core.db import Database
from app.core.sql import Earlier, Microseconds, Written
from app.dosing.models import DosingSession
from app.dosing.rules import SessionStage
from app.identity.access import PatientView
from app.instruments.measures import MEASURES
from app.trends.buckets import instant, microseconds
from app.trends.days import LocalDay

FARTHEST_ZONES: Final = timedelta(hours=26)
"""The same calendar day starts and ends at most this far apart around the world."""

_NOT_ON_THE_AXIS: Final = (
    AppointmentStatus.PROPOSED.value,
    AppointmentStatus.WAITLIST.value,
    AppointmentStatus.CANCELLED.value,
    AppointmentStatus.ENTERED_IN_ERROR.value,
)
_BY_TIME: Final = attrgetter("at", "id")
_INSTANT = Instant()
_START, _END = sa.bindparam("start", type_=_INSTANT), sa.bindparam("end", type_=_INSTANT)
OBSERVATIONS = Observation.__table__.c
SESSIONS = DosingSession.__table__.c
APPOINTMENTS = Appointment.__table__.c
DUE = DueCheckIn.__table__.c
OUTCOMES: Final = ("completed", "late", "missed")


def of_patient(columns: Any) -> tuple[sa.ColumnElement[bool], ...]:  # noqa: ANN401  the columns of a table
    """The rows of one patient, by the parameters `clinic_id` and `patient_id`."""
    return columns.clinic_id == sa.bindparam("clinic_id"), columns.patient_id == sa.bindparam("patient_id")


_MEASURED = (*of_patient(OBSERVATIONS), OBSERVATIONS.measure == sa.bindparam("measure"))
SERIES = (*_MEASURED, OBSERVATIONS.substance == sa.bindparam("substance"))
SPAN = (OBSERVATIONS.recorded_at >= _START, OBSERVATIONS.recorded_at < _END)
IN_DAYS = OBSERVATIONS.local_day.between(sa.bindparam("first_day"), sa.bindparam("last_day"))
_IN_ORDER = (OBSERVATIONS.recorded_at, OBSERVATIONS.check_in_id)
_AT = Microseconds(OBSERVATIONS.recorded_at)

_VALUES = sa.select(_AT, OBSERVATIONS.value).where(*SERIES, *SPAN).order_by(*_IN_ORDER)
_RAW = (
    sa.select(OBSERVATIONS.local_day, OBSERVATIONS.value, _AT, Written(OBSERVATIONS.recorded_at))
    .where(*SERIES, *SPAN, IN_DAYS)
    .order_by(*_IN_ORDER)
)
_RAW_WITH_OFFSET = _RAW.add_columns(OBSERVATIONS.utc_offset_minutes)
_ENDS_OF_SUBSTANCES = sa.select(
    # Two steps into the index, however long the series is; listing all of them would read it whole.
    sa.select(sa.func.min(OBSERVATIONS.substance)).where(*_MEASURED).scalar_subquery(),
    sa.select(sa.func.max(OBSERVATIONS.substance)).where(*_MEASURED).scalar_subquery(),
)
_SUBSTANCES = sa.select(OBSERVATIONS.substance).where(*_MEASURED).distinct().order_by(OBSERVATIONS.substance)

_DOSES = (
    sa.select(
        SESSIONS.id,
        Microseconds(SESSIONS.dose_started_at).label("at"),
        SESSIONS.dose_mg,
        SESSIONS.substance,
        SESSIONS.route,
    )
    .where(*of_patient(SESSIONS), SESSIONS.dose_started_at.is_not(None))
    .order_by(SESSIONS.dose_started_at, SESSIONS.id)
)


_TEXT = sa.String(40)
AXIS: Final[dict[str, Any]] = {
    "kind": _TEXT,
    "id": sa.Uuid(),
    "at": sa.BigInteger(),
    "status": _TEXT,
    "dose_given": sa.Boolean(),
    "dose_mg": sa.Double(),
    "substance": _TEXT,
    "route": _TEXT,
    "appointment_kind": _TEXT,
    "attendance": _TEXT,
    "asked": sa.BigInteger(),
}
"""The columns of what stands on the axis, and of how many check-ins were asked for on its days."""
DAYS: Final[dict[str, Any]] = {
    "local_day": sa.Date(),
    "total": sa.Double(),
    "lowest": sa.Double(),
    "highest": sa.Double(),
    "n": sa.BigInteger(),
}
"""The columns of a local day, in the order of `LocalDay`; they come last."""
AXIS_AND_DAYS: Final = AXIS | DAYS
_TOTAL: Final = list(AXIS_AND_DAYS).index("total")


def union_row(columns: dict[str, Any], kind: str, **given: Any) -> list[Any]:  # noqa: ANN401  SQL expressions
    """One kind of row of a union: what is given, and nothing in the other columns."""
    given["kind"] = sa.literal(kind)
    return [given.get(name, sa.cast(sa.null(), type_of)).label(name) for name, type_of in columns.items()]


_FIRST_DOSE = (
    sa.select(sa.func.min(SESSIONS.dose_started_at).label("at")).where(*of_patient(SESSIONS)).cte("first_dose")
)


def on_axis(columns: dict[str, Any]) -> list[sa.Select[Any]]:
    """Sessions and appointments of a span, and in the same trip the patient's first dose ever.

    Appointments are read a little further, and those too that the patient called off: the windows after a dose ask.
    Of the sessions that were cancelled, those are read to which nobody came: what was attended asks.
    """
    start, end = sa.bindparam("axis_start", type_=_INSTANT), sa.bindparam("axis_end", type_=_INSTANT)
    at = sa.func.coalesce(SESSIONS.dose_started_at, SESSIONS.scheduled_at, type_=_INSTANT)
    session = union_row(
        columns,
        "dosing_session",
        id=SESSIONS.id,
        at=Microseconds(at),
        status=SESSIONS.status,
        dose_given=SESSIONS.dose_started_at.is_not(None),
        dose_mg=SESSIONS.dose_mg,
        substance=SESSIONS.substance,
        route=SESSIONS.route,
    )
    appointment = union_row(
        columns,
        "appointment",
        id=APPOINTMENTS.id,
        at=Microseconds(APPOINTMENTS.scheduled_at),
        status=APPOINTMENTS.status,
        dose_given=sa.false(),
        appointment_kind=APPOINTMENTS.kind,
        attendance=APPOINTMENTS.attendance,
    )
    return [
        sa.select(*session).where(
            *of_patient(SESSIONS),
            at >= start,
            at < end,
            sa.or_(SESSIONS.status != SessionStage.CANCELLED.value, SESSIONS.no_show),
        ),
        sa.select(*appointment).where(
            *of_patient(APPOINTMENTS),
            APPOINTMENTS.scheduled_at >= start,
            APPOINTMENTS.scheduled_at < sa.bindparam("visits_end", type_=_INSTANT),
            sa.or_(
                APPOINTMENTS.status.not_in(_NOT_ON_THE_AXIS),
                APPOINTMENTS.attendance == Attendance.CANCELLED_PATIENT.value,
            ),
        ),
        sa.select(*union_row(columns, "first_dose", at=Microseconds(_FIRST_DOSE.c.at))),
    ]


def _outcome() -> sa.ColumnElement[str]:
    """What became of a due check-in; one that is not answered counts once it is noted."""
    completed, late, missed = [sa.literal_column(f"'{word}'", _TEXT) for word in OUTCOMES]
    return sa.case((DUE.state == Kept.MISSED.value, missed), (DUE.answered_at > DUE.closes_at, late), else_=completed)


INSTRUMENTS_ASKED: Final = sa.cast(DUE.instruments, sa.String())
"""The instruments of a due check-in as they stand in JSON."""
NOTED: Final = (
    *of_patient(DUE),
    DUE.due_at >= sa.bindparam("axis_start", type_=_INSTANT),
    DUE.due_at < sa.bindparam("axis_end", type_=_INSTANT),
    DUE.state.in_([Kept.ANSWERED.value, Kept.MISSED.value]),
)
"""The due check-ins of a span of which it is noted what became of them."""
ASKS: Final = INSTRUMENTS_ASKED.like(sa.bindparam("asks_for", type_=sa.String()))


def asked(columns: dict[str, Any], *wanted: sa.ColumnElement[bool], **by: Any) -> sa.Select[Any]:  # noqa: ANN401  SQL
    """What became of the check-ins that asked for something, by outcome and by whatever else is given."""
    outcome = _outcome()
    counted = union_row(columns, "asked", status=outcome, asked=sa.func.count(), **by)
    return sa.select(*counted).where(*NOTED, *wanted).group_by(outcome, *by.values())


def days_of(columns: dict[str, Any], series: Sequence[Any], **given: Any) -> sa.Select[Any]:  # noqa: ANN401  SQL
    """The local days of a series of a period."""
    value = OBSERVATIONS.value
    day = union_row(
        columns,
        "day",
        local_day=OBSERVATIONS.local_day,
        total=sa.func.sum(value),
        lowest=sa.func.min(value),
        highest=sa.func.max(value),
        n=sa.func.count(),
        **given,
    )
    return sa.select(*day).where(*series, *SPAN, IN_DAYS).group_by(OBSERVATIONS.local_day)


def before_first_dose(columns: dict[str, Any], series: Sequence[Any], **given: Any) -> sa.Select[Any]:  # noqa: ANN401
    """Each value of a series before the first dose: a median needs them one by one."""
    first = sa.select(_FIRST_DOSE.c.at).scalar_subquery()
    return sa.select(*union_row(columns, "before", total=OBSERVATIONS.value, **given)).where(
        *series,
        OBSERVATIONS.recorded_at >= Earlier(first, sa.bindparam("baseline_length", type_=sa.BigInteger())),
        OBSERVATIONS.recorded_at < first,
    )


_MARKERS = sa.union_all(*on_axis(AXIS), asked(AXIS, ASKS))
_BY_DAY = sa.union_all(
    *on_axis(AXIS_AND_DAYS),
    asked(AXIS_AND_DAYS, ASKS),
    days_of(AXIS_AND_DAYS, SERIES),
    before_first_dose(AXIS_AND_DAYS, SERIES),
)


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
            "asks_for": f'%"{MEASURES[self.measure].instrument}"%',
        }


async def only_substance(db: Database, whose: Whose) -> str | None:
    """The one substance that the patient reports a measure about, "" where there is no value; None for several."""
    ((first, last),) = await db.ask(_ENDS_OF_SUBSTANCES, whose.parameters)
    return None if first != last else first or ""


async def substances(db: Database, whose: Whose) -> Sequence[str]:
    """All substances that the patient reports a measure about."""
    return (await db.read(_SUBSTANCES, whose.parameters)).scalars().all()


async def values(db: Database, whose: Whose, start: int, end: int) -> Sequence[Any]:
    """Instant and value from `start` up to `end`, in order of time."""
    return await db.ask(_VALUES, whose.parameters | {"start": instant(start), "end": instant(end)})


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, and the instants between which any value of such a day must lie wherever it was given."""

    first_day: date
    last_day: date
    start: datetime
    end: datetime
    after_doses: timedelta
    """How long after a dose an appointment may still matter to it."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that every statement of a period takes."""
        return {
            "first_day": self.first_day,
            "last_day": self.last_day,
            "start": self.start - FARTHEST_ZONES,
            "end": self.end + FARTHEST_ZONES,
            "axis_start": self.start,
            "axis_end": self.end,
            "visits_end": self.end + self.after_doses,
        }

    def holds(self, start: int, end: int) -> bool:
        """Whether every value between these instants must be on one of the local days."""
        return instant(start) >= self.start + FARTHEST_ZONES and instant(end) <= self.end - FARTHEST_ZONES


async def raw(db: Database, whose: Whose, period: Period, *, with_offset: bool = False) -> Sequence[Any]:
    """Local day, value, instant and the instant as text, of each value of a period, in order of time."""
    statement = _RAW_WITH_OFFSET if with_offset else _RAW
    return await db.ask(statement, whose.parameters | period.parameters)


@dataclass(frozen=True, slots=True)
class Axis:
    """What stands on the axis beside the values."""

    markers: list[Any]
    """Sessions and appointments in order of time."""
    sessions: list[Any]
    """Sessions of the period, also those to which nobody came."""
    visits: list[Any]
    """Appointments in order of time: those of the period, those that follow its doses, and those called off."""
    asked: dict[str, int]
    """How many check-ins of the period asked for the measure, by `OUTCOMES`; empty where none did."""
    first_dose: int | None
    """Start of the patient's first dose ever."""


async def axis(db: Database, whose: Whose, period: Period) -> Axis:
    """Read what stands on the axis of a period."""
    return axis_of(await db.ask(_MARKERS, whose.parameters | period.parameters), period)


async def by_day(
    db: Database, whose: Whose, period: Period, baseline_length: int
) -> tuple[Axis, list[LocalDay], list[float]]:
    """Read in one trip: the axis, the local days with values, the values so long before the first dose.

    This is what phones and the panel ask for all day.
    """
    parameters = whose.parameters | period.parameters | {"baseline_length": baseline_length}
    rows = await db.ask(_BY_DAY, parameters)
    # The columns by their places: most rows are days, and names cost more than all the rest of it.
    days = sorted([LocalDay._make(row[-5:]) for row in rows if row[0] == "day"])
    return axis_of(rows, period), days, [row[_TOTAL] for row in rows if row[0] == "before"]


def axis_of(rows: Sequence[Any], period: Period) -> Axis:
    """Sort the rows of a union by what they are."""
    end = microseconds(period.end)
    sessions = [row for row in rows if row[0] == "dosing_session"]
    markers = [row for row in sessions if row.status != SessionStage.CANCELLED]
    visits = sorted((row for row in rows if row[0] == "appointment"), key=_BY_TIME)
    markers += [row for row in visits if row.at < end and row.status not in _NOT_ON_THE_AXIS]
    first_dose = next(row.at for row in rows if row[0] == "first_dose")
    outcomes = {row.status: row.asked for row in rows if row[0] == "asked"}
    return Axis(sorted(markers, key=_BY_TIME), sessions, visits, outcomes, first_dose)


async def doses(db: Database, patient: PatientView) -> Sequence[Any]:
    """Every dose that the patient ever started, in order of time."""
    return await db.ask(_DOSES, {"clinic_id": patient.clinic_id, "patient_id": patient.id})
