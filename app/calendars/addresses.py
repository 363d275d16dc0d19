"""The secret part of a feed's address: worked out from whose it is, so that nothing secret is stored.

It holds the clinic, the membership and which address of theirs it is, and a keyed hash over the three. A forged one is
known before the database is asked. It stays good while the secret that made it is in the ring.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.core import crypto

_USE: Final = b"calendar-feed"
_BODY: Final = struct.Struct(">16s16sI")
_SIGNATURE_BYTES: Final = 20
_LENGTH: Final = _BODY.size + _SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Address:
    """Which feed: of whom, and the how-manieth address of theirs."""

    clinic_id: UUID
    membership_id: UUID
    generation: int


def token_of(address: Address) -> str:
    """The secret part of an address, as the secret in use makes it: letters, digits, `-` and `_`."""
    body = _BODY.pack(address.clinic_id.bytes, address.membership_id.bytes, address.generation)
    return base64.urlsafe_b64encode(body + crypto.keys().sign(body, _USE)[:_SIGNATURE_BYTES]).rstrip(b"=").decode()


def read(token: str) -> Address | None:
    """Which feed is meant; None for what no secret of the ring has made."""
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, signature = raw[: _BODY.size], raw[_BODY.size :]
    # Of a signature that was cut off altogether nothing would be compared.
    if len(raw) != _LENGTH or not crypto.keys().verify(signature, body, _USE):
        return None
    clinic, membership, generation = _BODY.unpack(body)
    return Address(UUID(bytes=clinic), UUID(bytes=membership), generation)
