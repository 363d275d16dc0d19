"""A real server on the loopback address, and what is sent to it byte by byte."""

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message

from app.core import handlers, serving
from app.core.bodies import MAX_BODY_BYTES, limited
from app.core.errors import Problem
from app.core.middleware import Envelope
from app.core.settings import Settings

MARK = "CANARY-5b1f0c"
HOST = b"Host: test\r\n"
HUGE = 20 * 1024 * 1024
PIECE = 64 * 1024


@dataclass
class Served:
    """A server, and the requests that got through to the application."""

    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Reads the body and tells what it saw."""
        request = Request(scope, receive)
        try:
            body = await request.body()
            self.requests.append(
                {
                    "method": scope["method"],
                    "scheme": scope["scheme"],
                    "client": scope["client"][0],
                    "headers": sorted(request.headers),
                    "length": len(body),
                }
            )
            response: Response = JSONResponse(self.requests[-1])
        except Problem as problem:
            response = await handlers._problem(request, problem)
        await response(scope, receive, send)

    async def ask(self, *pieces: bytes, seconds: float = 10, pause: float = 0) -> bytes:
        """Everything that comes back until the server closes, or until nothing has come for a while after an answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        got, all_sent = b"", False

        async def send() -> None:
            nonlocal all_sent
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause)
            all_sent = True

        sending = asyncio.create_task(send())
        ends_at = asyncio.get_running_loop().time() + seconds
        with contextlib.suppress(ConnectionError):
            while asyncio.get_running_loop().time() < ends_at:
                try:
                    more = await asyncio.wait_for(reader.read(PIECE), 0.1)
                except TimeoutError:
                    if all_sent and got:
                        break
                    continue
                if not more:
                    break
                got += more
        await sending
        writer.close()
        return got


Start = Callable[..., Awaitable[Served]]


@pytest.fixture(scope="module")
async def start(anyio_backend: str) -> AsyncIterator[Start]:
    """Servers with settings and options of a test; those that are alike are one, since each takes a while to stop."""
    running: dict[str, tuple[Served, uvicorn.Server, asyncio.Task[None]]] = {}

    async def begin(*, https: bool = False, body_seconds: float = 10, **but: Any) -> Served:
        name = f"{https} {body_seconds} {but}"
        if name not in running:
            served = Served()
            application = Envelope(served.application, https=https, body_seconds=body_seconds)
            options = serving.options(Settings(**but)) | {"lifespan": "off"}
            server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, **options))
            running[name] = served, server, asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110  uvicorn tells nobody
                await asyncio.sleep(0.005)
            served.port = server.servers[0].sockets[0].getsockname()[1]
        running[name][0].requests.clear()
        return running[name][0]

    yield begin
    for _, server, _ in running.values():
        server.should_exit = server.force_exit = True
    await asyncio.gather(*(task for _, _, task in running.values()))


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def problem_of(answer: bytes, status: int) -> dict[str, Any]:
    """The only answer in these bytes, which must be a problem document with what every answer carries."""
    assert statuses(answer) == [status]
    head, _, body = answer.partition(b"\r\n\r\n")
    head = head.lower()
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert b"cache-control: no-store" in head
    assert b"\r\nserver:" not in head
    assert MARK.encode() not in answer
    problem: dict[str, Any] = json.loads(body)
    assert problem["status"] == status
    return problem


