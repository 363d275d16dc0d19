"""Checkpoints: an Ed25519 signature over how far the chain had come, for keeping outside the database.

Each is stored, logged, and shown to privacy officers. One that somebody kept elsewhere proves later that the end of
the chain was not cut off. The key hangs on the secrets of the ring, and the public key stands in the checkpoint, so
anybody can check it. When a secret leaves the ring, later checkpoints by a newer one vouch for the older ones.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core import crypto
from app.core.fields import instant_text

_USE: Final = b"audit checkpoint"
_SEED: Final = b"\1"  # as HKDF expands a key: HMAC over what it is for and the number of the block


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The entry `seq` had this `hash` when it was signed at `at` (whole milliseconds)."""

    seq: int
    hash: bytes
    at: datetime
    public_key: bytes
    signature: bytes

    def is_signed(self) -> bool:
        """Whether the signature fits the public key that stands beside it."""
        return _is_signed(self)

    def is_ours(self) -> bool:
        """Whether it was signed by a secret of the ring. Anybody can sign with a key of their own."""
        return self.public_key in _public_keys(crypto.keys()) and _is_signed(self)

    def as_json(self) -> dict[str, Any]:
        """As it is logged and shown."""
        return {
            "seq": self.seq,
            "hash": self.hash.hex(),
            "at": instant_text(self.at),
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
        }


class UnreadableError(ValueError):
    """A file that was to hold checkpoints holds none."""


def public_key() -> bytes:
    """The public half of the key in use, 32 bytes."""
    return _private_key(crypto.keys(), crypto.keys().first_id).public_key().public_bytes_raw()


def sign(seq: int, digest: bytes, at: datetime) -> Checkpoint:
    """A checkpoint, signed with the key in use."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    key = _private_key(crypto.keys(), crypto.keys().first_id)
    return Checkpoint(seq, digest, at, public_key(), key.sign(_message(seq, digest, at)))


def read_file(path: Path) -> list[Checkpoint]:
    """The checkpoints in a file: an answer of the API, what `verify --json` printed, or lines of a server's log."""
    text = path.read_text(encoding="utf-8")
    found: list[Checkpoint] = []
    for part in _json_values(text):
        found += _found_in(part)
    if not found:
        msg = "no checkpoint in it"
        raise UnreadableError(msg)
    return found


def _json_values(text: str) -> Iterator[Any]:
    """The whole text as one JSON value, or each line that is one."""
    try:
        yield json.loads(text)
    except ValueError:
        for line in text.splitlines():
            if '"signature"' in line:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue


def _found_in(value: Any) -> Iterator[Checkpoint]:  # noqa: ANN401  a JSON value
    if isinstance(value, Mapping):
        if {"seq", "hash", "at", "public_key", "signature"} <= value.keys():
            yield _from_json(value)
        else:
            for below in value.values():
                yield from _found_in(below)
    elif isinstance(value, list):
        for below in value:
            yield from _found_in(below)


def _from_json(value: Mapping[str, Any]) -> Checkpoint:
    try:
        return Checkpoint(
            int(value["seq"]),
            bytes.fromhex(value["hash"]),
            datetime.fromisoformat(value["at"]),
            bytes.fromhex(value["public_key"]),
            bytes.fromhex(value["signature"]),
        )
    except (TypeError, ValueError) as error:
        msg = "a checkpoint in it is damaged"
        raise UnreadableError(msg) from error


def _message(seq: int, digest: bytes, at: datetime) -> bytes:
    """What is signed, in a form that anybody can write down again."""
    return f"afterglow audit checkpoint {seq} {digest.hex()} {instant_text(at)}".encode()


@lru_cache(maxsize=1024)
def _is_signed(made: Checkpoint) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(made.public_key)
        key.verify(made.signature, _message(made.seq, made.hash, made.at))
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache
def _private_key(ring: crypto.KeyRing, key_id: bytes) -> Ed25519PrivateKey:
    seed = ring.sign_with(key_id, _SEED, _USE)
    assert seed is not None  # noqa: S101  the ring named the key itself
    return Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache
def _public_keys(ring: crypto.KeyRing) -> frozenset[bytes]:
    return frozenset(_private_key(ring, key_id).public_key().public_bytes_raw() for key_id in ring.ids)
