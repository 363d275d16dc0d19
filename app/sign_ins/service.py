"""Activating accounts and signing devices in."""

import sqlalchemy as sa

from app.audit import service as audit
from app.core.db import Database
from app.core.settings import Settings
from app.credentials import service as credentials
from app.identity import service as identity
from app.identity.models import Account, Clinic, Membership
from app.identity.permissions import Role
from app.identity.schemas import Tokens
from app.invitations import service as invitations
from app.sign_ins.errors import EmailTaken, SignInRefused
from app.sign_ins.schemas import ActivationWrite, SignInWrite


async def sign_in(db: Database, settings: Settings, attempt: SignInWrite) -> Tokens:
    """Sign a device in. Unknown addresses take as long as wrong passwords and get the same answer."""
    account = await credentials.account_of(db, attempt.email)
    right = await credentials.password_matches(settings, account, attempt.password.get_secret_value())
    membership = await _membership_of(db, account)
    if not right or membership is None:
        audit.record(
            db,
            operation="sign_in",
            permission="public",
            outcome="denied",
            clinic_id=membership.clinic_id if membership else None,
            actor_id=membership.id if membership else None,
            actor_role=membership.role if membership else "unknown",
        )
        raise SignInRefused(keeps_writes=True)
    await db.enter(membership.clinic_id)
    return identity.begin(db, settings, membership, attempt.device_label, methods="password")


async def _membership_of(db: Database, account: Account | None) -> Membership | None:
    """Where the account belongs; the oldest place if there are several."""
    if account is None:
        return None
    return await db.scalar(
        sa.select(Membership)
        .where(Membership.account_id == account.id, Membership.ended_at.is_(None))
        .order_by(Membership.created_at)
        .limit(1)
    )


async def activate(db: Database, settings: Settings, attempt: ActivationWrite) -> Tokens:
    """Use an invitation: make the account and sign its first device in."""
    invitation = await invitations.redeem(db, settings, attempt.invitation_code)
    clinic = await db.get_one(Clinic, invitation.clinic_id)
    password = credentials.acceptable(attempt.password.get_secret_value(), clinic.name)
    if await identity.is_taken(db, attempt.email):
        raise EmailTaken
    account = await credentials.add_account(db, settings, attempt.email, password)
    membership = await identity.add_membership(
        db,
        account,
        clinic_id=clinic.id,
        role=Role(invitation.role),
        display_name=invitation.display_name,
        patient_id=invitation.patient_id,
    )
    return identity.begin(db, settings, membership, attempt.device_label, methods="password")
