"""Checking what people prove themselves with: the one place for the JSON sign-in, our own page and step-up.

Every refusal takes as long as a success and says the same, whether the address, the password or the code was wrong.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.audit import service as audit
from app.core import limits
from app.core.db import Database
from app.core.settings import Settings
from app.credentials import passkeys, second_factors
from app.credentials import service as credentials
from app.credentials.challenges import Purpose
from app.credentials.errors import PasskeyRefused
from app.identity import proofs
from app.identity.access import Caller
from app.identity.models import Account, Membership
from app.sign_ins.errors import SecondFactorRequired, SignInRefused

PASSWORD = "password"  # noqa: S105  the name of a method
WITH_CODE = f"{PASSWORD} {second_factors.OTP}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says they are, and what they bring to prove it."""

    email: str
    password: str
    one_time_code: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Who somebody is, where they belong, and how they proved it (as in `Device.methods`)."""

    account: Account
    membership: Membership
    methods: str


async def prove(db: Database, settings: Settings, claim: Claim, clinic_id: UUID | None = None) -> Proof:
    """Who this is, or `SignInRefused`. `SecondFactorRequired` when only the one-time code is missing.

    With `clinic_id`, who they are at that clinic. `db` works for their clinic from then on.
    """
    attempt = await limits.attempt(db, claim.email)
    account = await credentials.account_of(db, claim.email)
    await db.let_go()  # whoever waits for a hash keeps no connection from others
    right = await credentials.password_matches(settings, account, claim.password)
    membership = await _membership_of(db, account, clinic_id)
    if account is None or membership is None or not right:
        raise _refused(db, membership)
    await db.enter(membership.clinic_id)
    if second_factors.OTP not in await second_factors.held(db, account.id):
        attempt.succeeded()
        return Proof(account, membership, PASSWORD)
    if claim.one_time_code is None:
        attempt.succeeded()  # this is how an app finds out that it must ask for one
        _deny(db, membership, "second factor missing")
        raise SecondFactorRequired(keeps_writes=True)
    if not await second_factors.use(db, account.id, claim.one_time_code):
        raise _refused(db, membership)
    attempt.succeeded()
    return Proof(account, membership, WITH_CODE)


async def prove_with_passkey(
    db: Database, settings: Settings, credential: dict[str, Any], clinic_id: UUID | None = None
) -> Proof:
    """Whose passkey this is, or `PasskeyRefused`. The clinic is that of `prove`."""
    attempt = await limits.attempt(db)
    try:
        passkey = await passkeys.used(db, settings, credential, Purpose.SIGN_IN)
    except PasskeyRefused:
        _deny(db, None, "passkey refused")
        raise
    account = await db.get_one(Account, passkey.account_id)
    membership = await _membership_of(db, account, clinic_id)
    if membership is None:
        _deny(db, None, "no membership")
        raise PasskeyRefused(keeps_writes=True)
    await db.enter(membership.clinic_id)
    attempt.succeeded()
    return Proof(account, membership, passkeys.PASSKEY)


async def prove_again_with_passkey(
    db: Database, settings: Settings, caller: Caller, credential: dict[str, Any]
) -> None:
    """Note that a caller has just proved who they are with a passkey, or `ProofRefused`."""
    account = await second_factors.account_of(db, caller)
    try:
        await passkeys.used(db, settings, credential, Purpose.CONFIRM, account.id)
    except PasskeyRefused:
        raise second_factors.refusal("/credential") from None
    await proofs.prove(db, caller.device_id, passkeys.PASSKEY)


async def prove_again(
    db: Database, settings: Settings, caller: Caller, password: str | None, one_time_code: str | None
) -> None:
    """Note that a caller has just proved who they are, or `ProofRefused`.

    A one-time code does it, where the account has them; the password does it where there is no second factor at all.
    What is sent beside must be right too.
    """
    account = await second_factors.account_of(db, caller)
    held = await second_factors.held(db, account.id)
    if held and one_time_code is None:
        raise second_factors.refusal(second_factors.CODE_POINTER)
    if not held and password is None:
        raise second_factors.refusal("/password")
    if password is not None:
        attempt = await limits.attempt(db, account.email)
        if not await credentials.password_matches(settings, account, password):
            raise second_factors.refusal("/password")
        attempt.succeeded()
    if one_time_code is not None and not await second_factors.use(db, account.id, one_time_code):
        raise second_factors.refusal(second_factors.CODE_POINTER)
    given = [PASSWORD] if password is not None else []
    await proofs.prove(db, caller.device_id, *given, *([second_factors.OTP] if one_time_code is not None else []))


async def _membership_of(db: Database, account: Account | None, clinic_id: UUID | None) -> Membership | None:
    """Where the account belongs; the oldest place if there are several, or at this clinic.

    It is looked for even if there is no account: an address that we do not know must not be told apart by the time
    that one statement takes.
    """
    account_id = account.id if account else UUID(int=0)
    return await db.scalar(
        sa.select(Membership)
        .where(
            Membership.account_id == account_id,
            Membership.ended_at.is_(None),
            Membership.clinic_id == clinic_id if clinic_id else sa.true(),
        )
        .order_by(Membership.created_at)
        .limit(1)
    )


def _refused(db: Database, membership: Membership | None) -> SignInRefused:
    _deny(db, membership, None)
    return SignInRefused(keeps_writes=True)


def _deny(db: Database, membership: Membership | None, reason: str | None) -> None:
    audit.record(
        db,
        operation="sign_in",
        permission="public",
        outcome="denied",
        clinic_id=membership.clinic_id if membership else None,
        actor_id=membership.id if membership else None,
        actor_role=membership.role if membership else "unknown",
        reason=reason,
    )
