"""Practice over HTTP: what a patient logs, and what the care team reads of it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.care_plans import practice
from app.care_plans import practice_schemas as schemas
from app.consents.errors import ConsentWithdrawn
from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch
from app.core.fields import Day, Moment
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["care-plan"], route_class=StrictRoute)

PUT: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.OwnPracticeLog, "description": "It was here already, or this corrected it."},
    **problems(ConsentWithdrawn, errors.InvalidRequest, errors.PreconditionFailed, errors.PreconditionRequired),
}
PAGE = problems(CursorInvalid, errors.InvalidRequest)
ADHERENCE = problems(errors.InvalidRequest)
Since = Annotated[Moment | None, Query(alias="from", description="Those done at this moment or later.")]
Until = Annotated[Moment | None, Query(alias="to", description="Those done before this moment.")]
FirstDay = Annotated[
    Day | None, Query(alias="from", description="First day, by the patient's clock; four weeks before the last.")
]
LastDay = Annotated[Day | None, Query(alias="to", description="Last day, by the patient's clock; today.")]


@router.put("/me/practice-logs/{log_id}", status_code=201, summary="Log that I practised", responses=PUT)
async def log_practice(
    log_id: UUID,
    said: schemas.PracticeLogWrite,
    access: Annotated[PatientAccess, me(Permission.PRACTICE_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.OwnPracticeLog:
    """Keep a log under the id that the phone made for it (UUIDv7).

    Sending the same again is safe and answers 200; something else corrects it and needs `If-Match`. A log may belong
    to an assignment of any version of your care plan, or to none. Your care team reads it, but not a private note.
    """
    log, is_new = await practice.put(db, access, log_id, said, if_match)
    response.status_code = 201 if is_new else 200
    etags.stamp(response, etags.version_tag(log.version))
    return practice.own(log)


@router.get("/me/practice-logs", summary="What I practised", responses=PAGE)
async def list_my_practice_logs(
    access: Annotated[PatientAccess, me(Permission.PRACTICE_READ)],
    page: Paging,
    db: Db,
    since: Since = None,
    until: Until = None,
) -> schemas.OwnPracticeLogPage:
    """List your own logs, the last done first, all of them or those between `from` and `to`."""
    rows, cursor = await practice.listed(db, access.patient, page, since, until)
    return schemas.OwnPracticeLogPage(items=[practice.own(row) for row in rows], next_cursor=cursor)


@router.get("/me/practice-adherence", summary="How much I practised of what was assigned", responses=ADHERENCE)
async def read_my_practice_adherence(
    access: Annotated[PatientAccess, me(Permission.PRACTICE_READ)],
    db: Db,
    since: FirstDay = None,
    until: LastDay = None,
) -> schemas.PracticeAdherence:
    """Count what you did of what was assigned, in numbers."""
    return await practice.adherence(db, access.patient, since, until)


@router.get("/patients/{patient_id}/practice-logs", summary="What a patient practised", responses=PAGE)
async def list_patient_practice_logs(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.PRACTICE_READ)],
    page: Paging,
    *,
    db: Db,
    since: Since = None,
    until: Until = None,
) -> schemas.PracticeLogPage:
    """List a patient's logs, the last done first. A note that the patient keeps private looks like none."""
    rows, cursor = await practice.listed(db, access.patient, page, since, until)
    return schemas.PracticeLogPage(items=[practice.shared(row) for row in rows], next_cursor=cursor)


@router.get(
    "/patients/{patient_id}/practice-adherence",
    summary="How much a patient practised of what was assigned",
    responses=ADHERENCE,
)
async def read_patient_practice_adherence(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.PRACTICE_READ)],
    db: Db,
    since: FirstDay = None,
    until: LastDay = None,
) -> schemas.PracticeAdherence:
    """Count what was done of what was assigned, for each assignment, in windows that are over. No share of nothing."""
    return await practice.adherence(db, access.patient, since, until)
