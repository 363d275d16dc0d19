"""Registering clients, changing and ending them, and looking after their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.api_clients import rules, schemas, secrets
from app.api_clients.errors import ApiClientEnded, NoSecret, TooManyApiClients, TwoSecretsLive
from app.api_clients.models import ApiClient, ApiClientSecret
from app.api_clients.rules import Authentication, Relationship
from app.core import clock
from app.core.db import Database
from app.core.errors import InvalidRequest, NotFound
from app.core.etags import require_match, version_tag
from app.core.ids import new_id
from app.identity.models import Device, Membership
from app.identity.permissions import Role

MOST_CLIENTS = 100


@dataclass(frozen=True, slots=True)
class RegisteredApp:
    """A public client that may be used, for the page that people sign in on."""

    client_id: UUID
    clinic_id: UUID
    name: str
    redirect_uris: frozenset[str]
    scopes: frozenset[str]


async def register(
    db: Database, clinic_id: UUID, new: schemas.ApiClientWrite, *, created_by: UUID | None
) -> tuple[ApiClient, str | None]:
    """Register a client of the clinic; its secret, which nobody will see again, where it has one."""
    keys = _in_order(new.authentication, new.relationship, new)
    living = sa.select(sa.func.count()).select_from(ApiClient).where(ApiClient.ended_at.is_(None))
    if (await db.scalar(living) or 0) >= MOST_CLIENTS:
        raise TooManyApiClients
    now = clock.now()
    member = Membership(
        id=new_id(), clinic_id=clinic_id, role=Role.SERVICE.value, display_name=new.name, created_at=now
    )
    db.add(member)
    await db.flush()
    client = ApiClient(
        id=member.id,
        clinic_id=clinic_id,
        authentication=new.authentication.value,
        relationship=new.relationship.value,
        scopes=" ".join(sorted(new.scopes)),
        redirect_uris=list(new.redirect_uris),
        public_keys=keys,
        version=1,
        created_at=now,
        created_by=created_by,
    )
    db.add(client)
    await db.flush()
    secret = _add_secret(db, client, now) if new.authentication is Authentication.CLIENT_SECRET else None
    await db.flush()
    return client, secret


def _in_order(
    authentication: Authentication, relationship: Relationship, wanted: schemas.ApiClientChangeWrite
) -> list[dict[str, Any]]:
    """The keys to store, or `InvalidRequest`."""
    keys = [key.model_dump(mode="json", exclude_none=True) for key in wanted.jwks.keys] if wanted.jwks else []
    faults = rules.faults(authentication, relationship, wanted.scopes, wanted.redirect_uris, keys)
    if faults:
        raise InvalidRequest(errors=faults)
    return keys


def _add_secret(db: Database, client: ApiClient, now: datetime) -> str:
    secret = secrets.make()
    db.add(
        ApiClientSecret(
            id=new_id(),
            clinic_id=client.clinic_id,
            client_id=client.id,
            hash=secrets.digest(secret),
            last_characters=secret[-4:],
            created_at=now,
        )
    )
    return secret


async def clients(db: Database) -> Sequence[dict[str, Any]]:
    """The clinic's clients that may be used, the newest first."""
    found = await db.execute(
        sa.select(ApiClient, Membership)
        .join(Membership, Membership.id == ApiClient.id)
        .where(ApiClient.ended_at.is_(None))
        .order_by(ApiClient.created_at.desc(), ApiClient.id.desc())
    )
    return [_summary(client, member) for client, member in found]


async def read(db: Database, client_id: UUID) -> dict[str, Any]:
    """A client of the clinic, ended ones too, since they are named in the audit."""
    return await view(db, await _client(db, client_id))


async def view(db: Database, client: ApiClient) -> dict[str, Any]:
    """A client as it is shown."""
    member = await db.get_one(Membership, client.id)
    keys = {"keys": client.public_keys} if client.authentication == Authentication.PRIVATE_KEY_JWT else None
    return _summary(client, member) | {
        "redirect_uris": client.redirect_uris,
        "jwks": keys,
        "secrets": await live_secrets(db, client.id),
        "version": client.version,
        "ended_at": client.ended_at,
    }


def tag(shown: dict[str, Any]) -> str:
    """The entity tag of what `view` shows: also what nobody changed counts, such as when a secret was last used."""
    moments = [secret.last_used_at for secret in shown["secrets"] if secret.last_used_at]
    hour = int(max(moments).timestamp()) // 3600 if moments else 0
    return version_tag(shown["version"], hour * 10 + len(shown["secrets"]))


def _summary(client: ApiClient, member: Membership) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": member.display_name,
        "authentication": client.authentication,
        "relationship": client.relationship,
        "scopes": client.scopes.split(),
        "created_at": client.created_at,
    }


async def live_secrets(db: Database, client_id: UUID) -> Sequence[ApiClientSecret]:
    """The secrets of a client that count, the newest first."""
    found = await db.scalars(
        sa.select(ApiClientSecret)
        .where(
            ApiClientSecret.client_id == client_id,
            sa.or_(ApiClientSecret.ends_at.is_(None), ApiClientSecret.ends_at > clock.now()),
        )
        .order_by(ApiClientSecret.created_at.desc(), ApiClientSecret.id.desc())
    )
    return found.all()


