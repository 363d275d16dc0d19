"""What is computed over an entry: its canonical text, and the hash that chains it to the one before."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

GENESIS = bytes(32)
"""What stands before the first entry."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def canonical(fields: Mapping[str, Any]) -> bytes:
    """The one text of these fields: a JSON object in ASCII with sorted keys, no spaces, and nothing that is null.

    Ids are 32 hexadecimal digits, instants whole microseconds since 1970, bytes hexadecimal. What is null is left out,
    so a column that is added later changes the text of no entry from before.
    """
    plain: dict[str, str | int] = {}
    for name, value in fields.items():  # unrolled: every request runs this
        kind = type(value)
        if kind is str or kind is int:
            plain[name] = value
        elif kind is UUID:
            plain[name] = value.hex
        elif value is not None:
            plain[name] = _plain(value)
    return _encode(plain).encode("ascii")


def chained(before: bytes, fields: Mapping[str, Any]) -> bytes:
    """The hash of an entry: SHA-256 over the hash before it and the canonical text of every column but `hash`."""
    return sha256(before + canonical({name: value for name, value in fields.items() if name != "hash"})).digest()


def _plain(value: Any) -> str | int:  # noqa: ANN401  a column's value
    if isinstance(value, str | int):
        return value
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return bytes(value).hex()
