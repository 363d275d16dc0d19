"""Charts of a whole period over HTTP: the calendar of check-ins, and the course on one page.

What draws is imported with the first chart.
"""

# ruff: noqa: PLC0415  see above

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.charts.course_pictures import MOST_PANELS
from app.core import clock
from app.core.db import Database, Db
from app.identity import reads
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.identity.revalidation import RevalidatedRoute, tag_of
from app.trends import calendar_days, chart_asked, course_overview, pictures
from app.trends.chart_asked import CourseQuery, PageQuery
from app.trends.chart_routes import PNG, PNG_FORMAT, SVG, SVG_FORMAT, drawn
from app.trends.routes import stamped

router = APIRouter(prefix="/v1", tags=["trends"], route_class=RevalidatedRoute)


@router.get(
    "/me/trends/adherence/chart.svg",
    summary="The calendar of my check-ins (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_my_adherence_as_svg(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Draw what became of the check-ins that were due, a box for each of the patient's days."""
    return await _adherence(request, access, db, query, SVG_FORMAT)


@router.get(
    "/me/trends/adherence/chart.png",
    summary="The calendar of my check-ins (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_my_adherence_as_png(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Draw what became of the check-ins that were due, with two pixels for each CSS pixel."""
    return await _adherence(request, access, db, query, PNG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/adherence/chart.svg",
    summary="The calendar of a patient's check-ins (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_patient_adherence_as_svg(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Draw what became of the check-ins that were due, a box for each of the patient's days."""
    return await _adherence(request, access, db, query, SVG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/adherence/chart.png",
    summary="The calendar of a patient's check-ins (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_patient_adherence_as_png(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Draw what became of the check-ins that were due, with two pixels for each CSS pixel."""
    return await _adherence(request, access, db, query, PNG_FORMAT)


@router.get(
    "/me/trends/course/chart.svg",
    summary="The overview of my course (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_my_course_as_svg(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[CourseQuery, Query()],
) -> Response:
    """Draw the main measures, doses, check-ins and appointments on one page, over one axis of dates."""
    return await _course(request, access, db, query, SVG_FORMAT)


@router.get(
    "/me/trends/course/chart.png",
    summary="The overview of my course (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_my_course_as_png(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[CourseQuery, Query()],
) -> Response:
    """Draw the main measures, doses, check-ins and appointments on one page, with two pixels for each CSS pixel."""
    return await _course(request, access, db, query, PNG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/course/chart.svg",
    summary="The overview of a patient's course (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_patient_course_as_svg(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[CourseQuery, Query()],
) -> Response:
    """Draw the main measures, doses, check-ins and appointments on one page, over one axis of dates."""
    return await _course(request, access, db, query, SVG_FORMAT)


@router.get(
    "/patients/{patient_id}/trends/course/chart.png",
    summary="The overview of a patient's course (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_patient_course_as_png(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.TRENDS_READ)],
    db: Db,
    query: Annotated[CourseQuery, Query()],
) -> Response:
    """Draw the main measures, doses, check-ins and appointments on one page, with two pixels for each CSS pixel."""
    return await _course(request, access, db, query, PNG_FORMAT)


async def _adherence(
    request: Request, access: PatientAccess, db: Database, query: PageQuery, media_type: str
) -> Response:
    from app.charts.adherence import adherence_chart

    days = chart_asked.understand(query, access.patient, clock.now())
    found = await reads.of_patient(db, access.patient, lambda db: calendar_days.read(db, access, days))
    picture = pictures.adherence(found, access.clinic, query)
    return stamped(drawn(lambda: adherence_chart(picture), media_type), tag_of(request, access))


async def _course(
    request: Request, access: PatientAccess, db: Database, query: CourseQuery, media_type: str
) -> Response:
    from app.charts.course import course_chart

    days = chart_asked.understand(query, access.patient, clock.now())
    most = MOST_PANELS if query.measure else course_overview.USUAL_PANELS
    reading = await reads.of_patient(
        db, access.patient, lambda db: course_overview.read(db, access, days, query.measure, most)
    )
    picture = pictures.course(reading, access.clinic, query)
    return stamped(drawn(lambda: course_chart(picture), media_type), tag_of(request, access))
