"""Counting what happened in a clinic in a period, and hiding what is of too few."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from app.appointments.rules import TOOK_PART, AppointmentKind, AppointmentStatus, Attendance
from app.clinic_view import outcomes, queries
from app.clinic_view.queries import Span
from app.clinic_view.rules import Period, Row, Tally, latest_over, period_from
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.fields import zone
from app.dosing.rules import SessionStage
from app.identity.access import ClinicAccess
from app.trends.buckets import bounds

NEVER_BOOKED: Final = frozenset(
    {
        AppointmentStatus.PROPOSED,
        AppointmentStatus.PENDING,
        AppointmentStatus.WAITLIST,
        AppointmentStatus.ENTERED_IN_ERROR,
    }
)
ATTENDANCE: Final = ("attended", "missed", "cancelled_by_patient", "cancelled_by_clinic", "not_recorded")
SESSIONS: Final = ("given", "missed", "cancelled", "not_given")
DUE: Final = ("completed", "late", "missed")


async def read(db: Database, access: ClinicAccess, first_day: date | None) -> dict[str, Any]:
    """Count one period, as `schemas.ClinicView` shows it. Raises `InvalidRequest` where none that is over begins."""
    figures = access.protocol.reporting
    smallest = figures.smallest_group
    period = _asked(access, first_day)
    span = Span(access.clinic.id, period, *bounds(period.first_day, period.last_day, zone(access.clinic.time_zone)))
    appointments, sessions = await queries.appointments(db, span), await queries.sessions(db, span)
    due = await queries.due(db, span)
    return {
        "first_day": period.first_day,
        "last_day": period.last_day,
        "time_zone": access.clinic.time_zone,
        "months": figures.months,
        "smallest_group": smallest,
        "protocol_version": access.clinic.protocol_version,
        "patients": _patients((*appointments, *sessions, *due), smallest),
        "appointments": _appointments(appointments, smallest),
        "dosing_sessions": _sessions(sessions, smallest),
        "check_ins": _check_ins(due, smallest),
        **await outcomes.read(db, span, access.protocol.trends, smallest),
    }


def _asked(access: ClinicAccess, first_day: date | None) -> Period:
    months = access.protocol.reporting.months
    latest = latest_over(clock.now().astimezone(zone(access.clinic.time_zone)).date(), months)
    period = latest if first_day is None else period_from(first_day, months)
    if period is None:
        detail = "Must be the first day of one of the clinic's periods."
        raise InvalidRequest(errors=[FieldError("/query/from", "not_a_period", detail, {"months": months})])
    if period.last_day > latest.last_day:
        latest_day = latest.first_day.isoformat()
        detail = "The period is not over yet."
        raise InvalidRequest(errors=[FieldError("/query/from", "not_over", detail, {"latest": latest_day})])
    return period


def _patients(rows: Iterable[Any], smallest: int) -> int | None:
    everyone = Tally(("patients",))
    for patient_id in {row.patient_id for row in rows}:
        everyone.count("patients", patient_id)
    return everyone.shown(smallest).total


def _appointments(rows: Sequence[Any], smallest: int) -> list[dict[str, Any]]:
    tallies = {kind.value: Tally(ATTENDANCE) for kind in AppointmentKind}
    for row in rows:
        outcome = attendance_of(row.status, row.attendance)
        if outcome is not None:
            tallies[row.kind].count(outcome, row.patient_id, row.n)
    return [{"kind": kind, **_booked(tally.shown(smallest))} for kind, tally in tallies.items()]


def _booked(row: Row) -> dict[str, Any]:
    return {"booked": row.total, **row.cells, "attended_percent": row.share("attended")}


def attendance_of(status: str, attendance: str | None) -> str | None:
    """What became of an appointment, as one of `ATTENDANCE`; None for one that was never booked."""
    if status in NEVER_BOOKED:
        return None
    if attendance in TOOK_PART:
        return "attended"
    if attendance == Attendance.NO_SHOW or status == AppointmentStatus.NOSHOW:
        return "missed"
    if status == AppointmentStatus.CANCELLED:
        by_patient = attendance == Attendance.CANCELLED_PATIENT
        return "cancelled_by_patient" if by_patient else "cancelled_by_clinic"
    return "not_recorded"


def _sessions(rows: Sequence[Any], smallest: int) -> dict[str, Any]:
    tally = Tally(SESSIONS)
    for row in rows:
        outcome = "not_given"
        if row.given:
            outcome = "given"
        elif row.no_show:
            outcome = "missed"
        elif row.status == SessionStage.CANCELLED.value:
            outcome = "cancelled"
        tally.count(outcome, row.patient_id, row.n)
    row = tally.shown(smallest)
    return {"planned": row.total, **row.cells, "given_percent": row.share("given")}


def _check_ins(rows: Sequence[Any], smallest: int) -> dict[str, Any]:
    tally = Tally(DUE)
    for row in rows:
        tally.count(row.outcome, row.patient_id, row.n)
    found = tally.shown(smallest)
    return {"due": found.total, **found.cells, "completed_percent": found.share("completed")}
