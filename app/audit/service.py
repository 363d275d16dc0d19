"""Writing audit entries."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from app.audit import marks
from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id

Outcome = Literal["allowed", "denied"]


def record(
    db: Database,
    *,
    operation: str,
    permission: str,
    outcome: Outcome = "allowed",
    clinic_id: UUID | None = None,
    actor_id: UUID | None = None,
    actor_role: str = "system",
    device_id: UUID | None = None,
    patient_id: UUID | None = None,
    subject_id: UUID | None = None,
    reason: str | None = None,
    request_id: str | None = None,
    address_prefix: str | None = None,
) -> None:
    """Add one entry to this transaction; it stays even if the request is refused for another reason."""
    entry = {
        "id": new_id(),
        "at": clock.now(),
        "clinic_id": clinic_id,
        "actor_id": actor_id,
        "actor_role": actor_role,
        "device_id": device_id,
        "operation": operation,
        "permission": permission,
        "patient_id": patient_id,
        "subject_id": subject_id,
        "outcome": outcome,
        "reason": reason,
        "request_id": request_id,
        "address_prefix": address_prefix,
    }
    db.stage(AuditEntry, {**entry, "mark": marks.whole(entry)}, lasting=True)


def begin(told: Mapping[str, Any], *, clinic_id: UUID, device_id: UUID) -> dict[str, Any]:
    """What the guard's own statement writes of an allowed read before it knows who is calling."""
    entry = {**told, "id": new_id(), "at": clock.now(), "outcome": "allowed"}
    return {**entry, "mark": marks.early({**entry, "clinic_id": clinic_id, "device_id": device_id})}
