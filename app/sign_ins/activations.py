"""Using a code of the clinic: it makes an account, or gives one back."""

import sqlalchemy as sa

from app.audit import service as audit
from app.core.db import Database
from app.core.settings import Settings
from app.credentials import passkeys, recovery
from app.credentials import service as credentials
from app.credentials.challenges import Purpose
from app.credentials.passwords import hasher
from app.events import service as events
from app.events.types import EventType
from app.identity import service as identity
from app.identity.models import Account, Clinic, Membership
from app.identity.permissions import Role
from app.identity.schemas import Tokens
from app.invitations import service as invitations
from app.invitations.errors import InvitationRefused
from app.invitations.models import Invitation
from app.sign_ins.errors import EmailTaken
from app.sign_ins.proving import PASSWORD
from app.sign_ins.schemas import ActivationWrite


async def activate(db: Database, settings: Settings, attempt: ActivationWrite) -> Tokens:
    """Use a code, with a password or a passkey, and sign the device in."""
    invitation = await invitations.redeem(db, settings, attempt.invitation_code)
    passkey, password_hash = None, None
    if attempt.passkey is not None:
        passkey = await passkeys.made(db, settings, attempt.passkey, Purpose.ACTIVATE)
    if attempt.password is not None:
        clinic = await db.get_one(Clinic, invitation.clinic_id)
        password = credentials.acceptable(attempt.password.get_secret_value(), clinic.name)
        password_hash = await hasher(settings).hash(password)
    use = _join if invitation.membership_id is None else _recover
    account, membership = await use(db, invitation, attempt.email, password_hash)
    if passkey is not None:
        await passkeys.add(db, account.id, passkey, attempt.device_label)
    methods = PASSWORD if passkey is None else passkeys.PASSKEY
    return identity.begin(db, settings, membership, attempt.device_label, methods=methods)


async def _join(
    db: Database, invitation: Invitation, address: str, password_hash: str | None
) -> tuple[Account, Membership]:
    """A new account for whom the invitation is for."""
    if await identity.is_taken(db, address):
        raise EmailTaken
    account = await identity.add_account(db, address, password_hash)
    membership = await identity.add_membership(
        db,
        account,
        clinic_id=invitation.clinic_id,
        role=Role(invitation.role),
        display_name=invitation.display_name,
        patient_id=invitation.patient_id,
    )
    return account, membership


async def _recover(
    db: Database, invitation: Invitation, address: str, password_hash: str | None
) -> tuple[Account, Membership]:
    """The account of a member with new credentials, signed out everywhere. Nothing else about them changes."""
    membership = await db.scalar(
        sa.select(Membership)
        .where(Membership.id == invitation.membership_id, Membership.ended_at.is_(None))
        .with_for_update(key_share=True)
    )
    if membership is None or not await identity.is_only_membership(db, membership):
        raise InvitationRefused
    account = await db.get_one(Account, membership.account_id, with_for_update={"key_share": True})
    holder = await identity.account_of(db, address)
    if (holder is None or holder.id != account.id) and await identity.is_taken(db, address):
        raise EmailTaken
    await recovery.start_afresh(db, account, address, password_hash)
    await identity.end_devices(db, membership, "recovered")
    _tell(db, membership)
    return account, membership


def _tell(db: Database, membership: Membership) -> None:
    audit.record(
        db,
        operation="recover_account",
        permission="public",
        clinic_id=membership.clinic_id,
        actor_id=membership.id,
        actor_role=membership.role,
        patient_id=membership.patient_id,
        subject_id=membership.id,
    )
    is_patient = membership.patient_id is not None
    events.record(
        db,
        EventType.PATIENT_ACCOUNT_RECOVERED if is_patient else EventType.STAFF_ACCOUNT_RECOVERED,
        clinic_id=membership.clinic_id,
        patient_id=membership.patient_id,
        subject_id=membership.patient_id or membership.id,
    )
