"""The panel over HTTP."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.core.db import Db
from app.core.errors import FieldError, InvalidRequest, problems
from app.core.etags import not_modified, stamp, unchanged
from app.core.pagination import CursorInvalid
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission
from app.panel import schemas, service

router = APIRouter(prefix="/v1", tags=["panel"], route_class=StrictRoute)

READ: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}, **problems(CursorInvalid, InvalidRequest)}


@router.get("/panel", summary="Who needs attention now", response_model=schemas.Panel, responses=READ)
async def read_panel(
    request: Request,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.PANEL_READ)],
    query: Annotated[schemas.PanelQuery, Query()],
    db: Db,
) -> Response:
    """List the patients whom you look after with what matters at a glance, those first who need somebody most.

    What is written is shown from the next request on. Alerts name no rule here: read them, and the patient's trends,
    before you act on one.
    """
    if query.measure is None and (query.at_least is not None or query.at_most is not None):
        name = "at_most" if query.at_least is None else "at_least"
        detail = "Say which `measure` it is about."
        raise InvalidRequest(errors=[FieldError(f"/query/{name}", "measure_missing", detail)])
    body = await service.read(db, access, query)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if unchanged(request, tag):
        return not_modified(tag)
    response = Response(body, media_type="application/json")
    stamp(response, tag)
    return response