class TestHeads:
    async def test_an_ordinary_one_is_served_again_and_again(self, start: Start) -> None:
        served = await start()

        answer = await served.ask(
            b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", pause=0.05
        )

        assert statuses(answer) == [200, 200]
        assert b"\r\nserver:" not in answer.lower()

    async def test_one_just_below_the_limit_is_served(self, start: Start) -> None:
        served = await start()
        filling = b"X: " + b"x" * (serving.MAX_HEADER_BYTES - 200) + b"\r\n"

        assert statuses(await served.ask(b"GET / HTTP/1.1\r\n" + HOST + filling + b"\r\n")) == [200]

    @pytest.mark.parametrize(
        "head",
        [
            b"GET / HTTP/1.1\r\n" + HOST + b"X: " + MARK.encode() * 4000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"X: x\r\n" * 10_000 + b"\r\n",
            b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /?" + b"x" * 40_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        ],
        ids=["one long header", "many headers", "a long path", "a long query"],
    )
    @pytest.mark.parametrize("pieces", [1, 7])
    async def test_a_large_one_is_refused(self, start: Start, head: bytes, pieces: int) -> None:
        served = await start()
        size = len(head) // pieces + 1

        answer = await served.ask(*(head[at : at + size] for at in range(0, len(head), size)), pause=0.01)

        assert problem_of(answer, 431)["code"] == "headers_too_large"
        assert served.requests == []

    async def test_one_without_an_end_is_refused(self, start: Start) -> None:
        served = await start()

        answer = await served.ask(b"GET / HTTP/1.1\r\n" + HOST + b"X: ", *[b"x" * 8192] * 50, pause=0.001)

        problem_of(answer, 431)

    @pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /", b"GET / HTTP/1.1\r\nHost: te"])
    async def test_one_that_does_not_come_together_ends_the_connection(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, sent: bytes
    ) -> None:
        monkeypatch.setattr(serving, "HEADER_SECONDS", 0.3)
        served = await start()
        began = asyncio.get_running_loop().time()

        answer = await served.ask(sent, *[b"x"] * 5 * bool(sent.strip()), pause=0.02, seconds=5)

        assert answer == b""
        assert asyncio.get_running_loop().time() - began < 2

    async def test_a_connection_between_two_requests_is_not_ended_by_it(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serving, "HEADER_SECONDS", 0.3)
        served = await start()

        answer = await served.ask(*[b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"] * 5, pause=0.15)

        assert statuses(answer) == [200] * 5


class TestNonsense:
    @pytest.mark.parametrize(
        "sent",
        [
            b"G@T / HTTP/1.1\r\nHost: test\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: test\r\n\r\n",
            b"GET http://[ HTTP/1.1\r\nHost: test\r\n\r\n",
            b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n",
            b"GET /\xff\xfe HTTP/1.1\r\nHost: test\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost test\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost : test\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: te\0st\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n b\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
            b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
            b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: many\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        ],
    )
    async def test_is_refused_once_and_ends_the_connection(self, start: Start, sent: bytes) -> None:
        """Two answers, or a second request in the application, would mean that a proxy can be deceived about us."""
        served = await start()

        answer = await served.ask(sent + b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n")

        assert len(statuses(answer)) <= 1
        assert served.requests == []
        if answer:
            problem_of(answer, 400)

    async def test_an_upgrade_that_nobody_offers_is_ignored(self, start: Start) -> None:
        served = await start()

        answer = await served.ask(
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
        )

        assert statuses(answer) == [200]

    @pytest.mark.parametrize("method", [b"BREW", b"TRACE", b"PROPFIND", b"get"])
    async def test_a_method_that_nobody_knows_is_no_fault(self, start: Start, method: bytes) -> None:
        served = await start()

        answer = await served.ask(method + b" / HTTP/1.1\r\n" + HOST + b"\r\n")

        assert statuses(answer)[0] in {200, 400}


class TestTrailers:
    async def test_never_become_headers(self, start: Start) -> None:
        """What a proxy checked is in the headers; a trailer could say otherwise."""
        served = await start(trusted_proxies=["127.0.0.1"])
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"

        answer = await served.ask(head + b"X-Forwarded-Proto: https\r\nAuthorization: Bearer x\r\n\r\n")

        assert statuses(answer) == [200]
        assert served.requests[0]["scheme"] == "http"
        assert served.requests[0]["headers"] == ["host", "transfer-encoding"]

    async def test_without_an_end_close_the_connection(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(serving, "MAX_MESSAGE_BYTES", 100_000)
        served = await start()
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: "

        assert await served.ask(head, *[b"x" * PIECE] * 4, pause=0.01, seconds=3) == b""
        assert served.requests == []


class TestBodies:
    async def test_a_slow_one_is_refused(self, start: Start) -> None:
        served = await start(body_seconds=0.3)
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n"

        answer = await served.ask(head, *[b"x"] * 5, pause=0.05)  # one who goes on sending may never read the answer

        assert problem_of(answer, 408)["code"] == "body_too_slow"
        assert b"connection: close" in answer.lower()

    async def test_after_a_body_there_is_no_hurry(self) -> None:
        """What watches for a caller who leaves may wait for as long as the answer takes."""
        pauses = iter([0, 0.3])

        async def receive() -> Message:
            await asyncio.sleep(next(pauses))
            return {"type": "http.request", "body": b"", "more_body": False}

        asked = limited(receive, 0.2)

        assert [(await asked())["type"] for _ in range(2)] == ["http.request"] * 2

    async def test_a_huge_one_is_refused_and_never_held(self, start: Start) -> None:
        served = await start()
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        chunk = b"%x\r\n" % PIECE + b"x" * PIECE + b"\r\n"
        tracemalloc.start()
        try:
            answer = await served.ask(head, *[chunk] * (HUGE // PIECE))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert problem_of(answer, 413)["code"] == "body_too_large"
        assert peak < 4 * MAX_BODY_BYTES

    async def test_who_sends_a_little_too_much_reads_the_refusal_and_goes_on(self, start: Start) -> None:
        served = await start()
        body = b"x" * (MAX_BODY_BYTES * 2)
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body)

        answer = await served.ask(head + body, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", pause=0.05)

        assert statuses(answer) == [413, 200]


class TestProxies:
    FORWARDED = b"GET / HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 9.9.9.9, 8.8.8.8\r\nX-Forwarded-Proto: https\r\n\r\n"

    @pytest.mark.parametrize(
        ("proxies", "seen"),
        [
            ([], ("http", "127.0.0.1")),
            (["10.0.0.7"], ("http", "127.0.0.1")),
            (["127.0.0.1"], ("https", "8.8.8.8")),
            (["127.0.0.0/8", "8.8.8.8"], ("https", "9.9.9.9")),
        ],
    )
    async def test_only_listed_ones_are_believed(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, proxies: list[str], seen: tuple[str, str]
    ) -> None:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # which uvicorn would read
        served = await start(trusted_proxies=proxies, log_level="ERROR")

        await served.ask(self.FORWARDED)

        assert (served.requests[0]["scheme"], served.requests[0]["client"]) == seen

    async def test_plain_http_is_refused_where_https_is_spoken(self, start: Start) -> None:
        served = await start(https=True, trusted_proxies=["127.0.0.1"])

        plain = await served.ask(b"GET /v1/me HTTP/1.1\r\n" + HOST + b"X-Forwarded-Proto: http\r\n\r\n")
        direct = await served.ask(b"GET /v1/me HTTP/1.1\r\n" + HOST + b"\r\n")
        secure = await served.ask(b"GET /v1/me HTTP/1.1\r\n" + HOST + b"X-Forwarded-Proto: https\r\n\r\n")

        assert problem_of(plain, 421)["code"] == "https_required"
        problem_of(direct, 421)
        assert statuses(secure) == [200]
        assert b"strict-transport-security: max-age=" in secure

    async def test_a_load_balancer_may_ask_without_tls(self, start: Start) -> None:
        served = await start(https=True)

        for path in (b"/healthz", b"/readyz"):
            assert statuses(await served.ask(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")) == [200]
