"""What became of the check-ins that were due, by the patient's own days.

A missed check-in is one that was noted as missed; what still waits is not counted, and a day on which nothing was due
is left out. None of it is a value of a measure.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.check_in_plans.adherence import COUNTED, Counts
from app.check_in_plans.rules import state_at
from app.core.columns import Instant
from app.core.db import Database
from app.dosing.models import DosingSession
from app.identity.access import PatientAccess
from app.trends.asked import Days
from app.trends.buckets import bounds
from app.trends.queries import DUE, of_patient, union_row

_INSTANT = Instant()
_START, _END = sa.bindparam("start", type_=_INSTANT), sa.bindparam("end", type_=_INSTANT)
_SESSIONS = DosingSession.__table__.c
_COLUMNS: dict[str, Any] = {
    "kind": sa.String(40),
    "state": sa.String(16),
    "at": _INSTANT,
    "opens_at": _INSTANT,
    "closes_at": _INSTANT,
    "answered_at": _INSTANT,
}
_STATEMENT = sa.union_all(
    sa.select(
        *union_row(
            _COLUMNS,
            "due",
            state=DUE.state,
            at=DUE.due_at,
            opens_at=DUE.opens_at,
            closes_at=DUE.closes_at,
            answered_at=DUE.answered_at,
        )
    ).where(*of_patient(DUE), DUE.due_at >= _START, DUE.due_at < _END, DUE.state.in_(COUNTED)),
    sa.select(*union_row(_COLUMNS, "dose", at=_SESSIONS.dose_started_at)).where(
        *of_patient(_SESSIONS), _SESSIONS.dose_started_at >= _START, _SESSIONS.dose_started_at < _END
    ),
)


@dataclass(frozen=True, slots=True)
class DueDays:
    """A period of the patient's days, with what was due and given on them."""

    days: Days
    counts: dict[date, Counts] = field(default_factory=dict)
    """In order of days; only those on which something was due."""
    doses: list[date] = field(default_factory=list)
    """The days of doses, each as often as there were."""


async def read(db: Database, access: PatientAccess, days: Days) -> DueDays:
    """Read what became of the check-ins of a period, and the days of its doses, in one trip."""
    start, end = bounds(days.first, days.last, days.place)
    whose = {"clinic_id": access.patient.clinic_id, "patient_id": access.patient.id}
    rows = (await db.read(_STATEMENT, whose | {"start": start, "end": end})).all()
    return gathered(rows, days)


def gathered(rows: Any, days: Days) -> DueDays:  # noqa: ANN401  rows
    """Put each row on the patient's day on which it was due, or given."""
    found: dict[date, Counts] = {}
    doses: list[date] = []
    for row in sorted(rows, key=lambda row: row.at):
        day = _day(row.at, days.place)
        if row.kind == "dose":
            doses.append(day)
        else:
            state = state_at(row.state, row.opens_at, row.closes_at, row.answered_at, row.closes_at)
            found.setdefault(day, Counts()).count(state)
    return DueDays(days, found, doses)


def _day(at: Any, place: ZoneInfo) -> date:  # noqa: ANN401  an instant
    day: date = at.astimezone(place).date()
    return day
