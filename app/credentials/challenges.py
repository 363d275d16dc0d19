"""Challenges that authenticators sign: ours, for one purpose and one account, for five minutes, answered once.

A challenge is a signed text, so that asking for one stores nothing; only the answer leaves a row, which keeps the same
answer from being taken twice.
"""

import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock, crypto
from app.core.db import Database
from app.credentials.models import AnsweredChallenge

LIFE = timedelta(minutes=5)
HANDLE_BYTES = 16
NOBODY = UUID(int=0)
_BODY = struct.Struct(">B2s16s16s16sI")
_SIGNATURE_BYTES = 16
_USE = b"passkey-challenge"


class Purpose(IntEnum):
    """What is done with the answer. An answer for one purpose is worth nothing for another."""

    ACTIVATE = 1
    ADD = 2
    SIGN_IN = 3
    CONFIRM = 4


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge of ours. `account_id` is `NOBODY` while it is not known whose it will be."""

    purpose: Purpose
    nonce: bytes
    account_id: UUID
    user_handle: bytes
    expires_at: datetime


def write(purpose: Purpose, account_id: UUID = NOBODY, user_handle: bytes | None = None) -> bytes:
    """A new challenge; `user_handle` is what a new passkey will know its account by, random if not given."""
    keys = crypto.keys()
    body = _BODY.pack(
        purpose,
        keys.first_id,
        secrets.token_bytes(16),
        account_id.bytes,
        user_handle or secrets.token_bytes(HANDLE_BYTES),
        int((clock.now() + LIFE).timestamp()),
    )
    return body + keys.sign(body, _USE)[:_SIGNATURE_BYTES]


def read(challenge: bytes) -> Challenge | None:
    """What a challenge says, or None when it is not one of ours."""
    if len(challenge) != _BODY.size + _SIGNATURE_BYTES:
        return None
    body, signature = challenge[: _BODY.size], challenge[_BODY.size :]
    purpose, key_id, nonce, account, handle, expiry = _BODY.unpack(body)
    expected = crypto.keys().sign_with(key_id, body, _USE)
    if expected is None or not hmac.compare_digest(expected[:_SIGNATURE_BYTES], signature):
        return None
    return Challenge(Purpose(purpose), nonce, UUID(bytes=account), handle, datetime.fromtimestamp(expiry, UTC))


async def use_up(db: Database, challenge: Challenge) -> bool:
    """Whether nobody answered it before; nobody can after. Forgets those that are over."""
    await db.execute(sa.delete(AnsweredChallenge).where(AnsweredChallenge.expires_at < clock.now()))
    try:
        async with db.begin_nested():
            db.add(AnsweredChallenge(nonce=challenge.nonce, expires_at=challenge.expires_at))
            await db.flush()
    except IntegrityError:
        return False
    return True
