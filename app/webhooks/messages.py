"""Sending an endpoint what never happened, and sending something again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.core.ids import new_id
from app.events.types import EventType
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.webhooks.rules import category


def queue_test(db: Database, endpoint: WebhookEndpoint, event_type: EventType, now: datetime) -> WebhookDelivery:
    """Send an event of this type that never happened, about nobody."""
    made = WebhookDelivery(
        id=new_id(),
        clinic_id=endpoint.clinic_id,
        endpoint_id=endpoint.id,
        kind="test",
        message_id=new_id(),
        type=event_type.value,
        patient_id=None if category(event_type) is None else new_id(),
        subject_id=new_id(),
        version=1,
        happened_at=now,
        state="pending",
        due_at=now,
        attempts=0,
        created_at=now,
    )
    db.add(made)
    db.ring()
    return made


async def send_again(db: Database, endpoint: WebhookEndpoint, deliveries: Collection[UUID], now: datetime) -> int:
    """Let these be due now, as if they had never been tried, save for what is just being sent; how many they are.

    They keep their message id and their number. Events wait while the endpoint is not active.
    """
    this = WebhookDelivery
    waits = sa.and_(this.kind == "event", sa.literal(endpoint.status != "active"))
    changed = await db.execute(
        sa.update(this)
        .where(
            this.clinic_id == endpoint.clinic_id,
            this.endpoint_id == endpoint.id,
            this.id.in_(deliveries),
            this.state != "sending",
        )
        .values(
            state=sa.case((waits, "parked"), else_="pending"), due_at=now, attempts=0, refusal=None, finished_at=None
        )
        .returning(this.id)
        .execution_options(synchronize_session=False)
    )
    db.ring()
    return len(changed.all())
