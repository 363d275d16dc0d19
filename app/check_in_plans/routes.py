"""What is due, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.check_in_plans import due, schemas
from app.core import errors
from app.core.db import Database, Db
from app.core.errors import problems
from app.core.requests import StrictRoute
from app.identity.access import PatientAccess, allow, me
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["check-ins"], route_class=StrictRoute)
Days = Annotated[int, Query(ge=1, le=60, description="So many days from now, and as many days back.", examples=[14])]


@router.get("/me/due-check-ins", summary="What I am asked for, and when", responses=problems(errors.InvalidRequest))
async def list_my_due_check_ins(
    access: Annotated[PatientAccess, me(Permission.DUE_CHECK_INS_READ)], db: Db, days: Days = 14
) -> schemas.DueCheckInPage:
    """List the check-ins that you are asked for after a dose. Plan reminders on the phone by them; we send none.

    Send `due_check_in_id` with the check-in that answers one. Missing one is no fault; answer when you can.
    """
    return await _page(db, access, days)


@router.get(
    "/patients/{patient_id}/due-check-ins",
    summary="What a patient is asked for, and what became of it",
    responses=problems(errors.NotFound, errors.InvalidRequest),
)
async def list_patient_due_check_ins(
    patient_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.DUE_CHECK_INS_READ)],
    db: Db,
    days: Days = 14,
) -> schemas.DueCheckInPage:
    """List the check-ins that are due after doses: expected, open, answered, late, missed, called off."""
    return await _page(db, access, days)


async def _page(db: Database, access: PatientAccess, days: int) -> schemas.DueCheckInPage:
    found = await due.around(db, access.patient, days)
    return schemas.DueCheckInPage.model_validate({"items": found})
