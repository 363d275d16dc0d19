"""The short way to an endpoint: the same answers as FastAPI's, and whatever is odd is left to it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from app.audit.models import AuditEntry
from app.core import lean
from app.core.db import Database
from app.core.lean import LeanCall, call_of
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.factories import an_id

NewClient = Callable[..., httpx2.AsyncClient]
TRENDS, SESSIONS, DUE = "/v1/me/trends", "/v1/dosing-sessions", "/v1/me/due-check-ins"
ALL_DAY = (
    TRENDS,
    "/v1/patients/{patient_id}/trends",
    "/v1/me/trends/dose-aligned",
    SESSIONS,
    "/v1/me/dosing-sessions",
    DUE,
    "/v1/panel",
)
"""What is asked all day, and must not be made slow by a parameter of a kind that is not known here."""


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    made = await a_cast(db, settings)
    await db.finish()
    return made


def _route(app: FastAPI, path: str) -> APIRoute:
    return next(
        route for route in app.routes if isinstance(route, APIRoute) and (route.path, route.methods) == (path, {"GET"})
    )


def _call(app: FastAPI, path: str) -> LeanCall:
    call = call_of(_route(app, path))
    assert call is not None, path
    return call


class TestCall:
    @pytest.mark.parametrize("path", ALL_DAY)
    def test_is_short_for_what_is_asked_all_day(self, app: FastAPI, path: str) -> None:
        assert _call(app, path).guard.permission is not None

    @pytest.mark.parametrize("path", ["/v1/dosing-sessions/{session_id}", "/v1/me", "/healthz"])
    def test_is_not_where_something_else_is_taken_or_answered(self, app: FastAPI, path: str) -> None:
        assert call_of(_route(app, path)) is None

    @pytest.mark.parametrize(
        ("path", "query", "expected"),
        [
            (DUE, "", {"days": 14, "past_days": 1}),
            (DUE, "days=3", {"days": 3, "past_days": 1}),
            (DUE, "past_days=0&days=60", {"days": 60, "past_days": 0}),
        ],
    )
    def test_understands_a_plain_query(self, app: FastAPI, path: str, query: str, expected: dict[str, Any]) -> None:
        assert _call(app, path).query(query.encode()) == expected

    def test_understands_a_query_that_is_a_model(self, app: FastAPI) -> None:
        given = _call(app, TRENDS).query(b"measure=craving&from=2026-09-01&points=10")

        assert given is not None
        (query,) = given.values()
        assert (query.measure, query.first_day, query.points) == ("craving", date(2026, 9, 1), 10)

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            (DUE, "days=3&days=3"),
            (DUE, "days="),
            (DUE, "days"),
            (DUE, "days=61"),
            (DUE, "days=three"),
            (DUE, "weeks=3"),
            (TRENDS, ""),
            (TRENDS, "measure=nothing"),
            (TRENDS, "measure=craving&measure=mood"),
            (TRENDS, "measure=craving&colour=red"),
            (SESSIONS, "limit=0"),
            (SESSIONS, "from=yesterday"),
        ],
    )
    def test_leaves_the_rest_to_fastapi(self, app: FastAPI, path: str, query: str) -> None:
        assert _call(app, path).query(query.encode()) is None

    def test_remembers_nothing_that_is_long(self, app: FastAPI) -> None:
        cursor = b"cursor=" + b"a" * lean.LONGEST_REMEMBERED
        scope = {"type": "http", "query_string": cursor, "path_params": {}}

        assert _call(app, SESSIONS).given(Request(scope)) is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (DUE, 200),
        (f"{DUE}?days=61", 422),
        (f"{DUE}?days=3&days=4", 200),
        (f"{TRENDS}?measure=nothing", 422),
        (f"{TRENDS}?measure=craving&to=1999-01-01", 422),
        ("/v1/me/dosing-sessions?cursor=not-one", 400),
        ("/v1/dosing-sessions", 403),
    ],
)
async def test_answers_and_notes_each_request_once(
    db: Database, cast: Cast, new_client: NewClient, path: str, status: int
) -> None:
    answer = await new_client(cast.patient.token).get(path)

    assert answer.status_code == status
    noted = await db.scalars(
        sa.select(AuditEntry.outcome).where(AuditEntry.request_id == answer.headers["x-request-id"])
    )
    assert list(noted) == ["denied" if status == 403 else "allowed"]


@pytest.mark.parametrize("path", ["trends?measure=craving", "due-check-ins"])
async def test_an_id_that_is_none_is_refused_as_ever(cast: Cast, new_client: NewClient, path: str) -> None:
    for patient_id in ("nobody", an_id()):
        answer = await new_client(cast.nurse.token).get(f"/v1/patients/{patient_id}/{path}")

        assert answer.status_code in {404, 422}


async def test_lets_nobody_in_without_a_token(client: httpx2.AsyncClient) -> None:
    assert (await client.get(DUE)).status_code == 401


def test_takes_no_endpoint_whose_answer_fastapi_would_write(app: FastAPI) -> None:
    for route in app.routes:
        if isinstance(route, APIRoute) and (call := call_of(route)) is not None:
            assert route.endpoint.__annotations__["return"] is Response
            assert call.guard.is_guard
