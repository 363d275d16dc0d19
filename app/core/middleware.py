"""What surrounds every request, as one plain ASGI layer: its id, limits, headers, figures, log line, and its 500.

One layer, because each `BaseHTTPMiddleware` costs three times as much as an empty route.
"""

import json
import time
from collections.abc import Iterable
from uuid import UUID

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.bodies import MAX_BODY_BYTES, limited
from app.core.cors import Cors
from app.core.errors import MEDIA_TYPE, BodyTooLarge, HttpsRequired, InternalError, Problem
from app.core.ids import new_id
from app.core.logging import describe, log
from app.core.metrics import request_ended

PROBES = frozenset({"/healthz", "/readyz"})
"""What load balancers ask without TLS; there is nothing to overhear."""
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"


class Envelope:
    """The outermost layer of our own; whatever goes wrong inside leaves it as a problem document."""

    def __init__(self, app: ASGIApp, *, https: bool, origins: Iterable[str] = (), body_seconds: float = 10) -> None:
        self.app = app
        self.https = https
        self.cors = Cors(origins)
        self.body_seconds = body_seconds
        self.fixed_headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        if https:
            self.fixed_headers.append((b"strict-transport-security", b"max-age=63072000; includeSubDomains"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        cors = self.cors.headers(scope, headers)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._finish_headers(message, request_id)
                message["headers"].extend(scope["state"].get("rate_limit", ()))
                message["headers"].extend(cors)
            await send(message)

        try:
            if (refusal := self._refusal(scope, headers)) is not None:
                await _send_problem(refusal, request_id, send_with_headers)
            elif (allowed := self.cors.preflight(scope, headers)) is not None:
                await send_with_headers({"type": "http.response.start", "status": 204, "headers": allowed})
                await send_with_headers({"type": "http.response.body", "body": b""})
            else:
                await self.app(scope, limited(receive, self.body_seconds), send_with_headers)
        except Exception as error:  # noqa: BLE001  the last net: a fault must leave as a problem, without its message
            log.error("request failed", request_id=request_id, **describe(error))
            if status == 0:
                await _send_problem(InternalError(), request_id, send_with_headers)
        finally:
            route, seconds = _template(scope), time.perf_counter() - started
            request_ended(route, scope["method"], status, seconds)
            log.info(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 1),
                request_id=request_id,
            )

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        """Why this request is not even looked at."""
        if self.https and scope["scheme"] != "https" and scope["path"] not in PROBES:
            return HttpsRequired()
        return BodyTooLarge() if _declared_length(headers) > MAX_BODY_BYTES else None

    def _finish_headers(self, message: Message, request_id: str) -> None:
        raw: list[tuple[bytes, bytes]] = message.setdefault("headers", [])
        there = dict(raw)
        tag = there.get(b"etag")
        if tag and b"content-encoding" in there and not tag.startswith(b"W/"):
            MutableHeaders(raw=raw)["etag"] = f"W/{tag.decode('latin-1')}"  # RFC 9110: a strong one names exact bytes
        raw += self.fixed_headers
        raw.append((b"x-request-id", request_id.encode()))
        if b"cache-control" not in there:
            raw.append((b"cache-control", b"no-store"))
        if b"content-security-policy" not in there:
            raw.append((b"content-security-policy", API_POLICY.encode()))


def _request_id(sent: str | None) -> str:
    try:
        return str(UUID(sent)) if sent else str(new_id())
    except ValueError:
        return str(new_id())


def _declared_length(headers: Headers) -> int:
    try:
        return int(headers.get("content-length", "0"))
    except ValueError:
        return 0


def _template(scope: Scope) -> str:
    """The address as it is declared, without the ids in it."""
    route = scope.get("route")
    template = scope.get("state", {}).get("template") or getattr(route, "path", None)
    return template or "(no route)"


async def _send_problem(problem: Problem, request_id: str, send: Send) -> None:
    body = json.dumps(problem.body(request_id)).encode()
    await send(
        {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
