"""Safety plans over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.care_plans import safety_plan_schemas as schemas
from app.care_plans import safety_plans as service
from app.care_plans.errors import NothingToSign
from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["care-plan"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
STALE = (errors.PreconditionFailed, errors.PreconditionRequired)
PUT: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.SafetyPlanRecord, "description": "It says this already, or has a new version."},
    **problems(errors.InvalidRequest, *STALE),
}


@router.put("/me/safety-plan", status_code=201, summary="Write my safety plan, or its next version", responses=PUT)
async def write_safety_plan(
    said: schemas.SafetyPlanWrite,
    access: Annotated[PatientAccess, me(Permission.SAFETY_PLAN_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.SafetyPlanRecord:
    """Write the whole plan. It is yours: nobody else can change it. Your care team can read it, and sign it with you.

    The first one needs no `If-Match`; each later one does, and is a new version that nobody has signed yet. Sending
    the same again answers 200 and changes nothing.
    """
    plan, is_first = await service.put(db, access.patient, said, if_match)
    response.status_code = 201 if is_first else 200
    etags.stamp(response, service.tag_of(plan))
    return await service.record(db, access.patient, plan)


@router.get("/me/safety-plan", summary="My safety plan", response_model=schemas.SafetyPlanRecord, responses=UNCHANGED)
async def read_my_safety_plan(
    access: Annotated[PatientAccess, me(Permission.SAFETY_PLAN_READ)], db: Db, request: Request, response: Response
) -> schemas.SafetyPlanRecord | Response:
    """Your plan as it is. Keep it on the phone and show it without a connection; the `ETag` says whether it is new."""
    return await _read(db, access, request, response)


@router.get(
    "/me/safety-plan/versions",
    summary="The versions of my safety plan",
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_my_safety_plan_versions(
    access: Annotated[PatientAccess, me(Permission.SAFETY_PLAN_READ)], page: Paging, db: Db
) -> schemas.SafetyPlanPage:
    """List every version that you wrote, the latest first, and who signed it. Your care team reads the present one."""
    return await service.versions(db, access.patient, page)


@router.get(
    "/patients/{patient_id}/safety-plan",
    summary="Read a patient's safety plan",
    response_model=schemas.SafetyPlanRecord,
    responses=UNCHANGED,
)
async def read_safety_plan(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.SAFETY_PLAN_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.SafetyPlanRecord | Response:
    """Read the plan that the patient wrote, as it is."""
    return await _read(db, access, request, response)


@router.post(
    "/patients/{patient_id}/safety-plan/co-signature",
    summary="Sign a patient's safety plan with them",
    responses=problems(NothingToSign, *STALE),
)
async def co_sign_safety_plan(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.SAFETY_PLAN_SIGN)],
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.SafetyPlanRecord:
    """Say that you went through this version with the patient; `If-Match` names it.

    Whoever signed it first stays. When the patient changes the plan, the new version waits for a signature again.
    """
    plan = await service.co_sign(db, access, if_match)
    etags.stamp(response, service.tag_of(plan))
    return await service.record(db, access.patient, plan)


async def _read(
    db: Db, access: PatientAccess, request: Request, response: Response
) -> schemas.SafetyPlanRecord | Response:
    plan = await service.newest(db, access.patient)
    tag = service.tag_of(plan)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return await service.record(db, access.patient, plan)
