"""Devices and their tokens, accounts and memberships."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from app.audit import service as audit
from app.core import clock, crypto, limits
from app.core.db import Database
from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import service as events
from app.events.types import EventType
from app.identity import queries, tokens
from app.identity.access import Caller
from app.identity.models import Account, Device, Membership, Patient
from app.identity.permissions import Role
from app.identity.schemas import Tokens

IDLE = {Role.PATIENT: timedelta(days=30)}
ABSOLUTE = {Role.PATIENT: timedelta(days=90)}
STAFF_LIFE = timedelta(hours=12)

EndedBecause = Literal[
    "signed_out", "ended_by_owner", "reused_refresh_token", "expired", "ended_by_clinic", "recovered", "left"
]


async def account_of(db: Database, address: str) -> Account | None:
    """The account with this address, whichever key of the ring its index was made with."""
    indexes = crypto.keys().blind_indexes(address).values()
    return await db.scalar(sa.select(Account).where(Account.email_index.in_(indexes)))


async def is_taken(db: Database, address: str) -> bool:
    """Whether there is an account with this address. Until the commit nobody else can make one.

    While secrets rotate, two processes may index the same address with different keys, where uniqueness of the index
    does not help. So whoever wants the address queues here, by its index under each key that they share.
    """
    if db.is_postgresql:
        for index in sorted(crypto.keys().blind_indexes(address).values()):
            await db.read(queries.QUEUE, {"name": int.from_bytes(index[:8], signed=True)})
    return await account_of(db, address) is not None


def begin(
    db: Database,
    settings: Settings,
    membership: Membership,
    label: str,
    *,
    methods: str,
    access_lasts: timedelta | None = None,
    scopes: str | None = None,
    device_id: UUID | None = None,
    client_id: UUID | None = None,
    authenticated_at: datetime | None = None,
) -> Tokens:
    """Start a device and give its first tokens. With `scopes` it may do no more than those permissions allow.

    `client_id` is the registered client through which somebody signed in, and with which the device ends.
    `authenticated_at` is when they proved who they are, where that was not now.
    """
    now, role = clock.now(), Role(membership.role)
    device = Device(
        id=device_id or new_id(),
        clinic_id=membership.clinic_id,
        membership_id=membership.id,
        label=label,
        methods=methods,
        scopes=scopes,
        client_id=client_id,
        signed_in_at=now,
        authenticated_at=authenticated_at,
        refresh_n=1,
        confirmed_n=0,
        refreshed_at=now,
        idle_expires_at=now + IDLE.get(role, STAFF_LIFE),
        absolute_expires_at=now + ABSOLUTE.get(role, STAFF_LIFE),
    )
    db.add(device)
    audit.record(
        db,
        operation="sign_in",
        permission="public",
        clinic_id=membership.clinic_id,
        actor_id=membership.id,
        actor_role=membership.role,
        device_id=device.id,
        patient_id=membership.patient_id,
    )
    return _pair(device, now, access_lasts or timedelta(minutes=settings.access_token_minutes))


def _pair(device: Device, now: datetime, lasts: timedelta) -> Tokens:
    """The tokens of a device's newest counter. The refresh token is the same however often it is written."""
    access_expires = min(now + lasts, device.absolute_expires_at)
    return Tokens(
        access_token=tokens.write(tokens.Kind.ACCESS, device.clinic_id, device.id, device.refresh_n, access_expires),
        refresh_token=tokens.write(
            tokens.Kind.REFRESH, device.clinic_id, device.id, device.refresh_n, device.absolute_expires_at
        ),
        expires_in=int((access_expires - now).total_seconds()),
        token_type="Bearer",  # noqa: S106  the name of a scheme
    )


async def refresh(db: Database, settings: Settings, refresh_token: str) -> Tokens | None:
    """The next tokens by the rule of the confirmed successor; None when the token counts no longer."""
    now = clock.now()
    token = tokens.read(refresh_token, tokens.Kind.REFRESH)
    if token is None or token.expires_at <= now:
        return None
    await limits.token(db, token.device_id.hex)
    await db.enter(token.clinic_id)
    device = await db.scalar(sa.select(Device).where(Device.id == token.device_id).with_for_update(key_share=True))
    if device is None or device.ended_at is not None or now >= min(device.idle_expires_at, device.absolute_expires_at):
        return None
    membership = await db.get(Membership, device.membership_id)
    if membership is None or membership.ended_at is not None:
        return None
    verdict = tokens.refresh_rule(token.counter, device.refresh_n, device.confirmed_n)
    if verdict is tokens.Refresh.REUSED:
        _end(device, now, "reused_refresh_token")
        _audit_device(db, membership, device, "refresh.reuse", denied=True)
        return None
    if verdict is tokens.Refresh.NEXT:
        device.confirmed_n = max(device.confirmed_n, token.counter)
        device.refresh_n += 1
        device.refreshed_at = now
        device.idle_expires_at = min(now + IDLE.get(Role(membership.role), STAFF_LIFE), device.absolute_expires_at)
    _audit_device(db, membership, device, "refresh")
    return _pair(device, now, timedelta(minutes=settings.access_token_minutes))


