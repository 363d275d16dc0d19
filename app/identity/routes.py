"""Activating, signing in and out, and the caller's own devices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.guards import public
from app.core.oauth import REFUSED, OAuthRoute, refusal
from app.core.requests import StrictRoute
from app.identity import schemas, service
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.errors import (
    EmailTaken,
    InvitationRefused,
    SecondFactorRequired,
    SignInRefused,
    WeakPassword,
)
from app.identity.models import Membership, Patient
from app.identity.permissions import Permission

router = APIRouter(prefix="/v1", tags=["signing-in"], route_class=StrictRoute)
oauth = APIRouter(prefix="/oauth", tags=["signing-in"], route_class=OAuthRoute)

Anyone = Annotated[None, public()]
ForAnyMember = Annotated[ClinicAccess, allow_in_clinic(Permission.PROFILE_READ, also_patients=True)]


@router.post(
    "/activations",
    status_code=201,
    summary="Use an invitation code",
    response_model=schemas.Tokens,
    responses=problems(InvitationRefused, EmailTaken, WeakPassword, errors.InvalidRequest),
)
async def activate(attempt: schemas.ActivationWrite, request: Request, _: Anyone, db: Db) -> schemas.Tokens:
    """Make an account with the code that the clinic handed over, and sign this device in."""
    return await service.activate(db, request.app.state.settings, attempt)


@router.post(
    "/sign-ins",
    status_code=201,
    summary="Sign in on this device",
    response_model=schemas.Tokens,
    responses=problems(SignInRefused, SecondFactorRequired, errors.InvalidRequest),
)
async def sign_in(attempt: schemas.SignInWrite, request: Request, _: Anyone, db: Db) -> schemas.Tokens:
    """Give the tokens of a newly signed-in device. The device appears in `GET /v1/me/devices`."""
    return await service.sign_in(db, request.app.state.settings, attempt)


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


@oauth.post("/token", summary="Get the next tokens", response_model=schemas.Tokens, responses=REFUSED)
async def refresh_tokens(
    form: Annotated[schemas.TokenRequest, Form()], request: Request, _: Anyone, db: Db
) -> schemas.Tokens | Response:
    """Exchange the refresh token for the next pair. Use the newest one; an older one ends the device.

    If the answer was lost, send the same request again: it gives the same next token, until that has been used.
    """
    found = await service.refresh(db, request.app.state.settings, form.refresh_token)
    return found or refusal("invalid_grant", "This refresh token counts no longer. Sign in again.")


@oauth.post("/revoke", summary="Sign this device out", response_class=Response, responses=REFUSED)
async def revoke_tokens(form: Annotated[schemas.RevocationRequest, Form()], _: Anyone, db: Db) -> Response:
    """End the device that the token belongs to. Answers 200 to any token, as RFC 7009 asks."""
    await service.revoke(db, form.token)
    return Response()
