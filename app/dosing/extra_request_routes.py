"""Requests for a session beside the plan, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.core.db import Db
from app.core.errors import InvalidRequest, NotFound, problems
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.dosing import extra_requests
from app.dosing.extra_request_schemas import ExtraSessionRequest, ExtraSessionRequestPage, ExtraSessionRequestWrite
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission
from app.timeline.errors import IdTaken

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=StrictRoute)

RECORDED: dict[int | str, dict[str, Any]] = {
    200: {"model": ExtraSessionRequest, "description": "It was written down already."},
    **problems(IdTaken, NotFound, InvalidRequest),
}


@router.post(
    "/patients/{patient_id}/extra-session-requests",
    summary="Write down that a patient asked for a session beside the plan",
    status_code=201,
    responses=RECORDED,
)
async def record_extra_session_request(
    patient_id: UUID,
    asked: ExtraSessionRequestWrite,
    access: Annotated[PatientAccess, allow(Permission.EXTRA_SESSIONS_WRITE)],
    db: Db,
    response: Response,
) -> ExtraSessionRequest:
    """Write down that a patient asked for a session sooner than planned, or for one more. It books nothing.

    More often than the clinic's figures say within some days (TOX-2) is a sign that the prescriber is told of.
    """
    request, is_new = await extra_requests.record(db, access, asked)
    response.status_code = 201 if is_new else 200
    return ExtraSessionRequest.model_validate(request)


@router.get(
    "/patients/{patient_id}/extra-session-requests",
    summary="List when a patient asked for a session beside the plan",
    responses=problems(CursorInvalid, NotFound),
)
async def list_extra_session_requests(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.EXTRA_SESSIONS_READ)],
    page: Paging,
    db: Db,
) -> ExtraSessionRequestPage:
    """List a patient's requests for a session beside the plan, the newest first."""
    rows, next_cursor = await extra_requests.listed(db, access, page)
    return ExtraSessionRequestPage.model_validate({"items": rows, "next_cursor": next_cursor})
