"""The token endpoints."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.core.db import Db
from app.core.guards import public
from app.core.oauth import REFUSED, OAuthRoute, refusal
from app.identity import service as identity
from app.identity.schemas import Tokens
from app.oauth import schemas

router = APIRouter(prefix="/oauth", tags=["signing-in"], route_class=OAuthRoute)

Anyone = Annotated[None, public()]


@router.post("/token", summary="Get the next tokens", response_model=Tokens, responses=REFUSED)
async def refresh_tokens(
    form: Annotated[schemas.TokenRequest, Form()], request: Request, _: Anyone, db: Db
) -> Tokens | Response:
    """Exchange the refresh token for the next pair. Use the newest one; an older one ends the device.

    If the answer was lost, send the same request again: it gives the same next token, until that has been used.
    """
    found = await identity.refresh(db, request.app.state.settings, form.refresh_token)
    return found or refusal("invalid_grant", "This refresh token counts no longer. Sign in again.")


@router.post("/revoke", summary="Sign this device out", response_class=Response, responses=REFUSED)
async def revoke_tokens(form: Annotated[schemas.RevocationRequest, Form()], _: Anyone, db: Db) -> Response:
    """End the device that the token belongs to. Answers 200 to any token, as RFC 7009 asks."""
    await identity.revoke(db, form.token)
    return Response()
