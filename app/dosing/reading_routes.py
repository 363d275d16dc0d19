"""Readings of a session over HTTP. Only staff at the bedside: patients write none and read none here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.core import errors, etags
from app.core.db import Db
from app.core.errors import problems
from app.core.requests import StrictRoute
from app.dosing import models, reading_queries, reading_schemas, recording, steps
from app.dosing.reading_views import present, present_version
from app.dosing.recording import Recorded
from app.dosing.routes import OF_SESSION, UNCHANGED
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=StrictRoute)


@router.post(
    "/dosing-sessions/{session_id}/readings",
    summary="Record readings at the bedside",
    response_model=reading_schemas.ReadingResults,
    responses=problems(errors.InvalidRequest),
)
async def record_readings(
    session_id: UUID,
    batch: reading_schemas.ReadingBatch,
    access: Annotated[PatientAccess, allow(Permission.READINGS_WRITE, **OF_SESSION)],
    db: Db,
) -> Response:
    """Store up to 100 readings in one go, with a result for each in the order sent. Sending the same again is safe.

    Every reading is flagged by the clinic's figures, and the safety rules judge it in the same moment: what they find
    is told to the people on call. A pressure over the limit before the dose puts a cleared session on hold; a sign of
    danger sends a patient who was ready to go back to monitoring. A correction names the version that it corrects
    (`base_version`); the earlier one is kept.

    Taken from the arrival of the patient until they went home or were transferred; what was taken until then also
    later, as long as the record is not closed. This does not replace the monitor at the bedside: numbers come here
    when somebody has typed them, minutes late.
    """
    return _written(await recording.record(db, access, session_id, batch))


def _written(recorded: Recorded) -> Response:
    """An answer that is valid already: FastAPI would check and copy it once more."""
    answer = reading_schemas.ReadingResults.model_validate(
        {
            "results": [
                {
                    "id": result.id,
                    "outcome": result.outcome,
                    "reading": None if result.row is None else present(result.row, recorded.dose_started_at),
                    "alerts": result.alerts,
                    "problem": None if result.problem is None else result.problem.body(),
                }
                for result in recorded.results
            ],
            "session_status": recorded.status,
            "session_version": recorded.version,
        }
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get(
    "/dosing-sessions/{session_id}/readings",
    summary="List the readings of a session",
    response_model=reading_schemas.ReadingPage,
    responses=UNCHANGED,
)
async def list_readings(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)],
    db: Db,
    request: Request,
) -> Response:
    """List the readings in the order in which they were taken by our clock, with flags, all on one page."""
    tag = etags.composed_tag("readings", session_id, access.patient.id, access.patient.revision)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    session = await steps.session_of(db, access, session_id)
    rows = await reading_queries.stored(db, access.clinic.id, session_id)
    page = reading_schemas.ReadingPage(items=[present(row, session.dose_started_at) for row in rows])
    answer = Response(page.model_dump_json(), media_type="application/json")
    etags.stamp(answer, tag)
    return answer


@router.get(
    "/dosing-sessions/{session_id}/readings/{reading_id}/versions",
    summary="What a reading said before it was corrected",
    responses=problems(errors.NotFound),
)
async def list_reading_versions(
    session_id: UUID,
    reading_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)],
    db: Db,
) -> reading_schemas.ReadingVersionPage:
    """The earlier versions, the newest first."""
    session = await steps.session_of(db, access, session_id)
    if await db.get(models.Reading, (access.clinic.id, session_id, reading_id)) is None:
        raise errors.NotFound
    rows = await reading_queries.versions(db, access.clinic.id, session_id, reading_id)
    return reading_schemas.ReadingVersionPage(items=[present_version(row, session.dose_started_at) for row in rows])
