"""Going home, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.core import etags
from app.core.db import Db
from app.core.errors import InvalidRequest, NotFound, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.moves import IllegalMove
from app.core.requests import StrictRoute
from app.dosing import discharge, discharge_schemas, models, schemas
from app.dosing.errors import NotReadyToLeave, PrescriberNeeded
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=StrictRoute)

OF_SESSION: dict[str, Any] = {"of": models.DosingSession, "named": "session_id"}
LEAVING = problems(
    IllegalMove, NotReadyToLeave, PrescriberNeeded, PreconditionFailed, PreconditionRequired, InvalidRequest
)


@router.get(
    "/dosing-sessions/{session_id}/discharge-criteria",
    summary="See whether the patient may go home",
    responses=problems(NotFound),
)
async def read_discharge_criteria(
    session_id: UUID, access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)], db: Db
) -> discharge_schemas.DischargeCriteria:
    """Compute every criterion for going home now, with what it looked at and the figure that it is held against.

    A reading counts only while it is recent enough. Earlier assessments, and how the patient went home, are shown too.
    """
    return discharge_schemas.DischargeCriteria.model_validate(await discharge.show(db, access, session_id))


@router.post(
    "/dosing-sessions/{session_id}/readiness", summary="Say that the patient may go home soon", responses=LEAVING
)
async def assess_readiness(
    session_id: UUID,
    stated: discharge_schemas.ReadinessWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_DISCHARGE, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Go through the criteria: `monitoring` (or `aborted`) becomes `discharge_ready` when none is in the way.

    What is measured is computed from readings; the rest you say. A prescriber may set a criterion aside with a reason.
    Refused otherwise, with every criterion that is in the way; then nothing changes.
    """
    return _answer(response, await discharge.assess(db, access, session_id, stated, if_match))


@router.post("/dosing-sessions/{session_id}/discharge", summary="Let the patient go home", responses=LEAVING)
async def discharge_patient(
    session_id: UUID,
    leaving: discharge_schemas.DischargeWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_DISCHARGE, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record how the patient goes home: `discharge_ready` becomes `discharged`.

    What was measured since readiness is looked at again; what was set aside then stays so. From now on the patient is
    asked for check-ins at the moments of the clinic's protocol (`GET /v1/me/due-check-ins`).
    """
    return _answer(response, await discharge.discharge(db, access, session_id, leaving, if_match))


def _answer(response: Response, session: models.DosingSession) -> schemas.DosingSession:
    etags.stamp(response, etags.version_tag(session.version))
    return schemas.DosingSession.model_validate(session)
