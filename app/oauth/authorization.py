"""What a client asks for when it sends somebody to our sign-in page (OAuth 2.1, section 4.1), read with suspicion.

Until the client and its redirect address are known to belong together, a fault is told on a page of ours: nobody is
ever sent to an address that is not registered. After that, the client is told.

The request then travels through the page's form sealed, so that nothing in it can be changed on the way, and bound to a
cookie, so that nobody can make another person's browser sign in.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from app.core import clock, crypto
from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Permission
from app.oauth import clients
from app.oauth.clients import PublicClient

PAGE_LIFE = timedelta(minutes=30)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_STATE = 2000
MAX_REDIRECT_URI = 2000
_PLACE = "oauth.request"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that is in order."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    state: str | None
    scopes: str | None


class PageError(Exception):
    """A fault that only the person at the browser may be told of; the text is for them."""


class ClientError(Exception):
    """A fault that the client is told of, by sending the browser back to it (RFC 6749, section 4.1.2.1)."""

    def __init__(self, error: str, description: str, redirect_uri: str, state: str | None) -> None:
        super().__init__(error)
        self.parameters = {"error": error, "error_description": description}
        self.redirect_uri = redirect_uri
        self.state = state


async def read(
    db: Database, settings: Settings, sent: Sequence[tuple[str, str]]
) -> tuple[PublicClient, AuthorizationRequest]:
    """The client and what it asks for, or one of the two errors above."""
    given: dict[str, list[str]] = {}
    for name, value in sent:
        given.setdefault(name, []).append(value)
    client = await _client(db, settings, given.get("client_id", []))
    redirect_uri = _redirect_uri(settings, client, given.get("redirect_uri", []))
    state = given["state"][0] if len(given.get("state", [])) == 1 else None
    if state is not None and len(state) > MAX_STATE:
        raise ClientError("invalid_request", "The state is too long.", redirect_uri, None)
    fault = _fault(given, client)
    if fault is not None:
        raise ClientError(*fault, redirect_uri, state)
    scopes = " ".join(dict.fromkeys(given.get("scope", [""])[0].split())) or None
    if scopes is None and client.scopes is not None:
        scopes = " ".join(sorted(client.scopes))
    return client, AuthorizationRequest(client.client_id, redirect_uri, given["code_challenge"][0], state, scopes)


async def _client(db: Database, settings: Settings, given: list[str]) -> PublicClient:
    found = await clients.find(db, settings, given[0]) if len(given) == 1 else None
    if found is None:
        raise PageError("The app that sent you here is not known to this server.")
    return found


def _redirect_uri(settings: Settings, client: PublicClient, given: list[str]) -> str:
    if len(given) == 1 and len(given[0]) <= MAX_REDIRECT_URI and client.may_redirect_to(given[0]):
        return given[0]
    if client.client_id == clients.DOCS:
        raise PageError(f"To sign in there, open the docs page as {settings.public_url}/docs.")
    raise PageError("The app that sent you here wants you back at an address that is not registered for it.")


def _fault(given: dict[str, list[str]], client: PublicClient) -> tuple[str, str] | None:
    """What is wrong with the rest of the request, as RFC 6749 and RFC 7636 name it."""
    twice = [name for name, values in given.items() if len(values) > 1]
    wanted = set(given.get("scope", [""])[0].split())
    allowed = set(Permission) if client.scopes is None else client.scopes
    checks = (
        (not twice, "invalid_request", "A parameter was sent twice."),
        ("response_type" in given, "invalid_request", "response_type is missing."),
        (given.get("response_type") == ["code"], "unsupported_response_type", "The only response_type is code."),
        (given.get("code_challenge_method") == ["S256"], "invalid_request", "code_challenge_method must be S256."),
        (
            CHALLENGE.fullmatch(given.get("code_challenge", [""])[0]) is not None,
            "invalid_request",
            "code_challenge must be the 43 characters of a SHA-256 in base64url.",
        ),
        (wanted <= allowed, "invalid_scope", "A scope is unknown, or not registered for this client."),
    )
    return next(((error, why) for fine, error, why in checks if not fine), None)


def address(settings: Settings, redirect_uri: str, state: str | None, parameters: dict[str, str]) -> str:
    """Where the browser is sent with the answer; `iss` tells the client who answered (RFC 9207)."""
    kept = {} if state is None else {"state": state}
    query = urlencode({**parameters, **kept, "iss": settings.public_url})
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"


def origin(redirect_uri: str) -> str:
    """What a form's policy must allow to lead to this address: its origin, or an app's own scheme."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


# ------------------------------------------------------------------------------------------ through the form
def seal(request: AuthorizationRequest, cookie: str) -> str:
    """The request for a hidden field, valid with this cookie only."""
    return seal_text(asdict(request) | {"cookie": _digest(cookie)}, _PLACE, PAGE_LIFE)


def unseal(sealed: str, cookie: str) -> AuthorizationRequest:
    """The request that `seal` wrote, or `PageError`."""
    found = unseal_text(sealed, _PLACE)
    if found is None or not hmac.compare_digest(str(found.pop("cookie")), _digest(cookie)):
        raise PageError("This page was open for too long, or in another browser. Go back to the app and begin again.")
    return AuthorizationRequest(**found)


def seal_text(content: dict[str, str | None], place: str, life: timedelta) -> str:
    """Content that only we can read and write, for a while."""
    text = json.dumps(content | {"until": (clock.now() + life).isoformat()})
    return base64.urlsafe_b64encode(crypto.keys().seal(text, place)).decode()


def unseal_text(sealed: str, place: str) -> dict[str, str] | None:
    """What `seal_text` sealed for the same place; None when it was not, or too long ago."""
    try:
        text = crypto.keys().open(base64.b64decode(sealed, altchars=b"-_", validate=True), place)
    except (ValueError, binascii.Error):
        return None
    content: dict[str, str] = json.loads(text)
    until = datetime.fromisoformat(content.pop("until")).astimezone(UTC)
    return content if clock.now() < until else None


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
