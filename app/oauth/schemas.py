"""The forms of OAuth, and what the service says of itself."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.schemas import Outgoing


class GrantType(StrEnum):
    """What a token can be got for."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  the name of a grant
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


Secret = Annotated[str | None, Field(max_length=400)]
Signed = Annotated[str | None, Field(max_length=8192)]


class TokenRequest(BaseModel):
    """Asks for tokens (RFC 6749). Which fields are needed depends on the grant; all others are ignored."""

    grant_type: Annotated[GrantType, Field(description="What the tokens are asked for.")]
    refresh_token: Annotated[Secret, Field(description="`refresh_token`: the newest refresh token.")] = None
    code: Annotated[
        Secret, Field(description="`authorization_code`: what the sign-in page gave; once, within a minute.")
    ] = None
    redirect_uri: Annotated[
        str | None, Field(max_length=2000, description="`authorization_code`: the address that it was sent to.")
    ] = None
    code_verifier: Annotated[
        str | None,
        Field(max_length=200, description="`authorization_code`: what the `code_challenge` was made of (PKCE, S256)."),
    ] = None
    client_id: Annotated[
        str | None,
        Field(max_length=100, description="Which client asks, where it does not say so in `Authorization: Basic`."),
    ] = None
    client_secret: Annotated[
        Secret, Field(description="Its secret, where it does not say so in `Authorization: Basic`.")
    ] = None
    client_assertion_type: Annotated[
        str | None,
        Field(
            max_length=100,
            description="With `client_assertion`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.",
        ),
    ] = None
    client_assertion: Annotated[
        Signed,
        Field(description="What a client with a key of its own proves itself with (RFC 7523): a JWT that it signed."),
    ] = None
    scope: Annotated[
        str | None,
        Field(
            max_length=1000,
            examples=["patients:read appointments:read"],
            description="`client_credentials`: permissions, separated by spaces; all that the client has if left out.",
        ),
    ] = None
    assertion: Annotated[Signed, Field(description="`jwt-bearer`: an access token of the outside issuer.")] = None
    clinic_id: Annotated[
        str | None, Field(max_length=40, description="`jwt-bearer`: the clinic at which the bearer works.")
    ] = None


class RevocationRequest(BaseModel):
    """Asks to sign a device out (RFC 7009, section 2.1). Fields that it does not name are ignored."""

    token: Annotated[str, Field(min_length=1, max_length=400, description="An access or refresh token.")]


class TokenAnswer(Outgoing):
    """Tokens (RFC 6749, section 5.1). People's devices get a refresh token too, programs the scope they were given.

    What there is none of is left out.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    access_token: Annotated[str, Field(description="Send it as `Authorization: Bearer`; it lasts minutes.")]
    expires_in: Annotated[int, Field(description="Seconds until the access token expires.", examples=[600])]
    token_type: Annotated[Literal["Bearer"], Field(description="How to send the access token.")]
    refresh_token: Annotated[str | None, Field(description="Gives the next pair once. Only for people's devices.")] = (
        None
    )
    scope: Annotated[
        str | None,
        Field(description="The permissions that the token carries. Only for programs.", examples=["staff:read"]),
    ] = None
