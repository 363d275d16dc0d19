"""What signs of toxicity are read from."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.check_ins.models import CheckIn, Observation
from app.core.db import Database
from app.dosing.models import PreDoseChecklist
from app.identity.access import PatientView
from app.safety.models import Alert
from app.safety.schemas import AlertStage

CRAVINGS = ("craving", "craving_vas")
URINARY = "urinary_check"


async def urinary(db: Database, patient: PatientView, most: int) -> Sequence[Any]:
    """The newest complete urinary checks, each with the answers of its check-in."""
    rows = await db.execute(
        sa.select(Observation.check_in_id, Observation.recorded_at, Observation.value, CheckIn.responses)
        .join(
            CheckIn,
            sa.and_(
                CheckIn.clinic_id == Observation.clinic_id,
                CheckIn.patient_id == Observation.patient_id,
                CheckIn.id == Observation.check_in_id,
            ),
        )
        .where(
            Observation.clinic_id == patient.clinic_id,
            Observation.patient_id == patient.id,
            Observation.measure == f"{URINARY}_total",
        )
        .order_by(Observation.recorded_at.desc(), Observation.check_in_id.desc())
        .limit(most)
    )
    return rows.all()


async def craving_for(db: Database, patient: PatientView, substance: str) -> Any | None:  # noqa: ANN401  a row
    """The newest report of craving for a substance; None when there is none."""
    rows = await db.execute(
        sa.select(Observation.check_in_id, Observation.recorded_at, Observation.measure, Observation.value)
        .where(
            Observation.clinic_id == patient.clinic_id,
            Observation.patient_id == patient.id,
            Observation.measure.in_(CRAVINGS),
            Observation.substance == substance,
        )
        .order_by(Observation.recorded_at.desc(), Observation.measure)
        .limit(1)
    )
    return rows.first()


async def checklists(db: Database, patient: PatientView, most: int) -> Sequence[PreDoseChecklist]:
    """The newest checklists of a patient, the latest version of each session, the newest first."""
    later = sa.orm.aliased(PreDoseChecklist)
    newer = sa.exists().where(
        later.clinic_id == PreDoseChecklist.clinic_id,
        later.session_id == PreDoseChecklist.session_id,
        later.version > PreDoseChecklist.version,
    )
    found = await db.scalars(
        sa.select(PreDoseChecklist)
        .where(PreDoseChecklist.clinic_id == patient.clinic_id, PreDoseChecklist.patient_id == patient.id, ~newer)
        .order_by(PreDoseChecklist.recorded_at.desc())
        .limit(most)
    )
    return found.all()


async def unresolved(db: Database, patient: PatientView, rules: Sequence[str]) -> Sequence[Alert]:
    """The patient's alerts of these rules that nobody has resolved, oldest first."""
    found = await db.scalars(
        sa.select(Alert)
        .where(
            Alert.clinic_id == patient.clinic_id,
            Alert.patient_id == patient.id,
            Alert.rule.in_(rules),
            Alert.status != AlertStage.RESOLVED.value,
        )
        .order_by(Alert.raised_at, Alert.id)
    )
    return found.all()
