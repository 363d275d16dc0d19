"""Which plan holds for a patient, and whose is not planned far enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.check_in_plans.models import CheckInPlan, CheckInPlanning, CheckInTemplate
from app.check_in_plans.plan_items import USUAL, PlanContent
from app.core.db import Database
from app.identity.models import Patient, PatientRevision

DEFAULT: Final = "default"
"""The template that every patient without a plan of their own has, if the clinic published it."""


@dataclass(frozen=True, slots=True)
class Held:
    """The plan that holds for a patient, and where it is from."""

    content: PlanContent
    plan: CheckInPlan | None
    template: CheckInTemplate | None

    @property
    def plan_version(self) -> int | None:
        """Of the patient's own plan; None where there is none."""
        return None if self.plan is None else self.plan.version

    @property
    def template_key(self) -> str | None:
        """Of the template that is followed; None where none is."""
        return None if self.template is None else self.template.key

    @property
    def template_version(self) -> int | None:
        """Of the template that is followed; None where none is."""
        return None if self.template is None else self.template.version

    @property
    def is_usual(self) -> bool:
        """Whether nobody planned anything, so that the protocol alone says what is asked around doses."""
        return self.plan is None and self.template is None


async def held(db: Database, clinic_id: UUID, patient_id: UUID) -> Held:
    """The plan that holds for a patient: their own, the clinic's template `default`, or nothing but the protocol."""
    plan = await newest_plan(db, clinic_id, patient_id)
    if plan is not None and plan.template_key is None:
        return Held(PlanContent.model_validate(plan.content), plan, None)
    key = DEFAULT if plan is None else (plan.template_key or DEFAULT)
    template = await newest_template(db, clinic_id, key)
    if template is None:
        return Held(USUAL, plan, None)
    return Held(content_of(template), plan, template)


def content_of(template: CheckInTemplate) -> PlanContent:
    """What a template asks for."""
    return PlanContent.model_validate(template.content)


def content_of_plan(plan: CheckInPlan) -> PlanContent | None:
    """What a plan asks for by itself; None for one that follows a template."""
    return None if plan.content is None else PlanContent.model_validate(plan.content)


async def newest_plan(db: Database, clinic_id: UUID, patient_id: UUID) -> CheckInPlan | None:
    """The newest version of a patient's own plan."""
    found: CheckInPlan | None = await db.scalar(_of(clinic_id, patient_id).limit(1))
    return found


async def plans_of(db: Database, clinic_id: UUID, patient_id: UUID) -> Sequence[CheckInPlan]:
    """Every version of a patient's own plan, the newest first."""
    return (await db.scalars(_of(clinic_id, patient_id))).all()


def _of(clinic_id: UUID, patient_id: UUID) -> sa.Select[Any]:
    this = CheckInPlan
    return (
        sa.select(this).where(this.clinic_id == clinic_id, this.patient_id == patient_id).order_by(this.version.desc())
    )


async def newest_template(db: Database, clinic_id: UUID, key: str) -> CheckInTemplate | None:
    """The newest version of a template; None where the clinic has none with this key."""
    this = CheckInTemplate
    statement = sa.select(this).where(this.clinic_id == clinic_id, this.key == key)
    found: CheckInTemplate | None = await db.scalar(statement.order_by(this.version.desc()).limit(1))
    return found


async def templates_of(db: Database, clinic_id: UUID, key: str | None = None) -> Sequence[CheckInTemplate]:
    """Every version of one template, the newest first; without a key, the newest version of each."""
    this, later = CheckInTemplate, sa.orm.aliased(CheckInTemplate)
    statement = sa.select(this).where(this.clinic_id == clinic_id).order_by(this.key, this.version.desc())
    if key is not None:
        return (await db.scalars(statement.where(this.key == key))).all()
    followed = sa.exists().where(later.clinic_id == this.clinic_id, later.key == this.key, later.version > this.version)
    return (await db.scalars(statement.where(~followed))).all()


async def planning_of(db: Database, clinic_id: UUID, patient_id: UUID) -> CheckInPlanning | None:
    """How far a patient's check-ins are planned; None where nothing is planned by the calendar."""
    return await db.get(CheckInPlanning, (clinic_id, patient_id))


async def to_plan(
    db: Database, clinic_ids: Sequence[UUID], planned_to: datetime, now: datetime
) -> list[tuple[UUID, UUID]]:
    """Patients of these clinics who have to be planned: not far enough, or by something that is not so any more.

    Whoever withdrew the consent to answer in the app is planned once more, which calls off what lies ahead.
    """
    patient, state, revision = Patient, CheckInPlanning, PatientRevision
    own_version = (
        sa.select(sa.func.max(CheckInPlan.version))
        .where(CheckInPlan.clinic_id == patient.clinic_id, CheckInPlan.patient_id == patient.id)
        .scalar_subquery()
    )
    has_default = sa.exists().where(CheckInTemplate.clinic_id == patient.clinic_id, CheckInTemplate.key == DEFAULT)
    template_version = (
        sa.select(sa.func.max(CheckInTemplate.version))
        .where(CheckInTemplate.clinic_id == patient.clinic_id, CheckInTemplate.key == state.template_key)
        .scalar_subquery()
    )
    never = sa.and_(state.patient_id.is_(None), sa.or_(own_version.is_not(None), has_default))
    outdated = sa.or_(
        state.planned_until < planned_to,
        state.plan_version.is_distinct_from(own_version),
        state.template_version.is_distinct_from(template_version),
        state.time_zone != patient.time_zone,
        sa.and_(state.plan_version.is_(None), state.template_key.is_(None), has_default),
    )
    withdrew = revision.app_consent_withdrawn_at.is_not(None)
    statement = (
        sa.select(patient.clinic_id, patient.id)
        .join(revision, sa.and_(revision.clinic_id == patient.clinic_id, revision.patient_id == patient.id))
        .outerjoin(state, sa.and_(state.clinic_id == patient.clinic_id, state.patient_id == patient.id))
        .where(
            patient.clinic_id.in_(clinic_ids),
            sa.or_(
                sa.and_(~withdrew, sa.or_(never, outdated)),
                sa.and_(withdrew, state.planned_until > now),
            ),
        )
        .order_by(patient.clinic_id, patient.id)
    )
    return [(row.clinic_id, row.id) for row in await db.execute(statement)]
