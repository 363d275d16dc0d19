"""Who the caller is, and where they are signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.requests import StrictRoute
from app.identity import schemas, service
from app.identity.access import ClinicAccess, PatientAccess, allow, allow_in_clinic
from app.identity.models import Membership, Patient
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["signing-in"], route_class=StrictRoute)

ForAnyMember = Annotated[ClinicAccess, allow_in_clinic(Permission.PROFILE_READ, also_patients=True)]


@router.get("/me", summary="Who am I?", response_model=schemas.Profile)
async def read_profile(access: ForAnyMember, db: Db) -> schemas.Profile:
    """The caller's name, role and clinic."""
    caller, clinic = access.caller, access.clinic
    membership = await db.get_one(Membership, caller.membership_id)
    patient = await db.get_one(Patient, caller.patient_id) if caller.patient_id else None
    return schemas.Profile(
        id=caller.membership_id,
        role=caller.role,
        display_name=membership.display_name,
        patient_id=caller.patient_id,
        clinic_id=clinic.id,
        clinic_name=clinic.name,
        clinic_time_zone=clinic.time_zone,
        time_zone=patient.time_zone if patient else clinic.time_zone,
        locale=clinic.locale,
    )


@router.get("/me/devices", summary="Where am I signed in?", response_model=schemas.DevicePage)
async def list_my_devices(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.DEVICES_READ, also_patients=True)], db: Db
) -> schemas.DevicePage:
    """Every phone and browser that is signed in to this account at this clinic."""
    return schemas.DevicePage(
        items=[
            schemas.DeviceView(
                id=device.id,
                label=device.label,
                signed_in_at=device.signed_in_at,
                last_refreshed_at=device.refreshed_at,
                current=device.id == access.caller.device_id,
            )
            for device in await service.devices(db, access.caller)
        ]
    )


@router.delete(
    "/me/devices/{device_id}",
    status_code=204,
    summary="Sign one of my devices out",
    responses=problems(errors.NotFound),
)
async def end_my_device(
    device_id: UUID,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.DEVICES_END, also_patients=True)],
    db: Db,
) -> None:
    """A lost phone is out from its next request on. Ending the device that asks is signing out."""
    await service.end_device(db, access.caller, device_id)


@router.get(
    "/patients/{patient_id}/devices",
    summary="Where is a patient signed in?",
    response_model=schemas.PatientDevicePage,
    responses=problems(errors.NotFound),
)
async def list_patient_devices(
    patient_id: UUID, access: Annotated[PatientAccess, allow(Permission.PATIENT_DEVICES_READ)], db: Db
) -> schemas.PatientDevicePage:
    """Every phone and browser that the patient is signed in on, for when one was lost."""
    found = await service.patients_devices(db, access.patient.id)
    return schemas.PatientDevicePage(items=[schemas.PatientDevice.model_validate(device) for device in found])


@router.delete(
    "/patients/{patient_id}/devices/{device_id}",
    status_code=204,
    summary="Sign one of a patient's devices out",
    responses=problems(errors.NotFound),
)
async def end_patient_device(
    patient_id: UUID,
    device_id: UUID,
    access: Annotated[PatientAccess, allow(Permission.PATIENT_DEVICES_END)],
    db: Db,
) -> None:
    """A lost phone is out from its next request on, though nobody could reach it."""
    await service.end_patients_device(db, access.patient.id, device_id)
