"""Running the statements of `statements.py`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.check_ins.models import Observation
from app.core.columns import EPOCH, Instant
from app.core.db import Database
from app.core.sql import Microseconds
from app.identity.models import Clinic
from app.panel.models import PatientSummary
from app.panel.statements import RELIEF, SUMMARY, making

_OBSERVATION, _CLINIC = Observation.__table__.c, Clinic.__table__.c


@dataclass(frozen=True, slots=True)
class Span:
    """How far relief is looked at, in microseconds before and after a dose."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Written:
    """What was written of a patient: tables, series (measure and substance), the earliest moment of a value."""

    tables: frozenset[str]
    series: Sequence[tuple[str, str]]
    since: datetime


async def make(
    db: Database, clinic_id: UUID, patients: Sequence[UUID], now: datetime, span: Span, written: Written | None
) -> Sequence[Any]:
    """Bring the summaries of some patients up to date, all but relief: a row for each, with what relief is made of.

    None was `written`: all of it is made anew. Otherwise there is no row for a patient without a summary.
    """
    parameters: dict[str, Any] = {"clinic_id": clinic_id, "now": now, "before": span.before, "after": span.after}
    parameters["written_from"] = EPOCH if written is None else written.since
    tables, series = (None, ()) if written is None else (written.tables, written.series)
    for number, (measure, substance) in enumerate(series):
        parameters |= {f"measure_{number}": measure, f"substance_{number}": substance}
    several = len(patients) > 1
    if several:
        parameters["patients"] = patients if db.is_postgresql else json.dumps([patient.hex for patient in patients])
    else:
        (parameters["patient_id"],) = patients
    statement = making(tables, len(series), several=several, postgresql=db.is_postgresql)
    return (await db.read(statement, parameters)).all()


_AROUND_DOSE: Final = (
    sa.select(Microseconds(_OBSERVATION.recorded_at), _OBSERVATION.value)
    .where(
        _OBSERVATION.clinic_id == sa.bindparam("clinic_id", type_=sa.Uuid()),
        _OBSERVATION.patient_id == sa.bindparam("patient_id", type_=sa.Uuid()),
        _OBSERVATION.measure == sa.bindparam("measure"),
        _OBSERVATION.substance == sa.bindparam("substance"),
        _OBSERVATION.recorded_at >= sa.bindparam("start", type_=Instant()),
        _OBSERVATION.recorded_at <= sa.bindparam("end", type_=Instant()),
    )
    .order_by(_OBSERVATION.recorded_at, _OBSERVATION.check_in_id)
)


async def values(db: Database, **whose: Any) -> Sequence[Any]:  # noqa: ANN401  the parameters of the statement
    """Instants (microseconds since 1970) and values of one series from `start` to `end`, both included."""
    return (await db.read(_AROUND_DOSE, whose)).all()


_SET_RELIEF: Final = (
    sa.update(PatientSummary)
    .where(
        SUMMARY.clinic_id == sa.bindparam("of_clinic", type_=sa.Uuid()),
        SUMMARY.patient_id == sa.bindparam("of_patient", type_=sa.Uuid()),
    )
    .values(**{name: sa.bindparam(f"new_{name}", type_=SUMMARY[name].type) for name in RELIEF})
)


async def set_relief(db: Database, clinic_id: UUID, patient_id: UUID, relief: dict[str, Any]) -> None:
    """Write the columns that `make` leaves alone."""
    parameters = {f"new_{name}": value for name, value in relief.items()}
    await db.read(_SET_RELIEF, {"of_clinic": clinic_id, "of_patient": patient_id} | parameters)


_PROTOCOL_VERSION: Final = sa.select(_CLINIC.protocol_version).where(
    _CLINIC.id == sa.bindparam("clinic_id", type_=sa.Uuid())
)


async def protocol_version(db: Database, clinic_id: UUID) -> int:
    """The version of a clinic's figures that is in force."""
    found: int = (await db.read(_PROTOCOL_VERSION, {"clinic_id": clinic_id})).scalar_one()
    return found
