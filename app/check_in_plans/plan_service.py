"""Reading and changing what patients are asked for: plans of their own, and templates of the clinic."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.check_in_plans import plan_queries, plan_schemas, planning
from app.check_in_plans.models import CheckInPlan, CheckInTemplate
from app.check_in_plans.plan_checks import plan_faults
from app.check_in_plans.plan_items import PlanContent
from app.check_in_plans.plan_queries import Held
from app.check_in_plans.plan_rules import stable_id
from app.core import clock
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound
from app.core.etags import require_match
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess, PatientAccess
from app.identity.models import Clinic


async def read(db: Database, access: PatientAccess) -> dict[str, Any]:
    """What the patient is asked for now, as `plan_schemas.CheckInPlan` shows it."""
    held = await plan_queries.held(db, access.clinic.id, access.patient.id)
    state = await plan_queries.planning_of(db, access.clinic.id, access.patient.id)
    return _shown(access, held) | {"planned_until": None if state is None else state.planned_until}


async def put(
    db: Database, access: PatientAccess, wanted: plan_schemas.CheckInPlanWrite, if_match: str | None
) -> tuple[dict[str, Any], bool]:
    """Plan what the patient is asked for; what holds now, and whether it is their first plan.

    The same as before changes nothing. What is open already stays as it is; what lies ahead is planned anew. Raises
    `InvalidRequest` with pointers for a plan that cannot be.
    """
    before = await plan_queries.newest_plan(db, access.clinic.id, access.patient.id)
    if before is not None:
        if _says(before) == (wanted.template_key, wanted.content) and before.reason == wanted.reason:
            return await read(db, access), False
        current = await read(db, access)
        require_match(
            if_match,
            before.version,
            lambda: plan_schemas.CheckInPlan.model_validate(current).model_dump(mode="json"),
        )
    await _check(db, access, wanted)
    made = CheckInPlan(
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        version=before.version + 1 if before else 1,
        template_key=wanted.template_key,
        content=None if wanted.content is None else wanted.content.model_dump(mode="json"),
        reason=wanted.reason,
        made_at=clock.now(),
        made_by=access.caller.membership_id,
        revision=access.patient.revise(db),
    )
    db.add(made)
    await db.flush()
    await planning.plan(db, access.patient, access.protocol)
    events.record(
        db,
        EventType.CHECK_IN_PLAN_CHANGED,
        clinic_id=access.clinic.id,
        patient_id=access.patient.id,
        subject_id=access.patient.id,
        version=made.version,
    )
    return await read(db, access), before is None


async def history(db: Database, access: PatientAccess) -> list[dict[str, Any]]:
    """Every version of the patient's own plan, the newest first."""
    return [
        {"content": plan_queries.content_of_plan(each)}
        | {name: getattr(each, name) for name in ("version", "template_key", "reason", "made_at", "made_by")}
        for each in await plan_queries.plans_of(db, access.clinic.id, access.patient.id)
    ]


async def templates(db: Database, access: ClinicAccess, key: str | None) -> list[dict[str, Any]]:
    """The newest version of each template, or every version of one."""
    return list(map(_template, await plan_queries.templates_of(db, access.clinic.id, key)))


async def template(db: Database, access: ClinicAccess, key: str) -> dict[str, Any]:
    """The newest version of a template, or `NotFound`."""
    found = await plan_queries.newest_template(db, access.clinic.id, key)
    if found is None:
        raise NotFound
    return _template(found)


async def publish(
    db: Database, access: ClinicAccess, key: str, wanted: plan_schemas.CheckInTemplateWrite, if_match: str | None
) -> tuple[dict[str, Any], bool]:
    """Publish the next version of a template; the template, and whether its name is new. The same changes nothing.

    The worker carries it into the plans of the patients who follow it, within minutes.
    """
    await db.execute(sa.select(Clinic.id).where(Clinic.id == access.clinic.id).with_for_update(key_share=True))
    before = await plan_queries.newest_template(db, access.clinic.id, key)
    if before is not None:
        shown = _template(before)
        if shown["content"] == wanted.content and before.reason == wanted.reason:
            return shown, False
        require_match(
            if_match,
            before.version,
            lambda: plan_schemas.CheckInTemplate.model_validate(shown).model_dump(mode="json"),
        )
    _raise(plan_faults(wanted.content, access.protocol.asking))
    made = CheckInTemplate(
        clinic_id=access.clinic.id,
        key=key,
        version=before.version + 1 if before else 1,
        content=wanted.content.model_dump(mode="json"),
        reason=wanted.reason,
        made_at=clock.now(),
        made_by=access.caller.membership_id,
    )
    db.add(made)
    await db.flush()
    events.record(
        db,
        EventType.CHECK_IN_TEMPLATE_PUBLISHED,
        clinic_id=access.clinic.id,
        subject_id=template_id(access.clinic.id, key),
        version=made.version,
    )
    return _template(made), before is None


def template_id(clinic_id: UUID, key: str) -> UUID:
    """What events call a template, whose name is only its clinic's."""
    return stable_id(clinic_id, "check-in-template", key)


async def _check(db: Database, access: PatientAccess, wanted: plan_schemas.CheckInPlanWrite) -> None:
    if wanted.content is not None:
        _raise(plan_faults(wanted.content, access.protocol.asking))
        return
    if await plan_queries.newest_template(db, access.clinic.id, wanted.template_key or "") is None:
        raise InvalidRequest(
            errors=[FieldError("/template_key", "unknown_template", "The clinic has no template with this key.")]
        )


def _raise(faults: Sequence[FieldError]) -> None:
    if faults:
        raise InvalidRequest(errors=list(faults))


def _says(plan: CheckInPlan) -> tuple[str | None, PlanContent | None]:
    return plan.template_key, plan_queries.content_of_plan(plan)


def _shown(access: PatientAccess, held: Held) -> dict[str, Any]:
    plan, template_row = held.plan, held.template
    source = "protocol" if held.is_usual else "template" if template_row is not None else "own"
    made = plan or template_row
    return {
        "version": 0 if plan is None else plan.version,
        "source": source,
        "template_key": held.template_key,
        "template_version": held.template_version,
        "items": list(held.content.items),
        "around_doses": held.content.around_doses,
        "reason": None if plan is None else plan.reason,
        "made_at": None if made is None else made.made_at,
        "made_by": None if made is None else made.made_by,
        "time_zone": access.patient.time_zone,
    }


def _template(row: CheckInTemplate) -> dict[str, Any]:
    names = ("key", "version", "reason", "made_at", "made_by")
    return {name: getattr(row, name) for name in names} | {"content": plan_queries.content_of(row)}
