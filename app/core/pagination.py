"""Lists in pages by keyset: a signed cursor says where the last page ended and which filters it belongs to."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from app.core import crypto
from app.core.errors import Problem

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_SIGNATURE_BYTES = 12
_USE = b"cursor"


class CursorInvalid(Problem):
    """The cursor was altered, or belongs to a list with other filters. Start again without one."""

    status = 400
    code = "cursor_invalid"
    title = "This cursor cannot be used here."


class CursorExpired(Problem):
    """Something that came after this cursor is not kept any more, so that going on from here would skip it.

    Events are kept for 30 days, what was removed from a patient's record for 90, unless the operator chose otherwise.
    Read what you follow as it is now, then go on without a cursor: `GET /v1/me/changes` gives the whole record so.
    """

    status = 410
    code = "cursor_expired"
    title = "What came after this cursor is not kept any more."


class PageRequest:
    """How much of a list is wanted, and from where."""

    def __init__(self, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> None:
        self.limit = min(limit, MAX_LIMIT)
        self.cursor = cursor

    def after(self, *filters: object) -> list[Any] | None:
        """The sort key after which this page starts, or None for the first page."""
        return None if self.cursor is None else read_cursor(self.cursor, *filters)


async def page_request(
    limit: Annotated[
        int, Query(ge=1, description=f"Items in one page; more than {MAX_LIMIT} gives {MAX_LIMIT}.", examples=[50])
    ] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")] = None,
) -> PageRequest:
    """Asynchronous, since FastAPI sends any other dependency through a thread."""
    return PageRequest(limit, cursor)


Paging = Annotated[PageRequest, Depends(page_request)]


def make_cursor(key: list[Any], *filters: object) -> str:
    """A cursor that stands after `key`, only for a list with these filters."""
    body = json.dumps([_plain(part) for part in key], separators=(",", ":")).encode()
    signature = crypto.keys().sign(body + _bound(filters), _USE)[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(signature + body).rstrip(b"=").decode()


def read_cursor(cursor: str, *filters: object) -> list[Any]:
    """The key in a cursor, or `CursorInvalid`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise CursorInvalid from None
    signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if len(signature) < _SIGNATURE_BYTES or not crypto.keys().verify(signature, body + _bound(filters), _USE):
        raise CursorInvalid
    return [_rich(part) for part in json.loads(body)]


def _bound(filters: tuple[object, ...]) -> bytes:
    return b"\x1f" + "\x1f".join(map(str, filters)).encode()


def _plain(value: Any) -> Any:  # noqa: ANN401  a column's value
    if isinstance(value, datetime):
        return {"t": value.astimezone(UTC).isoformat()}
    if isinstance(value, UUID):
        return {"u": str(value)}
    return value


def _rich(value: Any) -> Any:  # noqa: ANN401  a JSON value
    if isinstance(value, dict):
        return datetime.fromisoformat(value["t"]) if "t" in value else UUID(value["u"])
    return value
