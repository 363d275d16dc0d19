"""What an OAuth client finds by itself: the addresses and abilities of this server (RFC 8414)."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.core.guards import public
from app.core.routing import Route
from app.core.schemas import Outgoing
from app.core.settings import Settings
from app.identity.assertions import ALGORITHMS
from app.identity.permissions import Permission
from app.oauth.client_credentials import TOKEN_PATH
from app.oauth.schemas import GrantType

router = APIRouter(prefix="/.well-known", tags=["signing-in"], route_class=Route)

AUTHORIZE_PATH = "/oauth/authorize"
REVOKE_PATH = "/oauth/revoke"
MAX_AGE = "public, max-age=3600"

Address = Annotated[str, Field(examples=["https://afterglow.clinic.example/oauth/token"])]
Texts = list[str]


class ServerMetadata(Outgoing):
    """The names are those of RFC 8414."""

    issuer: Annotated[str, Field(description="Who answers here; `iss` of the sign-in page's answers.")]
    authorization_endpoint: Annotated[Address, Field(description="The sign-in page, for people.")]
    token_endpoint: Annotated[Address, Field(description="Where tokens are, for clients.")]
    revocation_endpoint: Annotated[Address, Field(description="Where a device is signed out.")]
    scopes_supported: Annotated[Texts, Field(description="The permissions; which of them a client has, it knows.")]
    response_types_supported: Annotated[Texts, Field(description="What the sign-in page gives.")]
    response_modes_supported: Annotated[Texts, Field(description="How it gives it.")]
    grant_types_supported: Annotated[Texts, Field(description="What tokens are given for.")]
    code_challenge_methods_supported: Annotated[Texts, Field(description="How PKCE is done; it is always needed.")]
    token_endpoint_auth_methods_supported: Annotated[
        Texts, Field(description="How clients prove who they are; `none` with an authorization code and PKCE.")
    ]
    token_endpoint_auth_signing_alg_values_supported: Annotated[
        Texts, Field(description="How a client's assertion may be signed.")
    ]
    revocation_endpoint_auth_methods_supported: Annotated[
        Texts, Field(description="Holding the token is enough to end its device.")
    ]
    authorization_response_iss_parameter_supported: Annotated[
        bool, Field(description="Whether the sign-in page's answers say who answered (RFC 9207).")
    ]
    service_documentation: Annotated[Address, Field(description="The docs page.")]


@router.get(
    "/oauth-authorization-server",
    summary="How to get tokens here, for clients to read",
    response_model=ServerMetadata,
)
async def read_oauth_metadata(request: Request, response: Response, _: Annotated[None, public()]) -> dict[str, Any]:
    """True to what this server does: nothing is listed that it would refuse."""
    settings: Settings = request.app.state.settings
    response.headers["Cache-Control"] = MAX_AGE
    address = settings.public_url
    grants = [grant.value for grant in GrantType if grant is not GrantType.JWT_BEARER or settings.oidc_issuer]
    return {
        "issuer": address,
        "authorization_endpoint": address + AUTHORIZE_PATH,
        "token_endpoint": address + TOKEN_PATH,
        "revocation_endpoint": address + REVOKE_PATH,
        "scopes_supported": [permission.value for permission in Permission],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none",
        ],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": f"{address}/docs",
    }
