"""What phones report of the check-ins that are due: that they have them, and that they reminded of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.schemas import ReceiptWrite
from app.consents.errors import ConsentWithdrawn
from app.core import clock
from app.core.db import Database
from app.identity.access import PatientView

RECORDED, UNCHANGED, UNKNOWN = "recorded", "unchanged", "unknown"


async def record(db: Database, patient: PatientView, receipts: Sequence[ReceiptWrite]) -> list[tuple[UUID, str]]:
    """Keep the earliest moment of each, so that it does not matter in which order phones report, or how often.

    A clock that runs ahead counts as now. Raises `ConsentWithdrawn`.
    """
    if patient.app_consent_withdrawn_at is not None:
        raise ConsentWithdrawn
    found = await db.scalars(
        sa.select(DueCheckIn).where(
            DueCheckIn.clinic_id == patient.clinic_id,
            DueCheckIn.patient_id == patient.id,
            DueCheckIn.id.in_({receipt.due_check_in_id for receipt in receipts}),
        )
    )
    known, now = {each.id: each for each in found}, clock.now()
    return [
        (receipt.due_check_in_id, _keep(db, patient, known.get(receipt.due_check_in_id), receipt.moments, now))
        for receipt in receipts
    ]


def _keep(db: Database, patient: PatientView, due: DueCheckIn | None, told: dict[str, datetime], now: datetime) -> str:
    if due is None:
        return UNKNOWN
    outcome = UNCHANGED
    for name, at in told.items():
        before: datetime | None = getattr(due, name)
        if before is None or min(at, now) < before:
            setattr(due, name, min(at, now))
            due.revision, outcome = patient.revise(db, ()), RECORDED
    return outcome
