"""Plans of rewards and their results. Nothing here raises an alert, and no alert reads it."""

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.care_plans import contingency_rules as rules
from app.care_plans import contingency_schemas as schemas
from app.care_plans import queries
from app.care_plans.contingency_rules import ContingencyOutcome, Incentive
from app.care_plans.errors import AlreadyCorrected, ContingencyResultConflict, NoContingencyPlan
from app.care_plans.models import ContingencyPlan, ContingencyResult
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.pagination import PageRequest, make_cursor
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientAccess, PatientView
from app.timeline.errors import IdTaken

SHOWN: Final = 100
"""Results that come with the plan."""

_FIGURES: Final = tuple(field.name for field in fields(Incentive))


async def put(
    db: Database, access: PatientAccess, said: schemas.ContingencyPlanWrite, if_match: str | None
) -> tuple[ContingencyPlan, bool]:
    """Make the next version; the plan, and whether it is the first. The same content again changes nothing.

    Counting begins anew with the first version, with the one after an end, in another currency, and when asked for.
    """
    patient = access.patient
    current = await newest(db, patient)
    content = said.model_dump(mode="json", exclude={"reason", "starts_over", "ended"})
    before = {} if current is None else json.loads(current.content)
    same = current is not None and before | content == before and (current.ended_at is not None) is said.ended
    if current is not None and same and not said.starts_over:
        return current, False
    if current is not None or if_match is not None:
        version = 0 if current is None else current.version
        await etags.require_match_with(if_match, version, lambda: record(db, patient, current))
    if said.most_cents < said.first_cents:
        fault = FieldError("/most_cents", "less_than_first", "Not even the first one could be earned in full.")
        raise InvalidRequest(errors=[fault])
    now, version = clock.now(), 1 if current is None else current.version + 1
    goes_on = current is not None and (current.ended_at is None or said.ended) and not said.starts_over
    goes_on = goes_on and before["currency"] == said.currency
    from_version = before["counts_from_version"] if goes_on else version
    made = ContingencyPlan(
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        version=version,
        content=json.dumps(content | {"counts_from_version": from_version}, ensure_ascii=False),
        reason=said.reason,
        made_at=now,
        made_by=access.caller.membership_id,
        ended_at=now if said.ended else None,
        revision=patient.revise(db),
    )
    db.add(made)
    await db.flush()
    _tell(db, EventType.CONTINGENCY_CHANGED, patient, patient.id, version)
    return made, current is None


async def put_result(
    db: Database, access: PatientAccess, result_id: UUID, said: schemas.ContingencyResultWrite
) -> tuple[dict[str, Any], bool]:
    """Record a result and what it earns by the plan that held then; and whether it is new.

    The same again changes nothing. A result is never changed: another one that names it takes its place. Raises
    `ContingencyResultConflict`, `AlreadyCorrected`, `NoContingencyPlan`, `IdTaken`.
    """
    patient = access.patient
    stored = await db.get(ContingencyResult, (patient.clinic_id, result_id))
    if stored is not None:
        if stored.patient_id != patient.id:
            raise IdTaken
        if any(getattr(stored, name) != getattr(said, name) for name in ("at", "outcome", "corrects", "note")):
            raise ContingencyResultConflict
        by = [each.id for each in await _results(db, patient) if each.corrects == result_id]
        return _plain(stored) | {"corrected_by": by[0] if by else None}, False
    tolerance = timedelta(minutes=access.protocol.linking.clock_tolerance_minutes)
    if said.at > clock.now() + tolerance:
        raise InvalidRequest(errors=[FieldError("/at", "in_the_future", "Nothing was verified yet.")])
    results, plans = await _results(db, patient), await queries.every(db, ContingencyPlan, patient)
    _check_correction(results, said)
    plan = next((each for each in reversed(plans) if each.made_at <= said.at), None)
    if plan is None or plan.ended_at is not None:
        raise NoContingencyPlan
    together = {each.version for each in plans if _counts_from(each) == _counts_from(plan)}
    counting = _counting(results, together, said.corrects)
    earlier = [each for each in counting if each.at <= said.at]
    made = ContingencyResult(
        clinic_id=patient.clinic_id,
        id=result_id,
        patient_id=patient.id,
        plan_version=plan.version,
        at=said.at,
        outcome=said.outcome.value,
        amount_cents=rules.earned(
            said.outcome, _outcomes(earlier), sum(each.amount_cents for each in counting), _figures(plan)
        ),
        corrects=said.corrects,
        note=said.note,
        recorded_by=access.caller.membership_id,
        revision=patient.revise(db),
    )
    db.add(made)
    try:
        await db.flush()
    except IntegrityError as error:  # two patients' results under one id at the same moment
        raise IdTaken from error
    plans[-1].revision = made.revision  # phones fetch the plan anew, since its results are shown with it
    await db.flush()
    _tell(db, EventType.CONTINGENCY_RECORDED, patient, result_id, 1)
    return _plain(made) | {"corrected_by": None}, True


async def newest(db: Database, patient: PatientView) -> ContingencyPlan | None:
    """Read the present version; None before there is one."""
    rows = await queries.newest(db, ContingencyPlan, patient)
    return rows[0] if rows else None


