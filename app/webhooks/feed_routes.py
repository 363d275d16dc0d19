"""The feed of events over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.pagination import CursorExpired, CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.events.schemas import EventPage
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission
from app.webhooks import feed
from app.webhooks.rules import is_filter

router = APIRouter(prefix="/v1", tags=["webhooks"], route_class=StrictRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing new."}}


def _known(text: str) -> str:
    if not is_filter(text):
        code = "unknown_event_type"
        raise PydanticCustomError(code, "Must be the name of an event, a noun with `.*`, or `*`.")
    return text


EventFilter = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_known)]


@router.get(
    "/events",
    summary="What happened?",
    response_model=EventPage,
    responses=UNCHANGED | problems(CursorInvalid, CursorExpired, errors.InvalidRequest),
)
async def list_events(
    request: Request,
    response: Response,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.EVENTS_READ)],
    db: Db,
    page: Paging,
    *,
    filters: Annotated[
        list[EventFilter],
        Query(
            alias="type",
            max_length=50,
            description="Only these: names of events, or `check_in.*` for all of a noun. May be given several times.",
        ),
    ] = [],  # noqa: B006  FastAPI copies it
) -> EventPage | Response:
    """The events of the clinic, the oldest first: everything that webhooks tell, to read at your own pace.

    Without a cursor it begins with the oldest event that is kept. Go on with `next_cursor` for ever: also an empty page
    has one, and with it you see everything once, some moments after it happened. Nothing is skipped, also not what
    was written while you read; what was deleted before you came is a 410, `cursor_expired`.

    It is for the clinic's own systems and its administrator, who may read the records themselves. Whoever is told on
    the strength of a patient's consent cannot have this permission, and is told by webhooks, which ask for consent.
    """
    found = await feed.page(db, access.clinic.id, filters, page)
    tag = etags.composed_tag(page.limit, found.first, found.last, found.next_cursor)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    public_url = request.app.state.settings.public_url
    items = [feed.shown(event, public_url) for event in found.events]
    return EventPage.model_validate({"items": items, "next_cursor": found.next_cursor})
