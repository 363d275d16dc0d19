"""Reading a body strictly: what JSON leaves open is refused with a 400, never guessed at and never a 500.

FastAPI answers 500 to NaN, infinities, half surrogate pairs and deep nesting, and lets the last of two equal keys win.
A dropped or doubled key in a health record is a wrong record, so all of it is refused before anything is validated.
"""

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.core.errors import MalformedJson, UnsupportedMediaType

MAX_DEPTH = 32
_SURROGATES = range(0xD800, 0xE000)


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
    # Most bodies have neither escapes nor many brackets; only those that do are walked.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _check(value)
    return value


def _check(value: Any) -> None:  # noqa: ANN401  whatever JSON held
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, dict):
                for key in item:
                    _check_text(key)
                below.extend(item.values())
        if not below:
            return
        level = below
    _refuse()


def _check_text(text: str) -> None:
    if "\0" in text or any(ord(character) in _SURROGATES for character in text):
        _refuse()


def is_json(content_type: str) -> bool:
    """Whether a `Content-Type` names JSON."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence == "application/json" or (essence.startswith("application/") and essence.endswith("+json"))


class StrictRoute(APIRoute):
    """A route whose JSON body is read by `strict_json`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with the body read before it."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def read_strictly(request: Request) -> Response:
            body = await request.body()
            if body:
                content_type = request.headers.get("content-type", "")
                if not is_json(content_type):
                    raise UnsupportedMediaType
                request._json = strict_json(body)  # noqa: SLF001  FastAPI asks request.json(), which returns this
            return await handle(request)

        return read_strictly