async def record(db: Database, patient: PatientView, current: ContingencyPlan | None) -> schemas.ContingencyRecord:
    """Show the present version, where the patient stands, and the latest results."""
    if current is None:
        return schemas.ContingencyRecord(version=0, current=None, next_incentive=None, results=[])
    results = await _results(db, patient)
    names = await queries.names(db, patient.clinic_id, [current.made_by])
    counting = _counting(results, range(_counts_from(current), current.version + 1))
    outcomes, earned = _outcomes(counting), sum(each.amount_cents for each in counting)
    figures = _figures(current)
    replaced_by = {each.corrects: each.id for each in results if each.corrects is not None}
    return schemas.ContingencyRecord(
        version=current.version,
        current=shown(current, names),
        next_incentive=None
        if current.ended_at is not None
        else schemas.NextIncentive(
            amount_cents=rules.next_incentive(outcomes, earned, figures),
            in_a_row=rules.standing_after(outcomes, figures).in_a_row,
            earned_cents=earned,
            results=len(outcomes),
        ),
        results=[_result(each, replaced_by) for each in reversed(results[-SHOWN:])],
    )


def tag_of(plan: ContingencyPlan | None) -> str:
    """The `ETag`: the version, and the revision in which it or one of its results was written."""
    return etags.version_tag(0) if plan is None else etags.version_tag(plan.version, derived=plan.revision)


async def versions(db: Database, patient: PatientView, paging: PageRequest) -> schemas.ContingencyPlanPage:
    """Read a page of the versions, the latest first."""
    found, cursor = await queries.page(db, ContingencyPlan, patient, paging)
    rows = found[: paging.limit]
    names = await queries.names(db, patient.clinic_id, (row.made_by for row in rows))
    items = [shown(row, names) for row in rows]
    return schemas.ContingencyPlanPage(items=items, next_cursor=cursor)


async def listed(
    db: Database, patient: PatientView, paging: PageRequest
) -> tuple[list[schemas.ContingencyResult], str | None]:
    """Read a page of the results, the last verified first, and the cursor of the next."""
    at, this = ContingencyResult.at, ContingencyResult.id
    of_patient = (ContingencyResult.clinic_id == patient.clinic_id, ContingencyResult.patient_id == patient.id)
    statement = sa.select(ContingencyResult).where(*of_patient)
    filters = ("contingency-results", patient.id)
    after = paging.after(*filters)
    if after is not None:
        last_at, last_id = after
        statement = statement.where(sa.or_(at < last_at, sa.and_(at == last_at, this < last_id)))
    found = (await db.scalars(statement.order_by(at.desc(), this.desc()).limit(paging.limit + 1))).all()
    rows = found[: paging.limit]
    corrections = await db.execute(
        sa.select(ContingencyResult.corrects, this).where(
            *of_patient, ContingencyResult.corrects.in_([row.id for row in rows])
        )
    )
    replaced_by = {row.corrects: row.id for row in corrections}
    cursor = make_cursor([rows[-1].at, rows[-1].id], *filters) if len(found) > paging.limit else None
    return [_result(row, replaced_by) for row in rows], cursor


def _result(row: ContingencyResult, replaced_by: Mapping[Any, UUID]) -> schemas.ContingencyResult:
    return schemas.ContingencyResult.model_validate(_plain(row) | {"corrected_by": replaced_by.get(row.id)})


def _check_correction(results: Sequence[ContingencyResult], said: schemas.ContingencyResultWrite) -> None:
    if said.corrects is None:
        return
    if all(each.id != said.corrects for each in results):
        fault = FieldError("/corrects", "unknown_result", "The patient has no result of this id.")
        raise InvalidRequest(errors=[fault])
    by = next((each.id for each in results if each.corrects == said.corrects), None)
    if by is not None:
        raise AlreadyCorrected(corrected_by=str(by))


async def _results(db: Database, patient: PatientView) -> Sequence[ContingencyResult]:
    """Every result, in the order in which they were verified."""
    found = await db.scalars(
        sa.select(ContingencyResult)
        .where(ContingencyResult.clinic_id == patient.clinic_id, ContingencyResult.patient_id == patient.id)
        .order_by(ContingencyResult.at, ContingencyResult.id)
    )
    return found.all()


def _counting(
    results: Sequence[ContingencyResult], versions: Container[int], corrected_now: UUID | None = None
) -> list[ContingencyResult]:
    """Those under these versions that nobody corrected."""
    corrected = {corrected_now, *(each.corrects for each in results)}
    return [each for each in results if each.id not in corrected and each.plan_version in versions]


def _outcomes(results: Sequence[ContingencyResult]) -> list[ContingencyOutcome]:
    return [ContingencyOutcome(each.outcome) for each in results]


def _counts_from(plan: ContingencyPlan) -> int:
    return int(json.loads(plan.content)["counts_from_version"])


def _figures(plan: ContingencyPlan) -> Incentive:
    content = json.loads(plan.content)
    return Incentive(**{name: content[name] for name in _FIGURES})


def shown(row: Any, names: Mapping[UUID, str] | None = None) -> schemas.ContingencyPlan:  # noqa: ANN401  a row
    """Show one version, by its row alone: without the name of who made it where it was not read."""
    made = {name: getattr(row, name) for name in ("version", "reason", "made_at", "made_by")}
    by_name = (names or {}).get(row.made_by)
    ended = row.ended_at is not None
    return schemas.ContingencyPlan.model_validate(
        json.loads(row.content) | made | {"made_by_name": by_name, "ended": ended}
    )


def _plain(row: ContingencyResult) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in sa.inspect(ContingencyResult).column_attrs}


def _tell(db: Database, event: EventType, patient: PatientView, subject_id: UUID, version: int) -> None:
    events.record(db, event, clinic_id=patient.clinic_id, patient_id=patient.id, subject_id=subject_id, version=version)
