"""What is due, what phones report of it, and how patients keep up with it, over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.check_in_plans import adherence, due_answers, due_queries, receipts, schemas
from app.check_in_plans.due_rules import window
from app.consents.errors import ConsentWithdrawn
from app.core import clock, errors
from app.core.columns import EPOCH, MICROSECOND
from app.core.db import Database, Db
from app.core.errors import problems
from app.core.etags import not_modified, stamp, unchanged
from app.core.fields import Day
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission
from app.identity.revalidation import RevalidatedRoute, TimedRoute, tag_of, timed_tag_of

USUAL_DAYS, USUAL_PAST_DAYS = 14, 1
router = APIRouter(prefix="/v1", tags=["check-ins"], route_class=TimedRoute)
reports = APIRouter(prefix="/v1", tags=["check-ins"], route_class=StrictRoute)
figures = APIRouter(prefix="/v1", tags=["check-ins"], route_class=RevalidatedRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
Days = Annotated[int, Query(ge=1, le=60, description="Today and so many days after it.", examples=[14])]
PastDays = Annotated[
    int,
    Query(ge=0, le=60, description="So many days before today. What can still be answered in time is always there."),
]
FirstDay = Annotated[
    Day | None, Query(alias="from", description="First local day of the patient. Left out: 27 days before `to`.")
]
LastDay = Annotated[Day | None, Query(alias="to", description="Last local day, included. Left out: today.")]


@router.get(
    "/me/due-check-ins",
    summary="What I am asked for, and when",
    response_model=schemas.DueCheckInPage,
    responses=UNCHANGED | problems(errors.InvalidRequest),
)
async def list_my_due_check_ins(
    request: Request,
    access: Annotated[PatientAccess, me(Permission.DUE_CHECK_INS_READ)],
    db: Db,
    days: Days = USUAL_DAYS,
    past_days: PastDays = USUAL_PAST_DAYS,
) -> Response:
    """List the check-ins that you are asked for. Plan reminders on the phone by them; we send none.

    Ask again with `If-None-Match`, and at `valid_until`. Send `due_check_in_id` with the check-in that answers one: the
    first answer stands, one that comes after `closes_at` is `late`. Missing one is no fault.
    """
    return await _page(request, db, access, days, past_days)


@router.get(
    "/patients/{patient_id}/due-check-ins",
    summary="What a patient is asked for, and what became of it",
    response_model=schemas.DueCheckInPage,
    responses=UNCHANGED | problems(errors.NotFound, errors.InvalidRequest),
)
async def list_patient_due_check_ins(
    patient_id: UUID,
    request: Request,
    access: Annotated[PatientAccess, allow(Permission.DUE_CHECK_INS_READ)],
    db: Db,
    days: Days = USUAL_DAYS,
    past_days: PastDays = USUAL_PAST_DAYS,
) -> Response:
    """List the check-ins that are due: expected, open, answered, late, missed, withdrawn."""
    return await _page(request, db, access, days, past_days)


async def _page(request: Request, db: Database, access: PatientAccess, days: int, past_days: int) -> Response:
    """Write the list, with the tag that says until when it stays what it is."""
    patient, now = access.patient, clock.now()
    wanted = window(now, days, past_days, patient.time_zone)
    planned, rows = await due_queries.within(db, patient, wanted)
    if planned is not None:
        planned = min(planned, due_answers.microseconds(wanted.end))
    page = due_answers.page(rows, now, time_zone=patient.time_zone, tomorrow=wanted.tomorrow, planned_until=planned)
    tag = timed_tag_of(request, access, EPOCH + page.valid_until * MICROSECOND)
    if unchanged(request, tag):
        return not_modified(tag)
    answer = Response(page.body, media_type="application/json")
    stamp(answer, tag)
    return answer


@reports.post(
    "/me/due-check-ins/receipts",
    summary="Say which check-ins my phone has, and of which it reminded me",
    responses=problems(ConsentWithdrawn, errors.InvalidRequest),
)
async def report_due_check_in_receipts(
    sent: schemas.ReceiptsWrite, access: Annotated[PatientAccess, me(Permission.DUE_CHECK_INS_REPORT)], db: Db
) -> schemas.ReceiptResults:
    """Report when the phone had a due check-in and when it reminded of it; up to 100, whenever there is a network.

    The earliest moment of each is kept, so sending the same again is safe, from several phones too. Optional: nothing
    depends on it but what the clinic knows of why a check-in was missed.
    """
    results = await receipts.record(db, access.patient, sent.receipts)
    return schemas.ReceiptResults.model_validate(
        {"results": [{"due_check_in_id": due_id, "outcome": outcome} for due_id, outcome in results]}
    )


@figures.get(
    "/me/adherence",
    summary="How I kept up with what I was asked for",
    responses=UNCHANGED | problems(errors.InvalidRequest),
)
async def read_my_adherence(
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, me(Permission.DUE_CHECK_INS_READ)],
    db: Db,
    first_day: FirstDay = None,
    last_day: LastDay = None,
) -> schemas.DueAdherence:
    """Count what was due on these days: answered in time, late, missed. A missed check-in is no value of anything."""
    return await _adherence(request, response, access, db, first_day, last_day)


@figures.get(
    "/patients/{patient_id}/adherence",
    summary="How a patient kept up with what they were asked for",
    responses=UNCHANGED | problems(errors.NotFound, errors.InvalidRequest),
)
async def read_patient_adherence(
    patient_id: UUID,
    request: Request,
    response: Response,
    access: Annotated[PatientAccess, allow(Permission.DUE_CHECK_INS_READ)],
    db: Db,
    first_day: FirstDay = None,
    last_day: LastDay = None,
) -> schemas.DueAdherence:
    """Count what was due on these days: answered in time, late, missed, and missed though the phone reminded."""
    return await _adherence(request, response, access, db, first_day, last_day)


async def _adherence(
    request: Request,
    response: Response,
    access: PatientAccess,
    db: Database,
    first_day: date | None,
    last_day: date | None,
) -> schemas.DueAdherence:
    first, last = adherence.days_asked_for(first_day, last_day, access.patient.time_zone)
    found = await adherence.of_patient(db, access.patient, first, last)
    stamp(response, tag_of(request, access))
    return schemas.DueAdherence.model_validate(found)
