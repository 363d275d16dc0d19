"""Reading versions, which are numbered from 1 for each patient and never changed; and the names of who made them."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from app.care_plans.models import CarePlan, ContingencyPlan, SafetyPlan
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import PatientView
from app.identity.models import Membership

Versioned = TypeVar("Versioned", CarePlan, SafetyPlan, ContingencyPlan)


async def newest(db: Database, model: type[Versioned], patient: PatientView, count: int = 1) -> Sequence[Versioned]:
    """Read the latest versions, the last one first."""
    statement = sa.select(model).where(model.clinic_id == patient.clinic_id, model.patient_id == patient.id)
    return (await db.scalars(statement.order_by(model.version.desc()).limit(count))).all()


async def every(db: Database, model: type[Versioned], patient: PatientView) -> Sequence[Versioned]:
    """Read every version, the first one first."""
    statement = sa.select(model).where(model.clinic_id == patient.clinic_id, model.patient_id == patient.id)
    return (await db.scalars(statement.order_by(model.version))).all()


async def page(
    db: Database, model: type[Versioned], patient: PatientView, paging: PageRequest
) -> tuple[Sequence[Versioned], str | None]:
    """Read a page of versions, the last one first, and one more row to compare with; and the cursor of the next."""
    filters = (model.__tablename__, patient.id)
    statement = sa.select(model).where(model.clinic_id == patient.clinic_id, model.patient_id == patient.id)
    after = paging.after(*filters)
    if after is not None:
        statement = statement.where(model.version < after[0])
    rows = (await db.scalars(statement.order_by(model.version.desc()).limit(paging.limit + 1))).all()
    cursor = make_cursor([rows[paging.limit - 1].version], *filters) if len(rows) > paging.limit else None
    return rows, cursor


async def names(db: Database, clinic_id: UUID, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Read the names of members of staff, also of those who left."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    found = await db.execute(
        sa.select(Membership.id, Membership.display_name).where(
            Membership.clinic_id == clinic_id, Membership.id.in_(wanted)
        )
    )
    return {row.id: row.display_name for row in found}
