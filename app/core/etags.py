"""Entity tags: 304 for what has not changed, 428 and 412 for changes made blindly or on something old."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Header, Request, Response
from pydantic import BaseModel

from app.core.errors import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description='The `ETag` you read, such as `"3"`. Needed to change what exists; leave it out to make it.',
    ),
]

_TAG = re.compile(r'(?:W/)?"(\d{1,18})(?:\.\d{1,18})?"', re.ASCII)


def version_tag(version: int, derived: int = 0) -> str:
    """The tag of one version of a thing; `derived` counts changes that we made to it and its author did not."""
    return f'"{version}.{derived}"' if derived else f'"{version}"'


def composed_tag(*parts: object) -> str:
    """The tag of an answer that is made of these parts."""
    return '"' + hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12).hexdigest() + '"'


def unchanged(request: Request, tag: str) -> bool:
    """Whether the caller already has this (`If-None-Match`, compared weakly as RFC 9110 says)."""
    sent = request.headers.get("if-none-match")
    if sent is None:
        return False
    bare = tag.removeprefix("W/")
    return sent.strip() == "*" or any(part.strip().removeprefix("W/") == bare for part in sent.split(","))


def not_modified(tag: str) -> Response:
    """304 without a body."""
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def stamp(response: Response, tag: str) -> None:
    """Put the tag on an answer that may be kept, but must be checked again each time."""
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"


def require_match(if_match: str | None, version: int, current: Callable[[], Any]) -> None:
    """Go on only if the caller read `version`.

    Raises 428 when they named none, and 412 with `current` (what they may read of it) when it is another one.
    """
    if if_match is None:
        raise PreconditionRequired
    if not matches(if_match, version):
        raise PreconditionFailed(current=current())


async def require_match_with(if_match: str | None, version: int, current: Callable[[], Awaitable[BaseModel]]) -> None:
    """The same where what the caller may read has to be looked up: that is done only when it is needed."""
    if if_match is None or matches(if_match, version):
        require_match(if_match, version, dict)
    else:
        raise PreconditionFailed(current=(await current()).model_dump(mode="json"))


def matches(if_match: str, version: int) -> bool:
    """Whether `If-Match` names this version (or is `*`)."""
    if if_match.strip() == "*":
        return True
    return any(int(found) == version for found in _TAG.findall(if_match))
