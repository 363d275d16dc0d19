"""The key ring: sealing text at rest, signing tokens and cursors, blind indexes.

One secret gives several keys (HKDF), one for each use. The first secret of the ring seals, signs and indexes; every
secret of the ring opens, verifies and finds. So a new one is put first, `afterglow keys rotate` brings what is stored
under it (`rotation.py`), and the old one leaves when nothing of it is left.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
KEY_ID_BYTES = 2


def _derive(secret: str, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"afterglow:" + use).derive(secret.encode())


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    sealing: AESGCM
    signing: bytes
    indexing: bytes


class KeyRing:
    """The secrets of this process, in order: the first is in use, the others are still honoured."""

    def __init__(self, ring: list[str]) -> None:
        self._keys: dict[bytes, _Key] = {}
        for secret in dict.fromkeys(ring):
            key_id = hashlib.sha256(_derive(secret, b"id")).digest()[:KEY_ID_BYTES]
            if key_id in self._keys:  # one ring in many thousands: what the one sealed would be tried with the other
                msg = "two secrets of the ring have the same short name: choose another new secret"
                raise ValueError(msg)
            uses = (_derive(secret, use) for use in (b"sign", b"blind-index"))
            self._keys[key_id] = _Key(key_id, AESGCM(_derive(secret, b"seal")), *uses)
        self._first = next(iter(self._keys.values()))

    def seal(self, text: str, place: str) -> bytes:
        """Encrypt `text` for one place (`table.column`): key id, nonce, ciphertext and tag."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._first.id + nonce + self._first.sealing.encrypt(nonce, text.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Decrypt what `seal` made for the same place; `ValueError` when it is not ours or was moved."""
        key = self._keys.get(bytes(sealed[:KEY_ID_BYTES]))
        if key is None:
            msg = "sealed with a key that is not in the ring"
            raise ValueError(msg)
        nonce = sealed[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES]
        try:
            return key.sealing.decrypt(nonce, sealed[KEY_ID_BYTES + NONCE_BYTES :], place.encode()).decode()
        except InvalidTag as error:
            msg = "sealed text was altered or moved"
            raise ValueError(msg) from error

    def sign(self, message: bytes, use: bytes) -> bytes:
        """HMAC-SHA256 of `message` for one use, 32 bytes, with the key in use."""
        return hmac.digest(self._first.signing, use + b"\0" + message, "sha256")

    @property
    def first_id(self) -> bytes:
        """The two-byte id of the key in use."""
        return self._first.id

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The two-byte ids of all keys, in the order of their secrets."""
        return tuple(self._keys)

    def sign_with(self, key_id: bytes, message: bytes, use: bytes) -> bytes | None:
        """As `sign`, with a given key of the ring; None when the ring has no such key."""
        key = self._keys.get(key_id)
        return None if key is None else hmac.digest(key.signing, use + b"\0" + message, "sha256")

    def verify(self, signature: bytes, message: bytes, use: bytes) -> bool:
        """Whether any key of the ring made this signature (which may be cut to its first bytes)."""
        return any(
            hmac.compare_digest(hmac.digest(key.signing, use + b"\0" + message, "sha256")[: len(signature)], signature)
            for key in self._keys.values()
        )

    def blind_index(self, text: str) -> bytes:
        """A fingerprint to look a sealed text up by, with the key in use. Case and outer spaces do not count."""
        return _fingerprint(self._first, text)

    def blind_indexes(self, text: str) -> dict[bytes, bytes]:
        """The fingerprint by the id of each key: during a rotation, what is stored may be under any of them."""
        return {key.id: _fingerprint(key, text) for key in self._keys.values()}


def _fingerprint(key: _Key, text: str) -> bytes:
    return hmac.digest(key.indexing, text.strip().casefold().encode(), "sha256")


_ring: KeyRing | None = None


def install(ring: list[str]) -> None:
    """Put the key ring of this process in place; called once, from `create_app` and the commands."""
    global _ring  # noqa: PLW0603  column types have no other way to reach the ring
    _ring = KeyRing(ring)


def keys() -> KeyRing:
    """The key ring of this process."""
    if _ring is None:
        msg = "no key ring: crypto.install() was not called"
        raise RuntimeError(msg)
    return _ring
