"""Activating an account, signing in, and proving again that it is you."""

from typing import Annotated

from fastapi import APIRouter, Request

from app.core import errors
from app.core.db import Db
from app.core.errors import problems
from app.core.guards import public
from app.core.requests import StrictRoute
from app.credentials import passkeys, second_factors
from app.credentials.errors import (
    PasskeyNotAccepted,
    PasskeyRefused,
    PasskeysUnavailable,
    ProofRefused,
    WeakPassword,
)
from app.credentials.schemas import PasskeyOptions
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.permissions import Permission
from app.identity.schemas import Tokens
from app.invitations.errors import InvitationRefused
from app.sign_ins import activations, proving, schemas, service
from app.sign_ins.errors import EmailTaken, SecondFactorRequired, SignInRefused

router = APIRouter(prefix="/v1", tags=["signing-in"], route_class=StrictRoute)

Anyone = Annotated[None, public(current_apps_only=True)]


@router.post(
    "/activations",
    status_code=201,
    summary="Use an invitation code",
    responses=problems(
        InvitationRefused, EmailTaken, WeakPassword, PasskeyNotAccepted, PasskeysUnavailable, errors.InvalidRequest
    ),
)
async def activate(attempt: schemas.ActivationWrite, request: Request, _: Anyone, db: Db) -> Tokens:
    """Make an account with the code that the clinic handed over, and sign this device in.

    With a code that the clinic made to give an account back, the account gets this address and this password or
    passkey, loses all its devices, one-time codes and passkeys, and keeps its record.
    """
    return await activations.activate(db, request.app.state.settings, attempt)


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


@router.post(
    "/activations/passkey-options",
    summary="Begin to use an invitation code with a passkey",
    responses=problems(PasskeysUnavailable, errors.InvalidRequest),
)
async def begin_activation_with_passkey(
    who: schemas.ActivationPasskeyOptionsWrite, request: Request, _: Anyone
) -> PasskeyOptions:
    """What to ask the authenticator for. Send its answer as `passkey` to `POST /v1/activations`."""
    return PasskeyOptions(public_key=passkeys.options_to_activate(request.app.state.settings, who.email))


@router.post(
    "/sign-ins/passkey-options",
    summary="Begin to sign in with a passkey",
    responses=problems(PasskeysUnavailable),
)
async def begin_sign_in_with_passkey(request: Request, _: Anyone) -> PasskeyOptions:
    """What to ask the authenticator. It is the same for everybody: the authenticator knows who its owner is."""
    return PasskeyOptions(public_key=passkeys.options_to_sign_in(request.app.state.settings))


@router.post(
    "/sign-ins/passkey",
    status_code=201,
    summary="Sign in with a passkey",
    responses=problems(PasskeyRefused, PasskeysUnavailable, errors.InvalidRequest),
)
async def sign_in_with_passkey(attempt: schemas.PasskeySignInWrite, request: Request, _: Anyone, db: Db) -> Tokens:
    """Give the tokens of a newly signed-in device. A passkey verifies its user, so staff need nothing beside it."""
    return await service.sign_in_with_passkey(db, request.app.state.settings, attempt)


@router.post(
    "/me/confirmations/passkey-options",
    summary="Begin to prove again that it is me, with a passkey",
    responses=problems(PasskeysUnavailable),
)
async def begin_confirmation_with_passkey(
    request: Request,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CREDENTIALS_WRITE, also_patients=True)],
    db: Db,
) -> PasskeyOptions:
    """What to ask the authenticator. Send its answer to `POST /v1/me/confirmations/passkey`."""
    account = await second_factors.account_of(db, access.caller)
    return PasskeyOptions(public_key=await passkeys.options_to_confirm(db, request.app.state.settings, account))


@router.post(
    "/me/confirmations/passkey",
    status_code=204,
    summary="Prove again that it is me, with a passkey",
    responses=problems(ProofRefused, PasskeysUnavailable, errors.InvalidRequest),
)
async def confirm_identity_with_passkey(
    confirmation: schemas.PasskeyConfirmationWrite,
    request: Request,
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CREDENTIALS_WRITE, also_patients=True)],
    db: Db,
) -> None:
    """It counts for 10 minutes on this device, as a one-time code does."""
    await proving.prove_again_with_passkey(db, request.app.state.settings, access.caller, confirmation.credential)
