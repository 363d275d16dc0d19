"""Rows of webhooks as the services leave them, for tests of what looks at them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.events.models import OutboxEvent
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


async def a_delivery(db: Database, endpoint: WebhookEndpoint, **but: Any) -> WebhookDelivery:
    """A delivery that waits."""
    now = clock.now()
    delivery = WebhookDelivery(
        **{
            "id": new_id(),
            "clinic_id": endpoint.clinic_id,
            "endpoint_id": endpoint.id,
            "kind": "event",
            "event_id": new_id(),
            "message_id": new_id(),
            "type": "check_in.recorded",
            "subject_id": new_id(),
            "version": 1,
            "happened_at": now,
            "state": "pending",
            "due_at": now,
            "attempts": 0,
            "created_at": now,
        }
        | but
    )
    db.add(delivery)
    await db.flush()
    return delivery


async def an_attempt(db: Database, delivery: WebhookDelivery, **but: Any) -> WebhookAttempt:
    """An attempt that was refused with 503."""
    attempt = WebhookAttempt(
        **{
            "id": new_id(),
            "clinic_id": delivery.clinic_id,
            "delivery_id": delivery.id,
            "number": 1,
            "at": clock.now(),
            "milliseconds": 12,
            "outcome": "refused",
            "status": 503,
            "answer": "ANSWER-OF-RECEIVER",
        }
        | but
    )
    db.add(attempt)
    await db.flush()
    return attempt


async def an_event(db: Database, clinic_id: UUID, at: datetime, position: int | None) -> UUID:
    """An event that was recorded then."""
    milliseconds = int(at.timestamp() * 1000)
    event_id = UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | new_id().int & (1 << 62) - 1)
    db.add(
        OutboxEvent(
            id=event_id,
            clinic_id=clinic_id,
            type="check_in.recorded",
            subject_id=new_id(),
            version=1,
            happened_at=at,
            position=position,
        )
    )
    await db.flush()
    return event_id


def ago(**span: float) -> datetime:
    """That long ago."""
    return clock.now() - timedelta(**span)
