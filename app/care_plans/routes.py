"""Care plans over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.care_plans import schemas, service
from app.care_plans.errors import PhaseCannotFollow
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
PUT: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.CarePlanRecord, "description": "It says this already, or has a new version."},
    **problems(errors.InvalidRequest, PhaseCannotFollow, errors.PreconditionFailed, errors.PreconditionRequired),
}


@router.put(
    "/patients/{patient_id}/care-plan",
    status_code=201,
    summary="Make a care plan, or its next version",
    responses=PUT,
)
async def write_care_plan(
    patient_id: UUID,
    said: schemas.CarePlanWrite,
    access: Annotated[PatientAccess, allow(Permission.CARE_PLAN_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.CarePlanRecord:
    """Say the whole plan, and why it is changed. The patient reads the plan and the reason.

    The first one needs no `If-Match`; each later one does and is a new version: nothing that was said is altered.
    Sending the same content again answers 200 and changes nothing, whatever the reason. Which phase may follow which
    is a table; `409` says what can come next. Keep the ids of goals and assignments from version to version.
    """
    found, is_first = await service.put(db, access, said, if_match)
    response.status_code = 201 if is_first else 200
    etags.stamp(response, etags.version_tag(found.version))
    return found


@router.get(
    "/patients/{patient_id}/care-plan",
    summary="Read a patient's care plan",
    response_model=schemas.CarePlanRecord,
    responses=UNCHANGED,
)
async def read_care_plan(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.CARE_PLAN_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.CarePlanRecord | Response:
    """Read the plan as it is, as it was before, and what differs: who changed it, when and why."""
    return await _read(db, access, request, response)


@router.get(
    "/patients/{patient_id}/care-plan/versions",
    summary="List the versions of a care plan",
    responses=problems(CursorInvalid, errors.InvalidRequest),
)
async def list_care_plan_versions(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.CARE_PLAN_READ)], page: Paging, db: Db
) -> schemas.CarePlanVersionPage:
    """List every version, the latest first, each with what differs from the one before it."""
    return await service.versions(db, access.patient, page)


@router.get("/me/care-plan", summary="My care plan", response_model=schemas.CarePlanRecord, responses=UNCHANGED)
async def read_my_care_plan(
    access: Annotated[PatientAccess, me(Permission.CARE_PLAN_READ)], db: Db, request: Request, response: Response
) -> schemas.CarePlanRecord | Response:
    """Your plan as it is and as it was before: who changed it, when, why, and what differs."""
    return await _read(db, access, request, response)


async def _read(
    db: Db, access: PatientAccess, request: Request, response: Response
) -> schemas.CarePlanRecord | Response:
    found = await service.record(db, access.patient)
    tag = etags.version_tag(found.version)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return found
