"""Making codes, and using them."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.audit import service as audit
from app.core import clock, limits
from app.core.db import Database
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials.passwords import hasher
from app.identity.permissions import Role
from app.invitations import rules
from app.invitations.errors import InvitationRefused
from app.invitations.models import Invitation

DRAWS = 50
"""With a million selectors and a few thousand open codes, the second draw fails once in a lifetime."""


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """A code to hand over, shown this once: to type, and as the address in a QR code."""

    code: str
    qr_payload: str
    expires_at: datetime


async def invite(
    db: Database,
    settings: Settings,
    *,
    clinic_id: UUID,
    role: Role,
    display_name: str,
    patient_id: UUID | None = None,
    membership_id: UUID | None = None,
) -> NewInvitation:
    """Make a single-use code. Codes made for the same patient or member before stop working.

    With `membership_id` it brings the account of this member back, instead of making one.
    """
    await withdraw(db, clinic_id, patient_id=patient_id, membership_id=membership_id)
    now = clock.now()
    verifier, long_code = _random(rules.VERIFIER_CHARACTERS), _random(rules.LONG_CHARACTERS)
    invitation = Invitation(
        id=new_id(),
        clinic_id=clinic_id,
        patient_id=patient_id,
        membership_id=membership_id,
        role=role.value,
        display_name=display_name,
        verifier_hash=await hasher(settings).hash(_hashed_of(verifier, recovers=membership_id is not None)),
        long_code_hash=_long_code_hash(long_code),
        wrong_tries=0,
        expires_at=now + rules.LIFE,
        created_at=now,
    )
    selector = await _add_with_selector(db, invitation, now)
    address = f"{settings.public_url}/activate#{long_code}"
    return NewInvitation(rules.written(selector, verifier), address, invitation.expires_at)


async def _add_with_selector(db: Database, invitation: Invitation, now: datetime) -> str:
    """Store the invitation under a selector that no open code has; one that is over gives its selector up."""
    for _ in range(DRAWS):
        selector = _random(rules.SELECTOR_CHARACTERS)
        holder = await db.scalar(sa.select(Invitation).where(Invitation.selector == selector).with_for_update())
        if holder is not None and _is_open(holder, now):
            continue
        try:
            async with db.begin_nested():
                if holder is not None:
                    holder.selector = None
                    await db.flush()
                invitation.selector = selector
                db.add(invitation)
                await db.flush()
        except IntegrityError:  # somebody drew the same at the same time
            continue
        return selector
    raise Unavailable


async def withdraw(
    db: Database, clinic_id: UUID, *, patient_id: UUID | None = None, membership_id: UUID | None = None
) -> None:
    """End the unused codes of a patient or a member of staff."""
    whose = [
        column == wanted
        for column, wanted in ((Invitation.patient_id, patient_id), (Invitation.membership_id, membership_id))
        if wanted is not None
    ]
    if whose:
        await db.execute(
            sa.update(Invitation)
            .where(
                Invitation.clinic_id == clinic_id,
                sa.or_(*whose),
                Invitation.used_at.is_(None),
                Invitation.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=clock.now())
        )


async def redeem(db: Database, settings: Settings, code: str) -> Invitation:
    """Use a code up, or `InvitationRefused`; a wrong guess is counted. `db` works for its clinic from then on."""
    attempt = await limits.attempt(db)
    invitation = await _found(db, settings, rules.plain(code))
    if invitation is None:
        raise InvitationRefused(keeps_writes=True)
    attempt.succeeded()
    await db.enter(invitation.clinic_id)
    invitation.used_at = clock.now()
    return invitation


async def _found(db: Database, settings: Settings, code: str) -> Invitation | None:
    """The open invitation of this code, locked. A wrong code takes as long as a right one."""
    if len(code) == rules.LONG_CHARACTERS:
        invitation = await db.scalar(
            sa.select(Invitation).where(Invitation.long_code_hash == _long_code_hash(code)).with_for_update()
        )
        return invitation if invitation is not None and _is_open(invitation, clock.now()) else None
    selector, verifier = code[: rules.SELECTOR_CHARACTERS], code[rules.SELECTOR_CHARACTERS :]
    invitation = await db.scalar(sa.select(Invitation).where(Invitation.selector == selector).with_for_update())
    if invitation is not None and not _is_open(invitation, clock.now()):
        invitation = None
    stored = invitation.verifier_hash if invitation else None
    recovers = invitation is not None and invitation.membership_id is not None
    if await hasher(settings).matches(stored, _hashed_of(verifier, recovers=recovers)):
        return invitation
    if invitation is not None:
        invitation.wrong_tries += 1
        audit.record(
            db,
            operation="activate",
            permission="public",
            outcome="denied",
            clinic_id=invitation.clinic_id,
            actor_role="unknown",
            patient_id=invitation.patient_id,
            subject_id=invitation.id,
        )
    return None


def _is_open(invitation: Invitation, now: datetime) -> bool:
    return rules.is_open(
        now,
        used_at=invitation.used_at,
        withdrawn_at=invitation.withdrawn_at,
        expires_at=invitation.expires_at,
        wrong_tries=invitation.wrong_tries,
    )


def _random(characters: int) -> str:
    return "".join(secrets.choice(rules.CROCKFORD) for _ in range(characters))


def _hashed_of(verifier: str, *, recovers: bool) -> str:
    """What is hashed of a verifier: a code for one purpose is no code for the other."""
    return f"recovery:{verifier}" if recovers else verifier


def _long_code_hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
