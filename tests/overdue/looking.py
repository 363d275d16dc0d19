"""Letting workers look at a later time, and seeing what they raised."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_in_plans import around_dose
from app.core import clock
from app.core.db import Database
from app.dosing.models import DosingSession
from app.identity.access import PatientView
from app.overdue.service import look
from app.protocols.rules import Protocol
from app.protocols.session_figures import PATIENT_POINTS
from app.safety.models import Alert

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FROM_FOUR_HOURS = Protocol.model_validate(
    {"readings": {"time_points": [each.model_dump() for each in PATIENT_POINTS if each.minutes >= 240]}}
)


async def asked_after(db: Database, patient: PatientView, session_id: UUID, dose_started_at: datetime) -> None:
    """Ask the patient after a dose: after 4, 24 and 72 hours, 7 and 14 days."""
    await around_dose.place(
        db,
        patient,
        session_id,
        scheduled_at=dose_started_at,
        dose_started_at=dose_started_at,
        wanted=True,
        protocol=FROM_FOUR_HOURS,
    )


@contextmanager
def later(session: DosingSession, by: timedelta) -> Iterator[datetime]:
    """So long after the dose."""
    assert session.dose_started_at
    moment = session.dose_started_at + by
    with clock.told(moment):
        yield moment


async def everything(db: Database, statement: Any) -> list[Any]:
    """What there is now. SQLite has one connection: it is given back at once."""
    await db.finish()
    db.expunge_all()
    found = list(await db.scalars(statement))
    await db.finish()
    return found


async def work(engine: AsyncEngine, db: Database, workers: int = 1) -> list[int]:
    """Let so many workers look at once."""
    await db.finish()
    return await asyncio.gather(*(look(engine) for _ in range(workers)))


async def raised(db: Database) -> list[tuple[str, bool]]:
    """Which rules were raised, and whether late."""
    found = await everything(db, sa.select(Alert).order_by(Alert.raised_at))
    return [(each.rule, each.raised_late) for each in found]


async def looked(engine: AsyncEngine, db: Database, session: DosingSession, by: timedelta) -> list[tuple[str, bool]]:
    with later(session, by):
        await work(engine, db)
    return await raised(db)
