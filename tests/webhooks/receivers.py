"""Receivers of webhooks on loopback that behave well or badly, and keep what they were sent.

    async with receiving(answering(204)) as receiver:
        ...                                  # something is sent to receiver.url
        await receiver.arrive(1)
        assert receiver.requests[0].body == b"{}"

`receiver.behaviour` may be changed at any time; `in_turn(a, b)` behaves like `a` once, and like `b` from then on.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived; `at` is a `time.monotonic()`, names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass(slots=True)
class Exchange:
    """One request, and the way to answer it."""

    request: Received
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    receiver: "Receiver"

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        self.receiver.sent += len(data)

    async def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer in whole; underscores in names of headers become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("content-length", str(len(body)))
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        await self.send(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body)

    def close(self) -> None:
        """Close the connection now."""
        self.writer.close()

    async def is_closed(self) -> None:
        """Wait until the other side has closed the connection."""
        while await self.reader.read(CHUNK):
            pass


Behaviour = Callable[[Exchange], Awaitable[None]]


@dataclass
class Receiver:
    """What listens, what it does, and what it saw."""

    behaviour: Behaviour
    url: str = ""
    port: int = 0
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    """How many were ever opened."""
    open: int = 0
    """How many are open now."""
    sent: int = 0
    """How many bytes of answers left."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _talks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def arrive(self, count: int, within: float = 10) -> list[Received]:
        """Wait until so many requests have arrived, and return all there are."""
        async with asyncio.timeout(within):
            while len(self.requests) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.requests

    async def all_closed(self, within: float = 5) -> None:
        """Wait until no connection is open any more."""
        async with asyncio.timeout(within):
            while self.open:
                self._changed.clear()
                await self._changed.wait()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self.connections += 1
        self.open += 1
        try:
            if self.behaviour in {hanging_up, mute, greeting}:
                nothing = Received("", "", {}, b"", time.monotonic())
                await self.behaviour(Exchange(nothing, reader, writer, self))
                return
            while not writer.is_closing() and (request := await _read(reader)) is not None:
                self.requests.append(request)
                self._changed.set()
                await self.behaviour(Exchange(request, reader, writer, self))
        except (OSError, asyncio.IncompleteReadError):
            pass  # it was closed on the other side
        except asyncio.CancelledError:
            pass  # it is closed here
        finally:
            writer.transport.abort()
            self.open -= 1
            self._talks.discard(task)
            self._changed.set()

    async def hang_up(self) -> None:
        """Close every open connection, as a receiver does that starts anew."""
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body, time.monotonic())


@asynccontextmanager
async def receiving(
    behaviour: Behaviour | None = None, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """A receiver on a free port of loopback; `host` is the name its address is written with."""
    receiver = Receiver(behaviour or answering(204))
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://{host}:{receiver.port}/hook"
    try:
        yield receiver
    finally:
        server.close()
        await receiver.hang_up()
        with suppress(OSError):
            await server.wait_closed()


def answering(status: int = 204, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers so: `answering(429, retry_after="3")`, `answering(302, location="http://...")`, `answering(410)`."""

    async def answer(exchange: Exchange) -> None:
        await exchange.answer(status, body, **headers)

    return answer


def slow(seconds: float, status: int = 204) -> Behaviour:
    """Answers after so long."""

    async def answer(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await exchange.answer(status)

    return answer


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behaves like each of these once, and like the last from then on."""
    left = list(behaviours)

    async def behave(exchange: Exchange) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return behave


async def hanging(exchange: Exchange) -> None:
    """Takes the request and never answers."""
    await exchange.is_closed()


def dripping(every: float = 1) -> Behaviour:
    """Answers 200 at once, then sends a byte each so often, for ever."""

    async def drip(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await exchange.send(b"1\r\nx\r\n")
            await asyncio.sleep(every)

    return drip


def dripping_headers(every: float = 1) -> Behaviour:
    """Sends a byte of its headers each so often, for ever."""

    async def drip(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nx-long: ")
        while True:
            await exchange.send(b"x")
            await asyncio.sleep(every)

    return drip


def flooding(size: int = 1 << 30) -> Behaviour:
    """Answers 200 with so many bytes, as fast as they are taken."""

    async def flood(exchange: Exchange) -> None:
        await exchange.send(f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n".encode())
        chunk = b"x" * CHUNK
        for _ in range(size // CHUNK):
            await exchange.send(chunk)

    return flood


async def breaking_off(exchange: Exchange) -> None:
    """Closes in the middle of its answer."""
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of")
    exchange.close()


async def closing(exchange: Exchange) -> None:
    """Takes the request and closes without a word."""
    exchange.close()


async def hanging_up(exchange: Exchange) -> None:
    """Closes every connection at once, before anything is sent."""
    exchange.close()


async def mute(exchange: Exchange) -> None:
    """Takes the connection and never says a word, not even of TLS."""
    await exchange.is_closed()


async def greeting(exchange: Exchange) -> None:
    """Speaks first, and no TLS."""
    await exchange.send(b"220 mail.example ESMTP\r\n")
    await exchange.is_closed()


async def babbling(exchange: Exchange) -> None:
    """Answers what is no HTTP."""
    await exchange.send(b"\x00\x01SSH-2.0-OpenSSH_9.6\r\n\r\n")
    exchange.close()
