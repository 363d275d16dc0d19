"""Therapy after a dose, and the summary of a session, over HTTP. Both change as time goes by."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core import clock
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import stamp
from app.core.fields import Moment
from app.core.pagination import CursorInvalid, Paging
from app.dosing.errors import NoDose
from app.dosing.models import DosingSession
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.identity.revalidation import LiveRoute, live_tag_of
from app.integration import schemas, service

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=LiveRoute)

OF_SESSION: Final[dict[str, Any]] = {"of": DosingSession, "named": "session_id"}
UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "Unchanged."}}
LISTED: Final = UNCHANGED | problems(CursorInvalid)
Since = Annotated[Moment | None, Query(alias="from", description="Doses that began at this moment or later.")]
Until = Annotated[Moment | None, Query(alias="to", description="Doses that began before this moment.")]


@router.get(
    "/dosing-sessions/{session_id}/integration-window",
    summary="Which therapy followed a dose",
    response_model=schemas.IntegrationWindow,
    responses=UNCHANGED | problems(NoDose),
)
async def read_integration_window(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.INTEGRATION_READ, **OF_SESSION)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.IntegrationWindow:
    """Read which therapy the patient was offered after a dose and took part in, by hours since its begin."""
    stamp(response, live_tag_of(request, access))
    return await service.of_session(db, access, session_id, clock.now())


@router.get(
    "/dosing-sessions/{session_id}/summary",
    summary="A session on one page",
    response_model=schemas.SessionSummary,
    responses=UNCHANGED,
)
async def read_session_summary(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.INTEGRATION_READ, **OF_SESSION)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.SessionSummary:
    """Read what was given, what came of the check-ins around it, how many alerts there were, what therapy followed."""
    stamp(response, live_tag_of(request, access))
    return await service.summary(db, access, session_id, clock.now())


@router.get(
    "/patients/{patient_id}/integration-windows",
    summary="Which therapy followed each dose of a patient",
    response_model=schemas.IntegrationWindowPage,
    responses=LISTED,
)
async def list_patient_integration_windows(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.INTEGRATION_READ)],
    page: Paging,
    db: Db,
    request: Request,
    response: Response,
    since: Since = None,
    until: Until = None,
) -> schemas.IntegrationWindowPage:
    """List a patient's doses with the therapy that followed each of them, the newest dose first."""
    stamp(response, live_tag_of(request, access))
    return await service.of_patient(db, access, since, until, page, now=clock.now())


@router.get(
    "/me/integration-windows",
    summary="Which therapy followed each of my doses",
    response_model=schemas.IntegrationWindowPage,
    responses=LISTED,
)
async def list_my_integration_windows(
    access: Annotated[PatientAccess, me(Permission.INTEGRATION_READ)],
    page: Paging,
    db: Db,
    request: Request,
    response: Response,
    since: Since = None,
    until: Until = None,
) -> schemas.IntegrationWindowPage:
    """List your own doses with the therapy that followed each of them, the newest dose first."""
    stamp(response, live_tag_of(request, access))
    return await service.of_patient(db, access, since, until, page, now=clock.now())
