"""Dosing sessions over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core import clock, days, etags
from app.core.db import Db
from app.core.errors import InvalidRequest, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.fields import Moment
from app.core.moves import IllegalMove
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.dosing import answers, clearances, dose_records, models, queries, schemas, service
from app.identity import reads
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic, me
from app.identity.permissions import Permission
from app.timeline.errors import IdTaken

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
STEP = problems(IllegalMove, PreconditionFailed, PreconditionRequired)
STEP_WITH_REASON = STEP | problems(InvalidRequest)
PLANNED: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.DosingSession, "description": "It was planned like this already, or was moved."},
    **problems(IdTaken, IllegalMove, PreconditionFailed, PreconditionRequired),
}
Since = Annotated[Moment | None, Query(alias="from", description="Sessions planned at this moment or later.")]
Until = Annotated[Moment | None, Query(alias="to", description="Sessions planned before this moment.")]
OF_SESSION: dict[str, Any] = {"of": models.DosingSession, "named": "session_id"}


@router.get(
    "/dosing-sessions",
    summary="List the clinic's sessions of a day",
    response_model=schemas.DosingSessionPage,
    responses=problems(CursorInvalid),
)
async def list_dosing_sessions(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.DOSING_READ)],
    page: Paging,
    db: Db,
    since: Since = None,
    until: Until = None,
) -> Response:
    """List the sessions of the patients whom you look after, in the order of their planned begin.

    Without `from` and `to` these are today's, by the clock of the clinic.
    """
    first, last = days.span(since, until, access.clinic.time_zone, now=clock.now())
    rows, next_cursor = await reads.of_clinic(db, lambda db: queries.of_clinic(db, access, first, last, page))
    return Response(answers.of_clinic(rows, next_cursor), media_type="application/json")


@router.put(
    "/patients/{patient_id}/dosing-sessions/{session_id}",
    summary="Schedule a session, or move it",
    status_code=201,
    responses=PLANNED,
)
async def schedule_dosing_session(
    patient_id: UUID,
    session_id: UUID,
    plan: schemas.DosingSessionWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_SCHEDULE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Plan a supervised session under an id that you make (UUIDv7).

    Sending the same plan again answers 200 and changes nothing. Another plan moves the session: that needs `If-Match`,
    and can only be done while it is `scheduled`. Check-ins around it are linked anew in the same moment.
    """
    session, is_new = await service.schedule(db, access, session_id, plan, if_match)
    response.status_code = 201 if is_new else 200
    return _answer(response, session)


@router.get(
    "/dosing-sessions/{session_id}",
    summary="Read a session with its steps",
    response_model=schemas.DosingSessionRecord,
    responses=UNCHANGED,
)
async def read_dosing_session(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.DOSING_READ, **OF_SESSION)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.DosingSessionRecord | Response:
    """Read how far a session has come, what can be done with it now, and every step that it took."""
    session = await service.read(db, access, session_id)
    tag = etags.version_tag(session.version)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    steps = await service.steps_of(db, session)
    etags.stamp(response, tag)
    plain = schemas.DosingSession.model_validate(session).model_dump(exclude={"open_moves"})
    more = {
        "clearance": await clearances.newest_in_brief(db, access, session),
        "dose": await dose_records.brief(db, session),
    }
    return schemas.DosingSessionRecord.model_validate(plain | more | {"steps": steps})


@router.post("/dosing-sessions/{session_id}/arrival", summary="Record that the patient is here", responses=STEP)
async def record_dosing_arrival(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.DOSING_ARRIVE, **OF_SESSION)],
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record that the patient has come for the session: `scheduled` becomes `checked_in`."""
    return _answer(response, await service.arrive(db, access, session_id, if_match))


@router.post("/dosing-sessions/{session_id}/closure", summary="Close a session's record", responses=STEP)
async def close_dosing_session(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.DOSING_CLOSE, **OF_SESSION)],
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record that everything about the session is written down: `monitoring` becomes `closed`."""
    return _answer(response, await service.close(db, access, session_id, if_match))


@router.post("/dosing-sessions/{session_id}/cancellation", summary="Cancel a session", responses=STEP_WITH_REASON)
async def cancel_dosing_session(
    session_id: UUID,
    cancellation: schemas.DosingSessionCancellationWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_CANCEL, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record that the session will not take place, and why. Possible until the dose begins.

    With `no_show` it says that nobody came: from the planned begin on, and only while nobody arrived. Somebody is told.
    """
    return _answer(response, await service.cancel(db, access, session_id, cancellation, if_match))


@router.get(
    "/me/dosing-sessions",
    summary="List my sessions",
    response_model=schemas.OwnDosingSessionPage,
    responses=problems(CursorInvalid),
)
async def list_my_dosing_sessions(
    access: Annotated[PatientAccess, me(Permission.DOSING_READ)],
    page: Paging,
    db: Db,
    since: Since = None,
    until: Until = None,
) -> Response:
    """List your own sessions in the order of their planned begin, all of them or those between `from` and `to`."""
    rows, next_cursor = await reads.of_patient(
        db, access.patient, lambda db: queries.of_patient(db, access, since, until, page)
    )
    return Response(answers.of_patient(rows, next_cursor), media_type="application/json")


@router.get(
    "/me/dosing-sessions/{session_id}",
    summary="Read one of my sessions",
    response_model=schemas.OwnDosingSession,
    responses=UNCHANGED,
)
async def read_my_dosing_session(
    session_id: UUID,
    access: Annotated[PatientAccess, me(Permission.DOSING_READ)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.OwnDosingSession | Response:
    """Read one of your own sessions. The app shows it; it cannot move it."""
    session = await service.read(db, access, session_id)
    tag = etags.version_tag(session.version)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return schemas.OwnDosingSession.model_validate(session)


def _answer(response: Response, session: models.DosingSession) -> schemas.DosingSession:
    etags.stamp(response, etags.version_tag(session.version))
    return schemas.DosingSession.model_validate(session)
