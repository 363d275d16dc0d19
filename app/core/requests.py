"""Reading a body strictly: what JSON leaves open is refused with a 400, never guessed at and never a 500.

FastAPI answers 500 to NaN, infinities, half surrogate pairs and deep nesting, and lets the last of two equal keys win.
A dropped or doubled key in a health record is a wrong record, so all of it is refused before anything is validated.
"""

import json
import math
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NoReturn

from fastapi import Request, Response

from app.core import lean
from app.core.errors import MalformedJson, UnsupportedMediaType
from app.core.routing import Route

MAX_DEPTH = 32
_UNFIT = re.compile("[\0\ud800-\udfff]")


def _refuse(_: str = "") -> NoReturn:
    raise MalformedJson


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse()
    return number


def _holdable(text: str) -> int:
    if len(text) > 19:  # noqa: PLR2004  digits and sign of a 64-bit integer
        _refuse()
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        _refuse()
    return made


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite, parse_int=_holdable, strict=True
)


def strict_json(body: bytes) -> Any:  # noqa: ANN401  whatever JSON held
    """The value of a JSON text, or `MalformedJson`."""
    try:
        text = body.decode()
        value = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise MalformedJson from None
    # Only an escape can hide a character that UTF-8 and the parser would refuse, and only brackets nest.
    if "\\u" in text:
        _check_characters(value)
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:  # noqa: ANN401  whatever JSON held
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [below for item in level if isinstance(item, dict | list) for below in _inside(item)]
        if not level:
            return
    _refuse()


def _check_characters(value: Any) -> None:  # noqa: ANN401  whatever JSON held
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _UNFIT.search(item):
                _refuse()
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item


def _inside(item: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return item.values() if isinstance(item, dict) else item


def is_json(content_type: str) -> bool:
    """Whether a `Content-Type` names JSON."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence == "application/json" or (essence.startswith("application/") and essence.endswith("+json"))


class StrictRoute(Route):
    """A route whose JSON body is read by `strict_json`. One that takes little is called the short way: `lean`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with the body read before it."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return lean.handler(self, handle)

        async def read_strictly(request: Request) -> Response:
            body = await request.body()
            if body:
                content_type = request.headers.get("content-type", "")
                if not is_json(content_type):
                    raise UnsupportedMediaType
                request._json = strict_json(body)  # noqa: SLF001  FastAPI asks request.json(), which returns this
            return await handle(request)

        return read_strictly
