"""Reads that run all day, without FastAPI's dependency solver: it takes longer than most of what they ask for.

A route whose endpoint takes nothing but the request, one guard, the database, parts of the address and the query, and
which writes its answer itself, is called directly: the guard first, in the transaction that `Db` would have been. It is
declared and described like any other. Whatever is not plainly right about an address, a parameter that is refused,
unknown or there twice, is left to FastAPI, which says what is wrong with it.

The query is checked once: what was made of it is remembered by its bytes.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.core import pagination
from app.core.db import Database, begin, transaction

LONGEST_REMEMBERED: Final = 400
MOST_REMEMBERED: Final = 256

Given = Mapping[str, Any]
Endpoint = Callable[..., Awaitable[Response]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _NotPlainError(Exception):
    """Something about the query that FastAPI shall look at."""


@dataclass(frozen=True, slots=True)
class LeanCall:
    """How the endpoint of a route is called."""

    endpoint: Endpoint
    guard: Any
    guard_name: str
    db_name: str
    request_name: str | None
    path: tuple[ModelField, ...]
    query: Callable[[bytes], Given | None]

    def given(self, request: Request) -> dict[str, Any] | None:
        """What the address gives the endpoint; None when that is for FastAPI to look at."""
        scope = request.scope
        raw = scope["query_string"]
        asked = self.query(raw) if len(raw) <= LONGEST_REMEMBERED else None
        if asked is None:
            return None
        given = dict(asked)
        for field in self.path:
            value, errors = field.validate(scope["path_params"].get(field.alias), {}, loc=("path", field.alias))
            if errors:
                return None
            given[field.name] = value
        if self.request_name is not None:
            given[self.request_name] = request
        return given

    async def answer(self, given: dict[str, Any], access: Any, handle: Database) -> Response:  # noqa: ANN401  the guard's
        """Call the endpoint for somebody whom the guard let in."""
        given[self.guard_name], given[self.db_name] = access, handle
        return await self.endpoint(**given)


def handler(route: APIRoute, usual: Handler) -> Handler:
    """The handler of a route, with the short way before it if there is one."""
    call = call_of(route)
    if call is None:
        return usual

    async def answer(request: Request) -> Response:
        given = call.given(request)
        if given is None:
            return await usual(request)
        async with begin(request) as db:
            return await call.answer(given, await call.guard(request, db), db)

    return answer


def call_of(route: APIRoute) -> LeanCall | None:
    """How the endpoint of a route is called without the solver; None where it takes more than this module knows."""
    dependant = route.dependant
    plain = route.methods == {"GET"} and not _takes_more(dependant) and _writes_itself(route)
    guards, handles, pages = [], [], []
    for below in dependant.dependencies:
        if getattr(below.call, "permission", None) is not None:
            guards.append(below)
        elif below.call is transaction:
            handles.append(below)
        elif below.call is pagination.page_request:
            pages.append(below)
        else:
            plain = False
    if not plain or (len(guards), len(handles)) != (1, 1) or len(pages) > 1:
        return None
    return LeanCall(
        route.endpoint,
        guards[0].call,
        guards[0].name or "",
        handles[0].name or "",
        dependant.request_param_name,
        tuple(dependant.path_params),
        lru_cache(MOST_REMEMBERED)(_query_of(dependant, pages[0] if pages else None)),
    )


def _takes_more(dependant: Dependant) -> bool:
    return bool(
        dependant.header_params
        or dependant.cookie_params
        or dependant.body_params
        or dependant.response_param_name
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
        or dependant.http_connection_param_name
        or dependant.websocket_param_name
    )


def _writes_itself(route: APIRoute) -> bool:
    return signature(route.endpoint, eval_str=True).return_annotation is Response


def _query_of(dependant: Dependant, page: Dependant | None) -> Callable[[bytes], Given | None]:
    """What makes the endpoint's arguments of a query string; it gives None for what is not plain."""
    fields = dependant.query_params
    model = fields[0] if len(fields) == 1 and _is_model(fields[0]) else None

    def read(raw: bytes) -> Given | None:
        try:
            pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, strict_parsing=bool(raw))
            sent = dict(pairs)
            if len(sent) != len(pairs) or not all(sent.values()):
                return None
            if model is not None:
                return {model.name: _checked(model, sent)} if page is None else None
            given = {field.name: _one(field, sent) for field in fields}
            if page is not None:
                asked = {field.name: _one(field, sent) for field in page.query_params}
                given[page.name or ""] = pagination.PageRequest(**asked)
        except (ValueError, _NotPlainError):
            return None
        return None if sent else given

    return read


def _is_model(field: ModelField) -> bool:
    kind = field.field_info.annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _one(field: ModelField, sent: dict[str, str]) -> Any:  # noqa: ANN401  whatever it is
    value = sent.pop(field.alias, None)
    if value is not None:
        return _checked(field, value)
    if field.field_info.is_required():
        raise _NotPlainError
    return field.get_default()


def _checked(field: ModelField, value: Any) -> Any:  # noqa: ANN401  whatever it is
    checked, errors = field.validate(value, {}, loc=("query", field.alias))
    if errors:
        raise _NotPlainError
    return checked
