"""Groups over HTTP, for staff. Patients see their own appointments, and nothing of the group."""

import zlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.appointments.series_errors import InstancesClash
from app.bookings.errors import DoubleBooked
from app.core import clock, days, etags
from app.core.db import Db
from app.core.errors import NotFound, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.fields import Moment
from app.core.moves import IllegalMove
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.groups import members, schemas, service, sessions, views
from app.groups.errors import MembersClash, PlacesTaken
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["appointments"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
STEP = problems(NotFound, IllegalMove, PreconditionFailed, PreconditionRequired)
PLANNED: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.Group, "description": "It was set up like this already, or was changed."},
    **problems(IllegalMove, InstancesClash, DoubleBooked, PlacesTaken, PreconditionFailed, PreconditionRequired),
}
JOINED: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.GroupMember, "description": "The patient belongs to it already."},
    **problems(NotFound, IllegalMove, InstancesClash),
}
MOVED = STEP | problems(IllegalMove, DoubleBooked, MembersClash, PlacesTaken)
Since = Annotated[Moment | None, Query(alias="from", description="Those planned at this moment or later.")]
Until = Annotated[Moment | None, Query(alias="to", description="Those planned before this moment.")]


@router.put("/groups/{group_id}", summary="Set up a group, or change it", status_code=201, responses=PLANNED)
async def plan_group(
    group_id: UUID,
    plan: schemas.GroupWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Group:
    """Set up a group that meets once or by a rule, under an id that you make (UUIDv7). Its staff and room are held.

    Sending the same again answers 200 and changes nothing. A change needs `If-Match` and reaches the meetings that have
    not begun; the appointments of the members follow within a minute.
    """
    group, is_new = await service.plan(db, access, group_id, plan, if_match)
    response.status_code = 201 if is_new else 200
    return _stamped(response, await views.whole(db, group))


@router.get("/groups", summary="List the clinic's groups", responses=problems(CursorInvalid))
async def list_groups(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_READ)], page: Paging, db: Db
) -> schemas.GroupPage:
    """List the groups by their names, also those that ended."""
    return await views.groups(db, access, page)


@router.get(
    "/groups/{group_id}",
    summary="Read a group with its meetings",
    response_model=schemas.Group,
    responses=UNCHANGED | problems(NotFound),
)
async def read_group(
    group_id: UUID,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.Group | Response:
    """Read a group, its meetings, and how many places are taken in each. It says nothing of who has them."""
    group = await views.whole(db, await service.read(db, access, group_id))
    tag = _tag(group)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    return _stamped(response, group)


@router.post("/groups/{group_id}/cancellation", summary="End a group", responses=STEP)
async def end_group(
    group_id: UUID,
    cancellation: schemas.GroupCancellationWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Group:
    """End a group with a day, or now. The meetings after it are called off, and its members' appointments with them."""
    group = await service.end(db, access, group_id, cancellation, if_match)
    return _stamped(response, await views.whole(db, group))


@router.get("/groups/{group_id}/members", summary="List the members of a group", responses=problems(NotFound))
async def list_group_members(
    group_id: UUID, access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUP_MEMBERS_READ)], db: Db
) -> schemas.GroupMemberList:
    """List the members whom you look after, with their places in the meetings to come; the others are counted."""
    return await members.members_of(db, access, group_id)


@router.put(
    "/groups/{group_id}/members/{patient_id}",
    summary="Take a patient into a group",
    status_code=201,
    responses=JOINED,
)
async def join_group(
    group_id: UUID,
    patient_id: UUID,
    how: schemas.GroupMemberWrite,
    access: Annotated[PatientAccess, allow(Permission.GROUP_MEMBERS_WRITE)],
    db: Db,
    response: Response,
) -> schemas.GroupMember:
    """Give a patient an appointment in every meeting to come: with a place, or in the waiting list of a full one.

    A place that comes free goes to who joined first and can come, within a minute. Nobody in the group learns of it.
    """
    member, is_new = await members.join(db, access, group_id, how)
    response.status_code = 201 if is_new else 200
    return member


@router.delete(
    "/groups/{group_id}/members/{patient_id}",
    summary="Let a patient leave a group",
    status_code=204,
    responses=problems(NotFound),
)
async def leave_group(
    group_id: UUID,
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.GROUP_MEMBERS_WRITE)],
    db: Db,
) -> None:
    """Cancel a patient's appointments in the meetings to come. Their places go to those who wait."""
    await members.leave(db, access, group_id)


@router.get("/patients/{patient_id}/groups", summary="List a patient's groups")
async def list_patient_groups(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.GROUP_MEMBERS_READ)], db: Db
) -> schemas.PatientGroupList:
    """List the groups that a patient belongs or belonged to, those joined last first."""
    return await members.groups_of(db, access)


@router.get("/group-sessions", summary="List the meetings of a day", responses=problems(CursorInvalid))
async def list_group_sessions(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_READ)],
    page: Paging,
    db: Db,
    since: Since = None,
    until: Until = None,
) -> schemas.GroupSessionPage:
    """List the meetings of the clinic's groups; without `from` and `to` today's, by the clock of the clinic."""
    first, last = days.span(since, until, access.clinic.time_zone, now=clock.now())
    return await views.meetings(db, access, first, last, page)


@router.get(
    "/group-sessions/{session_id}",
    summary="Read a meeting of a group",
    response_model=schemas.GroupSession,
    responses=UNCHANGED | problems(NotFound),
)
async def read_group_session(
    session_id: UUID,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.GroupSession | Response:
    """Read one meeting, and how many places are taken in it."""
    found = await sessions.shown(db, await sessions.read(db, access, session_id))
    tag = etags.version_tag(found.version, found.taken)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    return _stamped_session(response, found)


@router.put(
    "/group-sessions/{session_id}",
    summary="Move a meeting of a group",
    responses=MOVED,
)
async def move_group_session(
    session_id: UUID,
    plan: schemas.GroupSessionWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.GroupSession:
    """Plan one meeting at another time, elsewhere, or with more places. It needs `If-Match`.

    The appointments of its members follow within a minute. Who has something else then is counted and never named; it
    is refused, or with `"clashes": "leave_out"` they lose their place in this meeting.
    """
    moved = await sessions.move(db, access, session_id, plan, if_match)
    return _stamped_session(response, await sessions.shown(db, moved))


@router.post("/group-sessions/{session_id}/cancellation", summary="Call off a meeting of a group", responses=STEP)
async def cancel_group_session(
    session_id: UUID,
    cancellation: schemas.GroupSessionCancellationWrite,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.GROUPS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.GroupSession:
    """Call one meeting off. The appointments of its members are cancelled within a minute."""
    called_off = await sessions.cancel(db, access, session_id, cancellation, if_match)
    return _stamped_session(response, await sessions.shown(db, called_off))


def _stamped(response: Response, group: schemas.Group) -> schemas.Group:
    etags.stamp(response, _tag(group))
    return group


def _tag(group: schemas.Group) -> str:
    """The version of the plan, and what became of its meetings since: their changes, and the places taken."""
    state = ",".join(f"{session.version}.{session.taken}" for session in group.sessions)
    return etags.version_tag(group.version, zlib.crc32(state.encode()))


def _stamped_session(response: Response, found: schemas.GroupSession) -> schemas.GroupSession:
    etags.stamp(response, etags.version_tag(found.version, found.taken))
    return found
