"""What a patient sees of all this: the card, what to expect, how to ask for help, and what became of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.core import clock
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import unchanged
from app.core.guards import public
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, me
from app.identity.permissions import Permission
from app.safety import crisis, help_requests, queries, rosters, schemas, service

router = APIRouter(prefix="/v1", tags=["safety"], route_class=StrictRoute)

KEEP = "public, max-age=86400, stale-while-revalidate=604800, stale-if-error=31536000"
"""A day without asking; when the network or we are away, a year."""
CARD: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
REPEATED: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.HelpRequest, "description": "The request of this id came before; nobody is told twice."}
}


@router.get(
    "/crisis-resources",
    summary="Whom to call now",
    response_model=schemas.CrisisCard,
    responses=CARD,
)
async def read_crisis_resources(
    _: Annotated[None, public()],
    request: Request,
    response: Response,
    country: Annotated[
        str | None,
        Query(max_length=100, description="ISO 3166-1 alpha-2, such as US. Of others the card says what it can."),
    ] = None,
    language: Annotated[
        str | None, Query(max_length=100, description="Language of the words, such as de; English otherwise.")
    ] = None,
) -> schemas.CrisisCard | Response:
    """The crisis card of a country. No sign-in, no database: keep it on the phone for when there is no network.

    Numbers that are not `confirmed` have to be confirmed by whoever shows them.
    """
    shown = crisis.card(request.app.state.settings, country, language)
    headers = {"ETag": crisis.tag_of(shown), "Cache-Control": KEEP}
    if unchanged(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return schemas.CrisisCard.model_validate(shown)


@router.get("/me/safety-notice", summary="What to expect before you answer")
async def read_my_safety_notice(
    access: Annotated[PatientAccess, me(Permission.SAFETY_NOTICE_READ)], request: Request, db: Db
) -> schemas.SafetyPromise:
    """Read whether anybody would see a dangerous answer now. An app shows this before it asks.

    Nobody watches answers as they come. Where the clinic promises nothing outside its hours, this says so and since
    when it is staffed again.
    """
    standing = await rosters.standing(db, access.clinic)
    shown = crisis.promise(request.app.state.settings, access.clinic, standing, clock.now())
    return schemas.SafetyPromise.model_validate(shown)


@router.post(
    "/me/help-requests",
    status_code=201,
    summary="Ask for help now",
    response_model=schemas.HelpRequest,
    responses=REPEATED,
)
async def request_help(
    access: Annotated[PatientAccess, me(Permission.HELP_REQUEST)],
    request: Request,
    response: Response,
    *,
    db: Db,
    wanted: schemas.HelpRequestWrite | None = None,
) -> schemas.HelpRequest:
    """Tell the clinic that you need help, and get the crisis card back, whatever you agreed to or withdrew.

    The body may be left out. Sent again with the same `id` it answers 200 and tells nobody twice.
    """
    answer, is_new = await help_requests.ask(
        db, request.app.state.settings, access, wanted or schemas.HelpRequestWrite()
    )
    response.status_code = 201 if is_new else 200
    return schemas.HelpRequest.model_validate(answer)


@router.get("/me/alerts", summary="What my team was asked to look at", responses=problems(CursorInvalid))
async def list_my_alerts(
    access: Annotated[PatientAccess, me(Permission.ALERTS_READ)], page: Paging, db: Db
) -> schemas.MyAlertPage:
    """List what your answers brought to your team, the newest first, and whether somebody has seen it."""
    rows, next_cursor = await queries.of_patient(db, access, page)
    return schemas.MyAlertPage(items=[service.own(alert) for alert in rows], next_cursor=next_cursor)
