"""Browser apps of other origins: none may read an answer unless an operator listed its origin.

Credentials are never allowed for: this API knows no cookies of other sites, an app sends its token itself. The page
on which people sign in takes part in none of it, as OAuth's best practice asks (RFC 9700, section 2.6).
"""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import Scope

PREFLIGHT_SECONDS = 600
NEVER = frozenset({"/oauth/authorize"})
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = (
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, X-App-Version, DPoP"
)
ANSWER_HEADERS = (
    "Allow, ETag, Location, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate, X-Request-Id, "
    "Idempotency-Replayed"
)
RawHeaders = list[tuple[bytes, bytes]]


class Cors:
    """What the answer to a request of another origin must say."""

    def __init__(self, origins: Iterable[str]) -> None:
        self.origins = frozenset(origins)

    def headers(self, scope: Scope, headers: Headers) -> RawHeaders:
        """What to add to the answer; where origins are listed, caches must know that it depends on the asker."""
        if not self.origins or scope["path"] in NEVER:
            return []
        vary = (b"vary", b"Origin")
        origin = headers.get("origin", "")
        if origin not in self.origins:
            return [vary]
        return [
            vary,
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-expose-headers", ANSWER_HEADERS.encode()),
        ]

    def preflight(self, scope: Scope, headers: Headers) -> RawHeaders | None:
        """The answer to a browser that asks before it sends; None for anything else, and for an unlisted origin."""
        if (
            scope["method"] != "OPTIONS"
            or "access-control-request-method" not in headers
            or headers.get("origin", "") not in self.origins
            or scope["path"] in NEVER
        ):
            return None
        return [
            (b"access-control-allow-methods", METHODS.encode()),
            (b"access-control-allow-headers", REQUEST_HEADERS.encode()),
            (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
        ]
