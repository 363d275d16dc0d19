"""The dose, over HTTP: begun, paused, ended, stopped, corrected."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.consents.errors import ConsentNeeded
from app.core import etags
from app.core.db import Database, Db
from app.core.errors import InvalidRequest, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.moves import IllegalMove
from app.core.requests import StrictRoute
from app.dosing import dose_records, dose_schemas, doses, models, pauses, schemas, service
from app.dosing.errors import ClearanceExpired, DoseNeedsConfirmation, NoDose, PauseMismatch, PrescriberNeeded
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=StrictRoute)

OF_SESSION: dict[str, Any] = {"of": models.DosingSession, "named": "session_id"}
_CHANGE = (InvalidRequest, PreconditionFailed, PreconditionRequired)
STEP = problems(IllegalMove, *_CHANGE)
PAUSE = problems(IllegalMove, PauseMismatch, NoDose, *_CHANGE)
_CONFIRMED = (DoseNeedsConfirmation, PrescriberNeeded)
DOSE = problems(IllegalMove, ConsentNeeded, ClearanceExpired, *_CONFIRMED, *_CHANGE)
DOSE_END = problems(IllegalMove, DoseNeedsConfirmation, *_CHANGE)
CORRECTION = problems(NoDose, *_CONFIRMED, *_CHANGE)


@router.post("/dosing-sessions/{session_id}/dose", summary="Record that a dose began", responses=DOSE)
async def start_dose(
    session_id: UUID,
    dose: dose_schemas.DoseWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_ADMINISTER, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record what is given and since when: `cleared` becomes `dosing`.

    From now on check-ins are counted in minutes from this dose; those around it are linked anew in the same moment.
    What is outside of the clinic's ranges is refused until a prescriber confirms each point with a reason. Nothing here
    says which dose to give.
    """
    return _answer(response, await doses.start(db, access, session_id, dose, if_match))


@router.get("/dosing-sessions/{session_id}/dose", summary="Read what was given", responses=problems(NoDose))
async def read_dose(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)],
    db: Db,
    response: Response,
) -> dose_schemas.DoseAnswer:
    """Read what was given as it stands, the pauses, and every version that was written down."""
    return _dose(response, await doses.read(db, access, session_id))


@router.post("/dosing-sessions/{session_id}/dose-corrections", summary="Correct what was given", responses=CORRECTION)
async def correct_dose(
    session_id: UUID,
    correction: dose_schemas.DoseCorrectionWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_ADMINISTER, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> dose_schemas.DoseAnswer:
    """Write down what was really given, all of it: one more version, and no earlier one is changed.

    Possible at any time after the dose began. Check-ins around it are linked anew. A session that is `discharge_ready`
    goes back to `monitoring`.
    """
    return _dose(response, await doses.correct(db, access, session_id, correction, if_match))


@router.post("/dosing-sessions/{session_id}/pauses", summary="Record that an infusion stands still", responses=PAUSE)
async def pause_dose(
    session_id: UUID,
    pause: dose_schemas.PauseWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_ADMINISTER, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> dose_schemas.DoseAnswer:
    """Record that the infusion was stopped for a while, and why. The session stays at `dosing`."""
    return await _shown(db, access, response, await pauses.pause(db, access, session_id, pause, if_match))


@router.post(
    "/dosing-sessions/{session_id}/pauses/{pause_id}/resumption",
    summary="Record that an infusion goes on",
    responses=PAUSE,
)
async def resume_dose(
    session_id: UUID,
    pause_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.DOSING_ADMINISTER, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    resumption: dose_schemas.ResumptionWrite | None = None,
    if_match: IfMatch = None,
) -> dose_schemas.DoseAnswer:
    """Record that the infusion goes on after a pause."""
    session = await pauses.resume(db, access, session_id, pause_id, resumption, if_match)
    return await _shown(db, access, response, session)


@router.post("/dosing-sessions/{session_id}/dose-end", summary="Record that a dose ended", responses=DOSE_END)
async def end_dose(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.DOSING_ADMINISTER, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    end: dose_schemas.DoseEndWrite | None = None,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record when administration was over, and what was thrown away: `dosing` becomes `monitoring`."""
    return _answer(response, await doses.end(db, access, session_id, end, if_match))


@router.post("/dosing-sessions/{session_id}/abort", summary="Record that a dose was stopped", responses=STEP)
async def abort_dose(
    session_id: UUID,
    why: schemas.AbortWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_STOP, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record that the dose was stopped before its end: `dosing` becomes `aborted`. It counts as a dose all the same."""
    return _answer(response, await service.abort(db, access, session_id, why, if_match))


@router.post("/dosing-sessions/{session_id}/transfer", summary="Record that a patient was handed over", responses=STEP)
async def transfer_patient(
    session_id: UUID,
    why: schemas.TransferWrite,
    access: Annotated[PatientAccess, allow(Permission.DOSING_STOP, **OF_SESSION)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DosingSession:
    """Record that the patient was taken elsewhere in an emergency, from the arrival on. A dose ends with it."""
    return _answer(response, await service.transfer(db, access, session_id, why, if_match))


def _answer(response: Response, session: models.DosingSession) -> schemas.DosingSession:
    etags.stamp(response, etags.version_tag(session.version))
    return schemas.DosingSession.model_validate(session)


def _dose(response: Response, answer: dose_schemas.DoseAnswer) -> dose_schemas.DoseAnswer:
    etags.stamp(response, etags.version_tag(answer.session_version))
    return answer


async def _shown(
    db: Database, access: PatientAccess, response: Response, session: models.DosingSession
) -> dose_schemas.DoseAnswer:
    return _dose(response, await dose_records.shown(db, access, session))
