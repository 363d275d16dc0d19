"""Plans, as tests make them, and what is kept of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.check_in_plans import around_dose
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.plan_items import PlanContent
from app.core.db import Database
from app.events.models import OutboxEvent
from app.identity.access import PatientView, patient_for_writing
from app.protocols.rules import Protocol
from tests.cast import Cast

MORNING: dict[str, Any] = {
    "kind": "fixed",
    "key": "morning",
    "instruments": ["craving_nrs", "mood_nrs"],
    "local_times": ["09:00"],
    "opens_minutes_before": 30,
    "closes_minutes_after": 180,
}
BY_CHANCE: dict[str, Any] = {
    "kind": "random",
    "key": "by_chance",
    "instruments": ["craving_nrs"],
    "windows": [
        {"from_time": "10:00", "until_time": "14:00", "prompts": 2},
        {"from_time": "15:00", "until_time": "20:00", "prompts": 2},
    ],
    "closes_minutes_after": 30,
}
FORTNIGHTLY: dict[str, Any] = {
    "kind": "every_n_days",
    "key": "phq",
    "instruments": ["phq9"],
    "days": 14,
    "starts_on": "2026-11-01",
    "local_time": "18:00",
    "opens_minutes_before": 60,
    "closes_minutes_after": 1440,
}
AFTER_SIX_HOURS: dict[str, Any] = {
    "kind": "relative_to_dose",
    "key": "after_6h",
    "instruments": ["craving_nrs"],
    "minutes": 360,
    "opens_minutes_before": 30,
    "closes_minutes_after": 60,
}
WHENEVER: dict[str, Any] = {"kind": "on_demand", "key": "whenever", "instruments": ["craving_nrs"]}


def asking(*items: dict[str, Any], around_doses: bool = True) -> dict[str, Any]:
    return {"items": list(items), "around_doses": around_doses}


def content(*items: dict[str, Any], around_doses: bool = True) -> PlanContent:
    return PlanContent.model_validate(asking(*items, around_doses=around_doses))


async def locked(db: Database, cast: Cast) -> PatientView:
    return await patient_for_writing(db, cast.clinic.id, cast.patient.patient_id)


async def placed(
    db: Database,
    cast: Cast,
    session_id: UUID,
    scheduled_at: datetime,
    dose_started_at: datetime | None = None,
    *,
    wanted: bool = True,
    protocol: Protocol | None = None,
    keep_open: bool = False,
) -> int:
    """Place what is asked for around a session, and commit."""
    changed = await around_dose.place(
        db,
        await locked(db, cast),
        session_id,
        scheduled_at=scheduled_at,
        dose_started_at=dose_started_at,
        wanted=wanted,
        protocol=protocol or Protocol(),
        keep_open=keep_open,
    )
    await db.finish()
    db.expunge_all()
    return changed


async def kept(db: Database) -> list[DueCheckIn]:
    return list(await db.scalars(sa.select(DueCheckIn).order_by(DueCheckIn.due_at, DueCheckIn.id)))


async def told(db: Database) -> list[str]:
    return list(await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.type.startswith("due_"))))
