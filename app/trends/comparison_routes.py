"""Comparisons over HTTP: several measures, two periods, doses of one patient, and what was missed."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core import clock
from app.core.db import Database, Db
from app.identity import reads
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.identity.revalidation import RevalidatedRoute, tag_of
from app.trends import asked, comparison_answers, comparison_service
from app.trends import comparison_schemas as schemas
from app.trends.asked import DoseAlignedQuery, MissedQuery, PeriodsQuery, SeveralQuery
from app.trends.routes import READ, stamped, understood

router = APIRouter(prefix="/v1", tags=["trends"], route_class=RevalidatedRoute)
Reading = TypeVar("Reading")


@router.get(
    "/me/trends/several",
    summary="How several of my measures went",
    response_model=schemas.SeveralTrends,
    responses=READ,
)
async def read_several_of_my_trends(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[SeveralQuery, Query()],
) -> Response:
    """Read up to eight measures of one period at once, each with its own baseline, change, slope and trend."""
    return await _several(request, access, db, query)


@router.get(
    "/patients/{patient_id}/trends/several",
    summary="How several of a patient's measures went",
    response_model=schemas.SeveralTrends,
    responses=READ,
)
async def read_several_trends_of_patient(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[SeveralQuery, Query()],
) -> Response:
    """Read up to eight measures of one period at once, each with its own baseline, change, slope and trend."""
    return await _several(request, access, db, query)


@router.get(
    "/me/trends/periods",
    summary="One of my measures in two periods",
    response_model=schemas.ComparedPeriods,
    responses=READ,
)
async def compare_my_periods(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[PeriodsQuery, Query()],
) -> Response:
    """Compare one measure in two periods, by the same rules as the change from the baseline."""
    return await _periods(request, access, db, query)


@router.get(
    "/patients/{patient_id}/trends/periods",
    summary="One of a patient's measures in two periods",
    response_model=schemas.ComparedPeriods,
    responses=READ,
)
async def compare_patient_periods(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[PeriodsQuery, Query()],
) -> Response:
    """Compare one measure in two periods, by the same rules as the change from the baseline."""
    return await _periods(request, access, db, query)


@router.get(
    "/me/trends/doses",
    summary="What followed each of my doses",
    response_model=schemas.ComparedDoses,
    responses=READ,
)
async def compare_my_doses(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedQuery, Query()],
) -> Response:
    """Read what was given and what followed, dose by dose and for doses given alike. It says nothing of the next."""
    return await _doses(request, access, db, query)


@router.get(
    "/patients/{patient_id}/trends/doses",
    summary="What followed each dose of a patient",
    response_model=schemas.ComparedDoses,
    responses=READ,
)
async def compare_patient_doses(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedQuery, Query()],
) -> Response:
    """Read what was given and what followed, dose by dose and for doses given alike. It says nothing of the next."""
    return await _doses(request, access, db, query)


@router.get(
    "/me/trends/missed",
    summary="When I missed check-ins",
    response_model=schemas.MissedCheckIns,
    responses=READ,
)
async def read_my_missed_check_ins(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[MissedQuery, Query()],
) -> Response:
    """Read whether check-ins were missed more often after worse values, so that a line looks better than the days."""
    return await _missed(request, access, db, query)


@router.get(
    "/patients/{patient_id}/trends/missed",
    summary="When a patient missed check-ins",
    response_model=schemas.MissedCheckIns,
    responses=READ,
)
async def read_patient_missed_check_ins(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[MissedQuery, Query()],
) -> Response:
    """Read whether check-ins were missed more often after worse values, so that a line looks better than the days."""
    return await _missed(request, access, db, query)


async def _several(request: Request, access: PatientAccess, db: Database, query: SeveralQuery) -> Response:
    questions = asked.understand_several(query, access.patient, clock.now())
    return await _answered(
        request,
        access,
        db,
        lambda db: comparison_service.several(db, access, questions, query.bucket, query.smooth),
        comparison_answers.several,
    )


async def _periods(request: Request, access: PatientAccess, db: Database, query: PeriodsQuery) -> Response:
    first, second = asked.understand_periods(query, access.patient, clock.now())
    return await _answered(
        request,
        access,
        db,
        lambda db: comparison_service.periods(db, access, first, second),
        comparison_answers.periods,
    )


async def _doses(request: Request, access: PatientAccess, db: Database, query: DoseAlignedQuery) -> Response:
    question = understood(access, query)
    return await _answered(
        request, access, db, lambda db: comparison_service.doses(db, access, question), comparison_answers.doses
    )


async def _missed(request: Request, access: PatientAccess, db: Database, query: MissedQuery) -> Response:
    question = understood(access, query)
    return await _answered(
        request,
        access,
        db,
        lambda db: comparison_service.missed_after(db, access, question),
        comparison_answers.missed_after,
    )


async def _answered(
    request: Request,
    access: PatientAccess,
    db: Database,
    read: Callable[[Database], Awaitable[Reading]],
    write: Callable[[Reading], bytes],
) -> Response:
    reading = await reads.of_patient(db, access.patient, read)
    return stamped(Response(write(reading), media_type="application/json"), tag_of(request, access))
