"""Reading the panel, and making its summaries anew: all of them by a command, by the worker those left behind.

Whoever imports this keeps the summaries up to date: `keeping` registers itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import EVERY_CLINIC, Database, new_session, unit_of_work
from app.identity import reads
from app.identity.access import ClinicAccess
from app.identity.models import Patient, PatientRevision
from app.panel import answers, keeping, listing
from app.panel.models import PatientSummary
from app.panel.schemas import PanelQuery
from app.panel.statements import SUMMARY

AT_ONCE: Final = 200
"""Patients in one transaction, so that those who write wait for a moment only."""
NOT_COMPARED: Final = frozenset({"updated_at"})
_REVISION = PatientRevision.__table__.c


@dataclass(slots=True)
class Rebuilt:
    """What became of the summaries."""

    patients: int = 0
    made: int = 0
    """Of them were not there."""
    different: int = 0
    """Of them said something else than what was made anew."""


async def read(db: Database, access: ClinicAccess, query: PanelQuery) -> bytes:
    """Read a page of the panel, as JSON."""
    now = clock.now()
    rows, next_cursor = await reads.of_clinic(db, lambda db: listing.page(db, access, query, now))
    return answers.panel(rows, next_cursor, now, access.protocol.trends)


async def rebuild(engine: AsyncEngine, *, check: bool = False, done: Callable[[int], None] | None = None) -> Rebuilt:
    """Make every summary anew, under the locks of their patients. `check`: then undo it, and only tell."""
    told = Rebuilt()
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        patients = await db.execute(sa.select(Patient.clinic_id, Patient.id).order_by(Patient.clinic_id, Patient.id))
        everybody = patients.all()
    for clinic_id, some in _in_batches(everybody):
        db = new_session(engine, clinic_id)
        try:
            await _make(db, clinic_id, some, told)
            if not check:
                await db.finish()
        finally:
            await db.abandon()
            await db.close()
        if done:
            done(len(some))
    return told


async def catch_up(engine: AsyncEngine) -> int:
    """Make the summaries that are missing, or tell of another revision than the record's own; how many.

    A release that does not know of summaries may be writing beside this one, or have written before it.
    """
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        summary = sa.and_(SUMMARY.clinic_id == _REVISION.clinic_id, SUMMARY.patient_id == _REVISION.patient_id)
        behind = await db.execute(
            sa.select(_REVISION.clinic_id, _REVISION.patient_id)
            .outerjoin(PatientSummary.__table__, summary)
            .where(SUMMARY.revision.is_distinct_from(_REVISION.revision))
            .order_by(_REVISION.clinic_id, _REVISION.patient_id)
        )
        found = behind.all()
    for clinic_id, some in _in_batches(found):
        async with unit_of_work(engine, clinic_id) as db:
            await _make(db, clinic_id, some, Rebuilt())
    return len(found)


async def _make(db: Database, clinic_id: UUID, patients: Sequence[UUID], told: Rebuilt) -> None:
    """Make some summaries of a clinic anew. Patients are locked in one order, so no ring can form."""
    locked = (
        sa.select(_REVISION.patient_id)
        .where(_REVISION.clinic_id == clinic_id, _REVISION.patient_id.in_(patients))
        .order_by(_REVISION.patient_id)
        .with_for_update(key_share=True)
    )
    there = (await db.read(locked)).scalars().all()
    before = await stored(db, clinic_id, there)
    if there:
        await keeping.make(db, clinic_id, there)
    after = await stored(db, clinic_id, there)
    told.patients += len(after)
    told.made += len(after.keys() - before.keys())
    told.different += sum(patient in before and before[patient] != summary for patient, summary in after.items())


async def stored(db: Database, clinic_id: UUID, patients: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Read the summaries of some patients as they stand, without when they were written."""
    found = await db.read(
        sa.select(PatientSummary.__table__).where(SUMMARY.clinic_id == clinic_id, SUMMARY.patient_id.in_(patients))
    )
    return {
        row["patient_id"]: {name: value for name, value in row.items() if name not in NOT_COMPARED}
        for row in found.mappings()
    }


def _in_batches(everybody: Sequence[Any]) -> list[tuple[UUID, list[UUID]]]:
    """Divide rows of clinic and patient, in this order, into batches of one clinic each."""
    batches: list[tuple[UUID, list[UUID]]] = []
    for clinic_id, patient_id in everybody:
        if not batches or batches[-1][0] != clinic_id or len(batches[-1][1]) == AT_ONCE:
            batches.append((clinic_id, []))
        batches[-1][1].append(patient_id)
    return batches
