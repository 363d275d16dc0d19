"""Charts over HTTP, as SVG and as PNG: the patient's own, and staff's for their patients.

What draws is imported with the first chart: a megabyte that many processes never need.
"""

# ruff: noqa: PLC0415  see above

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core.db import Database, Db
from app.core.drawing import Drawn
from app.identity import reads
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.identity.revalidation import RevalidatedRoute, tag_of
from app.trends import pictures, service
from app.trends.asked import DoseAlignedChartQuery, TrendChartQuery
from app.trends.routes import READ, stamped, understood

router = APIRouter(prefix="/v1", tags=["trends"], route_class=RevalidatedRoute)

SVG_FORMAT, PNG_FORMAT = "image/svg+xml", "image/png"
SVG = READ | {200: {"description": "The chart.", "content": {SVG_FORMAT: {"schema": {"type": "string"}}}}}
PNG = READ | {
    200: {"description": "The chart.", "content": {PNG_FORMAT: {"schema": {"type": "string", "format": "binary"}}}}
}
"""The responses of the chart routes."""


@router.get(
    "/me/trends/chart.svg", summary="A chart of one of my measures (SVG)", response_class=Response, responses=SVG
)
async def draw_my_trend_as_svg(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[TrendChartQuery, Query()],
) -> Response:
    """Draw one measure by the calendar. The picture has a title and a description for screen readers."""
    return await _trend_chart(request, access, db, query, SVG_FORMAT)


@router.get(
    "/me/trends/chart.png", summary="A chart of one of my measures (PNG)", response_class=Response, responses=PNG
)
async def draw_my_trend_as_png(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[TrendChartQuery, Query()],
) -> Response:
    """Draw one measure by the calendar, with two pixels for each CSS pixel."""
    return await _trend_chart(request, access, db, query, PNG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/chart.svg",
    summary="A chart of one of a patient's measures (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_patient_trend_as_svg(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[TrendChartQuery, Query()],
) -> Response:
    """Draw one measure by the calendar. The picture has a title and a description for screen readers."""
    return await _trend_chart(request, access, db, query, SVG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/chart.png",
    summary="A chart of one of a patient's measures (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_patient_trend_as_png(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[TrendChartQuery, Query()],
) -> Response:
    """Draw one measure by the calendar, with two pixels for each CSS pixel."""
    return await _trend_chart(request, access, db, query, PNG_FORMAT)


@router.get(
    "/me/trends/dose-aligned/chart.svg",
    summary="A chart of one of my measures after each dose (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_my_dose_aligned_trend_as_svg(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedChartQuery, Query()],
) -> Response:
    """Draw one measure by the time since each dose, the latest strongest, or all doses as one (`view=pooled`)."""
    return await _dose_aligned_chart(request, access, db, query, SVG_FORMAT)


@router.get(
    "/me/trends/dose-aligned/chart.png",
    summary="A chart of one of my measures after each dose (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_my_dose_aligned_trend_as_png(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedChartQuery, Query()],
) -> Response:
    """Draw one measure by the time since each dose, with two pixels for each CSS pixel."""
    return await _dose_aligned_chart(request, access, db, query, PNG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/dose-aligned/chart.svg",
    summary="A chart of one of a patient's measures after each dose (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_patient_dose_aligned_trend_as_svg(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedChartQuery, Query()],
) -> Response:
    """Draw one measure by the time since each dose, the latest strongest, or all doses as one (`view=pooled`)."""
    return await _dose_aligned_chart(request, access, db, query, SVG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/dose-aligned/chart.png",
    summary="A chart of one of a patient's measures after each dose (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_patient_dose_aligned_trend_as_png(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[DoseAlignedChartQuery, Query()],
) -> Response:
    """Draw one measure by the time since each dose, with two pixels for each CSS pixel."""
    return await _dose_aligned_chart(request, access, db, query, PNG_FORMAT)


async def _trend_chart(
    request: Request, access: PatientAccess, db: Database, query: TrendChartQuery, media_type: str
) -> Response:
    from app.charts.trend import trend_chart

    question = understood(access, query)
    reading = await reads.of_patient(
        db, access.patient, lambda db: service.trend(db, access, question, query.bucket, query.points)
    )
    return stamped(
        drawn(lambda: trend_chart(pictures.trend(reading, access.clinic, query)), media_type), tag_of(request, access)
    )


async def _dose_aligned_chart(
    request: Request, access: PatientAccess, db: Database, query: DoseAlignedChartQuery, media_type: str
) -> Response:
    from app.charts.dose_aligned import dose_aligned_chart
    from app.charts.pooled import pooled_chart

    question = understood(access, query)
    reading = await reads.of_patient(db, access.patient, lambda db: service.dose_aligned(db, access, question))
    picture = pictures.dose_aligned(reading, access.clinic, query)
    draw = pooled_chart if query.view == "pooled" else dose_aligned_chart
    return stamped(drawn(lambda: draw(picture), media_type), tag_of(request, access))


def drawn(draw: Callable[[], str], media_type: str) -> Drawn:
    """A chart that is drawn when it is sent."""
    if media_type == PNG_FORMAT:
        from app.charts.png import to_png

        return Drawn(lambda: to_png(draw()), media_type)
    return Drawn(lambda: draw().encode(), media_type)
