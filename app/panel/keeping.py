"""Bringing the summaries up to date before the commit of every transaction that touched a patient's record."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.core import clock, upkeep
from app.core.columns import EPOCH, MICROSECOND
from app.core.db import Database
from app.instruments.measures import MEASURES
from app.panel import queries, rules
from app.panel.queries import Span, Written
from app.panel.statements import OBSERVATIONS, PARTS, PROTOCOLS
from app.protocols import service as protocols
from app.protocols.rules import Trends
from app.trends.rules import Scale

_versions: Final[dict[UUID, int]] = {}
"""The version of each clinic's figures that was in force when last asked. Each statement says which one is, and what
was read by those of another is read again."""


@upkeep.register
async def keep(db: Database, touched: upkeep.Touched) -> None:
    """Bring the summaries of these patients up to date."""
    whole: dict[UUID, list[UUID]] = {}
    for patient_id, touch in touched.items():
        written = written_of(touch)
        if written is None or not await make(db, touch.clinic_id, [patient_id], written):
            whole.setdefault(touch.clinic_id, []).append(patient_id)
    for clinic_id, patients in whole.items():
        await make(db, clinic_id, patients)


def written_of(touch: upkeep.Touch) -> Written | None:
    """What was written, where that is known and a summary can be brought up to date by it alone."""
    if touch.parts is None or not all(part[0] in PARTS for part in touch.parts):
        return None
    values = [part[1:] for part in touch.parts if part[0] == OBSERVATIONS]
    since = min((at for measure, _, at in values if measure == rules.RELIEF_MEASURE), default=rules.NEVER)
    tables = frozenset(part[0] for part in touch.parts)
    series = sorted({(measure, about) for measure, about, _ in values})
    return Written(tables, series, EPOCH if PROTOCOLS in tables else since)


async def make(db: Database, clinic_id: UUID, patients: Sequence[UUID], written: Written | None = None) -> bool:
    """Bring summaries of a clinic's patients up to date; whether all were there. Whoever calls holds their locks.

    `written`: only what depends on that, in summaries that are there. Otherwise all of it, and those that are missing.
    """
    version = _versions.get(clinic_id) or await queries.protocol_version(db, clinic_id)
    figures = (await protocols.at_version(db, clinic_id, version)).trends
    rows = await queries.make(db, clinic_id, patients, clock.now(), _span(figures), written)
    for row in rows:
        values, about_another = row.around_dose, row.substance != row.relief_substance
        if row.last_dose_at is not None and values is None and not about_another:
            continue  # nothing was written that relief could depend on
        if row.protocol_version != version:
            figures = (await protocols.at_version(db, clinic_id, row.protocol_version)).trends
        if values is None or row.protocol_version != version:
            values = await _values(db, clinic_id, row, figures)
        found = _relief(row, values, figures)
        new = {"relief": found.state, "relief_since": found.since, "relief_substance": found.substance}
        if any(getattr(row, name) != value for name, value in new.items()):
            await queries.set_relief(db, clinic_id, row.patient_id, new)
        _versions[clinic_id] = row.protocol_version
    return len(rows) == len(patients)


def _span(figures: Trends) -> Span:
    before = max(timedelta(days=figures.dose_baseline_wide_days), timedelta(hours=figures.dose_baseline_hours))
    return Span(before // MICROSECOND, timedelta(days=figures.horizon_days) // MICROSECOND)


def _relief(row: Any, values: Any, figures: Trends) -> rules.Relief:  # noqa: ANN401  a row
    if row.last_dose_at is None:
        return rules.NO_DOSE
    if row.substance is None:
        return rules.Relief(rules.ReliefState.UNKNOWN)
    scale = Scale.of(MEASURES[rules.RELIEF_MEASURE])
    return rules.relief_after(row.last_dose_at, row.substance, values or [], scale, figures)


async def _values(db: Database, clinic_id: UUID, row: Any, figures: Trends) -> Any:  # noqa: ANN401  a row
    """Read what happened around the patient's last dose."""
    if row.last_dose_at is None or row.substance is None:
        return []
    span = _span(figures)
    return await queries.values(
        db,
        clinic_id=clinic_id,
        patient_id=row.patient_id,
        measure=rules.RELIEF_MEASURE,
        substance=row.substance,
        start=row.last_dose_at - span.before * MICROSECOND,
        end=row.last_dose_at + span.after * MICROSECOND,
    )
