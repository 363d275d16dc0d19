"""Adverse events over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.adverse_events import models, schemas, service
from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.dosing.models import DosingSession
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission
from app.timeline.errors import IdTaken

router = APIRouter(prefix="/v1", tags=["adverse-events"], route_class=StrictRoute)

PUT: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.AdverseEvent, "description": "It says this already, or was corrected."},
    **problems(errors.NotFound, errors.InvalidRequest, errors.PreconditionFailed, errors.PreconditionRequired, IdTaken),
}
PAGE = problems(errors.NotFound, CursorInvalid, errors.InvalidRequest)


@router.put(
    "/patients/{patient_id}/adverse-events/{adverse_event_id}",
    summary="Write an adverse event down, or correct it",
    status_code=201,
    responses=PUT,
)
async def record_adverse_event(
    patient_id: UUID,
    adverse_event_id: UUID,
    said: schemas.AdverseEventWrite,
    access: Annotated[PatientAccess, allow(Permission.ADVERSE_EVENTS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.AdverseEvent:
    """Write down what happened, under an id that you make (UUIDv7).

    How severe it was (`grade`) and whether it is `serious` in the regulatory sense are two things. Sending the same
    again answers 200 and changes nothing; something else corrects it, needs `If-Match`, and keeps the version before.
    A severe or serious event raises an alert. `reporting` says by when somebody has to be told; we tell nobody for you.
    """
    stored, is_new = await service.put(db, access, adverse_event_id, said, if_match)
    response.status_code = 201 if is_new else 200
    etags.stamp(response, etags.version_tag(stored["version"]))
    return schemas.AdverseEvent.model_validate(stored)


@router.get(
    "/adverse-events/{adverse_event_id}",
    summary="Read an adverse event with its earlier versions",
    responses=problems(errors.NotFound),
)
async def read_adverse_event(
    adverse_event_id: UUID,
    access: Annotated[
        PatientAccess, allow(Permission.ADVERSE_EVENTS_READ, of=models.AdverseEvent, named="adverse_event_id")
    ],
    response: Response,
    db: Db,
) -> schemas.AdverseEventRecord:
    """Read what was said of it, now and before; and by when it has to be reported, which depends on the day."""
    found = await service.read(db, access, adverse_event_id)
    etags.stamp(response, etags.version_tag(found["version"]))
    return schemas.AdverseEventRecord.model_validate(found)


@router.get("/patients/{patient_id}/adverse-events", summary="List a patient's adverse events", responses=PAGE)
async def list_patient_adverse_events(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.ADVERSE_EVENTS_READ)],
    page: Paging,
    db: Db,
) -> schemas.AdverseEventPage:
    """List what happened to a patient, the latest onset first."""
    rows, cursor = await service.of_patient(db, access, page)
    return schemas.AdverseEventPage.model_validate({"items": rows, "next_cursor": cursor})


@router.get(
    "/dosing-sessions/{session_id}/adverse-events", summary="List the adverse events of a session", responses=PAGE
)
async def list_session_adverse_events(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.ADVERSE_EVENTS_READ, of=DosingSession, named="session_id")],
    page: Paging,
    db: Db,
) -> schemas.AdverseEventPage:
    """List what happened in, or because of, one session, the latest onset first."""
    rows, cursor = await service.of_session(db, access, session_id, page)
    return schemas.AdverseEventPage.model_validate({"items": rows, "next_cursor": cursor})
