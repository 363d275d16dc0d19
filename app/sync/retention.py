"""Forgetting what was removed long ago, and counting what another release left uncounted.

A phone that was away for longer than tombstones are kept reads the whole record anew. That it must is said an hour
before anything is forgotten: a question that was let in before must still find what it was promised.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.settings import Settings
from app.identity.access import patient_for_writing
from app.identity.models import PatientRevision, Tombstone
from app.safety.models import Alert

Whose = tuple[UUID, UUID]
"""A clinic and one of its patients."""


async def apply(engine: AsyncEngine, settings: Settings, stop: asyncio.Event | None = None) -> int:
    """See to each patient who has tombstones that are too old, or uncounted alerts; how many tombstones went."""
    before = clock.now() - timedelta(days=settings.tombstone_days)
    gone = 0
    for clinic_id, patient_id in await _patients(engine, Tombstone, Tombstone.removed_at < before):
        if stop is not None and stop.is_set():
            break
        async with unit_of_work(engine, clinic_id) as db:
            gone += await _forget(db, clinic_id, patient_id)
            await _say(db, clinic_id, patient_id, Tombstone.removed_at < before)
    for clinic_id, patient_id in await _patients(engine, Alert, Alert.revision.is_(None)):
        async with unit_of_work(engine, clinic_id) as db:
            await _count_alerts(db, clinic_id, patient_id)
    return gone


async def _patients(engine: AsyncEngine, model: type[Tombstone | Alert], which: sa.ColumnElement[bool]) -> list[Whose]:
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        found = await db.execute(sa.select(model.clinic_id, model.patient_id).where(which).distinct())
        return [(clinic_id, patient_id) for clinic_id, patient_id in found]


async def _forget(db: Database, clinic_id: UUID, patient_id: UUID) -> int:
    """Remove the tombstones of which phones have been told that they are not to be had any more."""
    patient = await patient_for_writing(db, clinic_id, patient_id)
    if patient.tombstones_from is None:
        return 0
    removed = await db.scalars(
        sa.delete(Tombstone)
        .where(
            Tombstone.clinic_id == clinic_id,
            Tombstone.patient_id == patient_id,
            Tombstone.revision <= patient.tombstones_from,
        )
        .returning(Tombstone.subject_id)
        .execution_options(synchronize_session=False)
    )
    return len(removed.all())


async def _say(db: Database, clinic_id: UUID, patient_id: UUID, too_old: sa.ColumnElement[bool]) -> None:
    """Turn away, from now on, whoever would need the tombstones that are too old."""
    newest = await db.scalar(
        sa.select(sa.func.max(Tombstone.revision)).where(
            Tombstone.clinic_id == clinic_id, Tombstone.patient_id == patient_id, too_old
        )
    )
    if newest is not None:
        db.stage_change(PatientRevision, {"patient_id": patient_id}, {"tombstones_from": newest})


async def _count_alerts(db: Database, clinic_id: UUID, patient_id: UUID) -> None:
    """Give alerts that a release before this one raised a revision, so that phones learn of them."""
    patient = await patient_for_writing(db, clinic_id, patient_id)
    await db.execute(
        sa.update(Alert)
        .where(Alert.clinic_id == clinic_id, Alert.patient_id == patient_id, Alert.revision.is_(None))
        .values(revision=patient.revise(db))
        .execution_options(synchronize_session=False)
    )
