"""The document that is served is the application's, made once, outside of the process that serves."""

import asyncio

import httpx2
import pytest
from fastapi import FastAPI

from app.core import documents
from app.core.errors import Unavailable
from app.main import DOCUMENT
from tests.conftest import BASE_URL


def _server(*command: str) -> tuple[FastAPI, httpx2.AsyncClient]:
    app = FastAPI(openapi_url=None)
    documents.install(app, command)
    return app, httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE_URL)


class TestDocument:
    async def test_is_that_of_the_application(self, app: FastAPI) -> None:
        server, caller = _server(*DOCUMENT)

        answer = await caller.get("/openapi.json")

        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == app.openapi()
        assert server.openapi_schema is None

    async def test_is_the_one_in_memory_where_there_is_one(self) -> None:
        server, caller = _server("-c", "print('another')")
        server.openapi_schema = {"openapi": "3.1.0"}

        assert (await caller.get("/openapi.json")).json() == {"openapi": "3.1.0"}

    async def test_is_made_once_for_all_who_ask(self) -> None:
        _, caller = _server("-c", "import os; print(os.getpid())")

        answers = await asyncio.gather(*(caller.get("/openapi.json") for _ in range(3)))
        later = await caller.get("/openapi.json")

        assert answers[0].text.strip().isdigit()
        assert {answer.text for answer in answers} == {later.text}

    async def test_that_could_not_be_made_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _, caller = _server("-c", "import os; print(os.environ['AFTERGLOW_TEST_WORD'])")
        with pytest.raises(Unavailable):
            await caller.get("/openapi.json")

        monkeypatch.setenv("AFTERGLOW_TEST_WORD", "there")

        assert (await caller.get("/openapi.json")).text == "there\n"
