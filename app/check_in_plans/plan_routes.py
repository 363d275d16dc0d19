"""What patients are asked for, over HTTP: plans, templates, and the clock that they follow."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.check_in_plans import plan_schemas as schemas
from app.check_in_plans import plan_service, time_zones
from app.core import errors
from app.core.db import Database, Db
from app.core.errors import problems
from app.core.etags import IfMatch, composed_tag, not_modified, stamp, unchanged, version_tag
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic, me
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["check-ins"], route_class=StrictRoute)
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
FIRST_PLAN: dict[int | str, dict[str, Any]] = {
    201: {"model": schemas.CheckInPlan, "description": "The patient's first own plan."}
}
NEW_TEMPLATE: dict[int | str, dict[str, Any]] = {
    201: {"model": schemas.CheckInTemplate, "description": "A new template."}
}
CHANGES = (errors.InvalidRequest, errors.PreconditionFailed, errors.PreconditionRequired)
Key = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,32}$", description="Name of a template.", examples=["default"])]


@router.get(
    "/me/check-in-plan",
    summary="What I am asked for, and why",
    response_model=schemas.CheckInPlan,
    responses=UNCHANGED,
)
async def read_my_check_in_plan(
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, me(Permission.CHECK_IN_PLAN_READ)],
    db: Db,
) -> schemas.CheckInPlan | Response:
    """What the plan that holds for you asks for. Items `on_demand` are never due: offer them at any time."""
    return await _plan(request, response, access, db)


@router.get("/me/check-in-plan/history", summary="How what I am asked for was changed")
async def list_my_check_in_plans(
    access: Annotated[PatientAccess, me(Permission.CHECK_IN_PLAN_READ)], db: Db
) -> schemas.CheckInPlanHistory:
    """Every version of your own plan, who made it and why, the newest first."""
    return schemas.CheckInPlanHistory.model_validate({"items": await plan_service.history(db, access)})


@router.get(
    "/patients/{patient_id}/check-in-plan",
    summary="What a patient is asked for",
    response_model=schemas.CheckInPlan,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_check_in_plan(
    patient_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.CHECK_IN_PLAN_READ)],
    db: Db,
) -> schemas.CheckInPlan | Response:
    """The plan that holds: the patient's own, a template of the clinic, or only the protocol around doses."""
    return await _plan(request, response, access, db)


@router.put(
    "/patients/{patient_id}/check-in-plan",
    summary="Plan what a patient is asked for",
    responses=FIRST_PLAN | problems(errors.NotFound, *CHANGES),
)
async def write_check_in_plan(
    patient_id: UUID,
    wanted: schemas.CheckInPlanWrite,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.CHECK_IN_PLAN_WRITE)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.CheckInPlan:
    """Make the next version of the plan. What can be answered now stays as it is; what lies ahead is planned anew.

    Keep the `key` of an item that stays: the ids of what it asks for stay too, and phones keep their reminders.
    """
    shown, is_new = await plan_service.put(db, access, wanted, if_match)
    response.status_code = 201 if is_new else 200
    stamp(response, _plan_tag(shown))
    return schemas.CheckInPlan.model_validate(shown)


@router.get(
    "/patients/{patient_id}/check-in-plan/history",
    summary="How what a patient is asked for was changed",
    responses=problems(errors.NotFound),
)
async def list_check_in_plans(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.CHECK_IN_PLAN_READ)], db: Db
) -> schemas.CheckInPlanHistory:
    """Every version of the patient's own plan, who made it and why, the newest first."""
    return schemas.CheckInPlanHistory.model_validate({"items": await plan_service.history(db, access)})


@router.get("/check-in-templates", summary="Plans that we give to patients", responses=problems(errors.InvalidRequest))
async def list_check_in_templates(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CHECK_IN_TEMPLATES_READ)],
    db: Db,
    key: Annotated[
        str | None,
        Query(pattern=r"^[a-z0-9_]{1,32}$", description="Every version of this one.", examples=["default"]),
    ] = None,
) -> schemas.CheckInTemplatePage:
    """The newest version of each template; with `key`, every version of that one, the newest first."""
    return schemas.CheckInTemplatePage.model_validate({"items": await plan_service.templates(db, access, key)})


