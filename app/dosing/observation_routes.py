"""The plan of observation of a session, and its chart, over HTTP: what is due by now changes every minute."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core import clock, etags
from app.core.db import Database, Db
from app.core.drawing import Drawn
from app.dosing import observation, observation_schemas, session_picture
from app.dosing.observation_plan import RECORDABLE, PlanPoint
from app.dosing.observation_schemas import SessionLook
from app.dosing.routes import OF_SESSION, UNCHANGED
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission
from app.identity.revalidation import LiveRoute, live_tag_of

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=LiveRoute)

SVG_FORMAT, PNG_FORMAT = "image/svg+xml", "image/png"
SVG: Final[dict[int | str, dict[str, Any]]] = UNCHANGED | {
    200: {"description": "The chart.", "content": {SVG_FORMAT: {"schema": {"type": "string"}}}}
}
PNG: Final[dict[int | str, dict[str, Any]]] = UNCHANGED | {
    200: {"description": "The chart.", "content": {PNG_FORMAT: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get(
    "/dosing-sessions/{session_id}/observation-plan",
    summary="What is to be observed when, and what was",
    response_model=observation_schemas.ObservationPlan,
    responses=UNCHANGED,
)
async def read_observation_plan(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)],
    db: Db,
    request: Request,
) -> Response:
    """Read every planned moment of a session with where it stands: the protocol's own, and regular vital signs.

    It is made from the figures that were in force when the dose began; until then from those of now. A reading serves
    at most one moment, and only one for which it holds all that is wanted; `vitals` are pressure, pulse and oxygen.
    """
    seen = await observation.observed(db, access, session_id, clock.now())
    shown = observation_schemas.ObservationPlan(
        counted_from=seen.counted_from,
        begins_at=seen.span.begins_at,
        protocol_version=seen.protocol_version,
        points=[_point(point) for point in seen.plan.points],
        unplanned_reading_ids=list(seen.plan.unplanned),
    )
    return _stamped(Response(shown.model_dump_json(), media_type="application/json"), request, access)


def _point(point: PlanPoint) -> observation_schemas.PlanPoint:
    planned = point.planned
    return observation_schemas.PlanPoint(
        key=planned.key,
        minutes=planned.minutes,
        due_at=point.due_at,
        tolerance_minutes=planned.tolerance,
        wants=[want for want in planned.wants if want in RECORDABLE],
        elsewhere=[want for want in planned.wants if want not in RECORDABLE],
        regular=planned.regular,
        state=point.state,
        reading_ids=list(point.reading_ids),
    )


@router.get(
    "/dosing-sessions/{session_id}/chart.svg",
    summary="A chart of a session (SVG)",
    response_class=Response,
    responses=SVG,
)
async def draw_dosing_session_as_svg(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)],
    db: Db,
    request: Request,
    look: Annotated[SessionLook, Query()],
) -> Response:
    """Draw vital signs, session effects and alertness over minutes from the dose, with limits, steps and alerts.

    The picture has a title and a description for screen readers. It shows what people typed, minutes late; it does not
    replace the monitor at the bedside.
    """
    return await _chart(request, access, db, session_id, look, SVG_FORMAT)


@router.get(
    "/dosing-sessions/{session_id}/chart.png",
    summary="A chart of a session (PNG)",
    response_class=Response,
    responses=PNG,
)
async def draw_dosing_session_as_png(
    session_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.READINGS_READ, **OF_SESSION)],
    db: Db,
    request: Request,
    look: Annotated[SessionLook, Query()],
) -> Response:
    """Draw the same with two pixels for each CSS pixel."""
    return await _chart(request, access, db, session_id, look, PNG_FORMAT)


async def _chart(
    request: Request, access: PatientAccess, db: Database, session_id: UUID, look: SessionLook, media_type: str
) -> Response:
    from app.charts.png import to_png  # noqa: PLC0415  what draws is imported with the first chart
    from app.charts.session import session_chart  # noqa: PLC0415  the same

    now = clock.now()
    seen = await observation.observed(db, access, session_id, now)
    picture = await session_picture.picture(db, access, seen, look, now)
    if media_type == PNG_FORMAT:
        return _stamped(Drawn(lambda: to_png(session_chart(picture)), media_type), request, access)
    return _stamped(Drawn(lambda: session_chart(picture).encode(), media_type), request, access)


def _stamped(response: Response, request: Request, access: PatientAccess) -> Response:
    etags.stamp(response, live_tag_of(request, access))
    return response
