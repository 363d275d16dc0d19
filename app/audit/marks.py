"""The mark of an entry: proof that the application wrote it, and not somebody who can write to the database.

A mark is one byte for what it covers, the two-byte id of the key, and 16 bytes of an HMAC over the canonical text of
the fields. Most entries are marked as a whole. The reads that note themselves in the statement that looks the caller up
are marked before the answer is known: over everything but who the device belongs to, which the device decides.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final, Literal

from app.audit.rules import canonical
from app.core import crypto

Flaw = Literal["unmarked", "forged", "unknown_key"]

_USE = b"audit mark"
_EARLY: Final = b"\1"
_WHOLE: Final = b"\2"
_TOLD: Final = (
    "address_prefix",
    "at",
    "clinic_id",
    "device_id",
    "id",
    "operation",
    "outcome",
    "permission",
    "request_id",
    "subject_id",
)
COVERED: Final = {
    _EARLY: _TOLD,
    _WHOLE: (*_TOLD, "actor_id", "actor_role", "patient_id", "reason"),
}
_KEY = slice(1, 1 + crypto.KEY_ID_BYTES)
_MAC = slice(_KEY.stop, _KEY.stop + 16)


def early(entry: Mapping[str, Any]) -> bytes:
    """The mark of an entry of which only the request, the clinic and the device are known."""
    return _mark(_EARLY, entry)


def whole(entry: Mapping[str, Any]) -> bytes:
    """The mark of an entry that is complete."""
    return _mark(_WHOLE, entry)


def flaw(entry: Mapping[str, Any]) -> Flaw | None:
    """What is wrong with the mark of a stored entry; `unknown_key` when its secret is not in the ring."""
    mark = entry["mark"]
    if mark is None:
        return "unmarked"
    kind = bytes(mark[:1])
    if kind not in COVERED or len(mark) != _MAC.stop:
        return "forged"
    expected = crypto.keys().sign_with(bytes(mark[_KEY]), _message(kind, entry), _USE)
    if expected is None:
        return "unknown_key"
    return None if hmac.compare_digest(expected[: _MAC.stop - _MAC.start], bytes(mark[_MAC])) else "forged"


def _mark(kind: bytes, entry: Mapping[str, Any]) -> bytes:
    ring = crypto.keys()
    return kind + ring.first_id + ring.sign(_message(kind, entry), _USE)[: _MAC.stop - _MAC.start]


def _message(kind: bytes, entry: Mapping[str, Any]) -> bytes:
    return kind + canonical({name: entry[name] for name in COVERED[kind]})
