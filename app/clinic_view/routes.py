"""The clinic view over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.clinic_view import schemas, service
from app.core.db import Db
from app.core.errors import InvalidRequest, problems
from app.core.requests import StrictRoute
from app.identity import reads
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["oversight"], route_class=StrictRoute)


@router.get("/clinic-view", summary="See how the clinic did in a period", responses=problems(InvalidRequest))
async def read_clinic_view(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CLINIC_VIEW_READ)],
    query: Annotated[schemas.ClinicViewQuery, Query()],
    db: Db,
) -> schemas.ClinicView:
    """Count attendance, adherence, response and relief in one period, for the clinic's own quality work.

    A null count is hidden: it is of fewer patients than `smallest_group`, or a hidden one could be worked out from it.
    Periods never overlap and are shown when they are over, so that none can be subtracted from another.
    """
    found = await reads.of_clinic(db, lambda db: service.read(db, access, query.first_day))
    return schemas.ClinicView.model_validate(found)
