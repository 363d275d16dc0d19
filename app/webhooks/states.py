"""Beginning and ending to tell an endpoint, by hand or because of how it answers."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.core.ids import new_id
from app.events import service as events
from app.events.types import EventType
from app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookLane
from app.webhooks.rules import Reason


async def disable(db: Database, clinic_id: UUID, endpoint_id: UUID, reason: Reason, now: datetime) -> bool:
    """Tell this endpoint nothing more, and keep what it has not got; whether that is new."""
    this = WebhookEndpoint
    changed = await db.execute(
        sa.update(this)
        .where(this.clinic_id == clinic_id, this.id == endpoint_id, this.status != "disabled", this.ended_at.is_(None))
        .values(
            status="disabled",
            disabled_reason=reason.value,
            disabled_at=now,
            owner_told_at=None,
            version=this.version + 1,
        )
        .returning(this.version)
        .execution_options(synchronize_session=False)
    )
    version = changed.scalar_one_or_none()
    if version is None:
        return False
    await park(db, clinic_id, endpoint_id)
    events.record(db, EventType.ENDPOINT_DISABLED, clinic_id=clinic_id, subject_id=endpoint_id, version=version)
    return True


async def park(db: Database, clinic_id: UUID, endpoint_id: UUID) -> None:
    """Keep events that wait for this endpoint until it is active again."""
    this = WebhookDelivery
    await db.execute(
        sa.update(this)
        .where(
            this.clinic_id == clinic_id,
            this.endpoint_id == endpoint_id,
            this.state == "pending",
            this.kind == "event",
        )
        .values(state="parked")
        .execution_options(synchronize_session=False)
    )


async def activate(db: Database, clinic_id: UUID, endpoint_id: UUID, version: int, now: datetime) -> bool:
    """Tell this endpoint everything from now on, since it answered; False if it was changed after it was asked.

    Then it is asked again.
    """
    this, delivery = WebhookEndpoint, WebhookDelivery
    changed = await db.execute(
        sa.update(this)
        .where(this.clinic_id == clinic_id, this.id == endpoint_id, this.version == version, this.status == "pending")
        .values(status="active", version=version + 1)
        .returning(this.version)
        .execution_options(synchronize_session=False)
    )
    if changed.scalar_one_or_none() is None:
        if (
            await db.scalar(sa.select(this.status).where(this.clinic_id == clinic_id, this.id == endpoint_id))
            == "pending"
        ):
            ping(db, clinic_id, endpoint_id, version, now)
        return False
    await db.execute(
        sa.update(delivery)
        .where(delivery.clinic_id == clinic_id, delivery.endpoint_id == endpoint_id, delivery.state == "parked")
        .values(state="pending", due_at=now)
        .execution_options(synchronize_session=False)
    )
    await db.execute(
        sa.update(WebhookLane)
        .where(WebhookLane.clinic_id == clinic_id, WebhookLane.endpoint_id == endpoint_id)
        .values(failing_since=None, failures=0)
        .execution_options(synchronize_session=False)
    )
    db.ring()
    return True


def ping(db: Database, clinic_id: UUID, endpoint_id: UUID, version: int, now: datetime) -> UUID:
    """Ask an endpoint whether it is there; the id of the delivery."""
    delivery_id = new_id()
    db.stage(
        WebhookDelivery,
        {
            "id": delivery_id,
            "clinic_id": clinic_id,
            "endpoint_id": endpoint_id,
            "kind": "ping",
            "event_id": None,
            "message_id": new_id(),
            "sequence": None,
            "type": EventType.ENDPOINT_PING.value,
            "patient_id": None,
            "subject_id": endpoint_id,
            "version": version,
            "happened_at": now,
            "state": "pending",
            "due_at": now,
            "attempts": 0,
            "refusal": None,
            "created_at": now,
            "finished_at": None,
            "claimed_by": None,
            "claimed_at": None,
        },
    )
    db.ring()
    return delivery_id
