"""Before the dose, over HTTP: the checklist, the clearance, and what waits."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.consents.errors import ConsentNeeded
from app.core import etags
from app.core.db import Db
from app.core.errors import InvalidRequest, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.moves import IllegalMove
from app.core.requests import StrictRoute
from app.dosing import checklist_schemas, checklists, clearances, models, schemas, service
from app.dosing.errors import NotCleared
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=StrictRoute)

OF_SESSION: dict[str, Any] = {"of": models.DosingSession, "named": "session_id"}
STEP = problems(InvalidRequest, IllegalMove, PreconditionFailed, PreconditionRequired)
CLEARING = problems(InvalidRequest, IllegalMove, ConsentNeeded, NotCleared, PreconditionFailed, PreconditionRequired)


@router.get("/dosing-sessions/{session_id}/checklist", summary="Read the checklist before a dose")
async def read_pre_dose_checklist(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)],
    db: Db,
    response: Response,
) -> checklist_schemas.ChecklistRecord:
    """Read what was written down, and every check with what it looked at, its limit and what it takes.

    The checks are made anew each time: time passes, and the newest vital signs before the dose count.
    """
    return _answer(response, await checklists.read(db, access, session_id))


@router.put("/dosing-sessions/{session_id}/checklist", summary="Write the checklist before a dose down", responses=STEP)
async def write_pre_dose_checklist(
    session_id: UUID,
    checklist: checklist_schemas.Checklist,
    access: Annotated[PatientAccess, allow(Permission.DOSING_CHECK, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> checklist_schemas.ChecklistRecord:
    """Write the whole checklist down, from the arrival until the dose. Each time is kept as one more version.

    `If-Match` names the version of the session. What is null was not looked at. After a clearance the session is
    `held`: it was cleared on another checklist, and is cleared again.
    """
    return _answer(response, await checklists.put(db, access, session_id, checklist, if_match))


@router.post("/dosing-sessions/{session_id}/clearance", summary="Clear a session for dosing", responses=CLEARING)
async def clear_dosing_session(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.DOSING_CLEAR, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    clearance: checklist_schemas.ClearanceWrite | None = None,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record that you, as a prescriber, say that the dose may be given: `checked_in` or `held` becomes `cleared`.

    Every check has to be passed, or passed over with a reason of yours. Nobody passes over what is missing or blocked:
    the wrong person, a consent that does not stand, a dose too soon after the last. A clearance is good for as long as
    the clinic's protocol says (60 minutes); a session that is cleared can be cleared again.
    """
    session = await clearances.clear(db, access, session_id, clearance, if_match)
    etags.stamp(response, etags.version_tag(session.version))
    return schemas.DosingSession.model_validate(session)


@router.post("/dosing-sessions/{session_id}/hold", summary="Let a session wait for a prescriber", responses=STEP)
async def hold_dosing_session(
    session_id: UUID,
    why: schemas.HoldWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_HOLD, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record that something is not right before the dose: `checked_in` or `cleared` becomes `held`, and waits."""
    session = await service.hold(db, access, session_id, why, if_match)
    etags.stamp(response, etags.version_tag(session.version))
    return schemas.DosingSession.model_validate(session)


def _answer(response: Response, record: checklist_schemas.ChecklistRecord) -> checklist_schemas.ChecklistRecord:
    etags.stamp(response, etags.version_tag(record.session_version))
    return record
