"""How patients keep up with what they are asked for, from what became of each due check-in.

Only what was noted counts: a miss is noted by the minutely look, so that these figures change with the record and
never by themselves. A missed check-in is no value; nothing here turns it into one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any, Final

import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import DueState, Kept, state_at
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.fields import zone
from app.identity.access import PatientView

USUAL_DAYS: Final = 28
MOST_DAYS: Final = 366
MINUTE: Final = timedelta(minutes=1)
COUNTED: Final = (Kept.ANSWERED.value, Kept.MISSED.value)


@dataclass(slots=True)
class Counts:
    """What became of those that were asked for."""

    completed: int = 0
    late: int = 0
    missed: int = 0

    @property
    def due(self) -> int:
        """All of them. What still waits and what was withdrawn is not among them."""
        return self.completed + self.late + self.missed

    @property
    def percent(self) -> float | None:
        """Those answered in time, of 100; None where none was due."""
        return 100 * self.completed / self.due if self.due else None

    def count(self, state: DueState) -> None:
        """Count one more."""
        match state:
            case DueState.ANSWERED:
                self.completed += 1
            case DueState.LATE:
                self.late += 1
            case DueState.MISSED:
                self.missed += 1


@dataclass(slots=True)
class Adherence:
    """What became of those of a period."""

    total: Counts = field(default_factory=Counts)
    missed_shown: int = 0
    minutes_to_answer: list[float] = field(default_factory=list)
    instruments: dict[str, Counts] = field(default_factory=dict)

    @property
    def median_minutes_to_answer(self) -> float | None:
        """From when it was due; None where none was answered."""
        return median(self.minutes_to_answer) if self.minutes_to_answer else None


def gather(rows: Iterable[Any]) -> Adherence:
    """Count due check-ins: rows or objects with the columns of `DueCheckIn`. What is not `COUNTED` is left out."""
    found = Adherence()
    for row in rows:
        if row.state not in COUNTED:
            continue
        state = state_at(row.state, row.opens_at, row.closes_at, row.answered_at, row.closes_at)
        found.total.count(state)
        found.missed_shown += state is DueState.MISSED and row.shown_at is not None
        if row.answered_at is not None:
            found.minutes_to_answer.append((row.answered_at - row.due_at) / MINUTE)
        for key in row.instruments:
            found.instruments.setdefault(key, Counts()).count(state)
    return found


def days_asked_for(first: date | None, last: date | None, time_zone: str) -> tuple[date, date]:
    """Fill in what was left out: four weeks, until today. Raises `InvalidRequest`."""
    until = last or clock.now().astimezone(zone(time_zone)).date()
    since = first or until - timedelta(days=USUAL_DAYS - 1)
    if since > until:
        detail = "Must not be later than `to`, which is today when left out."
        raise InvalidRequest(errors=[FieldError("/query/from", "after_to", detail)])
    if (until - since).days >= MOST_DAYS:
        detail = "The period has too many days."
        raise InvalidRequest(errors=[FieldError("/query/from", "period_too_long", detail, {"max_days": MOST_DAYS})])
    return since, until


async def of_patient(db: Database, patient: PatientView, first: date, last: date) -> dict[str, Any]:
    """What became of what was due on these local days, as `schemas.DueAdherence` shows it."""
    found = gather(await _rows(db, patient, first, last))
    return {
        "time_zone": patient.time_zone,
        "first_day": first,
        "last_day": last,
        "total": found.total,
        "missed_shown": found.missed_shown,
        "median_minutes_to_answer": found.median_minutes_to_answer,
        "instruments": [_of_instrument(key, found.instruments[key]) for key in sorted(found.instruments)],
    }


def _of_instrument(key: str, counts: Counts) -> dict[str, Any]:
    names = ("due", "completed", "late", "missed", "percent")
    return {"instrument": key} | {name: getattr(counts, name) for name in names}


async def _rows(db: Database, patient: PatientView, first: date, last: date) -> Sequence[Any]:
    this, place = DueCheckIn, zone(patient.time_zone)

    def first_instant(day: date) -> datetime:
        return datetime.combine(day, time(), place).astimezone(UTC)

    rows = await db.execute(
        sa.select(
            this.state, this.opens_at, this.due_at, this.closes_at, this.answered_at, this.shown_at, this.instruments
        ).where(
            this.clinic_id == patient.clinic_id,
            this.patient_id == patient.id,
            this.due_at >= first_instant(first),
            this.due_at < first_instant(last + timedelta(days=1)),
            this.state.in_(COUNTED),
        )
    )
    return rows.all()
