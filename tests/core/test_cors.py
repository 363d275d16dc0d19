"""Browser apps of other origins get nothing, unless their origin is listed, and then exactly theirs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from app.core.bodies import MAX_BODY_BYTES
from app.core.cors import ANSWER_HEADERS
from app.core.middleware import Envelope

APP = "https://app.clinic.example"
ASKS = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization, if-match"}


async def inside(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept-Encoding")]})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def caller_of(*origins: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Envelope(inside, https=False, origins=origins))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as caller:
        yield caller


def allowed(answer: httpx2.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


class TestWithoutOrigins:
    @pytest.mark.parametrize("origin", [APP, "null", "*"])
    async def test_nobody_is_let_in(self, origin: str) -> None:
        async with caller_of() as caller:
            plain = await caller.get("/v1/me", headers={"Origin": origin})
            asked = await caller.options("/v1/me", headers=ASKS | {"Origin": origin})

        assert allowed(plain) == allowed(asked) == []
        assert plain.headers["vary"] == "Accept-Encoding"


class TestListedOrigin:
    async def test_may_read_the_answer_and_its_headers_but_send_no_cookies(self) -> None:
        async with caller_of(APP, "https://other.example") as caller:
            answer = await caller.get("/v1/me", headers={"Origin": APP})

        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["access-control-expose-headers"] == ANSWER_HEADERS
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers.get_list("vary") == ["Accept-Encoding", "Origin"]

    async def test_may_ask_before_it_sends(self) -> None:
        async with caller_of(APP) as caller:
            answer = await caller.options("/v1/me/check-ins/x", headers=ASKS | {"Origin": APP})

        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == APP
        assert "PUT" in answer.headers["access-control-allow-methods"]
        assert "If-Match" in answer.headers["access-control-allow-headers"]
        assert answer.headers["x-content-type-options"] == "nosniff"

    async def test_may_read_refusals_too(self) -> None:
        async with caller_of(APP) as caller:
            answer = await caller.put("/", headers={"Origin": APP, "Content-Length": str(MAX_BODY_BYTES + 1)})

        assert answer.status_code == 413
        assert answer.headers["access-control-allow-origin"] == APP

    async def test_may_not_use_the_sign_in_page(self) -> None:
        async with caller_of(APP) as caller:
            plain = await caller.get("/oauth/authorize", headers={"Origin": APP})
            asked = await caller.options("/oauth/authorize", headers=ASKS | {"Origin": APP})

        assert allowed(plain) == allowed(asked) == []

    async def test_an_options_request_that_no_browser_sent_goes_through(self) -> None:
        async with caller_of(APP) as caller:
            assert (await caller.options("/v1/me", headers={"Origin": APP})).status_code == 200


class TestOtherOrigins:
    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "http://app.clinic.example",
            f"{APP}:8443",
            f"{APP}.evil.example",
            "null",
            "",
            f"{APP} ",
        ],
    )
    async def test_are_not_let_in(self, origin: str) -> None:
        async with caller_of(APP) as caller:
            plain = await caller.get("/v1/me", headers={"Origin": origin})
            asked = await caller.options("/v1/me", headers=ASKS | {"Origin": origin})

        assert allowed(plain) == allowed(asked) == []
        assert "Origin" in plain.headers.get_list("vary")
