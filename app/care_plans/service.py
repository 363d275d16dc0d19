"""Keeping care plans: each change is a new version, and what was said before is never altered."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.care_plans import queries, rules, schemas
from app.care_plans.models import CarePlan
from app.care_plans.rules import CarePhase
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import InvalidRequest
from app.core.pagination import PageRequest
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess, PatientView
from app.identity.queries import staff_among
from app.instruments.measures import MEASURES


class GoalAndPhase(NamedTuple):
    """What other rules ask a care plan. Both are None without a plan."""

    abstinence_is_the_goal: bool | None
    phase: str | None


async def goal_and_phase(db: Database, patient: PatientView) -> GoalAndPhase:
    """Whether abstinence is the goal and where the patient stands, by the present plan. One statement."""
    found = await db.execute(
        sa.select(CarePlan.abstinence_is_the_goal, CarePlan.phase)
        .where(CarePlan.clinic_id == patient.clinic_id, CarePlan.patient_id == patient.id)
        .order_by(CarePlan.version.desc())
        .limit(1)
    )
    row = found.one_or_none()
    return GoalAndPhase(None, None) if row is None else GoalAndPhase(row.abstinence_is_the_goal, row.phase)


async def quit_day(db: Database, patient: PatientView, substance: str) -> date | None:
    """The day from which the present plan's goal about a substance holds; None without one. One statement."""
    rows = await queries.newest(db, CarePlan, patient)
    return rules.quit_day(json.loads(rows[0].content), substance) if rows else None


async def put(
    db: Database, access: PatientAccess, said: schemas.CarePlanWrite, if_match: str | None
) -> tuple[schemas.CarePlanRecord, bool]:
    """Make the next version; the plan, and whether it is the first. The same content again changes nothing.

    Raises `PhaseCannotFollow`, and `InvalidRequest` for what does not fit.
    """
    patient = access.patient
    rows = await queries.newest(db, CarePlan, patient)
    current = rows[0] if rows else None
    content = _content(said)
    before = None if current is None else json.loads(current.content)
    if current is not None and content == before:
        return await record(db, patient), False
    if current is not None or if_match is not None:
        version = 0 if current is None else current.version
        await etags.require_match_with(if_match, version, lambda: record(db, patient))
    faults = rules.faults(content, MEASURES, await _known_staff(db, access, content, before))
    if faults:
        raise InvalidRequest(errors=faults)
    rules.check_phase(None if current is None else CarePhase(current.phase), said.phase)
    made = CarePlan(
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        version=1 if current is None else current.version + 1,
        phase=said.phase.value,
        abstinence_is_the_goal=rules.is_abstinence_the_goal(content),
        content=json.dumps(content, ensure_ascii=False),
        reason=said.reason,
        made_at=clock.now(),
        made_by=access.caller.membership_id,
        revision=patient.revise(db),
    )
    db.add(made)
    await db.flush()
    events.record(
        db,
        EventType.CARE_PLAN_CHANGED,
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        subject_id=patient.id,
        version=made.version,
    )
    return await record(db, patient), current is None


def _content(said: schemas.CarePlanWrite) -> dict[str, Any]:
    """What is kept of a plan. A goal without a quit day has none there, as in plans from before there was one."""
    content = said.model_dump(mode="json", exclude={"reason"})
    goals = [
        {name: value for name, value in goal.items() if name != "quit_on" or value is not None}
        for goal in content["goals"]
    ]
    return content | {"goals": goals}


async def record(db: Database, patient: PatientView) -> schemas.CarePlanRecord:
    """Read the plan as it is and as it was before."""
    rows = await queries.newest(db, CarePlan, patient, 2)
    if not rows:
        return schemas.CarePlanRecord(version=0, current=None, previous=None, changes=[], course=[])
    (current, *earlier), names = rows, await _names(db, patient, rows)
    previous = earlier[0] if earlier else None
    changed = rules.changes(None if previous is None else json.loads(previous.content), json.loads(current.content))
    stays = await db.execute(
        sa.select(CarePlan.phase, CarePlan.made_at)
        .where(CarePlan.clinic_id == patient.clinic_id, CarePlan.patient_id == patient.id)
        .order_by(CarePlan.version)
    )
    return schemas.CarePlanRecord(
        version=current.version,
        current=shown(current, names),
        previous=None if previous is None else shown(previous, names),
        changes=[schemas.CarePlanChange.model_validate(each) for each in changed],
        course=[schemas.PhaseStay.model_validate(each) for each in rules.course([(*row,) for row in stays])],
    )


async def versions(db: Database, patient: PatientView, paging: PageRequest) -> schemas.CarePlanVersionPage:
    """Read a page of the versions, the latest first, each with what differs from the one before."""
    rows, cursor = await queries.page(db, CarePlan, patient, paging)
    names = await _names(db, patient, rows)
    contents = [json.loads(row.content) for row in rows]
    items = [
        schemas.CarePlanVersion.model_validate(_shown(row, names) | {"changes": rules.changes(before, content)})
        for row, content, before in zip(rows[: paging.limit], contents, [*contents[1:], None], strict=False)
    ]
    return schemas.CarePlanVersionPage(items=items, next_cursor=cursor)


async def _known_staff(
    db: Database, access: PatientAccess, content: rules.Content, before: rules.Content | None
) -> frozenset[str]:
    """Who may own a phase: who works here now. Whoever owned one before and has left does not stop other changes."""
    named, kept = rules.owners(content), frozenset[str]() if before is None else frozenset(rules.owners(before))
    new = named - kept
    if not new:
        return kept
    return kept | {str(each) for each in await staff_among(db, access.clinic.id, [UUID(each) for each in new])}


async def _names(db: Database, patient: PatientView, rows: Sequence[CarePlan]) -> dict[UUID, str]:
    owners: Iterable[UUID] = (UUID(owner) for row in rows for owner in rules.owners(json.loads(row.content)))
    return await queries.names(db, patient.clinic_id, [*owners, *(row.made_by for row in rows)])


def shown(row: Any, names: Mapping[UUID, str] | None = None) -> schemas.CarePlan:  # noqa: ANN401  a row
    """Show one version, by its row alone: without names where they were not read."""
    return schemas.CarePlan.model_validate(_shown(row, names or {}))


def _shown(row: Any, names: Mapping[UUID, str]) -> dict[str, Any]:  # noqa: ANN401  the same
    content: dict[str, Any] = json.loads(row.content)
    phases = [each | {"owner_name": names.get(UUID(each["owner_id"]))} for each in content["phases"]]
    goals = [{"quit_on": None} | each | {"reached_when": _side(each["measure"])} for each in content["goals"]]
    return content | {
        "version": row.version,
        "phases": phases,
        "goals": goals,
        "reason": row.reason,
        "made_at": row.made_at,
        "made_by": row.made_by,
        "made_by_name": names.get(row.made_by),
    }


def _side(measure: str | None) -> str | None:
    known = None if measure is None else MEASURES.get(measure)
    return None if known is None else rules.target_side(known)
