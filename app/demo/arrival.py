"""How somebody of the demo gets an account: invited by the clinic, activated with the code."""

from uuid import UUID

import sqlalchemy as sa
from pydantic import SecretStr

from app.core.db import Database
from app.core.settings import Settings
from app.demo import authenticator
from app.demo.people import PASSWORD, Colleague
from app.identity.access import Caller
from app.identity.models import Device, Membership
from app.identity.permissions import Role
from app.invitations import service as invitations
from app.sign_ins import activations
from app.sign_ins.schemas import ActivationWrite

# Everybody knows these passwords. They are hashed with full strength when they are first used.
CHEAP_HASHES = {"password_hash_memory_kib": 8, "password_hash_rounds": 1}


async def employ(db: Database, settings: Settings, clinic_id: UUID, colleague: Colleague) -> Caller:
    """Invite somebody to work at a clinic, and let them accept and set one-time codes up."""
    invitation = await invitations.invite(
        db, settings, clinic_id=clinic_id, role=colleague.role, display_name=colleague.name
    )
    await db.flush_staged()
    caller = await activate(db, settings, invitation.code, colleague.email, "clinic computer")
    await authenticator.give(db, caller, colleague.email)
    return caller


async def activate(db: Database, settings: Settings, code: str, email: str, device: str) -> Caller:
    """Use an invitation; the caller that the new device makes of its owner."""
    attempt = ActivationWrite(invitation_code=code, email=email, password=SecretStr(PASSWORD), device_label=device)
    await activations.activate(db, settings.model_copy(update=CHEAP_HASHES), attempt)
    await db.flush_staged()
    newest = sa.select(Membership, Device).join(Device, Device.membership_id == Membership.id)
    membership, signed_in = (await db.execute(newest.order_by(Device.id.desc()).limit(1))).one()
    return Caller(
        membership_id=membership.id,
        role=Role(membership.role),
        clinic_id=membership.clinic_id,
        device_id=signed_in.id,
        patient_id=membership.patient_id,
        signed_in_at=signed_in.signed_in_at,
    )
