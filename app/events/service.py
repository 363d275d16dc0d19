"""Recording events."""

from uuid import UUID

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.events.models import OutboxEvent
from app.events.types import EventType


def record(
    db: Database,
    event_type: EventType,
    *,
    clinic_id: UUID,
    subject_id: UUID,
    patient_id: UUID | None = None,
    version: int = 1,
) -> None:
    """Put one event into the outbox of this transaction."""
    db.stage(
        OutboxEvent,
        {
            "id": new_id(),
            "clinic_id": clinic_id,
            "type": event_type.value,
            "patient_id": patient_id,
            "subject_id": subject_id,
            "version": version,
            "happened_at": clock.now(),
        },
    )
    db.ring(pressing=False)
