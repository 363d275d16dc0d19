"""Rooms, working hours and free times over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.bookings import availability, hours, rooms, schemas
from app.bookings.availability import FURTHEST, Wanted
from app.core import etags
from app.core.db import Db
from app.core.errors import InvalidRequest, NotFound, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.fields import Moment
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["appointments"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
NEW_ROOM: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.Room, "description": "It was like this already, or was changed."},
    **problems(InvalidRequest, PreconditionFailed, PreconditionRequired),
}
FIRST_HOURS: dict[int | str, dict[str, Any]] = {
    201: {"model": schemas.WorkingHours, "description": "Said for the first time."},
    **problems(InvalidRequest, NotFound, PreconditionFailed, PreconditionRequired),
}


@router.get("/rooms", summary="List the clinic's rooms", responses=problems(CursorInvalid))
async def list_rooms(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.ROOMS_READ)], page: Paging, db: Db
) -> schemas.RoomPage:
    """List the rooms by name, also those that cannot be booked any more."""
    return await rooms.list_of(db, access, page)


@router.get(
    "/rooms/{room_id}",
    summary="Read a room",
    response_model=schemas.Room,
    responses=UNCHANGED | problems(NotFound),
)
async def read_room(
    room_id: UUID,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.ROOMS_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.Room | Response:
    """Read one room."""
    room = await rooms.read(db, access.clinic.id, room_id)
    tag = etags.version_tag(room.version)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return schemas.Room.model_validate(room)


@router.put("/rooms/{room_id}", summary="Add a room, or change it", status_code=201, responses=NEW_ROOM)
async def put_room(
    room_id: UUID,
    room: schemas.RoomWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.ROOMS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Room:
    """Add a room under an id that you make (UUIDv7). Changing it needs `If-Match`; the same again answers 200.

    A room that is `retired` cannot be booked any more, and comes back when it is not. What is booked there stays.
    """
    stored, is_new = await rooms.put(db, access, room_id, room, if_match)
    response.status_code = 201 if is_new else 200
    etags.stamp(response, etags.version_tag(stored.version))
    return schemas.Room.model_validate(stored)


@router.get(
    "/staff/{staff_id}/working-hours",
    summary="When can somebody be booked?",
    responses=problems(NotFound),
)
async def read_working_hours(
    staff_id: UUID,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.WORKING_HOURS_READ)],
    db: Db,
    response: Response,
) -> schemas.WorkingHours:
    """Read the hours of a member of staff; the clinic's usual ones, in version 0, while nobody said otherwise."""
    found = await hours.read(db, access, staff_id)
    response.headers["ETag"] = etags.version_tag(found.version)
    response.headers["Cache-Control"] = "no-store"  # the usual hours change without a version of these
    return found


@router.put("/staff/{staff_id}/working-hours", summary="Say when somebody can be booked", responses=FIRST_HOURS)
async def put_working_hours(
    staff_id: UUID,
    wanted: schemas.WorkingHoursWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.WORKING_HOURS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.WorkingHours:
    """Replace the hours of a member of staff. The first time needs no `If-Match`, every other does.

    Free times are looked for within them; nothing that is booked already changes, and booking outside of them is not
    refused. They are those of the clock on the clinic's wall, on the nights when clocks change too.
    """
    found, is_first = await hours.put(db, access, staff_id, wanted, if_match)
    response.status_code = 201 if is_first else 200
    response.headers["ETag"] = etags.version_tag(found.version)
    response.headers["Cache-Control"] = "no-store"
    return found


@router.get(
    "/availability",
    summary="Find times at which everybody is free",
    responses=problems(CursorInvalid, InvalidRequest),
)
async def find_free_times(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.AVAILABILITY_READ)],
    page: Paging,
    db: Db,
    staff_ids: Annotated[
        list[UUID] | None,
        Query(alias="staff_id", max_length=10, description="Members of staff; repeat it for more. All must be free."),
    ] = None,
    room_id: Annotated[UUID | None, Query(description="A room that must be free.")] = None,
    patient_id: Annotated[UUID | None, Query(description="A patient who must be free, whom you look after.")] = None,
    minutes: Annotated[
        int | None, Query(ge=5, le=24 * 60, description="How long, in minutes; otherwise the clinic's usual length.")
    ] = None,
    since: Annotated[
        Moment | None, Query(alias="from", description="Not before this moment; never a past one.")
    ] = None,
    until: Annotated[
        Moment | None,
        Query(
            alias="to",
            description=f"Over by this moment; 14 days after `from` if left out, at most {FURTHEST.days} after it.",
        ),
    ] = None,
    in_place_of: Annotated[
        UUID | None,
        Query(
            description="An appointment, or a meeting of a group, that is to be moved: what it holds counts as free."
        ),
    ] = None,
) -> schemas.FreeTimePage:
    """Find times at which all who and what you name are free together, within working hours, in steps.

    Without a member of staff the clinic's usual hours count. Days on which the clinic is closed are left out. Times are
    in steps of the clinic's wall clock; on the night when an hour comes twice, `starts_at` tells the two apart.
    """
    wanted = Wanted(
        staff_ids=tuple(dict.fromkeys(staff_ids or ())),
        room_id=room_id,
        patient_id=patient_id,
        minutes=minutes,
        since=since,
        until=until,
        in_place_of=in_place_of,
    )
    return await availability.search(db, access, wanted, page)
