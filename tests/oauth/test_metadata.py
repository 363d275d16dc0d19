"""What the server says of itself is what it does."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from app.identity.permissions import Permission

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
async def metadata(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/.well-known/oauth-authorization-server")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=3600"
    return dict(answer.json())


class TestMetadata:
    async def test_names_addresses_that_are_there(self, metadata: dict[str, Any], client: httpx2.AsyncClient) -> None:
        issuer = metadata["issuer"]
        found = {}
        for name, address in metadata.items():
            if name.endswith(("_endpoint", "_documentation")):
                path = address.removeprefix(issuer)
                found[name] = {(await client.request(method, path)).status_code for method in ("GET", "POST")}

        assert issuer == "http://127.0.0.1:8000"
        assert len(found) == 4
        assert {name: statuses for name, statuses in found.items() if 404 in statuses} == {}

    async def test_offers_no_passwords_and_no_implicit_tokens(self, metadata: dict[str, Any]) -> None:
        assert set(metadata["grant_types_supported"]) == {"authorization_code", "refresh_token", "client_credentials"}
        assert metadata["response_types_supported"] == ["code"]
        assert metadata["code_challenge_methods_supported"] == ["S256"]

    async def test_every_grant_that_it_offers_is_one(
        self, metadata: dict[str, Any], client: httpx2.AsyncClient
    ) -> None:
        refusals = {}
        for grant in [*metadata["grant_types_supported"], "password", "implicit", JWT_BEARER]:
            answer = await client.post("/oauth/token", data={"grant_type": grant})
            refusals[grant] = answer.json()["error"]

        assert [grant for grant, error in refusals.items() if error == "unsupported_grant_type"] == [
            "password",
            "implicit",
            JWT_BEARER,
        ]

    async def test_every_scope_that_it_offers_is_a_permission(self, metadata: dict[str, Any]) -> None:
        assert metadata["scopes_supported"] == [str(permission) for permission in Permission]

    async def test_signs_with_public_keys_only(self, metadata: dict[str, Any]) -> None:
        offered = set(metadata["token_endpoint_auth_signing_alg_values_supported"])

        assert offered == {"ES256", "ES384", "RS256", "RS384", "Ed25519", "EdDSA"}

    async def test_offers_the_outside_issuers_grant_where_there_is_one(
        self, app: FastAPI, settings: Settings, new_client: Callable[..., httpx2.AsyncClient]
    ) -> None:
        app.state.settings = settings.model_copy(
            update={"oidc_issuer": "https://i.example", "oidc_audience": "a", "oidc_jwks_url": "https://i.example/k"}
        )

        answer = await new_client().get("/.well-known/oauth-authorization-server")

        assert JWT_BEARER in answer.json()["grant_types_supported"]