async def revoke(db: Database, token_text: str) -> None:
    """End the device of any token of ours; what is not ours is ignored, as RFC 7009 asks."""
    token = tokens.read(token_text, tokens.Kind.REFRESH) or tokens.read(token_text, tokens.Kind.ACCESS)
    if token is None:
        return
    await db.enter(token.clinic_id)
    device = await db.get(Device, token.device_id)
    membership = await db.get(Membership, device.membership_id) if device else None
    if device is not None and membership is not None and device.ended_at is None:
        _end(device, clock.now(), "signed_out")
        _audit_device(db, membership, device, "revoke")


async def devices(db: Database, caller: Caller) -> Sequence[Device]:
    """The caller's signed-in devices, the newest first."""
    return await _signed_in(db, Device.membership_id == caller.membership_id)


async def end_device(db: Database, caller: Caller, device_id: UUID) -> None:
    """Sign one of the caller's devices out; its tokens fail from the next request on."""
    await _end_one(db, device_id, Device.membership_id == caller.membership_id, "ended_by_owner")


async def patients_devices(db: Database, patient_id: UUID) -> Sequence[Device]:
    """The devices that a patient of the entered clinic is signed in on, the newest first."""
    return await _signed_in(db, Device.membership_id.in_(_membership_of(patient_id)))


async def end_patients_device(db: Database, patient_id: UUID, device_id: UUID) -> None:
    """Sign one of a patient's devices out for them."""
    await _end_one(db, device_id, Device.membership_id.in_(_membership_of(patient_id)), "ended_by_clinic")


async def end_devices(db: Database, membership: Membership, because: EndedBecause) -> None:
    """Sign every device of a member out."""
    await db.execute(
        sa.update(Device)
        .where(Device.membership_id == membership.id, Device.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_because=because)
    )


def _membership_of(patient_id: UUID) -> sa.Select[UUID]:
    return sa.select(Membership.id).where(Membership.patient_id == patient_id)


async def _signed_in(db: Database, whose: sa.ColumnElement[bool]) -> Sequence[Device]:
    found = await db.scalars(
        sa.select(Device)
        .where(whose, Device.ended_at.is_(None), Device.absolute_expires_at > clock.now())
        .order_by(Device.signed_in_at.desc())
    )
    return found.all()


async def _end_one(db: Database, device_id: UUID, whose: sa.ColumnElement[bool], because: EndedBecause) -> None:
    device = await db.scalar(sa.select(Device).where(Device.id == device_id, whose))
    if device is None:
        raise NotFound
    if device.ended_at is None:
        _end(device, clock.now(), because)


def _end(device: Device, now: datetime, because: EndedBecause) -> None:
    device.ended_at, device.ended_because = now, because


def _audit_device(
    db: Database, membership: Membership, device: Device, operation: str, *, denied: bool = False
) -> None:
    audit.record(
        db,
        operation=operation,
        permission="public",
        outcome="denied" if denied else "allowed",
        clinic_id=membership.clinic_id,
        actor_id=membership.id,
        actor_role=membership.role,
        device_id=device.id,
        patient_id=membership.patient_id,
    )


async def add_account(db: Database, address: str, password_hash: str | None) -> Account:
    """A new account."""
    account = Account(
        id=new_id(),
        email=address,
        email_index=crypto.keys().blind_index(address),
        password_hash=password_hash,
        created_at=clock.now(),
    )
    db.add(account)
    await db.flush()
    return account


def set_address(account: Account, address: str) -> None:
    """Let an account be found by another address. See to it before that it `is_taken` by nobody else."""
    account.email = address
    account.email_index = crypto.keys().blind_index(address)


async def add_membership(
    db: Database,
    account: Account,
    *,
    clinic_id: UUID,
    role: Role,
    display_name: str,
    patient_id: UUID | None = None,
) -> Membership:
    """Make an account a patient or a member of staff of a clinic."""
    membership = Membership(
        id=new_id(),
        account_id=account.id,
        clinic_id=clinic_id,
        patient_id=patient_id,
        role=role.value,
        display_name=display_name,
        created_at=clock.now(),
    )
    db.add(membership)
    await db.flush()
    if patient_id is not None:
        patient = await db.get_one(Patient, patient_id)
        patient.status = "active"
        patient.version += 1
        events.record(
            db,
            EventType.PATIENT_ACTIVATED,
            clinic_id=clinic_id,
            patient_id=patient_id,
            subject_id=patient_id,
            version=patient.version,
        )
    return membership


async def is_only_membership(db: Database, membership: Membership) -> bool:
    """Whether the account is a member of nothing else, in this clinic or another."""
    other = await db.scalar(
        sa.select(Membership.id)
        .where(
            Membership.account_id == membership.account_id,
            Membership.id != membership.id,
            Membership.ended_at.is_(None),
        )
        .limit(1)
    )
    return other is None
