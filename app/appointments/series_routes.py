"""Appointments that repeat, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.appointments import models, series, series_schemas, series_views
from app.appointments.series_errors import InstancesClash
from app.bookings.errors import DoubleBooked
from app.core import etags
from app.core.db import Db
from app.core.errors import PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.moves import IllegalMove
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission
from app.timeline.errors import IdTaken

router = APIRouter(prefix="/v1", tags=["appointments"], route_class=StrictRoute)

OF_SERIES: dict[str, Any] = {"of": models.AppointmentSeries, "named": "series_id"}
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
PLANNED: dict[int | str, dict[str, Any]] = {
    200: {"model": series_schemas.AppointmentSeries, "description": "It was planned like this, or was planned anew."},
    **problems(IdTaken, IllegalMove, InstancesClash, DoubleBooked, PreconditionFailed, PreconditionRequired),
}


@router.put(
    "/patients/{patient_id}/appointment-series/{series_id}",
    summary="Plan appointments that repeat, or plan them anew",
    status_code=201,
    responses=PLANNED,
)
async def plan_appointment_series(
    patient_id: UUID,
    series_id: UUID,
    plan: series_schemas.AppointmentSeriesWrite,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> series_schemas.AppointmentSeries:
    """Plan appointments that repeat by a rule, under an id that you make (UUIDv7). Each is an appointment of its own.

    Sending the same plan again answers 200 and changes nothing. Another plan needs `If-Match` and changes what has not
    begun: appointments on days that the rule still gives keep their ids and are moved with it, unless somebody planned
    one of them otherwise; days that it gives no more are cancelled. To change one appointment and all that follow,
    plan a new series that `continues` this one. To move or cancel a single one, use the appointment itself.
    """
    planned, is_new = await series.plan(db, access, series_id, plan, if_match)
    response.status_code = 201 if is_new else 200
    return _stamped(response, await series_views.shown(db, access.patient, planned))


@router.get(
    "/patients/{patient_id}/appointment-series",
    summary="List a patient's appointments that repeat",
    responses=problems(CursorInvalid),
)
async def list_appointment_series(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_READ)],
    page: Paging,
    db: Db,
) -> series_schemas.AppointmentSeriesPage:
    """List the series of a patient, the newest first, also those that ended; without each appointment."""
    return await series_views.list_of_patient(db, access, page)


@router.get(
    "/appointment-series/{series_id}",
    summary="Read appointments that repeat, with each of them",
    response_model=series_schemas.AppointmentSeries,
    responses=UNCHANGED,
)
async def read_appointment_series(
    series_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_READ, **OF_SERIES)],
    db: Db,
    request: Request,
    response: Response,
) -> series_schemas.AppointmentSeries | Response:
    """Read a series and what became of each of its appointments: what was moved, cancelled, attended."""
    found = await series_views.shown(db, access.patient, await series.read(db, access, series_id))
    tag = _tag(found)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    return _stamped(response, found)


@router.post(
    "/appointment-series/{series_id}/cancellation",
    summary="End appointments that repeat",
    responses=problems(IllegalMove, PreconditionFailed, PreconditionRequired),
)
async def cancel_appointment_series(
    series_id: UUID,
    cancellation: series_schemas.AppointmentSeriesCancellationWrite,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_WRITE, **OF_SERIES)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> series_schemas.AppointmentSeries:
    """End a series with a day, or now. What was planned after it is cancelled; what has begun stays as it is."""
    ended = await series.end(db, access, series_id, cancellation, if_match)
    return _stamped(response, await series_views.shown(db, access.patient, ended))


def _stamped(response: Response, found: series_schemas.AppointmentSeries) -> series_schemas.AppointmentSeries:
    etags.stamp(response, _tag(found))
    return found


def _tag(found: series_schemas.AppointmentSeries) -> str:
    """The version of the plan, and how often something became of one of the appointments."""
    return etags.version_tag(found.version, sum(instance.version for instance in found.instances))
