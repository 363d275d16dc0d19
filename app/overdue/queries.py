"""What may be overdue, of many clinics at once, and the same once more of one session, under the patient's lock.

Every statement looks at a few days only, by an index, and leaves out what an alert tells of already: a thing that is
overdue is raised once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.appointments.models import Appointment
from app.appointments.rules import TOOK_PART
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import Kept
from app.check_ins.models import CheckIn
from app.core.columns import MICROSECOND
from app.core.db import Database
from app.core.sql import Earlier
from app.dosing.models import DoseRecord, DosingSession
from app.dosing.rules import SessionOrigin, SessionStage, Substance
from app.integration.rules import HERE, THERAPY
from app.overdue.rules import LOOK_BACK, REPORTS_LOOK_BACK, Deadlines
from app.rems.models import RemsReport
from app.safety.models import Alert, AlertStep
from app.timeline.models import TimelineMoment

AT_ONCE: Final = 200
LONGEST_ROW: Final = 1000
"""So many missed check-ins are looked back at: those of a year, where three a day are asked for."""
MINUTE: Final = timedelta(minutes=1)
_WAITING: Final = sa.literal(Kept.WAITING.value, literal_execute=True)  # said literally: the partial index is used
_this = DosingSession


@dataclass(frozen=True, slots=True)
class Found:
    """A session of which something may be overdue."""

    clinic_id: UUID
    patient_id: UUID
    session_id: UUID
    session_clinician_id: UUID | None
    at: datetime
    """When its dose began, or when it was planned."""


async def day_after_missing(
    db: Database, clinic_ids: Sequence[UUID], deadlines: Deadlines, now: datetime, session_id: UUID | None = None
) -> list[Found]:
    """Sessions run here of whose patient nobody has heard since the day after the dose: MISS-1."""
    until = now - deadlines.day_after_until
    moment, later, due = TimelineMoment, aliased(DosingSession), DueCheckIn
    heard = sa.exists().where(
        moment.clinic_id == _this.clinic_id,
        moment.patient_id == _this.patient_id,
        moment.dosing_session_id == _this.id,
        moment.minutes_from_dose >= deadlines.day_after_from // MINUTE,
    )
    answered = sa.exists().where(
        due.clinic_id == _this.clinic_id,
        due.patient_id == _this.patient_id,
        due.dosing_session_id == _this.id,
        due.minutes_from_dose.between(deadlines.day_after_from // MINUTE, deadlines.day_after_until // MINUTE)
        # What the release before this one asked for does not say how far it is from the dose.
        | (due.minutes_from_dose.is_(None) & due.time_point.in_(deadlines.day_after_points)),
        due.state == Kept.ANSWERED,
    )
    seen = sa.exists().where(
        later.clinic_id == _this.clinic_id,
        later.patient_id == _this.patient_id,
        later.dose_started_at > _this.dose_started_at,
    )
    statement = _dosed(clinic_ids, until - LOOK_BACK, until).where(~heard, ~answered, ~seen, ~_told("MISS-1"))
    return await _found(db, statement, _this.dose_started_at, session_id)


async def reports_missing(
    db: Database, clinic_ids: Sequence[UUID], deadlines: Deadlines, now: datetime, session_id: UUID | None = None
) -> list[Found]:
    """Esketamine sessions whose report is overdue, and was not sent: REMS-1."""
    until = now - deadlines.report
    sent = sa.exists().where(
        RemsReport.clinic_id == _this.clinic_id, RemsReport.session_id == _this.id, RemsReport.status == "submitted"
    )
    statement = _dosed(clinic_ids, until - REPORTS_LOOK_BACK, until).where(
        _this.substance == Substance.ESKETAMINE.value, ~sent, ~_told("REMS-1")
    )
    return await _found(db, statement, _this.dose_started_at, session_id)


async def therapy_missing(
    db: Database, clinic_ids: Sequence[UUID], deadlines: Deadlines, now: datetime, session_id: UUID | None = None
) -> list[Found]:
    """Sessions run here after whose dose no therapy was attended in the hours that the clinic wants it in: INT-1.

    Who has arrived takes part, until somebody writes down that they did not.
    """
    if deadlines.therapy is None:
        return []
    this, until = Appointment, now - deadlines.therapy
    attended = sa.exists().where(
        this.clinic_id == _this.clinic_id,
        this.patient_id == _this.patient_id,
        this.kind.in_(sorted(THERAPY)),
        this.scheduled_at >= _this.dose_started_at,
        Earlier(this.scheduled_at, sa.literal(deadlines.therapy // MICROSECOND, sa.BigInteger()))
        < _this.dose_started_at,
        sa.or_(this.attendance.in_(sorted(TOOK_PART)), this.status.in_(sorted(HERE))),
    )
    statement = _dosed(clinic_ids, until - LOOK_BACK, until).where(~attended, ~_told("INT-1"))
    return await _found(db, statement, _this.dose_started_at, session_id)


async def sessions_missed(
    db: Database, clinic_ids: Sequence[UUID], deadlines: Deadlines, now: datetime, session_id: UUID | None = None
) -> list[Found]:
    """Sessions to which nobody came: MISS-3."""
    until = now - deadlines.missed_session
    statement = sa.select(_this).where(
        _this.clinic_id.in_(clinic_ids),
        _this.scheduled_at > until - LOOK_BACK,
        _this.scheduled_at <= until,
        _this.status == SessionStage.SCHEDULED.value,
        ~_told("MISS-3"),
    )
    return await _found(db, statement, _this.scheduled_at, session_id)


def _dosed(clinic_ids: Sequence[UUID], since: datetime, until: datetime) -> sa.Select[Any]:
    """Sessions run here whose dose began in these days, as it is recorded now."""
    record = DoseRecord
    recorded = sa.select(record.clinic_id, record.session_id).where(
        record.clinic_id.in_(clinic_ids), record.started_at > since, record.started_at <= until
    )
    return sa.select(_this).where(
        sa.tuple_(_this.clinic_id, _this.id).in_(recorded),
        _this.dose_started_at > since,
        _this.dose_started_at <= until,
        _this.origin == SessionOrigin.CLINIC.value,
    )


def _told(rule: str) -> sa.Exists:
    """Whether an alert of this rule tells of the session already, as what it was raised for or as a repetition."""
    step = AlertStep
    repeated = (
        sa.exists()
        .where(step.clinic_id == Alert.clinic_id, step.alert_id == Alert.id, step.subject_id == _this.id)
        .correlate(Alert, _this)  # said, since only the nearest statement around is tied to by itself
    )
    return sa.exists().where(
        Alert.clinic_id == _this.clinic_id,
        Alert.patient_id == _this.patient_id,
        Alert.rule == rule,
        sa.or_(Alert.subject_id == _this.id, repeated),
    )


async def _found(
    db: Database,
    statement: sa.Select[Any],
    at: Any,  # noqa: ANN401  a mapped column
    session_id: UUID | None,
) -> list[Found]:
    if session_id is not None:
        statement = statement.where(_this.id == session_id)
    columns = (_this.clinic_id, _this.patient_id, _this.id, _this.session_clinician_id, at)
    rows = await db.execute(statement.with_only_columns(*columns).order_by(at, _this.id).limit(AT_ONCE))
    return [Found(*row) for row in rows]


async def with_closed_check_ins(db: Database, now: datetime) -> Sequence[Any]:
    """Patients of whom a due check-in closed and is neither answered nor missed yet; a row names the clinic too."""
    closed = (
        sa.select(DueCheckIn.clinic_id, DueCheckIn.patient_id, sa.func.min(DueCheckIn.closes_at).label("since"))
        .where(DueCheckIn.state == _WAITING, DueCheckIn.awaits_dose.is_not(True), DueCheckIn.closes_at < now)
        .group_by(DueCheckIn.clinic_id, DueCheckIn.patient_id)
        .order_by("since")
        .limit(AT_ONCE)
    )
    return (await db.execute(closed)).all()


async def check_in_for(db: Database, due: DueCheckIn) -> tuple[UUID, datetime] | None:
    """A check-in in the time of a due one that answers some of what it asks, though it does not name it.

    Not one that is the answer to another, nor one that was meant for another which was answered before: a phone that
    knew an older plan names what was withdrawn since, and that is none.
    """
    this, other = CheckIn, DueCheckIn
    taken = sa.exists().where(
        other.clinic_id == this.clinic_id,
        other.patient_id == this.patient_id,
        sa.or_(
            other.check_in_id == this.id,
            sa.and_(other.id == this.due_check_in_id, other.id != due.id, other.state != Kept.CANCELLED),
        ),
    )
    rows = await db.execute(
        sa.select(this.id, this.recorded_at, this.responses)
        .where(
            this.clinic_id == due.clinic_id,
            this.patient_id == due.patient_id,
            this.recorded_at >= due.opens_at,
            this.recorded_at <= due.closes_at,
            this.clock_suspect.is_(False),
            ~taken,
        )
        .order_by(this.recorded_at, this.id)
        .limit(AT_ONCE)
    )
    asked = set(due.instruments)
    for row in rows:
        if asked & {response["instrument"] for response in row.responses}:
            return row.id, row.recorded_at
    return None


async def answers_until(db: Database, due: DueCheckIn, counted_from: timedelta) -> Sequence[Any]:
    """What became of the patient's due check-ins up to this one, the newest first: rows of `id` and `state`.

    What was missed sooner than `counted_from` after a dose began is left out: the patient was watched, not asked.
    """
    minutes = DueCheckIn.minutes_from_dose
    watched = sa.and_(minutes >= 0, minutes < counted_from // MINUTE)
    rows = await db.execute(
        sa.select(DueCheckIn.id, DueCheckIn.state)
        .where(
            DueCheckIn.clinic_id == due.clinic_id,
            DueCheckIn.patient_id == due.patient_id,
            DueCheckIn.due_at <= due.due_at,
            DueCheckIn.state.in_([Kept.ANSWERED, Kept.MISSED]),
            sa.or_(DueCheckIn.state == Kept.ANSWERED, watched.is_not(sa.true())),
        )
        .order_by(DueCheckIn.due_at.desc(), DueCheckIn.id.desc())
        .limit(LONGEST_ROW)
    )
    return rows.all()


async def is_told(db: Database, clinic_id: UUID, patient_id: UUID, rule: str, subject_id: UUID) -> bool:
    """Whether an alert of this rule tells of this subject already."""
    found = await db.scalar(
        sa.select(Alert.id)
        .outerjoin(AlertStep, sa.and_(AlertStep.clinic_id == Alert.clinic_id, AlertStep.alert_id == Alert.id))
        .where(
            Alert.clinic_id == clinic_id,
            Alert.patient_id == patient_id,
            Alert.rule == rule,
            sa.or_(Alert.subject_id == subject_id, AlertStep.subject_id == subject_id),
        )
        .limit(1)
    )
    return found is not None
