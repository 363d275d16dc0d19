"""A patient's own plan for a crisis: every change is a new version, which somebody of the care team may sign."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.care_plans import queries
from app.care_plans import safety_plan_schemas as schemas
from app.care_plans.errors import NothingToSign
from app.care_plans.models import SafetyPlan
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.pagination import PageRequest
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess, PatientView


async def put(
    db: Database, patient: PatientView, said: schemas.SafetyPlanWrite, if_match: str | None
) -> tuple[SafetyPlan, bool]:
    """Make the next version; the plan, and whether it is the first. The same again changes nothing.

    A new version is nobody's but the patient's: a signature under the one before does not stand under it.
    """
    current = await newest(db, patient)
    content = said.model_dump(mode="json")
    if current is not None and json.loads(current.content) == content:
        return current, False
    if current is not None or if_match is not None:
        version = 0 if current is None else current.version
        await etags.require_match_with(if_match, version, lambda: record(db, patient, current))
    if not any(content.values()):
        raise InvalidRequest(errors=[FieldError("", "nothing_said", "At least one part says something.")])
    made = SafetyPlan(
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        version=1 if current is None else current.version + 1,
        content=json.dumps(content, ensure_ascii=False),
        made_at=clock.now(),
        revision=patient.revise(db),
    )
    db.add(made)
    await db.flush()
    _tell(db, made)
    return made, current is None


async def co_sign(db: Database, access: PatientAccess, if_match: str | None) -> SafetyPlan:
    """Sign the version that was read. Who signed it first stays; signing it again changes nothing.

    Raises `NothingToSign`.
    """
    patient = access.patient
    current = await newest(db, patient)
    if current is None:
        raise NothingToSign
    await etags.require_match_with(if_match, current.version, lambda: record(db, patient, current))
    if current.co_signed_at is None:
        current.co_signed_at, current.co_signed_by = clock.now(), access.caller.membership_id
        current.revision = patient.revise(db)
        await db.flush()
        _tell(db, current)
    return current


async def newest(db: Database, patient: PatientView) -> SafetyPlan | None:
    """Read the present version; None before there is one."""
    rows = await queries.newest(db, SafetyPlan, patient)
    return rows[0] if rows else None


def tag_of(plan: SafetyPlan | None) -> str:
    """The `ETag`: the version, and whether it was signed, which its author did not change."""
    if plan is None:
        return etags.version_tag(0)
    return etags.version_tag(plan.version, derived=int(plan.co_signed_at is not None))


async def record(db: Database, patient: PatientView, plan: SafetyPlan | None) -> schemas.SafetyPlanRecord:
    """Show the present version."""
    if plan is None:
        return schemas.SafetyPlanRecord(version=0, current=None)
    (shown,) = await _shown(db, patient, [plan])
    return schemas.SafetyPlanRecord(version=plan.version, current=shown)


async def versions(db: Database, patient: PatientView, paging: PageRequest) -> schemas.SafetyPlanPage:
    """Read a page of the versions, the latest first."""
    rows, cursor = await queries.page(db, SafetyPlan, patient, paging)
    return schemas.SafetyPlanPage(items=await _shown(db, patient, rows[: paging.limit]), next_cursor=cursor)


async def _shown(db: Database, patient: PatientView, rows: Sequence[SafetyPlan]) -> list[schemas.SafetyPlan]:
    names = await queries.names(db, patient.clinic_id, (row.co_signed_by for row in rows))
    return [shown(row, names) for row in rows]


def shown(row: Any, names: Mapping[UUID, str] | None = None) -> schemas.SafetyPlan:  # noqa: ANN401  a row
    """Show one version, by its row alone: without the name of who signed it where it was not read."""
    signed = {name: getattr(row, name) for name in ("version", "made_at", "co_signed_at", "co_signed_by")}
    by_name = (names or {}).get(row.co_signed_by)
    return schemas.SafetyPlan.model_validate(json.loads(row.content) | signed | {"co_signed_by_name": by_name})


def _tell(db: Database, plan: SafetyPlan) -> None:
    events.record(
        db,
        EventType.SAFETY_PLAN_CHANGED,
        clinic_id=plan.clinic_id,
        patient_id=plan.patient_id,
        subject_id=plan.patient_id,
        version=plan.version,
    )
