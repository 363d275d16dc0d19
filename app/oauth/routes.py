"""The token endpoints."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.core.db import Db
from app.core.guards import public
from app.core.oauth import NOT_PROVEN, REFUSED, OAuthRoute, TokenRefusedError
from app.identity import service as identity
from app.identity.schemas import Tokens
from app.oauth import grants, schemas

router = APIRouter(prefix="/oauth", tags=["signing-in"], route_class=OAuthRoute)

Anyone = Annotated[None, public()]


@router.post("/token", summary="Get tokens", response_model=Tokens, responses=REFUSED | NOT_PROVEN)
async def request_tokens(
    form: Annotated[schemas.TokenRequest, Form()], request: Request, _: Anyone, db: Db
) -> Tokens | Response:
    """Exchange a grant for tokens.

    **`refresh_token`:** the next pair for a device. Use the newest token; an older one ends the device. If the answer
    was lost, send the same request again: it gives the same next token, until that has been used.
    """
    try:
        return await grants.exchange(db, request.app.state.settings, form)
    except TokenRefusedError as refused:
        return refused.response()


@router.post("/revoke", summary="Sign this device out", response_class=Response, responses=REFUSED)
async def revoke_tokens(form: Annotated[schemas.RevocationRequest, Form()], _: Anyone, db: Db) -> Response:
    """End the device that the token belongs to. Answers 200 to any token, as RFC 7009 asks."""
    await identity.revoke(db, form.token)
    return Response()
