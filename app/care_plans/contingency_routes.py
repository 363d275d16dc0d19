"""Plans of rewards over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.care_plans import contingency as service
from app.care_plans import contingency_schemas as schemas
from app.care_plans.errors import AlreadyCorrected, ContingencyResultConflict, NoContingencyPlan
from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.timeline.errors import IdTaken

router = APIRouter(prefix="/v1", tags=["care-plan"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
PUT: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.ContingencyRecord, "description": "It says this already, or has a new version."},
    **problems(errors.InvalidRequest, errors.PreconditionFailed, errors.PreconditionRequired),
}
PAGE = problems(CursorInvalid, errors.InvalidRequest)
RESULT: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.ContingencyResult, "description": "It was recorded already."},
    **problems(errors.InvalidRequest, ContingencyResultConflict, AlreadyCorrected, NoContingencyPlan, IdTaken),
}


@router.put(
    "/patients/{patient_id}/contingency-plan",
    status_code=201,
    summary="Make a plan of rewards, or its next version",
    responses=PUT,
)
async def write_contingency_plan(
    patient_id: UUID,
    said: schemas.ContingencyPlanWrite,
    access: Annotated[PatientAccess, allow(Permission.CONTINGENCY_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.ContingencyRecord:
    """Say what is rewarded, how it is seen, and what it earns: every figure is the plan's own.

    The first one needs no `If-Match`; each later one does and is a new version. What was earned stays earned. No alert
    ever comes of a plan or of its results.
    """
    plan, is_first = await service.put(db, access, said, if_match)
    response.status_code = 201 if is_first else 200
    etags.stamp(response, service.tag_of(plan))
    return await service.record(db, access.patient, plan)


@router.get(
    "/patients/{patient_id}/contingency-plan",
    summary="Read a patient's plan of rewards",
    response_model=schemas.ContingencyRecord,
    responses=UNCHANGED,
)
async def read_contingency_plan(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.CONTINGENCY_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.ContingencyRecord | Response:
    """Read the plan, what the next incentive is, and the latest results."""
    return await _read(db, access, request, response)


@router.get(
    "/patients/{patient_id}/contingency-plan/versions",
    summary="List the versions of a plan of rewards",
    responses=PAGE,
)
async def list_contingency_plan_versions(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.CONTINGENCY_READ)], page: Paging, db: Db
) -> schemas.ContingencyPlanPage:
    """List every version, the latest first: who made it, when and why."""
    return await service.versions(db, access.patient, page)


@router.put(
    "/patients/{patient_id}/contingency-results/{result_id}",
    status_code=201,
    summary="Record whether the target was met",
    response_model=schemas.ContingencyResult,
    responses=RESULT,
)
async def record_contingency_result(
    patient_id: UUID,
    result_id: UUID,
    said: schemas.ContingencyResultWrite,
    access: Annotated[PatientAccess, allow(Permission.CONTINGENCY_WRITE)],
    *,
    db: Db,
    response: Response,
) -> schemas.ContingencyResult:
    """Record one result under an id that you make (UUIDv7). What it earned is worked out from the plan that held then.

    Sending the same again answers 200. A result is never changed: to correct one, record another that names it in
    `corrects`. What later ones earned already stays as it is.
    """
    found, is_new = await service.put_result(db, access, result_id, said)
    response.status_code = 201 if is_new else 200
    return schemas.ContingencyResult.model_validate(found)


@router.get(
    "/me/contingency-plan",
    summary="What I am rewarded for",
    response_model=schemas.ContingencyRecord,
    responses=UNCHANGED,
)
async def read_my_contingency_plan(
    access: Annotated[PatientAccess, me(Permission.CONTINGENCY_READ)], db: Db, request: Request, response: Response
) -> schemas.ContingencyRecord | Response:
    """Your plan of rewards, what the next one earns, and your latest results."""
    return await _read(db, access, request, response)


@router.get(
    "/patients/{patient_id}/contingency-results",
    summary="List a patient's results",
    responses=PAGE,
)
async def list_patient_contingency_results(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.CONTINGENCY_READ)], page: Paging, db: Db
) -> schemas.ContingencyResultPage:
    """List every result under any plan of rewards, the last verified first, corrected ones too."""
    items, cursor = await service.listed(db, access.patient, page)
    return schemas.ContingencyResultPage(items=items, next_cursor=cursor)


@router.get("/me/contingency-results", summary="My results", responses=PAGE)
async def list_my_contingency_results(
    access: Annotated[PatientAccess, me(Permission.CONTINGENCY_READ)], page: Paging, db: Db
) -> schemas.ContingencyResultPage:
    """List every result of yours under any plan of rewards, the last verified first, corrected ones too."""
    items, cursor = await service.listed(db, access.patient, page)
    return schemas.ContingencyResultPage(items=items, next_cursor=cursor)


async def _read(
    db: Db, access: PatientAccess, request: Request, response: Response
) -> schemas.ContingencyRecord | Response:
    plan = await service.newest(db, access.patient)
    tag = service.tag_of(plan)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return await service.record(db, access.patient, plan)
