"""Activating accounts and signing devices in."""

from app.core.db import Database
from app.core.settings import Settings
from app.credentials import service as credentials
from app.identity import service as identity
from app.identity.models import Clinic
from app.identity.permissions import Role
from app.identity.schemas import Tokens
from app.invitations import service as invitations
from app.sign_ins.errors import EmailTaken
from app.sign_ins.proving import Claim, prove
from app.sign_ins.schemas import ActivationWrite, SignInWrite


async def sign_in(db: Database, settings: Settings, attempt: SignInWrite) -> Tokens:
    """Sign a device in. Unknown addresses take as long as wrong passwords and get the same answer."""
    claim = Claim(attempt.email, attempt.password.get_secret_value(), attempt.one_time_code)
    proof = await prove(db, settings, claim)
    return identity.begin(db, settings, proof.membership, attempt.device_label, methods=proof.methods)


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
