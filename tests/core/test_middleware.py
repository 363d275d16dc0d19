"""What surrounds every request: its id, its size limit, its headers, its 500, and how it is compressed."""

import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from app.core.bodies import MAX_BODY_BYTES
from app.core.middleware import API_POLICY, Envelope
from tests.cast import Cast
from tests.core.conftest import CANARY
from tests.core.test_requests import assert_problem
from tests.factories import PASSWORD, a_report, an_id

HUGE = 20 * 1024 * 1024
JSON = {"content-type": "application/json"}


class Pieces:
    """A body in pieces of 64 KiB, that knows how many of them were asked for."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.asked = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.left > 0:
            self.asked += 1
            self.left -= 64 * 1024
            yield b"x" * 64 * 1024


class TestBodySize:
    async def test_a_huge_body_is_refused_before_it_is_read(self, as_patient: httpx2.AsyncClient) -> None:
        pieces = Pieces(HUGE)

        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}", content=pieces, headers=JSON | {"content-length": str(HUGE)}
        )

        assert assert_problem(answer, 413)["code"] == "body_too_large"
        assert pieces.asked <= 1

    async def test_a_huge_body_of_unknown_length_is_refused_while_it_arrives(
        self, as_patient: httpx2.AsyncClient
    ) -> None:
        pieces = Pieces(HUGE)

        answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", content=pieces, headers=JSON)

        assert assert_problem(answer, 413)["code"] == "body_too_large"
        assert pieces.asked <= MAX_BODY_BYTES // (64 * 1024) + 2

    async def test_a_body_that_is_longer_than_it_said_is_refused(self, as_patient: httpx2.AsyncClient) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}", content=Pieces(HUGE), headers=JSON | {"content-length": "10"}
        )

        assert_problem(answer, 413)

    async def test_the_limit_holds_for_forms_too(self, client: httpx2.AsyncClient) -> None:
        form = {"content-type": "application/x-www-form-urlencoded"}

        answer = await client.post("/oauth/token", content=Pieces(HUGE), headers=form)

        assert_problem(answer, 413)

    async def test_the_limit_holds_where_no_body_is_expected(self, unchecked: httpx2.AsyncClient) -> None:
        answer = await unchecked.request("GET", "/healthz", content=b"x", headers={"content-length": str(HUGE)})

        assert_problem(answer, 413)

    @pytest.mark.parametrize("length", ["-1", "many", "", "1e9"])
    async def test_a_length_that_is_no_length_is_not_believed(
        self, as_patient: httpx2.AsyncClient, length: str
    ) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}", content=Pieces(HUGE), headers=JSON | {"content-length": length}
        )

        assert_problem(answer, 413)

    async def test_a_body_just_below_the_limit_is_read(self, as_patient: httpx2.AsyncClient) -> None:
        body = b'{"x": "' + b"x" * (MAX_BODY_BYTES - 100) + b'"}'

        answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", content=body, headers=JSON)

        assert_problem(answer, 422)


class TestHeaders:
    async def test_every_answer_carries_them(self, client: httpx2.AsyncClient) -> None:
        for address in ("/healthz", "/no/such/address", "/v1/me", "/docs", "/openapi.json", "/docs/page/page.js"):
            headers = (await client.get(address)).headers

            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert headers["cache-control"]
            UUID(headers["x-request-id"])
            assert "server" not in headers

    async def test_what_is_no_page_may_load_nothing(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/healthz")).headers["content-security-policy"] == API_POLICY

    async def test_the_callers_request_id_comes_back(self, client: httpx2.AsyncClient) -> None:
        request_id = str(an_id())

        answer = await client.get("/v1/me", headers={"X-Request-Id": request_id})

        assert answer.headers["x-request-id"] == request_id
        assert answer.json()["request_id"] == request_id

    @pytest.mark.parametrize("sent", ["CANARY", "", "1", "a" * 10_000, "{}\t"])
    async def test_another_request_id_is_not_believed(self, client: httpx2.AsyncClient, sent: str) -> None:
        answer = await client.get("/healthz", headers={"X-Request-Id": sent})

        assert answer.headers["x-request-id"] != sent
        UUID(answer.headers["x-request-id"])

    async def test_an_answer_without_a_tag_is_not_stored(self, as_patient: httpx2.AsyncClient) -> None:
        assert (await as_patient.get("/v1/me")).headers["cache-control"] == "no-store"

    async def test_an_answer_with_a_tag_is_checked_each_time(self, as_patient: httpx2.AsyncClient) -> None:
        answer = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())

        assert answer.headers["cache-control"] == "private, no-cache"

    async def test_https_is_asked_for_where_it_is_spoken(self) -> None:
        async def inside(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        for https in (True, False):
            transport = httpx2.ASGITransport(Envelope(inside, https=https))
            async with httpx2.AsyncClient(transport=transport, base_url="http://test") as caller:
                answer = await caller.get("/")

            assert ("strict-transport-security" in answer.headers) is https


class TestFaults:
    async def test_a_fault_on_our_side_is_a_problem_without_its_message(
        self, app: FastAPI, unchecked: httpx2.AsyncClient
    ) -> None:
        app.state.engine = None
        sign_in = {"email": f"{CANARY}@example.org", "password": CANARY, "device_label": CANARY}

        answer = await unchecked.post("/v1/sign-ins", json=sign_in)

        problem = assert_problem(answer, 500)
        assert problem["code"] == "internal_error"
        assert "NoneType" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"

    async def test_a_fault_after_the_answer_began_ends_it(self) -> None:
        async def inside(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            raise RuntimeError

        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await Envelope(inside, https=False)(scope, None, send)  # type: ignore[arg-type]

        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]

    async def test_what_is_no_request_passes_through(self) -> None:
        seen: list[str] = []

        async def inside(scope: Any, _receive: Any, _send: Any) -> None:
            seen.append(scope["type"])

        await Envelope(inside, https=False)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

        assert seen == ["lifespan"]


class TestCompression:
    async def test_a_long_answer_is_compressed_and_its_tag_weakened(
        self, new_client: Callable[..., httpx2.AsyncClient], cast: Cast
    ) -> None:
        plain = await new_client(cast.patient.token, **{"accept-encoding": "identity"}).get("/v1/instruments")
        packed = await new_client(cast.patient.token, **{"accept-encoding": "gzip"}).get("/v1/instruments")

        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
        assert packed.headers["vary"].lower() == "accept-encoding"
        assert packed.content == plain.content

    async def test_the_best_way_that_the_caller_knows_is_taken(self, unchecked: httpx2.AsyncClient) -> None:
        async with unchecked.stream("GET", "/openapi.json", headers={"accept-encoding": "gzip, br, zstd"}) as answer:
            assert answer.headers["content-encoding"] == "zstd"
            packed = len(b"".join([piece async for piece in answer.aiter_raw()]))
        plain = await unchecked.get("/openapi.json", headers={"accept-encoding": "identity"})
        assert packed < len(plain.content) / 10

    async def test_a_weakened_tag_still_answers_304(
        self, new_client: Callable[..., httpx2.AsyncClient], cast: Cast
    ) -> None:
        caller = new_client(cast.patient.token, **{"accept-encoding": "gzip"})
        tag = (await caller.get("/v1/instruments")).headers["etag"]

        again = await caller.get("/v1/instruments", headers={"If-None-Match": tag})

        assert tag.startswith("W/")
        assert (again.status_code, again.content) == (304, b"")

    async def test_a_short_answer_is_not_compressed(self, new_client: Callable[..., httpx2.AsyncClient]) -> None:
        answer = await new_client(**{"accept-encoding": "gzip"}).get("/healthz")

        assert "content-encoding" not in answer.headers

    async def test_answers_that_carry_secrets_are_never_compressed(
        self, app: FastAPI, new_client: Callable[..., httpx2.AsyncClient], cast: Cast
    ) -> None:
        """What a caller chose and what is secret must not be squeezed together: the length would tell (BREACH)."""
        long_label = "x" * 100
        caller = new_client(cast.coordinator.token, **{"accept-encoding": "gzip, br, zstd"})
        sign_in = {"email": cast.patient.email, "password": PASSWORD, "device_label": long_label}
        enrolled = await caller.post("/v1/patients", json={"display_name": "Kim"})

        secret_answers = [
            await caller.post("/v1/sign-ins", json=sign_in),
            await caller.post(
                "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": cast.nurse.refresh_token}
            ),
            await caller.post(f"/v1/patients/{enrolled.json()['id']}/invitations"),
        ]

        assert [answer.status_code for answer in secret_answers] == [201, 200, 201]
        for answer in secret_answers:
            assert "content-encoding" not in answer.headers
            assert answer.headers["cache-control"] == "no-store"

    async def test_the_long_answer_to_an_upload_is_compressed(
        self, new_client: Callable[..., httpx2.AsyncClient], cast: Cast
    ) -> None:
        caller = new_client(cast.patient.token, **{"accept-encoding": "gzip"})
        several = [a_report() | {"id": str(an_id())} for _ in range(5)]

        answer = await caller.post("/v1/me/check-ins/batch", json={"check_ins": several})

        assert answer.headers["content-encoding"] == "gzip"
        assert len(answer.json()["results"]) == 5

    async def test_a_compressed_body_is_not_unpacked(self, as_patient: httpx2.AsyncClient) -> None:
        answer = await as_patient.put(
            f"/v1/me/check-ins/{an_id()}",
            content=zlib.compress(b"{}" + b" " * MAX_BODY_BYTES * 20),
            headers=JSON | {"content-encoding": "deflate"},
        )

        assert_problem(answer, 400)
