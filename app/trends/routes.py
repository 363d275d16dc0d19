"""Trends over HTTP: the patient's own, and staff's for their patients."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core import clock
from app.core.db import Database, Db
from app.core.errors import problems
from app.core.etags import stamp
from app.identity import reads
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.identity.revalidation import RevalidatedRoute, tag_of
from app.trends import answers, asked, schemas, service
from app.trends.asked import Asked, DoseAlignedQuery, SeriesQuery, SmoothedTrendQuery
from app.trends.errors import SubstanceRequired

router = APIRouter(prefix="/v1", tags=["trends"], route_class=RevalidatedRoute)

READ: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "Unchanged."}, **problems(SubstanceRequired)}


@router.get("/me/trends", summary="How one of my measures went", response_model=schemas.Trend, responses=READ)
async def read_my_trend(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[SmoothedTrendQuery, Query()],
) -> Response:
    """Read one measure by the calendar, with what can honestly be said of it.

    Draw no line across `gaps`. Ask again with `If-None-Match`: nothing is read or sent while nothing has changed.
    """
    return await _trend(request, access, db, query)


@router.get(
    "/patients/{patient_id}/trends",
    summary="How one of a patient's measures went",
    response_model=schemas.Trend,
    responses=READ,
)
async def read_patient_trend(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[SmoothedTrendQuery, Query()],
) -> Response:
    """Read one measure by the calendar, with baseline, change, slope and trend, each with the rule that made it."""
    return await _trend(request, access, db, query)


@router.get(
    "/me/trends/dose-aligned",
    summary="How one of my measures went after each dose",
    response_model=schemas.DoseAlignedTrend,
    responses=READ,
)
async def read_my_dose_aligned_trend(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedQuery, Query()],
) -> Response:
    """Read one measure by the time since each dose: when relief began, how far it went, and how long it lasted."""
    return await _dose_aligned(request, access, db, query)


@router.get(
    "/patients/{patient_id}/trends/dose-aligned",
    summary="How one of a patient's measures went after each dose",
    response_model=schemas.DoseAlignedTrend,
    responses=READ,
)
async def read_patient_dose_aligned_trend(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedQuery, Query()],
) -> Response:
    """Read one measure by the time since each dose: onset, nadir, return, area, and the median of relief."""
    return await _dose_aligned(request, access, db, query)


async def _trend(request: Request, access: PatientAccess, db: Database, query: SmoothedTrendQuery) -> Response:
    question = understood(access, query)
    reading = await reads.of_patient(
        db, access.patient, lambda db: service.trend(db, access, question, query.bucket, query.points, query.smooth)
    )
    return stamped(Response(answers.trend(reading), media_type="application/json"), tag_of(request, access))


async def _dose_aligned(request: Request, access: PatientAccess, db: Database, query: DoseAlignedQuery) -> Response:
    question = understood(access, query)
    reading = await reads.of_patient(db, access.patient, lambda db: service.dose_aligned(db, access, question))
    return stamped(Response(answers.dose_aligned(reading), media_type="application/json"), tag_of(request, access))


def understood(access: PatientAccess, query: SeriesQuery) -> Asked:
    """What is asked, for this patient today."""
    return asked.understand(query, access.patient, clock.now())


def stamped(response: Response, tag: str) -> Response:
    """Put the tag of the patient's record on an answer."""
    stamp(response, tag)
    return response