async def _client(db: Database, client_id: UUID, *, locked: bool = False) -> ApiClient:
    statement = sa.select(ApiClient).where(ApiClient.id == client_id)
    client = await db.scalar(statement.with_for_update() if locked else statement)
    if client is None:
        raise NotFound
    return client


async def _living_client(db: Database, client_id: UUID) -> ApiClient:
    """A client that may be changed; nobody else changes it until the commit."""
    client = await _client(db, client_id, locked=True)
    if client.ended_at is not None:
        raise ApiClientEnded
    return client


async def change(
    db: Database, client_id: UUID, wanted: schemas.ApiClientChangeWrite, if_match: str | None
) -> dict[str, Any]:
    """Replace what can be changed of a client. If it may do less now, or has other keys, every token of it ends."""
    client = await _living_client(db, client_id)
    current = await view(db, client)
    require_match(if_match, client.version, lambda: schemas.ApiClient.model_validate(current).model_dump(mode="json"))
    keys = _in_order(Authentication(client.authentication), Relationship(client.relationship), wanted)
    member = await db.get_one(Membership, client.id)
    if not set(client.scopes.split()) <= set(wanted.scopes) or client.public_keys != keys:
        await _end_devices(db, client, "client_changed")
    member.display_name = wanted.name
    client.scopes = " ".join(sorted(wanted.scopes))
    client.redirect_uris, client.public_keys = list(wanted.redirect_uris), keys
    client.version += 1
    await db.flush()
    return await view(db, client)


async def end(db: Database, client_id: UUID) -> None:
    """End a client for good, with its secrets and every token that anybody got through it."""
    client = await _client(db, client_id, locked=True)
    if client.ended_at is not None:
        return
    now = clock.now()
    client.ended_at = now
    client.version += 1
    member = await db.get_one(Membership, client.id)
    member.ended_at = now
    for secret in await live_secrets(db, client.id):
        secret.ends_at = now
    await _end_devices(db, client, "client_ended")


async def rotate_secret(db: Database, client_id: UUID, keep_old_hours: int) -> tuple[ApiClient, str]:
    """Another secret. The one of before ends after these hours, so that programs can be told in the meantime."""
    client = await _living_client(db, client_id)
    if client.authentication != Authentication.CLIENT_SECRET:
        raise NoSecret
    now, living = clock.now(), await live_secrets(db, client.id)
    if keep_old_hours and len(living) >= rules.MOST_LIVE_SECRETS:
        raise TwoSecretsLive
    for secret in living:
        ends = now + timedelta(hours=keep_old_hours)
        secret.ends_at = min(ends, secret.ends_at) if secret.ends_at else ends
    if not keep_old_hours:
        await _end_devices(db, client, "secret_ended")
    client.version += 1
    made = _add_secret(db, client, now)
    await db.flush()
    return client, made


async def end_secret(db: Database, client_id: UUID, secret_id: UUID) -> None:
    """End a secret now, and the tokens that may have been got with it."""
    client = await _client(db, client_id, locked=True)
    for secret in await live_secrets(db, client.id):
        if secret.id == secret_id:
            secret.ends_at = clock.now()
            client.version += 1
            await _end_devices(db, client, "secret_ended")
            return
    raise NotFound


async def _end_devices(db: Database, client: ApiClient, because: str) -> None:
    await db.execute(
        sa.update(Device)
        .where(Device.client_id == client.id, Device.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_because=because)
        .execution_options(synchronize_session=False)
    )


async def find(db: Database, client_id: UUID, *, held: bool = False) -> ApiClient | None:
    """The client of this id, of whichever clinic; `db` works for that clinic from then on.

    With `held`, nobody changes or ends it until the commit. Without such a client it takes the same statements, so that
    nobody can measure which there are.
    """
    clinic_id = await db.scalar(
        sa.select(Membership.clinic_id).where(Membership.id == client_id, Membership.role == Role.SERVICE.value)
    )
    await db.enter(clinic_id or UUID(int=0))
    statement = sa.select(ApiClient).where(ApiClient.id == client_id)
    return await db.scalar(statement.with_for_update(read=True) if held else statement)


async def registered_app(db: Database, client_id: str) -> RegisteredApp | None:
    """The public client of this id, if it may be used. `db` works for its clinic from then on.

    Until the commit it is not ended: what ends it waits, and then finds the devices that this transaction began.
    """
    try:
        client = await find(db, UUID(client_id), held=True)
    except ValueError:
        return None
    if client is None or client.ended_at is not None or client.authentication != Authentication.NONE:
        return None
    member = await db.get_one(Membership, client.id)
    return RegisteredApp(
        client.id,
        client.clinic_id,
        member.display_name,
        frozenset(client.redirect_uris),
        frozenset(client.scopes.split()),
    )
