"""Asking for tokens too often is refused; who does it keeps nobody else from signing in."""

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from fastapi import FastAPI

from app.core.limits import Limits
from app.core.settings import Settings
from tests.cast import Cast
from tests.factories import PASSWORD

MADE_UP = {
    "grant_type": "client_credentials",
    "client_id": "0199f3d2-7c1e-7b60-9f3a-5d2e8c41a907",
    "client_secret": "x",
}


@pytest.fixture
async def limited(app: FastAPI, settings: Settings, anyio_backend: str) -> AsyncIterator[Callable[..., Limits]]:
    """Gives the application these limits."""
    given: list[Limits] = []

    def give(**but: str) -> Limits:
        app.state.limits = Limits(settings.model_copy(update=but), app.state.engine)
        given.append(app.state.limits)
        return given[-1]

    yield give
    for one in given:
        await one.settle()


async def refreshed(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await client.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})


class TestRefreshing:
    async def test_is_limited_by_device(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Callable[..., Limits]
    ) -> None:
        limited(limit_token="3/300")

        mine = [await refreshed(client, cast.patient.refresh_token) for _ in range(5)]
        others = await refreshed(client, cast.nurse.refresh_token)

        assert [answer.status_code for answer in mine] == [200] * 3 + [429] * 2
        assert mine[0].headers["ratelimit"] == '"token";r=2;t=100'
        assert mine[-1].headers["content-type"] == "application/problem+json"
        assert mine[-1].json()["violated-policies"] == ["token"]
        assert others.status_code == 200

    async def test_with_a_token_that_is_not_ours_costs_nothing(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Callable[..., Limits]
    ) -> None:
        limited(limit_token="1/300", limit_token_address="1/300")

        assert {(await refreshed(client, "agl_rt_made_up")).status_code for _ in range(5)} == {400}

    async def test_signing_out_is_never_refused(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Callable[..., Limits]
    ) -> None:
        limited(limit_token="1/300", limit_token_address="1/300", limit_default="1/300", limit_essential="1/300")
        for _ in range(3):
            await refreshed(client, cast.patient.refresh_token)

        ended = await client.post("/oauth/revoke", data={"token": cast.patient.refresh_token})

        assert ended.status_code == 200


class TestOtherGrants:
    async def test_are_limited_by_address_while_they_fail(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Callable[..., Limits]
    ) -> None:
        limited(limit_token_address="4/300")

        answers = [await client.post("/oauth/token", data=MADE_UP) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 2
        assert answers[-1].json()["violated-policies"] == ["token-address"]

    async def test_keep_nobody_beside_them_from_signing_in(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Callable[..., Limits]
    ) -> None:
        limited(limit_token_address="1/300", limit_sign_in_address="1/300")
        for _ in range(3):
            await client.post("/oauth/token", data=MADE_UP)

        answer = await client.post(
            "/v1/sign-ins", json={"email": cast.nurse.email, "password": PASSWORD, "device_label": "x"}
        )

        assert answer.status_code == 201
