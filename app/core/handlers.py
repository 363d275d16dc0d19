"""Turns everything that can be raised into a problem document. No other module knows how errors reach the wire."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from sqlalchemy import exc as database_errors
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.core import errors
from app.core.errors import MEDIA_TYPE, FieldError, Problem
from app.core.logging import describe, log

# Only these faults may use Pydantic's own sentence: none of them repeats what was sent.
SILENT_ABOUT_VALUES = frozenset(
    {
        "missing", "extra_forbidden", "int_type", "string_type", "bool_type", "float_type", "list_type", "dict_type",
        "less_than", "less_than_equal", "greater_than", "greater_than_equal", "string_too_long", "string_too_short",
        "too_long", "too_short", "enum", "literal_error", "model_attributes_type", "model_type", "finite_number",
        "instant_format", "instant_range", "time_zone", "day_format",
    }
)  # fmt: skip
FIGURES = frozenset({"le", "ge", "lt", "gt", "max_length", "min_length", "multiple_of"})
PLACES = {"query": "/query", "path": "/path", "header": "/header", "cookie": "/cookie"}
POINTER_LIMIT = 200


def _answer(request: Request, problem: Problem) -> JSONResponse:
    request_id = request.scope.get("state", {}).get("request_id")
    return JSONResponse(
        problem.body(request_id), status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


async def _problem(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)  # noqa: S101  registered for this class only
    return _answer(request, problem)


def pointer(location: Sequence[object]) -> str:
    """The JSON pointer of a Pydantic location; anything outside the body starts with where it was."""
    place, *rest = location
    escaped = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    return (PLACES.get(str(place), "") + escaped)[:POINTER_LIMIT]


def field_errors(faults: Sequence[Any]) -> list[FieldError]:
    """Pydantic's list of faults in our shape, without any value that was sent."""
    return [
        FieldError(
            pointer=pointer(fault["loc"]),
            code=fault["type"],
            detail=fault["msg"] if fault["type"] in SILENT_ABOUT_VALUES else "This value is not valid here.",
            params={name: figure for name, figure in fault.get("ctx", {}).items() if name in FIGURES},
        )
        for fault in faults
    ]


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this class only
    faults = error.errors()
    if any(fault["loc"][0] == "path" for fault in faults) and request.method not in allowed_methods(request):
        return _not_allowed(request)  # such as GET /check-ins/batch, where `batch` is no id
    return _answer(request, errors.InvalidRequest(errors=field_errors(faults)))


async def _http(request: Request, error: Exception) -> JSONResponse:
    """What Starlette and FastAPI raise themselves."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this class only
    match error.status_code:
        case 404:
            return _answer(request, errors.NotFound())
        case 405:
            return _not_allowed(request)
        case 413:
            return _answer(request, errors.BodyTooLarge())
        case status if status < 500:  # noqa: PLR2004  the client's faults
            return _answer(request, errors.MalformedRequest())
    return _answer(request, errors.InternalError())


def _not_allowed(request: Request) -> JSONResponse:
    return _answer(request, errors.MethodNotAllowed(headers={"Allow": ", ".join(allowed_methods(request))}))


def allowed_methods(request: Request) -> list[str]:
    """Every method of the declared address that this one is; FastAPI itself names those of the first route only.

    `/check-ins/batch` also looks like `/check-ins/{check_in_id}`: the address with the fewest variable parts is meant.
    """
    found: dict[str, set[str]] = {}
    for context in iter_route_contexts(request.app.routes):
        if context.matches(request.scope)[0] is not Match.NONE:
            found.setdefault(context.path or "", set()).update(context.methods or ())
    return sorted(found[min(found, key=lambda path: path.count("{"))]) if found else []


async def _database(request: Request, error: Exception) -> JSONResponse:
    """The database is away, busy or stopped the statement: nothing was stored, and sending again is safe."""
    log.error("database unavailable", **describe(error))
    return _answer(request, errors.Unavailable(headers={"Retry-After": "2"}))


# PostgreSQL's words for "not now": a lock that was not had in time, a deadlock, a statement that took too long, a
# server that is full or going down. The driver's errors for them have no class of their own in SQLAlchemy.
NOT_NOW = frozenset({"55P03", "40P01", "40001", "57014", "53300", "57P01", "57P02", "57P03"})


async def _not_now(request: Request, error: Exception) -> JSONResponse:
    """The database could not do it just now, if that is what it says; anything else is a fault of ours."""
    if getattr(getattr(error, "orig", None), "sqlstate", None) not in NOT_NOW:
        raise error
    return await _database(request, error)


def install(app: FastAPI) -> None:
    """Register the handlers. What none of them takes becomes a 500 in `middleware.Envelope`."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(database_errors.DBAPIError, _not_now)
    for kind in (
        database_errors.OperationalError,
        database_errors.InterfaceError,
        database_errors.TimeoutError,
        ConnectionError,
        asyncio.TimeoutError,
    ):
        app.add_exception_handler(kind, _database)
