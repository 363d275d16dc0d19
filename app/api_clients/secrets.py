"""The secrets of clients: 256 random bits as text, of which only the SHA-256 is kept.

A slow hash is for what people think up. This cannot be guessed, and it is checked at each token. The prefix and the
checksum let secret scanners recognise it in the wrong place.
"""

import base64
import hashlib
import secrets
import zlib

PREFIX = "agl_cs_"
RANDOM_BYTES = 32
_CHECKSUM_BYTES = 4


def make() -> str:
    """A new secret."""
    random = secrets.token_bytes(RANDOM_BYTES)
    checksum = zlib.crc32(random).to_bytes(_CHECKSUM_BYTES)
    return PREFIX + base64.urlsafe_b64encode(random + checksum).decode()


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
