"""Appointments over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.appointments import models, schemas, service
from app.appointments.errors import TooLateToCancel
from app.appointments.places import OfGroup
from app.bookings.errors import DoubleBooked
from app.core import clock, days, etags
from app.core.db import Db
from app.core.errors import NotFound, PreconditionFailed, PreconditionRequired, problems
from app.core.etags import IfMatch
from app.core.fields import Moment
from app.core.moves import IllegalMove
from app.core.pagination import CursorInvalid, Paging
from app.core.requests import StrictRoute
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic, me
from app.identity.permissions import Permission
from app.timeline.errors import IdTaken

router = APIRouter(prefix="/v1", tags=["appointments"], route_class=StrictRoute)

STEP = problems(IllegalMove, PreconditionFailed, PreconditionRequired)
PLANNED: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.Appointment, "description": "It was planned like this already, or was replanned."},
    **problems(DoubleBooked, IdTaken, IllegalMove, OfGroup, PreconditionFailed, PreconditionRequired),
}
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
Since = Annotated[Moment | None, Query(alias="from", description="Those planned at this moment or later.")]
Until = Annotated[Moment | None, Query(alias="to", description="Those planned before this moment.")]
OF_APPOINTMENT: dict[str, Any] = {"of": models.Appointment, "named": "appointment_id"}


@router.put(
    "/patients/{patient_id}/appointments/{appointment_id}",
    summary="Book an appointment, or replan it",
    status_code=201,
    responses=PLANNED,
)
async def book_appointment(
    patient_id: UUID,
    appointment_id: UUID,
    plan: schemas.AppointmentWrite,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_WRITE)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Appointment:
    """Plan an appointment under an id that you make (UUIDv7).

    Sending the same plan again answers 200 and changes nothing. Another plan replaces it: that needs `If-Match`, and
    can only be done while it is `proposed`, `pending`, `waitlist` or `booked`.

    While it is `pending` or `booked` it holds the patient, the staff who have not declined, and its room. What is taken
    already is refused with `double_booked`, unless an `override_reason` says why it is booked twice on purpose.
    """
    appointment, is_new = await service.book(db, access, appointment_id, plan, if_match)
    response.status_code = 201 if is_new else 200
    return _stamped(response, appointment)


@router.get("/appointments", summary="List the clinic's appointments of a day", responses=problems(CursorInvalid))
async def list_appointments(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.APPOINTMENTS_READ)],
    page: Paging,
    db: Db,
    since: Since = None,
    until: Until = None,
) -> schemas.AppointmentPage:
    """List the appointments of the patients whom you look after, in the order of their planned begin.

    Without `from` and `to` these are today's, by the clock of the clinic.
    """
    first, last = days.span(since, until, access.clinic.time_zone, now=clock.now())
    return await service.list_of_clinic(db, access, first, last, page)


@router.get(
    "/appointments/{appointment_id}",
    summary="Read an appointment with its steps",
    response_model=schemas.AppointmentRecord,
    responses=UNCHANGED,
)
async def read_appointment(
    appointment_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_READ, **OF_APPOINTMENT)],
    db: Db,
    request: Request,
    response: Response,
) -> schemas.AppointmentRecord | Response:
    """Read what became of an appointment, who takes part, and every step that it took."""
    appointment = await service.read(db, access, appointment_id)
    tag = etags.version_tag(appointment.version)
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    etags.stamp(response, tag)
    return await service.record_of(db, appointment)


@router.post("/appointments/{appointment_id}/arrival", summary="Record that the patient is here for it", responses=STEP)
async def record_appointment_arrival(
    appointment_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_WRITE, **OF_APPOINTMENT)],
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Appointment:
    """Record that the patient has come: `booked` becomes `arrived`. Attendance is recorded afterwards."""
    return _stamped(response, await service.arrive(db, access, appointment_id, if_match))


@router.post("/appointments/{appointment_id}/attendance", summary="Record who came", responses=STEP)
async def record_attendance(
    appointment_id: UUID,
    record: schemas.AttendanceWrite,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_WRITE, **OF_APPOINTMENT)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Appointment:
    """Record whether the patient took part, for how long, or why not; or correct what was recorded.

    Taking part makes the appointment `fulfilled`, not coming makes it `noshow`. Before the planned begin there is
    nothing to record, unless the patient has arrived.
    """
    return _stamped(response, await service.attend(db, access, appointment_id, record, if_match))


@router.post("/appointments/{appointment_id}/cancellation", summary="Cancel an appointment", responses=STEP)
async def cancel_appointment(
    appointment_id: UUID,
    cancellation: schemas.AppointmentCancellationWrite,
    access: Annotated[PatientAccess, allow(Permission.APPOINTMENTS_WRITE, **OF_APPOINTMENT)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Appointment:
    """Record that it will not take place, who cancelled it, and why.

    The reason `entered_in_error` makes it `entered-in-error`, also when attendance was recorded already. What it held
    is free again. `cancelled_late` says whether that came after the clinic's time for cancelling (24 hours, as
    delivered).
    """
    return _stamped(response, await service.cancel(db, access, appointment_id, cancellation, if_match))


@router.get("/me/appointments", summary="List my appointments", responses=problems(CursorInvalid))
async def list_my_appointments(
    access: Annotated[PatientAccess, me(Permission.APPOINTMENTS_READ)],
    page: Paging,
    db: Db,
    since: Since = None,
    until: Until = None,
) -> schemas.OwnAppointmentPage:
    """List your own appointments in the order of their planned begin, all of them or those between `from` and `to`."""
    return await service.list_of_patient(db, access, since, until, page)


@router.post(
    "/me/appointments/{appointment_id}/cancellation",
    summary="Cancel my appointment",
    responses=problems(IllegalMove, NotFound, PreconditionFailed, PreconditionRequired, TooLateToCancel),
)
async def cancel_my_appointment(
    appointment_id: UUID,
    cancellation: schemas.OwnCancellationWrite,
    access: Annotated[PatientAccess, me(Permission.APPOINTMENTS_CANCEL)],
    *,
    db: Db,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.OwnAppointment:
    """Say that you do not come. `If-Match` is the `version` that you read in the list, such as `"1"`.

    Your clinic says until how long before it begins (24 hours, as delivered). Afterwards please call. One that is only
    proposed, or in which you wait for a place, can be let go of until it would begin.
    """
    appointment = await service.cancel_own(db, access, appointment_id, cancellation, if_match)
    etags.stamp(response, etags.version_tag(appointment.version))
    return appointment


def _stamped(response: Response, appointment: schemas.Appointment) -> schemas.Appointment:
    etags.stamp(response, etags.version_tag(appointment.version))
    return appointment
