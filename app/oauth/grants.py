"""What each grant is exchanged for."""

from app.core.db import Database
from app.core.oauth import TokenRefusedError
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.schemas import Tokens
from app.oauth.schemas import GrantType, TokenRequest


async def exchange(db: Database, settings: Settings, form: TokenRequest) -> Tokens:
    """The tokens for a grant, or `TokenRefusedError`."""
    match form.grant_type:
        case GrantType.REFRESH_TOKEN:
            return await _refresh(db, settings, form)
        case _:
            raise TokenRefusedError("unsupported_grant_type", "This kind of grant is not offered.")


async def _refresh(db: Database, settings: Settings, form: TokenRequest) -> Tokens:
    if form.refresh_token is None:
        raise TokenRefusedError("invalid_request", "A field of the form is missing: refresh_token.")
    found = await identity.refresh(db, settings, form.refresh_token)
    if found is None:
        raise TokenRefusedError("invalid_grant", "This refresh token counts no longer. Sign in again.")
    return found
