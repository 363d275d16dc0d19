"""Activating an account, signing in, and proving again that it is you."""

from typing import Annotated

from fastapi import APIRouter, Request

from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.guards import public
from app.core.requests import StrictRoute
from app.credentials.errors import ProofRefused, WeakPassword
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission
from app.identity.schemas import Tokens
from app.invitations.errors import InvitationRefused
from app.sign_ins import proving, schemas, service
from app.sign_ins.errors import EmailTaken, SecondFactorRequired, SignInRefused

router = APIRouter(prefix="/v1", tags=["signing-in"], route_class=StrictRoute)

Anyone = Annotated[None, public()]


@router.post(
    "/activations",
    status_code=201,
    summary="Use an invitation code",
    responses=problems(InvitationRefused, EmailTaken, WeakPassword, errors.InvalidRequest),
)
async def activate(attempt: schemas.ActivationWrite, request: Request, _: Anyone, db: Db) -> Tokens:
    """Make an account with the code that the clinic handed over, and sign this device in."""
    return await service.activate(db, request.app.state.settings, attempt)


@router.post(
    "/sign-ins",
    status_code=201,
    summary="Sign in on this device",
    responses=problems(SignInRefused, SecondFactorRequired, errors.InvalidRequest),
)
async def sign_in(attempt: schemas.SignInWrite, request: Request, _: Anyone, db: Db) -> Tokens:
    """Give the tokens of a newly signed-in device. The device appears in `GET /v1/me/devices`."""
    return await service.sign_in(db, request.app.state.settings, attempt)


@router.post(
    "/me/confirmations",
    status_code=204,
    summary="Prove again that it is me",
    responses=problems(ProofRefused),
)
async def confirm_identity(
    confirmation: schemas.ConfirmationWrite,
    request: Request,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CREDENTIALS_WRITE, also_patients=True)],
    db: Db,
) -> None:
    """Show a one-time code, or the password of an account without one. Then send again what asked for it.

    It counts for 10 minutes on this device, which is also proved by a second factor from then on.
    """
    password = confirmation.password.get_secret_value() if confirmation.password else None
    settings = request.app.state.settings
    await proving.prove_again(db, settings, access.caller, password, confirmation.one_time_code)
