"""How a program proves which client it is, and the token that it gets.

Whatever is wrong, the answer is the same 401 and takes as long; only who signed with a registered key is told what is
wrong with the rest. Each attempt is in the audit.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from app.api_clients import rules, secrets, service
from app.api_clients.models import ApiClient, ApiClientSecret
from app.api_clients.rules import Authentication
from app.api_clients.schemas import ServiceToken
from app.audit import service as audit
from app.core import clock, limits
from app.core.db import Database
from app.core.ids import new_id
from app.core.oauth import TokenRefusedError
from app.identity import assertions, tokens
from app.identity.assertions import NotBelievedError
from app.identity.models import Device, Membership
from app.identity.permissions import Role

TOKEN_LIFE = timedelta(minutes=5)
ASSERTION_LIFE = timedelta(minutes=5)
DEVICES_KEPT = timedelta(hours=1)
USED_EVERY = timedelta(hours=1)
OPERATION = "client_credentials"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="clients", charset="UTF-8"'}

Method = Literal["client_secret", "client_jwt"]


@dataclass(frozen=True, slots=True)
class Proven:
    """A client that proved who it is, and how."""

    client: ApiClient
    method: Method


async def by_secret(db: Database, client_id: str, secret: str) -> Proven:
    """The client whose secret this is, or `TokenRefusedError`."""
    client = await service.find(db, _uuid(client_id))
    expects = client is not None and client.authentication == Authentication.CLIENT_SECRET
    living = await service.live_secrets(db, _uuid(client_id))
    digest = secrets.digest(secret)
    matching = [kept for kept in living if hmac.compare_digest(kept.hash, digest)]
    if client is None or client.ended_at is not None or not expects or not matching:
        raise _refused(db, client, "wrong_secret")
    _note_use(matching[0], clock.now())
    return Proven(client, "client_secret")


def _note_use(secret: ApiClientSecret, now: datetime) -> None:
    """Remember that it is in use; not each time, since programs that call at once would wait for each other."""
    if secret.last_used_at is None or now - secret.last_used_at > USED_EVERY:
        secret.last_used_at = now


async def by_assertion(db: Database, assertion: str, audience: str, client_id: str | None) -> Proven:
    """The client that signed this (RFC 7523, section 2.2), or `TokenRefusedError`."""
    try:
        signed = assertions.read(assertion)
    except NotBelievedError as error:
        raise _refused(db, None, "unreadable_assertion", str(error)) from None
    said = signed.claims.get("sub")
    client = await service.find(db, _uuid(said))
    expects = client is not None and client.authentication == Authentication.PRIVATE_KEY_JWT
    keys = {key["kid"]: assertions.public_key(key) for key in client.public_keys} if client and expects else {}
    verified = assertions.verify(signed, keys)
    if client is None or client.ended_at is not None or not verified:
        raise _refused(db, client, "wrong_signature")
    now, own_id = clock.now(), str(client.id)
    try:
        if client_id not in {None, own_id}:
            raise NotBelievedError("The client_id beside it is another.")  # noqa: TRY301  told like the others
        statement = assertions.believe(
            signed, issuer=own_id, subject=own_id, audience=audience, now=now, lasts=ASSERTION_LIFE
        )
        if not await assertions.use_once(db, client.clinic_id, own_id, statement, now):
            raise NotBelievedError("It was used before: its jti is known.")  # noqa: TRY301  the same
    except NotBelievedError as error:
        raise _refused(db, client, "assertion_refused", str(error)) from None
    return Proven(client, "client_jwt")


def _uuid(text: object) -> UUID:
    """The id that a text names, or one that nothing has."""
    try:
        return UUID(text) if isinstance(text, str) else UUID(int=0)
    except ValueError:
        return UUID(int=0)


def _refused(db: Database, client: ApiClient | None, reason: str, told: str | None = None) -> TokenRefusedError:
    audit.record(
        db,
        operation=OPERATION,
        permission="public",
        outcome="denied",
        clinic_id=client.clinic_id if client else None,
        actor_id=client.id if client else None,
        actor_role=Role.SERVICE.value if client else "unknown",
        reason=reason,
    )
    what = "The client is not known, or did not prove who it is."
    return TokenRefusedError(
        "invalid_client", f"{what} {told}" if told and client else told or what, status=401, headers=CHALLENGE
    )


async def token_for(db: Database, proven: Proven, asked: str | None) -> ServiceToken:
    """A token of a client that proved itself, for the scopes it asked for; never for more than it has."""
    client, now = proven.client, clock.now()
    await limits.token(db, client.id.hex)
    scope = rules.granted(client.scopes, asked)
    if scope is None:
        raise TokenRefusedError("invalid_scope", "A scope is unknown, or not registered for this client.")
    member = await db.get_one(Membership, client.id)
    await forget_devices(db, client.id, now)
    expires = now + TOKEN_LIFE
    device = Device(
        id=new_id(),
        clinic_id=client.clinic_id,
        membership_id=client.id,
        client_id=client.id,
        label=member.display_name,
        methods=proven.method,
        scopes=scope,
        signed_in_at=now,
        refresh_n=1,
        confirmed_n=1,
        refreshed_at=now,
        idle_expires_at=expires,
        absolute_expires_at=expires,
    )
    db.add(device)
    audit.record(
        db,
        operation=OPERATION,
        permission="public",
        clinic_id=client.clinic_id,
        actor_id=client.id,
        actor_role=Role.SERVICE.value,
        device_id=device.id,
    )
    return ServiceToken(
        access_token=tokens.write(tokens.Kind.ACCESS, client.clinic_id, device.id, device.refresh_n, expires),
        expires_in=int(TOKEN_LIFE.total_seconds()),
        token_type="Bearer",  # noqa: S106  the name of a scheme
        scope=scope,
    )


async def forget_devices(db: Database, client_id: UUID, now: datetime) -> None:
    """Delete what is left of a client's tokens of hours ago. They would pile up; what they did is in the audit."""
    old = (
        sa.select(Device.id)
        .where(Device.membership_id == client_id, Device.absolute_expires_at < now - DEVICES_KEPT)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    await db.execute(sa.delete(Device).where(Device.id.in_(old)).execution_options(synchronize_session=False))
