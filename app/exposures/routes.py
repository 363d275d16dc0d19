"""Exposure over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from app.core.db import Db
from app.core.errors import NotFound, problems
from app.core.requests import StrictRoute
from app.exposures import schemas, service
from app.identity.access import PatientAccess, allow
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["dosing-sessions"], route_class=StrictRoute)


@router.get(
    "/patients/{patient_id}/exposure",
    summary="Read how much a patient was given, and signs of harm",
    responses=problems(NotFound),
)
async def read_patient_exposure(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.EXPOSURE_READ)], db: Db
) -> schemas.PatientExposure:
    """Derive, as of now, how often and how much a patient was given, and what to look for: bladder, screens, craving.

    Nothing is stored, and nothing predicted: each sign says where it comes from.
    """
    return schemas.PatientExposure.model_validate(await service.read(db, access))
