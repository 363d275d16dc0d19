"""Alive and ready are two things."""

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core import health, schema_revision
from app.core.db import Database
from tests.core.test_requests import assert_problem


class TestHealth:
    async def test_answers_while_the_process_lives(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/healthz")).json() == {"status": "ok"}

    async def test_does_not_ask_the_database(self, client: httpx2.AsyncClient, queries: list[str]) -> None:
        queries.clear()

        await client.get("/healthz")

        assert queries == []


class TestReadiness:
    async def test_names_the_database_and_its_schema(
        self, client: httpx2.AsyncClient, app: FastAPI, db: Database
    ) -> None:
        ready = (await client.get("/readyz")).json()

        assert ready["status"] == "ready"
        assert ready["database"].split()[0] == ("postgresql" if db.is_postgresql else "sqlite")
        assert ready["schema_revision"] == app.state.schema_revision

    async def test_fails_on_an_older_schema(
        self, client: httpx2.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = app.state.schema_revision
        monkeypatch.setattr(schema_revision, "_revisions", lambda: (frozenset({here, "next"}), frozenset({here})))

        answer = await client.get("/readyz")

        assert "afterglow migrate" in assert_problem(answer, 503)["detail"]
        assert answer.headers["retry-after"]

    async def test_goes_on_with_the_schema_of_a_later_release(
        self, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(schema_revision, "_revisions", lambda: (frozenset({"this"}), frozenset({"before"})))

        assert (await client.get("/readyz")).status_code == 200

    async def test_fails_as_soon_as_the_process_is_told_to_stop(self, client: httpx2.AsyncClient, app: FastAPI) -> None:
        app.state.stopping = True

        assert "stopping" in assert_problem(await client.get("/readyz"), 503)["detail"]
        assert (await client.get("/healthz")).status_code == 200

    async def test_fails_when_the_database_is_away(self, client: httpx2.AsyncClient, app: FastAPI) -> None:
        app.state.engine = None

        assert "does not answer" in assert_problem(await client.get("/readyz"), 503)["detail"]

    async def test_fails_when_the_database_hangs(
        self, client: httpx2.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def hang(_engine: Any) -> Any:
            await asyncio.sleep(60)

        monkeypatch.setattr(health, "database_state", hang)
        monkeypatch.setattr(health, "READY_WITHIN_SECONDS", 0.01)

        assert_problem(await client.get("/readyz"), 503)
