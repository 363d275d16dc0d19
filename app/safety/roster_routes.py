"""The on-call roster over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.etags import IfMatch, version_tag
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission
from app.safety import roster_schemas, rosters
from app.safety.errors import CannotBeOnCall

router = APIRouter(prefix="/v1", tags=["safety"], route_class=StrictRoute)

FIRST: dict[int | str, dict[str, Any]] = {
    201: {"model": roster_schemas.OnCallRoster, "description": "It is the clinic's first."}
}


@router.get("/on-call-roster", summary="Who is on call, and when")
async def read_on_call_roster(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.ROSTER_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> roster_schemas.OnCallRoster:
    """Read the clinic's roster, and what it means at this moment. Version 0 is that of a clinic without one.

    Without a roster alerts still go to the care team, and patients are told that nobody is promised.
    """
    standing = await rosters.standing(db, access.clinic)
    return _answer(request, response, standing)


@router.put(
    "/on-call-roster",
    summary="Say who is on call, and when",
    responses=FIRST
    | problems(errors.InvalidRequest, CannotBeOnCall, errors.PreconditionFailed, errors.PreconditionRequired),
)
async def set_on_call_roster(
    roster: roster_schemas.OnCallRosterWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.ROSTER_WRITE)],
    *,
    db: Db,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> roster_schemas.OnCallRoster:
    """Replace the roster as a whole: the clinic's hours, who is on call, who leads it, how they are reached.

    The first needs no `If-Match`, every other does. Earlier versions are kept. Times are those of the clock on the
    clinic's wall, on the nights when clocks change too.
    """
    settings = request.app.state.settings
    standing, is_first = await rosters.put(db, access, roster, if_match, settings)
    response.status_code = 201 if is_first else 200
    return _answer(request, response, standing)


def _answer(request: Request, response: Response, standing: rosters.Standing) -> roster_schemas.OnCallRoster:
    response.headers["ETag"] = version_tag(standing.version)
    response.headers["Cache-Control"] = "no-store"  # what it means at this moment is old in the next
    return rosters.present(standing, request.app.state.settings)
