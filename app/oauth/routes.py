"""The token endpoints."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.core.db import Db
from app.core.guards import public
from app.core.oauth import NOT_PROVEN, REFUSED, OAuthRoute, TokenRefusedError, refusal
from app.identity import service as identity
from app.oauth import grants, schemas

router = APIRouter(prefix="/oauth", tags=["signing-in"], route_class=OAuthRoute)

Anyone = Annotated[None, public()]


@router.post(
    "/token",
    summary="Get tokens",
    response_model=schemas.TokenAnswer,
    response_model_exclude_unset=True,
    responses=REFUSED | NOT_PROVEN,
)
async def request_tokens(
    form: Annotated[schemas.TokenRequest, Form()], request: Request, _: Anyone, db: Db
) -> schemas.TokenAnswer | Response:
    """Exchange a grant for tokens. Everything is sent in the body; a request with a query is refused.

    **`authorization_code`:** the tokens for what somebody allowed on the sign-in page (`/oauth/authorize`), with PKCE.

    **`refresh_token`:** the next pair for a device. Use the newest token; an older one ends the device. If the answer
    was lost, send the same request again: it gives the same next token, until that has been used.

    **`client_credentials`:** the token of a registered program (`POST /v1/api-clients`), which lasts five minutes. It
    proves who it is by its secret, in `Authorization: Basic` or in the form, or by an assertion: a JWT that names it as
    `iss` and `sub` and this address as `aud`, with a `jti` used once and an `exp` five minutes away at most, signed by
    a registered key that `kid` names.

    **`urn:ietf:params:oauth:grant-type:jwt-bearer`:** the tokens of a member of staff, for an access token of the
    outside issuer, if this server trusts one and they are linked to it.
    """
    if request.query_params:
        return refusal("invalid_request", "Nothing belongs into the address: it ends up in logs. Send it in the body.")
    try:
        found = await grants.exchange(db, request.app.state.settings, form, request.headers.get("authorization"))
    except TokenRefusedError as refused:
        return refused.response()
    return schemas.TokenAnswer.model_validate(found.model_dump())


@router.post("/revoke", summary="Sign this device out", response_class=Response, responses=REFUSED)
async def revoke_tokens(form: Annotated[schemas.RevocationRequest, Form()], _: Anyone, db: Db) -> Response:
    """End the device that the token belongs to. Answers 200 to any token, as RFC 7009 asks."""
    await identity.revoke(db, form.token)
    return Response()
