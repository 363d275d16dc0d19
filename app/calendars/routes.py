"""Calendar feeds over HTTP: one's own address, and the feed itself, which needs no sign-in."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from app.calendars import files, schemas, service
from app.core import etags
from app.core.db import Db
from app.core.drawing import Drawn
from app.core.errors import NotFound, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.fields import zone
from app.core.guards import public
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, PatientAccess, allow_in_clinic, me
from app.identity.permissions import Permission

router = APIRouter(tags=["appointments"], route_class=StrictRoute)

CHANGE = problems(PreconditionFailed, PreconditionRequired)
FEED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The feed.", "content": {files.MEDIA_TYPE: {"schema": {"type": "string"}}}},
    304: {"description": "Unchanged."},
    **problems(NotFound),
}


@router.get("/v1/me/calendar", summary="Read the address of my calendar feed")
async def read_my_calendar(
    access: Annotated[PatientAccess, me(Permission.CALENDAR_READ)], db: Db, request: Request, response: Response
) -> schemas.Calendar:
    """Read the secret address under which a calendar program finds your appointments and dosing sessions.

    Ask only when somebody wants to subscribe, and keep it nowhere else: whoever has it needs no sign-in. Events are
    called "Appointment" unless you choose `plain`.
    """
    return _answer(response, await service.read(db, access, request.app.state.settings))


@router.put("/v1/me/calendar", summary="Set my calendar feed up", responses=CHANGE)
async def set_my_calendar(
    wanted: schemas.CalendarWrite,
    access: Annotated[PatientAccess, me(Permission.CALENDAR_WRITE)],
    db: Db,
    request: Request,
    response: Response,
    *,
    if_match: IfMatch = None,
) -> schemas.Calendar:
    """Choose what the feed says of an appointment, and whether it answers at all. The address stays the same."""
    return _answer(response, await service.put(db, access, wanted, if_match, request.app.state.settings))


@router.delete("/v1/me/calendar", summary="Revoke the address of my calendar feed", status_code=204)
async def revoke_my_calendar(access: Annotated[PatientAccess, me(Permission.CALENDAR_WRITE)], db: Db) -> None:
    """Give the address up for good, for instance after it was shown to somebody. `GET` tells the new one."""
    await service.revoke(db, access)


@router.get("/v1/calendar", summary="Read the address of my calendar feed (staff)")
async def read_staff_calendar(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CALENDAR_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.Calendar:
    """Read the secret address under which a calendar program finds what you take part in.

    It never names a patient. A group that meets is one event; dosing sessions stand in it once they are yours.
    """
    return _answer(response, await service.read(db, access, request.app.state.settings))


@router.put("/v1/calendar", summary="Set my calendar feed up (staff)", responses=CHANGE)
async def set_staff_calendar(
    wanted: schemas.CalendarWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CALENDAR_WRITE)],
    db: Db,
    request: Request,
    response: Response,
    *,
    if_match: IfMatch = None,
) -> schemas.Calendar:
    """Choose what the feed says of an appointment, and whether it answers at all. The address stays the same."""
    return _answer(response, await service.put(db, access, wanted, if_match, request.app.state.settings))


@router.delete("/v1/calendar", summary="Revoke the address of my calendar feed (staff)", status_code=204)
async def revoke_staff_calendar(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CALENDAR_WRITE)], db: Db
) -> None:
    """Give the address up for good, for instance after it was shown to somebody. `GET` tells the new one."""
    await service.revoke(db, access)


@router.get("/calendars/{token}.ics", summary="Read a calendar feed", response_class=Response, responses=FEED)
async def read_calendar_feed(
    token: Annotated[str, Path(description="The secret part of the address.")],
    _: Annotated[None, public()],
    db: Db,
    request: Request,
) -> Response:
    """The feed itself, for calendar programs: no sign-in, the address is the secret.

    The last month, and as far ahead as the clinic books series. Times are on the clock of the clinic; what was
    cancelled stays in it as cancelled. An address that was revoked is answered like one that never was: 404.
    """
    feed = await service.subscribed(db, token)
    if etags.unchanged(request, feed.tag):
        return etags.not_modified(feed.tag)
    response = Drawn(lambda: files.write(feed.name, zone(feed.time_zone), feed.entries), files.MEDIA_TYPE)
    etags.stamp(response, feed.tag)
    return response


def _answer(response: Response, calendar: schemas.Calendar) -> schemas.Calendar:
    """With its version, and to be kept by nobody on the way: the address is a secret."""
    response.headers["ETag"] = etags.version_tag(calendar.version)
    response.headers["Cache-Control"] = "no-store"
    return calendar
