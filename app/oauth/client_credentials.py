"""How a program says which client it is at the token endpoint, and its token (RFC 6749, section 4.4)."""

import base64
import binascii
from urllib.parse import unquote_plus

from app.api_clients import authentication
from app.api_clients.authentication import Proven
from app.api_clients.schemas import ServiceToken
from app.core.db import Database
from app.core.oauth import TokenRefusedError
from app.core.settings import Settings
from app.oauth.schemas import TokenRequest

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_PATH = "/oauth/token"  # noqa: S105  an address


async def exchange(db: Database, settings: Settings, form: TokenRequest, authorization: str | None) -> ServiceToken:
    """The token of a program that proves which client it is, or `TokenRefusedError`."""
    proven = await _prove(db, settings, form, authorization)
    return await authentication.token_for(db, proven, form.scope)


async def _prove(db: Database, settings: Settings, form: TokenRequest, authorization: str | None) -> Proven:
    basic = _basic(authorization)
    ways = (basic, form.client_secret, form.client_assertion)
    if sum(way is not None for way in ways) > 1:
        raise TokenRefusedError("invalid_request", "Prove who you are in one way only.")
    if form.client_assertion is not None:
        if form.client_assertion_type != ASSERTION_TYPE:
            raise TokenRefusedError("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}.")
        return await authentication.by_assertion(
            db, form.client_assertion, settings.public_url + TOKEN_PATH, form.client_id
        )
    client_id, secret = basic or (form.client_id or "", form.client_secret or "")
    if form.client_id not in {None, client_id}:
        raise TokenRefusedError("invalid_request", "The client_id beside `Authorization` is another.")
    return await authentication.by_secret(db, client_id, secret)


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Id and secret of `Authorization: Basic` (RFC 6749, section 2.3.1); what cannot be read is nobody's."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)
