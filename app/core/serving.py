"""How the HTTP server is run: what it believes of a proxy, and what it does with requests that are none.

uvicorn puts no bound to the headers of a request, neither in bytes nor in time, and refuses what it cannot parse with
plain text. `Protocol` adds both bounds and refuses with a problem document like everything else.
"""

import json
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.core.errors import MEDIA_TYPE, HeadersTooLarge, MalformedRequest, Problem
from app.core.settings import Settings

MAX_HEADER_BYTES = 32 * 1024
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""What may follow the headers on the wire. It is far more than a body may have, so that who sends a little too much has
the time to read the refusal, and bounds what is no body: trailers."""
HEADER_SECONDS = 10
LINGER_SECONDS = 1
_HEADERS = (
    (b"content-type", MEDIA_TYPE.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
)


def options(settings: Settings) -> dict[str, Any]:
    """What `uvicorn.run` is told, beside the address.

    Without a listed proxy no forwarded header is looked at, not even from this machine. With one, only what comes from
    its address is.
    """
    return {
        "loop": "uvloop",
        "http": f"{__name__}:Protocol",
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "log_config": None,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_graceful_shutdown": settings.graceful_shutdown_seconds,
    }


class _Nowhere(list[Any]):
    """Where trailers go: headers that come after the body could contradict those that a proxy has checked."""

    def append(self, _: object) -> None:
        """Forget it."""


class Protocol(HttpToolsProtocol):
    """uvicorn's connection, with an end to headers."""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401  asyncio's transport
        """Wait for the first request."""
        super().connection_made(transport)
        self._in_head, self._head_bytes, self._message_bytes, self._piece = True, 0, 0, 0
        self._refused = False
        self._waits_since = self.loop.time()
        self._watch = self.loop.call_later(HEADER_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to wait for."""
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then see whether there is too much of something that has no end yet."""
        if self._refused:
            return
        self._piece, was_in_head = len(data), self._in_head
        super().data_received(data)
        if self._in_head:
            self._head_bytes = self._head_bytes + self._piece if was_in_head else 0
            if self._head_bytes > MAX_HEADER_BYTES:
                self._refuse(HeadersTooLarge())
        else:
            self._message_bytes += self._piece
            if self._message_bytes > MAX_MESSAGE_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        """The headers begin."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The headers are there: from here on the application minds the time."""
        too_large = self._head_bytes + self._piece > MAX_HEADER_BYTES and self._head_size() > MAX_HEADER_BYTES
        self._in_head, self._head_bytes, self._message_bytes = False, 0, 0
        if too_large:
            self.headers.clear()
            application, self.app = self.app, _refuse_headers  # for this request
            super().on_headers_complete()
            self.app = application
        else:
            super().on_headers_complete()
        self.headers = _Nowhere()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of a body that nobody reads."""
        self._waits_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's sentence
        """Refuse what is no HTTP."""
        self._refuse(MalformedRequest("This is not a request of HTTP/1.1."))

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _look(self) -> None:
        """End a connection on which no request came together in time."""
        cycle: Any = self.cycle  # None until the first request
        waits = cycle is None or cycle.response_complete
        left = self._waits_since + HEADER_SECONDS - self.loop.time() if waits else HEADER_SECONDS
        if left <= 0:
            self.transport.close()
        else:
            self._watch = self.loop.call_later(left, self._look)

    def _refuse(self, problem: Problem) -> None:
        """Answer outside of any request, and end the connection once the caller had the time to read it.

        What they still send is thrown away meanwhile: closing at once would make their side throw the answer away.
        """
        if self.transport.is_closing():
            return
        self._refused = True
        body = json.dumps(problem.body()).encode()
        headers = (*self.server_state.default_headers, *_HEADERS, (b"content-length", str(len(body)).encode()))
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[problem.status] + head + b"\r\n" + body)
        self.transport.write_eof()
        self._watch.cancel()
        self._watch = self.loop.call_later(LINGER_SECONDS, self.transport.close)


async def _refuse_headers(_scope: Scope, _receive: Receive, send: Send) -> None:
    body = json.dumps(HeadersTooLarge().body()).encode()
    headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": HeadersTooLarge.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
