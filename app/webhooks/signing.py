"""Signatures by which a receiver knows a message is ours: Standard Webhooks 1.0.0, version `v1` (HMAC-SHA256).

Signed is `{webhook-id}.{webhook-timestamp}.{body}`, byte by byte as it is sent.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
_ALLOWED_BYTES: Final = range(24, 65)  # of the standard


def new_secret() -> str:
    """A secret for one endpoint: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signatures(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,<base64>` for each secret, in their order, with a space between.

    `timestamp` is the time of this attempt in seconds since 1970. Raises ValueError for a secret that is none.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_mac(_key(secret), signed)}" for secret in secrets)


def _mac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _key(secret: str) -> bytes:
    """The bytes of a secret. It is not repeated in the error."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except binascii.Error:
        key = b""
    if len(key) not in _ALLOWED_BYTES:
        raise ValueError("a secret of webhooks is whsec_ and the base64 of 24 to 64 bytes")
    return key
