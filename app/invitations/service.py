"""Making codes, and using them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials.passwords import hasher
from app.identity.permissions import Role
from app.invitations.errors import InvitationRefused
from app.invitations.models import Invitation

INVITATION_LIFE = timedelta(days=7)
WRONG_TRIES = 5
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SELECTOR_CHARACTERS = 4
VERIFIER_CHARACTERS = 8
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": "", "U": "V"})


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """A code to hand over, shown this once."""

    code: str
    expires_at: datetime


async def invite(
    db: Database,
    settings: Settings,
    *,
    clinic_id: UUID,
    role: Role,
    display_name: str,
    patient_id: UUID | None = None,
) -> NewInvitation:
    """Make a single-use code. Codes made for the same patient before stop working."""
    now = clock.now()
    if patient_id is not None:
        await db.execute(
            sa.update(Invitation)
            .where(Invitation.clinic_id == clinic_id, Invitation.patient_id == patient_id, Invitation.used_at.is_(None))
            .values(withdrawn_at=now)
        )
    selector = await _free_selector(db)
    verifier = _random(VERIFIER_CHARACTERS)
    invitation = Invitation(
        id=new_id(),
        clinic_id=clinic_id,
        patient_id=patient_id,
        role=role.value,
        display_name=display_name,
        selector=selector,
        verifier_hash=await hasher(settings).hash(verifier),
        wrong_tries=0,
        expires_at=now + INVITATION_LIFE,
        created_at=now,
    )
    db.add(invitation)
    half = VERIFIER_CHARACTERS // 2
    return NewInvitation(f"{selector}-{verifier[:half]}-{verifier[half:]}", invitation.expires_at)


async def _free_selector(db: Database) -> str:
    while True:
        selector = _random(SELECTOR_CHARACTERS)
        if await db.scalar(sa.select(Invitation.id).where(Invitation.selector == selector)) is None:
            return selector


def _random(characters: int) -> str:
    return "".join(secrets.choice(CROCKFORD) for _ in range(characters))


async def redeem(db: Database, settings: Settings, code: str) -> Invitation:
    """Use a code up, or `InvitationRefused`; a wrong guess is counted. `db` works for its clinic from then on."""
    code = code.upper().translate(_LOOKALIKES)
    invitation = await db.scalar(
        sa.select(Invitation).where(Invitation.selector == code[:SELECTOR_CHARACTERS]).with_for_update()
    )
    now = clock.now()
    usable = (
        invitation is not None
        and invitation.used_at is None
        and invitation.withdrawn_at is None
        and invitation.expires_at > now
        and invitation.wrong_tries < WRONG_TRIES
    )
    right = await hasher(settings).matches(
        invitation.verifier_hash if invitation and usable else None, code[SELECTOR_CHARACTERS:]
    )
    if invitation is None or not right:
        if invitation is not None and usable:
            invitation.wrong_tries += 1
        raise InvitationRefused(keeps_writes=True)
    await db.enter(invitation.clinic_id)
    invitation.used_at = now
    return invitation
