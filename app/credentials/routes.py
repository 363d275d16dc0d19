"""Second factors and passkeys of the caller."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request

from app.core import errors, qr
from app.core.db import Db
from app.core.errors import problems
from app.core.requests import StrictRoute
from app.credentials import passkeys, schemas, second_factors, totp
from app.credentials.challenges import Purpose
from app.credentials.errors import (
    LastCredential,
    PasskeyNotAccepted,
    PasskeysUnavailable,
    ProofRefused,
    SecondFactorExists,
    TooManyPasskeys,
)
from app.credentials.models import OneTimeCodes
from app.identity.access import ClinicAccess, allow_in_clinic
from app.identity.errors import RecentSignInRequired, SecondFactorNeeded
from app.identity.permissions import Permission
from app.identity.proofs import prove

router = APIRouter(prefix="/v1", tags=["signing-in"], route_class=StrictRoute)

Change = Annotated[ClinicAccess, allow_in_clinic(Permission.CREDENTIALS_WRITE, also_patients=True)]
SensitiveChange = Annotated[
    ClinicAccess, allow_in_clinic(Permission.CREDENTIALS_WRITE, also_patients=True, step_up=True)
]


@router.get("/me/second-factors", summary="What do I prove myself with?")
async def list_second_factors(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CREDENTIALS_READ, also_patients=True)], db: Db
) -> schemas.SecondFactorPage:
    """The one-time codes of this account, also while they wait for their first code."""
    account = await second_factors.account_of(db, access.caller)
    found = await second_factors.one_time_codes(db, account.id)
    return schemas.SecondFactorPage(items=[] if found is None else [_shown(found)])


@router.post(
    "/me/second-factors",
    status_code=201,
    summary="Set one-time codes up",
    responses=problems(RecentSignInRequired, SecondFactorNeeded, SecondFactorExists),
)
async def begin_second_factor(access: SensitiveChange, db: Db) -> schemas.NewSecondFactor:
    """Get a seed for an authenticator app, as text and as a QR code. It is shown this once.

    It counts when its first code was confirmed; until then, asking again gives another one.
    """
    account = await second_factors.account_of(db, access.caller)
    await second_factors.only_proved(db, access.caller, account.id)
    made = await second_factors.begin(db, account.id)
    address = totp.address(made.seed, account.email)
    return schemas.NewSecondFactor(id=made.id, secret=made.seed, otpauth_uri=address, qr_svg=qr.svg(address))


@router.post(
    "/me/second-factors/{second_factor_id}/confirmation",
    summary="Confirm one-time codes with the first",
    responses=problems(ProofRefused, errors.NotFound),
)
async def confirm_second_factor(
    second_factor_id: UUID, confirmation: schemas.SecondFactorConfirmationWrite, access: Change, db: Db
) -> schemas.SecondFactor:
    """Show that the app has the seed. From then on signing in needs a code, and this device counts as proved by one."""
    account = await second_factors.account_of(db, access.caller)
    made = await second_factors.confirm(db, account.id, second_factor_id, confirmation.one_time_code)
    await prove(db, access.caller.device_id, second_factors.OTP)
    return _shown(made)


@router.delete(
    "/me/second-factors/{second_factor_id}",
    status_code=204,
    summary="Remove one-time codes",
    responses=problems(RecentSignInRequired, SecondFactorNeeded, errors.NotFound),
)
async def remove_second_factor(second_factor_id: UUID, access: SensitiveChange, db: Db) -> None:
    """Forget the seed, for instance before another phone gets a new one. Staff then need a new second factor."""
    account = await second_factors.account_of(db, access.caller)
    await second_factors.only_proved(db, access.caller, account.id)
    await second_factors.remove(db, account.id, second_factor_id)


def _shown(codes: OneTimeCodes) -> schemas.SecondFactor:
    return schemas.SecondFactor(
        id=codes.id,
        kind=schemas.SecondFactorKind.ONE_TIME_CODES,
        created_at=codes.created_at,
        confirmed_at=codes.confirmed_at,
    )


@router.get("/me/passkeys", summary="Which passkeys do I have?")
async def list_passkeys(
    access: Annotated[ClinicAccess, allow_in_clinic(Permission.CREDENTIALS_READ, also_patients=True)], db: Db
) -> schemas.PasskeyPage:
    """The passkeys that sign the caller in."""
    account = await second_factors.account_of(db, access.caller)
    found = await passkeys.of_account(db, account.id)
    return schemas.PasskeyPage(items=[schemas.PasskeyView.model_validate(each) for each in found])


@router.post(
    "/me/passkeys/options",
    summary="Begin to add a passkey",
    responses=problems(RecentSignInRequired, SecondFactorNeeded, TooManyPasskeys, PasskeysUnavailable),
)
async def begin_passkey(request: Request, access: SensitiveChange, db: Db) -> schemas.PasskeyOptions:
    """What to ask the authenticator for. Send its answer to `POST /v1/me/passkeys`."""
    account = await second_factors.account_of(db, access.caller)
    await second_factors.only_proved(db, access.caller, account.id)
    return schemas.PasskeyOptions(public_key=await passkeys.options_to_add(db, request.app.state.settings, account))


@router.post(
    "/me/passkeys",
    status_code=201,
    summary="Add a passkey",
    response_model=schemas.PasskeyView,
    responses=problems(
        RecentSignInRequired, SecondFactorNeeded, PasskeyNotAccepted, PasskeysUnavailable, errors.InvalidRequest
    ),
)
async def add_passkey(
    new: schemas.PasskeyWrite, request: Request, access: SensitiveChange, db: Db
) -> schemas.PasskeyView:
    """Let a passkey sign the caller in from now on. This device counts as proved by it."""
    account = await second_factors.account_of(db, access.caller)
    await second_factors.only_proved(db, access.caller, account.id)
    made = await passkeys.made(db, request.app.state.settings, new.credential, Purpose.ADD, account.id)
    added = await passkeys.add(db, account.id, made, new.label)
    await prove(db, access.caller.device_id, passkeys.PASSKEY)
    return schemas.PasskeyView.model_validate(added)


@router.delete(
    "/me/passkeys/{passkey_id}",
    status_code=204,
    summary="Remove a passkey",
    responses=problems(RecentSignInRequired, SecondFactorNeeded, LastCredential, errors.NotFound),
)
async def remove_passkey(passkey_id: UUID, access: SensitiveChange, db: Db) -> None:
    """It signs nobody in from now on. Devices that it signed in stay; end them at `DELETE /v1/me/devices/...`."""
    account = await second_factors.account_of(db, access.caller)
    await second_factors.only_proved(db, access.caller, account.id)
    await passkeys.remove(db, account, passkey_id)
