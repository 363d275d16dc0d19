"""Receivers of webhooks in a process of their own, as lean as can be: they count, and behave as the path says.

`python -m benchmarks.receivers PORT`: POST /ok answers 204, /hang never, /flood with 1 GB as fast as it is taken, /drip
with a byte a second, /close breaks off in the middle, /redirect leads to /ok, /410, /429 and /500 answer so. GET
/counts tells how many arrived at /ok, and when the first and the last did (`time.monotonic()`, of the machine).
"""

import asyncio
import json
import sys
import time
from typing import Any

import httptools
import uvloop

FLOOD = 1024**3
CHUNK = b"x" * 65536
PLAIN = {
    b"/410": b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n",
    b"/429": b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n",
    b"/500": b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
    b"/redirect": b"HTTP/1.1 302 Found\r\nlocation: /ok\r\ncontent-length: 0\r\n\r\n",
}


class Receiver(asyncio.Protocol):
    """One connection."""

    counts: dict[str, Any] = {"ok": 0, "first": None, "last": None, "flooded": 0}  # noqa: RUF012  of all connections

    def connection_made(self, transport: Any) -> None:
        """Wait for a request."""
        self.transport, self.path = transport, b""
        self.parser = httptools.HttpRequestParser(self)
        self.can_go_on = asyncio.Event()
        self.can_go_on.set()

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self.parser.feed_data(data)

    def pause_writing(self) -> None:
        """The other side is slow."""
        self.can_go_on.clear()

    def resume_writing(self) -> None:
        """It took some."""
        self.can_go_on.set()

    def connection_lost(self, _: Exception | None) -> None:
        """Whoever floods it sees that by itself."""
        self.can_go_on.set()

    def on_url(self, url: bytes) -> None:
        """Which behaviour is wanted."""
        self.path = url

    def on_message_complete(self) -> None:
        """Behave."""
        counts = Receiver.counts
        if self.path == b"/ok":
            now = time.monotonic()
            counts["ok"] += 1
            counts["first"] = counts["first"] or now
            counts["last"] = now
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        elif self.path == b"/flood":
            self.busy = asyncio.create_task(self.flood())
        elif self.path == b"/drip":
            self.busy = asyncio.create_task(self.drip())
        elif self.path == b"/close":
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            self.transport.close()
        elif self.path in PLAIN:
            self.transport.write(PLAIN[self.path])
        elif self.path == b"/counts":
            body = json.dumps(counts).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            Receiver.counts.update(ok=0, first=None, last=None, flooded=0)

    async def drip(self) -> None:
        """Send a byte a second."""
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not self.transport.is_closing():
            self.transport.write(b"x")
            await asyncio.sleep(1)

    async def flood(self) -> None:
        """Send more than anybody wants."""
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % FLOOD)
        for _ in range(FLOOD // len(CHUNK)):
            await self.can_go_on.wait()
            if self.transport.is_closing():
                return
            self.transport.write(CHUNK)
            Receiver.counts["flooded"] += len(CHUNK)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
