"""Linking staff to who they are at the outside issuer, and signing them in with what the issuer says."""

from datetime import datetime, timedelta
from typing import NoReturn
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.audit import service as audit
from app.core import clock, crypto
from app.core.columns import EPOCH
from app.core.db import EVERY_CLINIC, Database
from app.core.errors import NotFound
from app.core.oauth import TokenRefusedError
from app.core.settings import Settings
from app.external_identities.errors import AlreadyLinked, NoOutsideIssuer
from app.external_identities.models import ExternalIdentity
from app.identity import assertions
from app.identity import service as identity
from app.identity.assertions import NotBelievedError, Signed, Statement
from app.identity.models import Device, Membership
from app.identity.queries import IS_STAFF
from app.identity.schemas import Tokens

METHOD = "issuer"
LONGEST_TOKEN = timedelta(hours=24)
OF_ACCESS_TOKENS = frozenset({"at+jwt", "application/at+jwt"})
OPERATION = "exchange_outside_token"


async def _member(db: Database, clinic_id: UUID, staff_id: UUID) -> Membership:
    """A person who works at the clinic, or `NotFound`."""
    member = await db.scalar(
        sa.select(Membership).where(
            Membership.id == staff_id,
            Membership.clinic_id == clinic_id,
            IS_STAFF,
            Membership.ended_at.is_(None),
        )
    )
    if member is None:
        raise NotFound
    return member


async def read(db: Database, clinic_id: UUID, staff_id: UUID) -> ExternalIdentity:
    """Who a member of staff is at the issuer, or `NotFound`."""
    member = await _member(db, clinic_id, staff_id)
    link = await db.get(ExternalIdentity, member.id)
    if link is None:
        raise NotFound
    return link


async def link(
    db: Database, settings: Settings, clinic_id: UUID, staff_id: UUID, subject: str, *, linked_by: UUID
) -> ExternalIdentity:
    """Say who a member of staff is at the issuer. Saying the same again changes nothing."""
    if settings.oidc_issuer is None:
        raise NoOutsideIssuer
    member = await _member(db, clinic_id, staff_id)
    before = await db.get(ExternalIdentity, member.id)
    if before is not None and (before.issuer, before.subject) == (settings.oidc_issuer, subject):
        return before
    if before is not None or await _with_subject(db, settings.oidc_issuer, subject):
        raise AlreadyLinked
    made = ExternalIdentity(
        membership_id=member.id,
        clinic_id=clinic_id,
        issuer=settings.oidc_issuer,
        subject=subject,
        subject_index=crypto.keys().blind_index(subject),
        linked_at=clock.now(),
        linked_by=linked_by,
    )
    db.add(made)
    try:
        await db.flush()
    except IntegrityError:  # somebody else linked one of the two at this moment
        raise AlreadyLinked from None
    return made


async def _with_subject(db: Database, issuer: str, subject: str) -> list[ExternalIdentity]:
    """Links at the entered clinic whose subject reads like this one, but for the case of its letters."""
    found = await db.scalars(
        sa.select(ExternalIdentity).where(
            ExternalIdentity.issuer == issuer,
            ExternalIdentity.subject_index.in_(crypto.keys().blind_indexes(subject).values()),
        )
    )
    return list(found)


async def unlink(db: Database, clinic_id: UUID, staff_id: UUID) -> None:
    """Undo it. Whatever was signed in by the issuer's word is signed out."""
    member = await _member(db, clinic_id, staff_id)
    found = await db.get(ExternalIdentity, member.id)
    if found is None:
        return
    await db.delete(found)
    await db.execute(
        sa.update(Device)
        .where(Device.membership_id == member.id, Device.ended_at.is_(None), Device.methods.contains(METHOD))
        .values(ended_at=clock.now(), ended_because="unlinked")
        .execution_options(synchronize_session=False)
    )


async def exchange(db: Database, settings: Settings, assertion: str | None, clinic: str | None) -> Tokens:
    """Our tokens for an access token of the issuer (RFC 7523, RFC 9068), or `TokenRefusedError`.

    The clinic is chosen by whoever asks, and counts only where they are linked: an admin of another clinic who links
    the same subject cannot make their session be one there.
    """
    issuer, address, audience = settings.oidc_issuer, settings.oidc_jwks_url, settings.oidc_audience
    if issuer is None or address is None or audience is None:
        raise TokenRefusedError("unsupported_grant_type", "This server trusts no outside issuer.")
    if assertion is None:
        raise TokenRefusedError("invalid_request", "A field of the form is missing: assertion.")
    try:
        clinic_id = UUID(clinic or "")
    except ValueError:
        raise TokenRefusedError("invalid_request", "Name the clinic in clinic_id.") from None
    if clinic_id == EVERY_CLINIC:
        _refuse(db, "every_clinic", "There is no such clinic.")
    now = clock.now()
    try:
        signed = assertions.read(assertion)
        statement = await _believed(signed, issuer, address, audience, now)
        proved_at = assertions.authenticated_at(signed)
    except NotBelievedError as error:
        _refuse(db, "token_refused", str(error))
    await db.enter(clinic_id)
    member = await _linked(db, clinic_id, issuer, statement.subject)
    if member is None:
        _refuse(db, "not_linked", "Nobody who works at this clinic is linked to its subject.")
    if not await assertions.use_once(db, clinic_id, issuer, statement, now):
        _refuse(db, "used_before", "It was used before: its jti is known.", member)
    return identity.begin(
        db,
        settings,
        member,
        f"Signed in at {urlsplit(issuer).hostname}"[:100],
        methods=METHOD,
        # Without `auth_time` nobody knows how long ago that was: what is sensitive needs a proof that we see ourselves.
        authenticated_at=EPOCH if proved_at is None else min(proved_at, now),
    )


async def _believed(signed: Signed, issuer: str, address: str, audience: str, now: datetime) -> Statement:
    if str(signed.header.get("typ")).lower() not in OF_ACCESS_TOKENS:
        raise NotBelievedError("It must be an access token: typ at+jwt.")
    kid = signed.header.get("kid")
    if not isinstance(kid, str):
        raise NotBelievedError("It does not name its key (kid).")
    from app.external_identities import issuer_keys  # noqa: PLC0415  an HTTP client, for a server that has an outside issuer

    keys = await issuer_keys.at(address).naming(kid)
    if not assertions.verify(signed, keys):
        raise NotBelievedError("Its signature is not the issuer's.")
    return assertions.believe(
        signed, issuer=issuer, subject=None, audience=audience, now=now, lasts=LONGEST_TOKEN, alone=False
    )


async def _linked(db: Database, clinic_id: UUID, issuer: str, subject: str) -> Membership | None:
    for found in await _with_subject(db, issuer, subject):
        if found.subject == subject:
            try:
                return await _member(db, clinic_id, found.membership_id)
            except NotFound:
                return None
    return None


def _refuse(db: Database, reason: str, told: str, member: Membership | None = None) -> NoReturn:
    audit.record(
        db,
        operation=OPERATION,
        permission="public",
        outcome="denied",
        clinic_id=member.clinic_id if member else None,
        actor_id=member.id if member else None,
        actor_role=member.role if member else "unknown",
        reason=reason,
    )
    raise TokenRefusedError("invalid_grant", f"The token was not accepted. {told}")
