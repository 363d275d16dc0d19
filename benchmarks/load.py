"""A load generator that needs nothing installed: raw HTTP/1.1 over asyncio, one request at a time per connection.

It reads an answer by its `Content-Length` (or a 304 by its head), checks the status, and keeps the time that each
request took. It is much cheaper than any server here, so the server is what is measured.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Measured:
    """What one round saw: seconds for each request, bytes of the last body."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0
    body_bytes: int = 0

    @property
    def per_second(self) -> float:
        """Requests answered per second."""
        return len(self.seconds) / self.elapsed

    @property
    def seconds_each(self) -> float:
        """Time of the whole machine per request: what the ratios compare."""
        return self.elapsed / len(self.seconds)

    def quantile(self, share: float) -> float:
        """The time that this share of the requests stayed below."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def request(method: str, path: str, *, token: str = "", body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + HEAD_END + body


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: Callable[[], bytes | None], measured: Measured, expected: frozenset[int]) -> None:
        self._next, self._measured, self._expected = next_request, measured, expected
        self._buffer = bytearray()
        self._needed = 0
        self._sent_at = 0.0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request_bytes = self._next()
        if request_bytes is None:
            self._transport.close()
            if not self.finished.done():
                self.finished.set_result(None)
            return
        self._needed = 0
        self._sent_at = time.perf_counter()
        self._transport.write(request_bytes)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._needed:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            status = int(head[9:12])
            if status not in self._expected:
                self._fail(RuntimeError(f"answered {status}: {bytes(self._buffer[:2000])!r}"))
                return
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self._needed = end + len(HEAD_END) + length
            self._measured.body_bytes = length
        if len(self._buffer) >= self._needed:
            self._measured.seconds.append(time.perf_counter() - self._sent_at)
            self._buffer.clear()
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("the server hung up"))

    def _fail(self, error: Exception) -> None:
        if not self.finished.done():
            self.finished.set_exception(error)


async def drive(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float, expected: Sequence[int] = (200, 201)
) -> Measured:
    """Send requests over this many connections for this long."""
    measured = Measured()
    until = time.perf_counter() + seconds

    def next_request() -> bytes | None:
        return next(requests, None) if time.perf_counter() < until else None

    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    opened = [
        await loop.create_connection(
            lambda: _Connection(next_request, measured, frozenset(expected)), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.finished for _, protocol in opened))
    measured.elapsed = time.perf_counter() - started
    return measured


def middle(figures: Sequence[float]) -> float:
    """The median."""
    return median(figures)
