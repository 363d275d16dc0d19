"""One POST to a receiver: signed bytes out, a short answer in, and never an exception, whatever the receiver does.

Connections are kept for the next request of the same endpoint, and never shared with another one. Each is used through
httpcore2's HTTP/1.1 connection, on our own stream; its pool looks at every open connection for each request, and
cannot keep one whose request came too late (docs/adr/0016-webhook-client.md).
"""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, cast
from uuid import UUID

import httpcore2

from app.core import clock
from app.core.logging import describe, log
from app.core.settings import Settings
from app.webhooks import addresses, network
from app.webhooks.network import (
    BlockedAddressError,
    GuardedBackend,
    Resolve,
    Resolver,
    Stream,
    TooLateError,
    TooLongError,
)
from app.webhooks.rules import Outcome, outcome_of

LONGEST_SECONDS: Final = 15.0
"""For everything: looking the name up, connecting, TLS, sending, and the whole answer."""
MOST_OF_AN_ANSWER: Final = 16 * 1024
"""Bytes read of an answer, its headers included; then the connection is closed."""
MOST_KEPT_OF_AN_ANSWER: Final = 1024
MOST_CONNECTIONS: Final = 16
"""Of one endpoint at a time."""
IDLE_SECONDS: Final = 30.0
_DIGITS: Final = re.compile(r"\d{1,9}")
_WITH_EACH: Final = (
    (b"user-agent", b"Afterglow"),
    (b"content-type", b"application/json"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"identity"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended. `text` is the beginning of what was answered, without control characters."""

    outcome: Outcome
    milliseconds: int
    status: int | None = None
    text: str | None = None
    retry_after: timedelta | None = None


@dataclass(slots=True)
class _Seen:
    """What has come of an answer so far."""

    status: int | None = None
    body: bytes = b""
    retry_after: str | None = None
    was_sent: bool = False


@dataclass(slots=True, eq=False)
class _Connection:
    stream: Stream
    http: httpcore2.AsyncHTTP11Connection
    idle_since: float = 0


@dataclass(slots=True, eq=False)
class _Peer:
    """An endpoint, as far as connections go."""

    url: str
    target: addresses.Target
    backend: GuardedBackend
    address: httpcore2.URL
    headers: list[tuple[bytes, bytes]]
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_CONNECTIONS))
    idle: list[_Connection] = field(default_factory=list)
    under_way: int = 0
    is_forgotten: bool = False


class Sender:
    """Sends for one worker. `seconds` is how long one POST may take in all."""

    def __init__(self, settings: Settings, *, seconds: float = LONGEST_SECONDS, resolve: Resolve | None = None) -> None:
        self._settings = settings
        self._seconds = seconds
        self._resolver = Resolver()
        self._resolve = resolve or self._resolver
        if settings.webhook_ca_file is not None:
            network.trusted(settings.webhook_ca_file)  # one that cannot be read is told now, not with the first event
        self._peers: dict[UUID, _Peer] = {}
        self._idle: dict[_Connection, _Peer] = {}
        """Of all endpoints, in the order in which they became so."""
        self._sweeping: asyncio.TimerHandle | None = None

    async def post(
        self, endpoint_id: UUID, url: str, headers: Mapping[str, str], body: bytes, *, not_after: float
    ) -> Answer:
        """Send one message, and tell how that ended; nothing is raised but cancellation.

        After `not_after` (of `time.monotonic()`) nothing is handed to the socket any more: the answer is `TOO_LATE`,
        and a connection made meanwhile is kept.
        """
        started = time.monotonic()
        seen = _Seen()
        try:
            async with asyncio.timeout(self._seconds):
                outcome = await self._post(endpoint_id, url, headers, body, not_after, seen)
        except Exception as error:  # noqa: BLE001  whatever a receiver does must not stop the worker
            outcome = _outcome_of(error, seen)
        return _answer(outcome, time.monotonic() - started, seen)

    async def _post(
        self, endpoint_id: UUID, url: str, headers: Mapping[str, str], body: bytes, not_after: float, seen: _Seen
    ) -> Outcome:
        peer = self._peer(endpoint_id, url)
        request = httpcore2.Request(
            b"POST",
            peer.address,
            headers=[
                *peer.headers,
                *((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()),
                (b"content-length", b"%d" % len(body)),
            ],
            content=body,
        )
        peer.under_way += 1
        try:
            async with peer.gate:
                return await self._exchange(peer, request, not_after, seen)
        finally:
            peer.under_way -= 1

    async def _exchange(self, peer: _Peer, request: httpcore2.Request, not_after: float, seen: _Seen) -> Outcome:
        """Send the request on a connection that is there, or on a new one.

        A receiver closes a connection that was idle for long, perhaps just when the request is on its way. Not a byte
        of an answer has come then: it is sent once more on a new connection, under the same `webhook-id`.
        """
        connection = self._reused(peer)
        if connection is not None:
            try:
                return await self._talk(peer, connection, request, not_after, seen)
            except (httpcore2.NetworkError, httpcore2.RemoteProtocolError):
                if connection.stream.has_received:
                    raise
                self._drop_idle(peer)
        return await self._talk(peer, await self._connected(peer), request, not_after, seen)

    async def _talk(
        self, peer: _Peer, connection: _Connection, request: httpcore2.Request, not_after: float, seen: _Seen
    ) -> Outcome:
        stream = connection.stream
        stream.begin(not_after=not_after, most=MOST_OF_AN_ANSWER)
        try:
            if time.monotonic() > not_after:  # the stream looks too, but then the connection is used up
                raise TooLateError
            return await _ask(connection, request, seen)
        finally:
            seen.was_sent = seen.was_sent or stream.has_sent
            self._let_go(peer, connection)

    # ------------------------------------------------------------------------------------------ connections
    async def _connected(self, peer: _Peer) -> _Connection:
        target = peer.target
        stream = await peer.backend.connect_tcp(target.host, target.port)
        if not target.is_plain:
            stream = await stream.start_tls(
                network.trusted(self._settings.webhook_ca_file), server_hostname=target.host
            )
        return _Connection(stream, httpcore2.AsyncHTTP11Connection(peer.address.origin, stream))

    def _peer(self, endpoint_id: UUID, url: str) -> _Peer:
        """What is known of an endpoint. Raises `addresses.UrlError` for a URL that nothing may be sent to."""
        peer = self._peers.get(endpoint_id)
        if peer is not None and peer.url == url:
            return peer
        self._forget(endpoint_id)
        target = addresses.taken_apart(url, self._settings)
        address = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        self._peers[endpoint_id] = peer = _Peer(
            url,
            target,
            network.backend_for(target, self._settings, self._resolve),
            address,
            [(b"host", target.host_header.encode()), *_WITH_EACH],
        )
        if self._sweeping is None:
            self._sweep_later()
        return peer

    def _reused(self, peer: _Peer) -> _Connection | None:
        while peer.idle:
            connection = peer.idle.pop()
            del self._idle[connection]
            if connection.stream.is_fresh:
                return connection
            connection.stream.abort()
        return None

    def _let_go(self, peer: _Peer, connection: _Connection) -> None:
        """Keep a connection for the next request if it is good for one."""
        if peer.is_forgotten or not connection.stream.is_fresh:
            connection.stream.abort()
            return
        connection.idle_since = time.monotonic()
        peer.idle.append(connection)
        self._idle[connection] = peer
        if len(self._idle) > self._settings.webhook_connections:
            self._close_oldest()

    def _close_oldest(self) -> None:
        connection, peer = next(iter(self._idle.items()))
        del self._idle[connection]
        peer.idle.remove(connection)
        connection.stream.abort()

    def _drop_idle(self, peer: _Peer) -> None:
        for connection in peer.idle:
            del self._idle[connection]
            connection.stream.abort()
        peer.idle.clear()

    def _sweep(self) -> None:
        """Close what was idle for long, and forget endpoints that nothing is sent to."""
        oldest = time.monotonic() - IDLE_SECONDS
        while self._idle and next(iter(self._idle)).idle_since < oldest:
            self._close_oldest()
        self._peers = {each: peer for each, peer in self._peers.items() if peer.idle or peer.under_way}
        self._sweeping = None
        if self._peers:
            self._sweep_later()

    def _sweep_later(self) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(IDLE_SECONDS / 2, self._sweep)

    def _forget(self, endpoint_id: UUID) -> None:
        peer = self._peers.pop(endpoint_id, None)
        if peer is not None:
            peer.is_forgotten = True
            self._drop_idle(peer)

    async def forget(self, endpoint_id: UUID) -> None:
        """Close an endpoint's connections; one that is in use is closed when its request has ended."""
        self._forget(endpoint_id)

    async def close(self) -> None:
        """Close every connection that is not in use, and keep none from now on."""
        for endpoint_id in list(self._peers):
            self._forget(endpoint_id)
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        self._resolver.close()


async def _ask(connection: _Connection, request: httpcore2.Request, seen: _Seen) -> Outcome:
    """Send the request and read the answer. If anything is raised, httpcore2 has closed the connection."""
    response = await connection.http.handle_async_request(request)
    if not connection.stream.has_sent:  # more came with the answer before: this is not ours
        connection.stream.abort()
        raise httpcore2.RemoteProtocolError("answered before it was asked")
    seen.status = response.status
    seen.retry_after = _retry_after(response.headers)
    async for chunk in cast("AsyncIterable[bytes]", response.stream):
        if len(seen.body) < MOST_KEPT_OF_AN_ANSWER:
            seen.body += chunk[: MOST_KEPT_OF_AN_ANSWER - len(seen.body)]
    await response.aclose()
    return outcome_of(response.status)


def _outcome_of(error: Exception, seen: _Seen) -> Outcome:
    """What went wrong, as the log of deliveries names it."""
    if isinstance(error, TooLateError):  # unless it was sent before, on a connection that turned out closed
        return Outcome.BROKEN_OFF if seen.was_sent else Outcome.TOO_LATE
    if isinstance(error, TooLongError) and seen.status is not None:
        return outcome_of(seen.status)
    if isinstance(error, TimeoutError):
        return Outcome.TIMED_OUT
    if isinstance(error, BlockedAddressError | addresses.UrlError):
        return Outcome.BLOCKED_ADDRESS
    if isinstance(error, ssl.SSLCertVerificationError):
        return Outcome.UNTRUSTED
    if not isinstance(error, OSError | httpcore2.NetworkError | httpcore2.RemoteProtocolError | TooLongError):
        log.error("webhook_not_sent", **describe(error))
    return Outcome.BROKEN_OFF if seen.was_sent else Outcome.NOT_CONNECTED


def _answer(outcome: Outcome, seconds: float, seen: _Seen) -> Answer:
    retry_after = None if seen.retry_after is None else _waiting_time(seen.retry_after)
    return Answer(outcome, round(seconds * 1000), seen.status, _text(seen.body) if seen.body else None, retry_after)


def _text(body: bytes) -> str | None:
    """An answer as people can read it, and as any database takes it."""
    return "".join(each if each.isprintable() else " " for each in body.decode(errors="replace")).strip() or None


def _retry_after(headers: list[tuple[bytes, bytes]]) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == b"retry-after"), None)


def _waiting_time(value: str) -> timedelta | None:
    """What Retry-After asks for: seconds, or a date of HTTP; None if it is neither."""
    if _DIGITS.fullmatch(value):
        return timedelta(seconds=int(value))
    try:
        at = parsedate_to_datetime(value)
        return max(at.replace(tzinfo=at.tzinfo or UTC) - clock.now(), timedelta())
    except (ValueError, OverflowError):
        return None
