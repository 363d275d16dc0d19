"""What each grant is exchanged for."""

from app.api_clients.schemas import ServiceToken
from app.core import limits
from app.core.db import Database
from app.core.oauth import TokenRefusedError
from app.core.settings import Settings
from app.external_identities import service as external_identities
from app.identity import service as identity
from app.identity.schemas import Tokens
from app.oauth import client_credentials, codes
from app.oauth.schemas import GrantType, TokenRequest


async def exchange(
    db: Database, settings: Settings, form: TokenRequest, authorization: str | None
) -> Tokens | ServiceToken:
    """The tokens for a grant, or `TokenRefusedError`. `authorization` is the header of that name."""
    if form.grant_type is GrantType.REFRESH_TOKEN:  # limited by the device that the token names
        return await _exchange(db, settings, form, authorization)
    attempt = await limits.token_attempt(db)
    found = await _exchange(db, settings, form, authorization)
    attempt.succeeded()
    return found


async def _exchange(
    db: Database, settings: Settings, form: TokenRequest, authorization: str | None
) -> Tokens | ServiceToken:
    match form.grant_type:
        case GrantType.AUTHORIZATION_CODE:
            return await codes.exchange(db, settings, form)
        case GrantType.REFRESH_TOKEN:
            return await _refresh(db, settings, form)
        case GrantType.CLIENT_CREDENTIALS:
            return await client_credentials.exchange(db, settings, form, authorization)
        case GrantType.JWT_BEARER:
            return await external_identities.exchange(db, settings, form.assertion, form.clinic_id)


async def _refresh(db: Database, settings: Settings, form: TokenRequest) -> Tokens:
    if form.refresh_token is None:
        raise TokenRefusedError("invalid_request", "A field of the form is missing: refresh_token.")
    found = await identity.refresh(db, settings, form.refresh_token)
    if found is None:
        raise TokenRefusedError("invalid_grant", "This refresh token counts no longer. Sign in again.")
    return found
