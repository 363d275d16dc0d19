"""Forgetting events, deliveries and attempts that are older than they are kept."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.ids import first_id_of
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.webhooks.models import WebhookDelivery

BATCH: Final = 500
"""Rows of one transaction: few, since SQLite has one writer and PostgreSQL's locks last as long."""
Forget = Callable[[Database, datetime], Awaitable[int]]


async def apply(engine: AsyncEngine, settings: Settings, stop: asyncio.Event | None = None) -> int:
    """Forget what is older than `event_retention_days`, until nothing is or `stop` is set; how many rows went.

    Attempts go with their delivery and are not counted. How far a clinic's events were numbered stays known.
    """
    before = clock.now() - timedelta(days=settings.event_retention_days)
    return await _forget_all(engine, _deliveries, before, stop) + await _forget_all(engine, _events, before, stop)


async def _forget_all(engine: AsyncEngine, forget: Forget, before: datetime, stop: asyncio.Event | None) -> int:
    total = 0
    while stop is None or not stop.is_set():
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            gone = await forget(db, before)
        total += gone
        if gone < BATCH:
            break
        await asyncio.sleep(0)  # let a request in between
    return total


async def _deliveries(db: Database, before: datetime) -> int:
    """Also those that still wait, but none that is being sent, or that somebody else is at work on."""
    this = WebhookDelivery
    old = (
        sa.select(this.id)
        .where(this.created_at < before, this.state != "sending")
        .order_by(this.created_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    ids = (await db.scalars(old)).all()
    if ids:
        await db.execute(sa.delete(this).where(this.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)


async def _events(db: Database, before: datetime) -> int:
    """Those that were numbered: what nobody has passed on yet is kept, however old. Ids tell the time of events.

    They go in the order of their numbers, up to the first that is young enough, so that what a clinic's feed still has
    is never with a gap: whoever comes late is told so (`cursor_expired`) instead of missing one.
    """
    this, first_kept = OutboxEvent, first_id_of(before)
    old = await db.scalars(
        sa.select(this.clinic_id).where(this.id < first_kept, this.position.is_not(None)).order_by(this.id).limit(BATCH)
    )
    gone: list[UUID] = []
    for clinic_id, many in sorted(Counter(old).items()):
        oldest = await db.scalars(
            sa.select(this.id)
            .where(this.clinic_id == clinic_id, this.position.is_not(None))
            .order_by(this.position)
            .limit(many)
            .with_for_update()
        )
        gone += takewhile(lambda each: each < first_kept, oldest)
    if gone:
        await db.execute(sa.delete(this).where(this.id.in_(gone)).execution_options(synchronize_session=False))
    return len(gone)