@router.get(
    "/check-in-templates/{key}",
    summary="One of them",
    response_model=schemas.CheckInTemplate,
    responses=UNCHANGED | problems(errors.NotFound, errors.InvalidRequest),
)
async def read_check_in_template(
    key: Key,
    request: Request,
    response: Response,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CHECK_IN_TEMPLATES_READ)],
    db: Db,
) -> schemas.CheckInTemplate | Response:
    """Read the newest version of a template."""
    shown = await plan_service.template(db, access, key)
    tag = version_tag(shown["version"])
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return schemas.CheckInTemplate.model_validate(shown)


@router.put(
    "/check-in-templates/{key}",
    summary="Publish a plan for our patients",
    responses=NEW_TEMPLATE | problems(*CHANGES),
)
async def publish_check_in_template(
    key: Key,
    wanted: schemas.CheckInTemplateWrite,
    response: Response,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CHECK_IN_TEMPLATES_PUBLISH)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.CheckInTemplate:
    """Publish the next version of a template. `default` is that of every patient without a plan of their own.

    Whoever follows it is planned anew within minutes; what they can answer by then stays as it is.
    """
    shown, is_new = await plan_service.publish(db, access, key, wanted, if_match)
    response.status_code = 201 if is_new else 200
    stamp(response, version_tag(shown["version"]))
    return schemas.CheckInTemplate.model_validate(shown)


@router.get(
    "/me/time-zone",
    summary="Whose clock my plan follows",
    response_model=schemas.PatientTimeZone,
    responses=UNCHANGED,
)
async def read_my_time_zone(
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, me(Permission.CHECK_IN_PLAN_READ)],
    db: Db,
) -> schemas.PatientTimeZone | Response:
    """The zone of your plan, and every change of it. Ask the patient when the phone is in another one for long."""
    return await _zone_or_nothing_new(request, response, access, db)


@router.put("/me/time-zone", summary="Let my plan follow another clock", responses=problems(*CHANGES))
async def change_my_time_zone(
    wanted: schemas.TimeZoneWrite,
    response: Response,
    access: Annotated[PatientAccess, me(Permission.TIME_ZONE_WRITE)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.PatientTimeZone:
    """Nine in the morning is nine there from now on. What was asked for before keeps the zone of then.

    Never do this because the phone travelled, only because the patient chose it. Nothing is asked twice on one day.
    """
    return _time_zone(response, await time_zones.put(db, access, wanted, if_match))


@router.get(
    "/patients/{patient_id}/time-zone",
    summary="Whose clock a patient's plan follows",
    response_model=schemas.PatientTimeZone,
    responses=UNCHANGED | problems(errors.NotFound),
)
async def read_patient_time_zone(
    patient_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.CHECK_IN_PLAN_READ)],
    db: Db,
) -> schemas.PatientTimeZone | Response:
    """The zone of the patient's plan, and every change of it."""
    return await _zone_or_nothing_new(request, response, access, db)


@router.put(
    "/patients/{patient_id}/time-zone",
    summary="Let a patient's plan follow another clock",
    responses=problems(errors.NotFound, *CHANGES),
)
async def change_patient_time_zone(
    patient_id: UUID,
    wanted: schemas.TimeZoneWrite,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.TIME_ZONE_WRITE)],
    db: Db,
    if_match: IfMatch = None,
) -> schemas.PatientTimeZone:
    """Do it for a patient who asked for it."""
    return _time_zone(response, await time_zones.put(db, access, wanted, if_match))


async def _plan(
    request: Request, response: Response, access: PatientAccess, db: Database
) -> schemas.CheckInPlan | Response:
    shown = await plan_service.read(db, access)
    tag = _plan_tag(shown)
    if unchanged(request, tag):
        return not_modified(tag)
    stamp(response, tag)
    return schemas.CheckInPlan.model_validate(shown)


def _plan_tag(shown: dict[str, Any]) -> str:
    """The version of the plan, by which it is changed, and what of it comes from elsewhere."""
    elsewhere = (shown["template_key"], shown["template_version"], shown["time_zone"], shown["planned_until"])
    return version_tag(shown["version"], int(composed_tag(*elsewhere).strip('"')[:12], 16))


async def _zone_or_nothing_new(
    request: Request, response: Response, access: PatientAccess, db: Database
) -> schemas.PatientTimeZone | Response:
    shown = await time_zones.read(db, access)
    tag = version_tag(shown["version"])
    return not_modified(tag) if unchanged(request, tag) else _time_zone(response, shown)


def _time_zone(response: Response, shown: dict[str, Any]) -> schemas.PatientTimeZone:
    stamp(response, version_tag(shown["version"]))
    return schemas.PatientTimeZone.model_validate(shown)
