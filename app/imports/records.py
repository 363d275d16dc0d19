"""What a row becomes: a check-in's report, a session or an appointment of the past."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from pydantic import ValidationError

from app.appointments.history import AppointmentHistory
from app.appointments.rules import (
    LONGEST,
    TOOK_PART,
    AppointmentChannel,
    AppointmentFormat,
    AppointmentKind,
    Attendance,
    AttendanceReason,
)
from app.check_ins.schemas import CheckInWrite, ResponseWrite
from app.check_ins.service import Report
from app.dosing import rules as dosing
from app.dosing.rules import DoseRoute, Substance
from app.dosing.service import SessionHistory
from app.imports.cells import Cell
from app.imports.maps import AppointmentsMap, CheckInsMap, DosingSessionsMap, InstrumentMap, Kind, Map, Time
from app.imports.rules import Fault, Place, Row, decimal, first_filled, key_of, place_of, record_id, taken, whole

Word = TypeVar("Word", bound=StrEnum)
Content = Report | SessionHistory | AppointmentHistory
MOST_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Record:
    """What one row became, with codes of what was decided on the way."""

    content: Content
    remarks: tuple[str, ...]


def read(kind: Kind, mapping: Map, row: Row, number: int, patient: UUID, now: datetime) -> Record:
    """Read a row of this kind; raises `Fault`."""
    if kind is Kind.CHECK_INS and isinstance(mapping, CheckInsMap):
        return _check_in(mapping, row, number, patient)
    if kind is Kind.DOSING_SESSIONS and isinstance(mapping, DosingSessionsMap):
        return _dosing_session(mapping, row, number, patient, now)
    if kind is Kind.APPOINTMENTS and isinstance(mapping, AppointmentsMap):
        return _appointment(mapping, row, number, patient, now)
    raise TypeError(kind)


def column_at(mapping: Map, pointer: str) -> str | None:
    """The column behind the field of a check-in that a JSON pointer names."""
    parts = pointer.strip("/").split("/")
    if not isinstance(mapping, CheckInsMap) or parts[0] != "responses":
        return None
    response = mapping.instruments[int(parts[1])]
    cell = response.answers.get(parts[3]) if parts[2:3] == ["answers"] and len(parts) > 3 else None  # noqa: PLR2004
    return (cell or response.substance or Cell()).column if parts[2:] else None


def _check_in(mapping: CheckInsMap, row: Row, number: int, patient: UUID) -> Record:
    responses = [found for rule in mapping.instruments if (found := _response(rule, row)) is not None]
    if not responses:
        raise Fault("unanswered", skips=True)
    place = place_of(mapping, row)
    session = mapping.dosing_session
    named = None
    if session is not None and all(row[name] for name in session.row):
        named = record_id(patient, session.records, [row[name] for name in session.row])
    content = CheckInWrite(
        recorded_at=place.at,
        time_zone=mapping.zone,
        dosing_session_id=named,
        responses=responses,
        note=place.note,
    )
    return Record(Report(_id(mapping, row, number, patient), content), place.remarks)


def _response(rule: InstrumentMap, row: Row) -> ResponseWrite | None:
    """The answers to one instrument; None when nothing was answered."""
    answers = {item: whole(taken(cell, row), cell.column) for item, cell in rule.answers.items()}
    if all(answer is None for answer in answers.values()):
        return None
    try:
        return ResponseWrite(
            instrument=rule.instrument,
            version=rule.version,
            substance=taken(rule.substance, row) or None,
            answers=answers,
        )
    except ValidationError:
        raise Fault("substance_name", rule.substance.column if rule.substance else None) from None


def _dosing_session(mapping: DosingSessionsMap, row: Row, number: int, patient: UUID, now: datetime) -> Record:
    place = _past(mapping, row, now)
    _must_end_within(dosing.LONGEST_DOSE, place, mapping)
    column = mapping.dose_mg.column if mapping.dose_mg else None
    dose_mg = decimal(taken(mapping.dose_mg, row), column)
    if dose_mg is not None and not dosing.LEAST_DOSE_MG <= dose_mg <= dosing.MOST_DOSE_MG:
        raise Fault("dose_out_of_range", column)
    substance, route = _one(Substance, mapping.substance, row), _one(DoseRoute, mapping.route, row)
    if route is DoseRoute.IN_ESKETAMINE and substance is not Substance.ESKETAMINE:
        raise Fault("route_needs_esketamine", mapping.route.column if mapping.route else None)
    history = SessionHistory(
        id=_id(mapping, row, number, patient),
        scheduled_at=place.at,
        dose_started_at=place.at,
        dose_ended_at=place.ends_at,
        substance=substance,
        route=route,
        dose_mg=dose_mg,
        remark=place.note,
    )
    return Record(history, place.remarks)


def _appointment(mapping: AppointmentsMap, row: Row, number: int, patient: UUID, now: datetime) -> Record:
    attendance = _one(Attendance, mapping.attendance, row)
    place = _past(mapping, row, now) if attendance else place_of(mapping, row)
    _must_end_within(LONGEST, place, mapping)
    if place.ends_at == place.at:
        place = Place(place.at, None, place.remarks, place.note)
    reason, remarks = _one(AttendanceReason, mapping.reason, row), place.remarks
    if reason and (attendance is None or attendance in TOOK_PART - {Attendance.LATE, Attendance.LEFT_EARLY}):
        reason, remarks = None, (*remarks, "reason_without_a_miss")
    kind = _one(AppointmentKind, mapping.kind, row)
    if kind is None:
        raise Fault("no_kind", mapping.kind.column)
    history = AppointmentHistory(
        id=_id(mapping, row, number, patient),
        kind=kind,
        scheduled_at=place.at,
        ends_at=place.ends_at,
        format=_one(AppointmentFormat, mapping.format, row) or AppointmentFormat.INDIVIDUAL,
        channel=_one(AppointmentChannel, mapping.channel, row) or AppointmentChannel.IN_PERSON,
        attendance=attendance,
        attended_minutes=_minutes(mapping, row, attendance),
        reason=reason,
    )
    return Record(history, remarks)


def _minutes(mapping: AppointmentsMap, row: Row, attendance: Attendance | None) -> int | None:
    """For how long the patient took part; nothing for somebody who did not."""
    column = mapping.attended_minutes.column if mapping.attended_minutes else None
    minutes = whole(taken(mapping.attended_minutes, row), column)
    if minutes is None or attendance not in TOOK_PART:
        return None
    if not 0 <= minutes <= MOST_MINUTES:
        raise Fault("value_not_permitted", column)
    return minutes


def _must_end_within(longest: timedelta, place: Place, mapping: Map) -> None:
    if place.ends_at and place.ends_at > place.at + longest:
        raise Fault("too_long", mapping.time.end_column if mapping.time else None)


def _past(mapping: Map, row: Row, now: datetime) -> Place:
    """Where the row lies in time; what has happened cannot lie in the future."""
    place = place_of(mapping, row)
    if place.at > now:
        rule = mapping.when
        raise Fault("in_the_future", rule.column if isinstance(rule, Time) else first_filled(rule.day, row))
    return place


def _one(kind: type[Word], cell: Cell | None, row: Row) -> Word | None:
    """The word of this list that a cell comes to; None for nothing."""
    text = taken(cell, row)
    try:
        return kind(text) if text else None
    except ValueError:
        raise Fault("unknown_value", cell.column if cell else None) from None


def _id(mapping: Map, row: Row, number: int, patient: UUID) -> UUID:
    return record_id(patient, mapping.records, key_of(mapping, row, number))
