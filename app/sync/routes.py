"""Keeping a phone in step, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.pagination import CursorExpired, CursorInvalid
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, me
from app.identity.permissions import Permission
from app.sync import bootstrap, schemas, service

router = APIRouter(prefix="/v1", tags=["sync"], route_class=StrictRoute)


@router.get(
    "/me/changes",
    summary="What changed since I last asked",
    response_model=schemas.ChangePage,
    responses=schemas.ANSWERED | problems(CursorInvalid, CursorExpired, errors.InvalidRequest),
)
async def list_my_changes(
    access: Annotated[PatientAccess, me(Permission.CHANGES_READ)],
    request: Request,
    db: Db,
    cursor: Annotated[
        str | None,
        Query(max_length=1000, description="`next_cursor` of the page before; without it, the whole record."),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, description=f"Changes on one page; more than {service.MOST} gives {service.MOST}.")
    ] = service.MOST,
) -> Response:
    """Tell what changed in your record since a cursor: each thing as it is now, once, or that it is no longer there.

    The first time ask without a cursor, which gives the whole record. Store what you are told and the `next_cursor`
    together, ask again at once while `has_more`, and with the last cursor whenever you come back: nothing is left out,
    whatever is written meanwhile. A thing that changes while you read may come twice; the later one counts. Leave a
    `type` that you do not know alone; an app that learns a new one begins without a cursor once.

    A cursor is good for one patient (400 `cursor_invalid` for another's). After 90 days, unless the operator keeps
    them for another time, removals are no longer told, and an older cursor answers 410 `cursor_expired`: throw your
    copy away, but not what you have not sent yet, and begin without a cursor.
    """
    limit = min(limit, service.MOST)
    known = service.cursor_of(access.patient, cursor)
    tag = service.tag_of(access, cursor, limit)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    if cursor is not None and known is not None and known.kind is None and known.revision == access.patient.revision:
        answer = service.nothing_new(cursor)
    else:
        answer = await service.page(db, access, known, limit)
    response = Response(answer, media_type="application/json")
    etags.stamp(response, tag)
    return response


@router.get(
    "/me/bootstrap",
    summary="What to know when the app starts",
    response_model=schemas.Bootstrap,
    responses=schemas.ANSWERED,
)
async def read_my_bootstrap(
    access: Annotated[PatientAccess, me(Permission.BOOTSTRAP_READ)], request: Request, response: Response, db: Db
) -> schemas.Bootstrap | Response:
    """Read the time, the versions of the app, the questionnaires, the crisis card and your safety plan in one answer.

    Keep it: it is what the app shows without a network. The `ETag` does not change with the time of day, so a 304 says
    that all but `server_time` is as you have it.
    """
    shown, tag = await bootstrap.read(db, request.app.state.settings, access)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return shown
