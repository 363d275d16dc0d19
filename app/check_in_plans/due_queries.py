"""The statement behind a list of due check-ins: phones ask for it each time they are opened."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.check_in_plans.due_rules import Window
from app.check_in_plans.models import CheckInPlanning, DueCheckIn
from app.check_in_plans.rules import Kept
from app.core.columns import Instant
from app.core.db import Database
from app.core.sql import Microseconds, UuidText
from app.identity.access import PatientView
from app.identity.models import Patient

_due, _planning, _patient = DueCheckIn.__table__.c, CheckInPlanning.__table__.c, Patient.__table__.c
LONGEST_OPEN: Final = timedelta(days=7)
"""Nothing can be answered in time longer than this after it was due."""
_START, _END, _NOW = (sa.bindparam(name, type_=Instant()) for name in ("start", "end", "now"))

_LOCAL = sa.cast(_due.local_day, sa.String()).concat("T").concat(_due.local_time)

COLUMNS: Final = (
    UuidText(_due.id).label("id"),
    UuidText(_due.dosing_session_id).label("dosing_session_id"),
    _due.time_point,
    _due.minutes_from_dose,
    _due.awaits_dose,
    Microseconds(_due.opens_at).label("opens_at"),
    Microseconds(_due.due_at).label("due_at"),
    Microseconds(_due.closes_at).label("closes_at"),
    _LOCAL.label("local_time"),
    _due.time_zone,
    _due.shifted,
    sa.cast(_due.reminders, sa.String()).label("reminders"),
    sa.cast(_due.instruments, sa.String()).label("instruments"),
    sa.cast(_due.instrument_versions, sa.String()).label("instrument_versions"),
    _due.state,
    UuidText(_due.check_in_id).label("check_in_id"),
    Microseconds(_due.answered_at).label("answered_at"),
    Microseconds(_due.delivered_at).label("delivered_at"),
    Microseconds(_due.shown_at).label("shown_at"),
)
"""What is shown of a due check-in, as text and numbers where that is cheaper to fetch than what is made of them."""

_WITHIN = (
    sa.select(Microseconds(_planning.planned_until).label("planned_until"), *COLUMNS)
    .select_from(
        sa.outerjoin(
            Patient.__table__,
            CheckInPlanning.__table__,
            sa.and_(_planning.clinic_id == _patient.clinic_id, _planning.patient_id == _patient.id),
        ).outerjoin(
            DueCheckIn.__table__,
            sa.and_(
                _due.clinic_id == _patient.clinic_id,
                _due.patient_id == _patient.id,
                _due.due_at >= sa.bindparam("longest_open", type_=Instant()),
                _due.due_at < _END,
                sa.or_(_due.due_at >= _START, sa.and_(_due.state == Kept.WAITING.value, _due.closes_at >= _NOW)),
            ),
        )
    )
    .where(_patient.clinic_id == sa.bindparam("clinic_id"), _patient.id == sa.bindparam("patient_id"))
    .order_by(_due.due_at, _due.id)
)
"""Always at least one row: how far is planned is known though nothing is due."""


async def within(db: Database, patient: PatientView, days: Window) -> tuple[int | None, Sequence[Any]]:
    """How far is planned (microseconds since 1970; None: not at all), and rows of `COLUMNS` in the order of time."""
    whose = {"clinic_id": patient.clinic_id, "patient_id": patient.id}
    span = {"start": days.start, "end": days.end, "now": days.now, "longest_open": days.start - LONGEST_OPEN}
    rows = await db.ask(_WITHIN, whose | span)
    first = rows[0]
    return first.planned_until, [row[1:] for row in rows] if first.id is not None else []
