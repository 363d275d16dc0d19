"""Taking answers to what is due, and noting what was missed.

Whoever calls these holds the lock of the patient's record. What is due is planned in `planning` and `around_dose`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.check_in_plans.due_rules import Turn, turned_by
from app.check_in_plans.models import DueCheckIn
from app.check_in_plans.rules import DueState, Kept
from app.core.db import Database
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientView

AT_ONCE: Final = 50
OF_DUE: Final = ((DueCheckIn.__tablename__,),)
"""What is written here of a record: see `Database.touch`."""


async def answered(
    db: Database, patient: PatientView, due_check_in_id: UUID, check_in_id: UUID, at: datetime
) -> DueState | None:
    """Take a check-in as the answer to one that is due: `answered`, or `late`. `at` is when the patient answered.

    None where there is nothing to answer: no such due check-in of this patient, one that was called off, or one that
    another check-in answered before. The first answer stands.
    """
    closes_at = await db.scalar(
        sa.update(DueCheckIn)
        .where(
            DueCheckIn.clinic_id == patient.clinic_id,
            DueCheckIn.patient_id == patient.id,
            DueCheckIn.id == due_check_in_id,
            DueCheckIn.state.in_(turned_by(Turn.ANSWERED)),
        )
        .values(state=Kept.ANSWERED.value, check_in_id=check_in_id, answered_at=at, revision=patient.revise(db, OF_DUE))
        .returning(DueCheckIn.closes_at)
        .execution_options(synchronize_session=False)
    )
    if closes_at is None:
        return None
    return DueState.LATE if at > closes_at else DueState.ANSWERED


async def taken_back(db: Database, patient: PatientView, due_check_in_id: UUID, check_in_id: UUID) -> bool:
    """Let a due check-in wait again whose answer turned out to be that to another; whether it was its answer."""
    found = await db.scalar(
        sa.update(DueCheckIn)
        .where(
            DueCheckIn.clinic_id == patient.clinic_id,
            DueCheckIn.patient_id == patient.id,
            DueCheckIn.id == due_check_in_id,
            DueCheckIn.check_in_id == check_in_id,
            DueCheckIn.state.in_(turned_by(Turn.TAKEN_BACK)),
        )
        .values(state=Kept.WAITING.value, check_in_id=None, answered_at=None, revision=patient.revise(db, OF_DUE))
        .returning(DueCheckIn.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None


async def closed(db: Database, patient: PatientView, before: datetime) -> Sequence[DueCheckIn]:
    """What closed before a moment and is neither answered nor missed yet, the oldest first; at most `AT_ONCE`."""
    found = await db.scalars(
        sa.select(DueCheckIn)
        .where(
            DueCheckIn.clinic_id == patient.clinic_id,
            DueCheckIn.patient_id == patient.id,
            DueCheckIn.state == Kept.WAITING,
            DueCheckIn.awaits_dose.is_not(True),
            DueCheckIn.closes_at < before,
        )
        .order_by(DueCheckIn.due_at, DueCheckIn.id)
        .limit(AT_ONCE)
    )
    return found.all()


def miss(db: Database, patient: PatientView, due: Sequence[DueCheckIn]) -> None:
    """Note that these closed without an answer. One that comes afterwards is taken, and is late."""
    for each in due:
        each.state, each.revision = Kept.MISSED.value, patient.revise(db, OF_DUE)
    for session_id in dict.fromkeys(each.dosing_session_id or each.id for each in due):
        _tell(db, patient, session_id)


async def of_session(db: Database, patient: PatientView, session_id: UUID) -> Sequence[DueCheckIn]:
    """All that was asked for after one dose, in the order of time."""
    found = await db.scalars(
        sa.select(DueCheckIn)
        .where(
            DueCheckIn.clinic_id == patient.clinic_id,
            DueCheckIn.patient_id == patient.id,
            DueCheckIn.dosing_session_id == session_id,
        )
        .order_by(DueCheckIn.due_at, DueCheckIn.id)
        .execution_options(populate_existing=True)  # answers are written past the objects
    )
    return found.all()


def _tell(db: Database, patient: PatientView, session_id: UUID) -> None:
    """Tell that what is due after a dose changed."""
    events.record(
        db,
        EventType.DUE_CHECK_INS_CHANGED,
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        subject_id=session_id,
        version=patient.revise(db, ()),
    )
