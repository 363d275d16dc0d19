"""Access and refresh tokens: references to a device's row, signed by the server.

A token holds nothing to steal from a database and nothing to read about a person: the ids of a clinic and of a device,
a counter, an expiry and a signature. The clinic is in it so that the wall around each clinic stands before the first
statement; the device's row, which only that clinic sees, must agree. The prefix and the checksum let secret scanners
recognise a token in the wrong place.

Refreshing follows the rule of the confirmed successor. `refresh_n` is the counter of the newest refresh token,
`confirmed_n` the highest one that its owner was seen to hold. Presenting the newest token gives the next. Presenting
the one before it gives *the same next token again* as long as nobody was seen to hold that: the answer was lost on the
way. Anything else means that two parties hold the tokens of one device, and ends the device.
"""

import base64
import binascii
import hmac
import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from app.core import crypto

VERSION = 2
_BODY = struct.Struct(">B2s16s16sII")
_SIGNATURE_BYTES = 16
_CHECKSUM_BYTES = 4
_LENGTH = _BODY.size + _SIGNATURE_BYTES + _CHECKSUM_BYTES


class Kind(StrEnum):
    """What a token is for."""

    ACCESS = "agl_at_"
    REFRESH = "agl_rt_"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that we signed. Whether it still counts is for the device's row to say."""

    kind: Kind
    clinic_id: UUID
    device_id: UUID
    counter: int
    expires_at: datetime


def write(kind: Kind, clinic_id: UUID, device_id: UUID, counter: int, expires_at: datetime) -> str:
    """The token as text: always the same for the same device, counter and expiry."""
    keys = crypto.keys()
    body = _BODY.pack(VERSION, keys.first_id, clinic_id.bytes, device_id.bytes, counter, int(expires_at.timestamp()))
    signed = body + keys.sign(body, kind.encode())[:_SIGNATURE_BYTES]
    checksum = zlib.crc32(signed).to_bytes(_CHECKSUM_BYTES)
    return kind + base64.urlsafe_b64encode(signed + checksum).rstrip(b"=").decode()


def read(text: str, kind: Kind) -> Token | None:
    """What a token says, or None when we did not sign it for this use."""
    return _read(text, kind, crypto.keys())


@lru_cache(maxsize=1024)
def _read(text: str, kind: Kind, keys: crypto.KeyRing) -> Token | None:
    """Remember what tokens say. Whether they still count, the device's row is asked each time."""
    if not text.startswith(kind):
        return None
    encoded = text[len(kind) :]
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _LENGTH or zlib.crc32(raw[:-_CHECKSUM_BYTES]) != int.from_bytes(raw[-_CHECKSUM_BYTES:]):
        return None
    body, signature = raw[: _BODY.size], raw[_BODY.size : -_CHECKSUM_BYTES]
    version, key_id, clinic, device, counter, expiry = _BODY.unpack(body)
    expected = keys.sign_with(key_id, body, kind.encode())
    if version != VERSION or expected is None or not hmac.compare_digest(expected[:_SIGNATURE_BYTES], signature):
        return None
    return Token(kind, UUID(bytes=clinic), UUID(bytes=device), counter, datetime.fromtimestamp(expiry, UTC))


class Refresh(StrEnum):
    """What presenting a refresh token leads to."""

    NEXT = "next"
    SAME_AGAIN = "same_again"
    REUSED = "reused"


def refresh_rule(presented: int, newest: int, confirmed: int) -> Refresh:
    """The rule of the confirmed successor."""
    if presented == newest:
        return Refresh.NEXT
    if presented == newest - 1 and confirmed < newest:
        return Refresh.SAME_AGAIN
    return Refresh.REUSED
