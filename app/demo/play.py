"""Plays a script of requests: sends each as whoever it is of, and looks whether the right thing comes back.

A path or a body names what is known by then in braces: `{patient}`, `{session}`, and what earlier answers left.
`{+40}` is the moment forty minutes after the planned begin of the dose, `{day}` its day, `{id calm}` an id that is made
when it is first named.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.ids import new_id

Headers = Mapping[str, str]
Answer = tuple[int, Headers, Any]
"""Status, headers, and JSON or bytes."""
Send = Callable[[str, str, str, Any, Headers], Awaitable[Answer]]
"""Sends as somebody: who, method, path, JSON or None, headers."""
_NAMED: Final = re.compile(r"\{([^{}]+)\}")
_HOST: Final = re.compile(r"^https?://[^/]+")
_MINUTES: Final = re.compile(r"[+-]\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: when (minutes from the planned begin of the dose), by whom, and what has to come back.

    `shows` is what stands at these JSON pointers, `keeps` what is remembered from them under which name. `if_match`
    names the version that whoever asks has seen. `says` is what an answer that is no JSON holds word for word.
    """

    minute: int
    who: str
    method: str
    path: str
    body: Any = None
    if_match: str | None = None
    expects: int = 200
    shows: Mapping[str, Any] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()


Script = tuple[Request, ...]


class Missed(Exception):  # noqa: N818  it is told to a person
    """The service answered otherwise than the script says."""


class Play:
    """One script being played: who sends, when the dose is planned to begin, and what is known so far."""

    def __init__(self, send: Send, begin: datetime, zone: ZoneInfo, **known: Any) -> None:  # noqa: ANN401  JSON
        self._send = send
        self._begin = begin
        self._zone = zone
        self.known: dict[str, Any] = {"session": str(new_id()), **known}

    def moment(self, minute: int) -> datetime:
        """When a minute of the script is."""
        return self._begin + timedelta(minutes=minute)

    async def run(self, script: Script, at: Callable[[datetime], AbstractContextManager[None]]) -> None:
        """Send every request in its order; `at` makes it that moment."""
        for request in script:
            with at(self.moment(request.minute)):
                await self.ask(request)

    async def ask(self, request: Request) -> None:
        """Send one request; raises `Missed` when something else comes back."""
        headers = {} if request.if_match is None else {"if-match": f'"{self.known[request.if_match]}"'}
        path = _HOST.sub("", self._filled(request.path))
        status, _, answer = await self._send(request.who, request.method, path, self._filled(request.body), headers)
        where = f"{request.minute:+d} {request.who} {request.method} {path}"
        if status != request.expects:
            raise Missed(f"{where}: {status} in place of {request.expects}: {answer}")
        for pointer, expected in request.shows.items():
            if found(answer, pointer) != expected:
                raise Missed(f"{where}: {found(answer, pointer)!r} in place of {expected!r} at {pointer}")
        for said in map(self._filled, request.says):
            if said not in answer.decode().replace("\r\n ", ""):
                raise Missed(f"{where}: {said!r} is nowhere in it")
        self.known |= {name: found(answer, pointer) for name, pointer in request.keeps.items()}

    def _filled(self, value: Any) -> Any:  # noqa: ANN401  JSON
        if isinstance(value, dict):
            return {name: self._filled(of) for name, of in value.items()}
        if isinstance(value, list):
            return [self._filled(of) for of in value]
        return _NAMED.sub(lambda name: self._named(name[1]), value) if isinstance(value, str) else value

    def _named(self, name: str) -> str:
        if _MINUTES.fullmatch(name):
            return self.moment(int(name)).isoformat()
        if name == "day":
            return self._begin.astimezone(self._zone).date().isoformat()
        if name.startswith("id "):
            self.known.setdefault(name, str(new_id()))
        return str(self.known[name])


def found(answer: Any, pointer: str) -> Any:  # noqa: ANN401  JSON
    """What stands at a JSON pointer; None where nothing does. `?type=alert` is the first of a list that says so."""
    for part in pointer.split("/")[1:]:
        if isinstance(answer, list) and part.startswith("?"):
            name, _, wanted = part[1:].partition("=")
            answer = next((one for one in answer if str(one[name]) == wanted), None)
        elif isinstance(answer, list):
            answer = answer[int(part)] if int(part) < len(answer) else None
        elif isinstance(answer, dict):
            answer = answer.get(part)
        else:
            return None
    return answer
