"""What else stands on the axis of a dose-aligned trend: readings of the session, and the therapy that followed.

It is read with the doses themselves, in one trip. Instants are whole microseconds since 1970.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import Appointment
from app.core.columns import Instant
from app.core.db import Database
from app.core.sql import Microseconds
from app.dosing.models import DosingSession, Reading
from app.identity.access import PatientView
from app.integration.rules import THERAPY, WindowKey, is_offered, longest, took_part, windows
from app.protocols.day_figures import Integration
from app.trends.asked import Asked
from app.trends.queries import of_patient, union_row
from app.trends.relief import whole_minutes
from app.trends.rules import HOUR

_SESSIONS, _READINGS = DosingSession.__table__.c, Reading.__table__.c
_APPOINTMENTS = Appointment.__table__.c
_TEXT = sa.String(40)
_COLUMNS: Final[dict[str, Any]] = {
    "kind": _TEXT,
    "id": sa.Uuid(),
    "at": sa.BigInteger(),
    "dose_mg": sa.Double(),
    "substance": _TEXT,
    "route": _TEXT,
    "value": sa.Integer(),
    "appointment_kind": _TEXT,
    "status": _TEXT,
    "attendance": _TEXT,
}
_INSTANT = Instant()
_START, _END, _VISITS_END = (sa.bindparam(name, type_=_INSTANT) for name in ("start", "end", "visits_end"))
_KINDS: Final = sorted(kind.value for kind in THERAPY)
_BY_TIME: Final = attrgetter("at", "id")

_STATEMENT = sa.union_all(
    sa.select(
        *union_row(
            _COLUMNS,
            "dose",
            id=_SESSIONS.id,
            at=Microseconds(_SESSIONS.dose_started_at),
            dose_mg=_SESSIONS.dose_mg,
            substance=_SESSIONS.substance,
            route=_SESSIONS.route,
        )
    ).where(*of_patient(_SESSIONS), _SESSIONS.dose_started_at.is_not(None)),
    sa.select(
        *union_row(
            _COLUMNS, "reading", id=_READINGS.session_id, at=Microseconds(_READINGS.at), value=_READINGS.dissociation
        )
    )
    .select_from(
        sa.join(
            DosingSession.__table__,
            Reading.__table__,
            sa.and_(_READINGS.clinic_id == _SESSIONS.clinic_id, _READINGS.session_id == _SESSIONS.id),
        )
    )
    .where(
        *of_patient(_SESSIONS),
        _SESSIONS.dose_started_at >= _START,
        _SESSIONS.dose_started_at < _END,
        _READINGS.dissociation.is_not(None),
    ),
    sa.select(
        *union_row(
            _COLUMNS,
            "appointment",
            id=_APPOINTMENTS.id,
            at=Microseconds(_APPOINTMENTS.scheduled_at),
            appointment_kind=_APPOINTMENTS.kind,
            status=_APPOINTMENTS.status,
            attendance=_APPOINTMENTS.attendance,
        )
    ).where(
        *of_patient(_APPOINTMENTS),
        _APPOINTMENTS.scheduled_at >= _START,
        _APPOINTMENTS.scheduled_at < _VISITS_END,
        _APPOINTMENTS.kind.in_(_KINDS),
    ),
)


@dataclass(frozen=True, slots=True)
class SessionReading:
    """How strongly the patient was dissociated at one moment of the session, as staff recorded it."""

    minutes_from_dose: int
    dissociation: int


@dataclass(frozen=True, slots=True)
class TherapyAfter:
    """An appointment for therapy in one of the windows after a dose."""

    id: UUID
    minutes_from_dose: int
    kind: str
    window: WindowKey
    attended: bool | None
    """None where that is not recorded (yet)."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What stands beside the values of one dose, in order of time."""

    readings: Sequence[SessionReading] = ()
    therapies: Sequence[TherapyAfter] = ()


async def read(db: Database, patient: PatientView, asked: Asked, figures: Integration) -> Sequence[Any]:
    """Every dose that the patient ever started, and of those in the period the readings and appointments around them.

    One trip; `doses_of` and `extras_of` take the rows apart.
    """
    start, end = asked.span
    parameters = {
        "clinic_id": patient.clinic_id,
        "patient_id": patient.id,
        "start": start,
        "end": end,
        "visits_end": end + longest(figures),
    }
    return await db.ask(_STATEMENT, parameters)


def doses_of(rows: Sequence[Any]) -> list[Any]:
    """Rows of the doses, in order of time."""
    return sorted((row for row in rows if row.kind == "dose"), key=_BY_TIME)


def extras_of(
    rows: Sequence[Any], doses: Sequence[Any], every_dose: Sequence[Any], figures: Integration
) -> Mapping[UUID, Extras]:
    """What stands beside the values of each of these doses, by the id of the session.

    An appointment belongs to each dose in whose windows it lies, up to the patient's next dose: after that it is said
    of the next one. It counts as everywhere (`app.integration.rules`): therapy, and offered.
    """
    readings: dict[UUID, list[Any]] = {}
    for row in sorted((row for row in rows if row.kind == "reading"), key=_BY_TIME):
        readings.setdefault(row.id, []).append(row)
    visits = sorted(
        (row for row in rows if row.kind == "appointment" and is_offered(row.status, row.attendance)), key=_BY_TIME
    )
    starts = sorted({dose.at for dose in every_dose})
    following = dict(pairwise(starts))
    return {
        dose.id: Extras(
            [SessionReading(whole_minutes(row.at - dose.at), row.value) for row in readings.get(dose.id, ())],
            _therapies(visits, dose.at, following.get(dose.at), figures),
        )
        for dose in doses
    }


def _therapies(visits: Sequence[Any], dose_at: int, next_at: int | None, figures: Integration) -> list[TherapyAfter]:
    times = [row.at for row in visits]
    found: list[TherapyAfter] = []
    for window in windows(figures):
        first = bisect_left(times, dose_at + window.from_hours * HOUR)
        until = dose_at + window.until_hours * HOUR
        last = bisect_left(times, until if next_at is None else min(until, next_at))
        found += [
            TherapyAfter(
                row.id,
                whole_minutes(row.at - dose_at),
                row.appointment_kind,
                window.key,
                took_part(row.status, row.attendance),
            )
            for row in visits[first:last]
        ]
    return found
