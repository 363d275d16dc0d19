"""The way out to receivers: names are looked up, every address is checked, and the checked address is what is dialled.

A name cannot change between check and connection, since nothing asks for it twice. No proxy is used, whatever the
environment says: it would connect in our place, unchecked.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, cast

import httpcore2

from app.core.settings import Settings
from app.webhooks import addresses
from app.webhooks.addresses import Address, Target

REGISTRATION_SECONDS: Final = 2
DIAL_SECONDS: Final = 4
"""How long one of several addresses of a host is tried."""
MOST_DIALLED: Final = 4
LOOK_UPS_AT_ONCE: Final = 16
FOREVER: Final = float("inf")

Resolve = Callable[[str, int], Awaitable[list[str]]]


class BlockedAddressError(Exception):
    """The host has an address that webhooks may not go to."""


class TooLateError(Exception):
    """It may not be sent any more; nothing of it was."""


class TooLongError(Exception):
    """The answer is longer than what is read of one."""


class Resolver:
    """Looks names up, in threads of its own, so that a name server that hangs does not keep anything else waiting.

    Whoever asks for a name that is being looked up waits for the same answer: a host takes up one thread.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOK_UPS_AT_ONCE, thread_name_prefix="webhook-names")
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses of a host, the best first. Raises OSError if there are none."""
        key = (host, port)
        asked = self._under_way.get(key)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
            self._under_way[key] = asked
            asked.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asked)

    def _answered(self, key: tuple[str, int], done: "asyncio.Future[list[str]]") -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # whoever asked may have gone

    def close(self) -> None:
        """Start no more; what hangs is left alone."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(cast("str", each[4][0]) for each in found))


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses and to allowed networks only; without TLS (`plain`) to the latter only.

    One address of a host that is refused refuses the host: which of them is dialled is not left to luck.
    """

    def __init__(self, allowed: Iterable[addresses.Network], resolve: Resolve, *, plain: bool = False) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._plain = plain

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the interface has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> "Stream":
        """A connection to a host. Raises `BlockedAddressError`, or OSError if there is none to be had."""
        del local_address, socket_options  # of the interface; nobody gives them here
        async with asyncio.timeout(timeout):
            return await self._dial(await self.checked(host, port), port)

    async def checked(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each of which may be dialled. Raises `BlockedAddressError` or OSError."""
        found = [host] if addresses.literal(host) is not None else await self._resolve(host, port)
        if not found:
            raise OSError("the host has no address")
        if not all(self._may_dial(ip_address(each)) for each in found):
            raise BlockedAddressError
        return found

    def _may_dial(self, address: Address) -> bool:
        if self._plain:
            return addresses.is_in(address, self._allowed)
        return addresses.is_allowed(address, self._allowed)

    async def _dial(self, found: list[str], port: int) -> "Stream":
        loop = asyncio.get_running_loop()
        *others, last = found[:MOST_DIALLED]
        for each in others:
            with suppress(OSError):  # TimeoutError is one of them
                async with asyncio.timeout(DIAL_SECONDS):
                    _, stream = await loop.create_connection(Stream, each, port)
                    return stream
        _, stream = await loop.create_connection(Stream, last, port)
        return stream

    async def sleep(self, seconds: float) -> None:
        """Part of the interface."""
        await asyncio.sleep(seconds)


class Stream(httpcore2.AsyncNetworkStream, asyncio.Protocol):
    """A connection, with or without TLS.

    What is written is kept until the answer is read: a request leaves in one piece, at a moment that can be told. No
    timeout of its own is applied: a request has one for everything (`sending`).
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._incoming: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._not_after = FOREVER
        self._room = 0
        self._ended = False
        self._broken = False
        self._is_too_long = False
        self.has_sent = False
        """Whether anything of this request was handed to the socket."""
        self.has_received = False
        """Whether anything of its answer came."""

    def begin(self, *, not_after: float, most: int) -> None:
        """Begin a request that must leave by then (`time.monotonic()`), with an answer of so many bytes at most."""
        self._not_after, self._room = not_after, most
        self.has_sent = self.has_received = False

    @property
    def is_fresh(self) -> bool:
        """Whether a request can begin: open, and nothing lies here or waits to leave."""
        transport = self._transport
        return not (self._ended or self._incoming or transport is None or transport.get_write_buffer_size())

    # -------------------------------------------------------------------------------------- for httpcore2
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  the interface has it
        """Keep what is to be sent."""
        del timeout
        self._outgoing.append(buffer)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  the same
        """Send what was written, then wait for bytes; none at the end.

        Raises `TooLateError`, `TooLongError` or `httpcore2.ReadError`.
        """
        del timeout, max_bytes  # no piece is larger than what is read of an answer
        if self._outgoing:
            self._send()
        while not self._incoming:
            if self._is_too_long:
                raise TooLongError
            if self._broken:
                raise httpcore2.ReadError
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._incoming.popleft()

    def _send(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            self._broken = True
            return
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if time.monotonic() > self._not_after:
            raise TooLateError
        self.has_sent = True
        transport.write(data)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the interface has it
    ) -> "Stream":
        """The same connection with TLS, the certificate checked against the name. Raises ssl.SSLError or OSError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                assert self._transport is not None  # noqa: S101  it was made when this was connected
                self._transport = await loop.start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except BaseException:
            self.abort()
            raise
        if self._transport is None:
            raise OSError("closed while TLS was begun")
        return self

    async def aclose(self) -> None:
        """Close at once."""
        self.abort()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  of the interface
        """What httpcore2 wants to know of a connection."""
        if info == "is_readable":
            return not self.is_fresh
        return None if self._transport is None else self._transport.get_extra_info(info)

    def abort(self) -> None:
        """Close at once. TLS is not told: a receiver that hangs must not keep the connection."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()

    # ---------------------------------------------------------------------------------------- for asyncio
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what came, as far as it is read at all; the rest is never looked at."""
        self.has_received = True
        kept = data[: self._room]
        self._room -= len(kept)
        if kept:
            self._incoming.append(kept)
        if len(kept) < len(data):
            self._is_too_long = True
            self.abort()
        self._wake()

    def eof_received(self) -> bool:
        """The other side has said all it will."""
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come, be it that all was said or that the connection broke."""
        self._broken = self._broken or exc is not None
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def refused(url: str, settings: Settings, resolve: Resolve | None = None) -> str | None:
    """Why no endpoint may be registered with this URL, in words that follow "the url"; None if one may be.

    A host that cannot be found now is no reason: it may be found later, and is checked whenever it is.
    """
    try:
        target = addresses.taken_apart(url, settings)
    except addresses.UrlError as error:
        return str(error)
    own = Resolver()
    try:
        async with asyncio.timeout(REGISTRATION_SECONDS):
            await backend_for(target, settings, resolve or own).checked(target.host, target.port)
    except BlockedAddressError:
        return "must not lead to this address"
    except OSError:
        return None
    finally:
        own.close()
    return None


def backend_for(target: Target, settings: Settings, resolve: Resolve) -> GuardedBackend:
    """What may dial for such a URL."""
    return GuardedBackend(addresses.networks(settings), resolve, plain=target.is_plain)


@lru_cache
def trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Whose certificates are trusted: those the system trusts, and those in the file. Raises OSError (ssl.SSLError)."""
    context = httpcore2.default_ssl_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
