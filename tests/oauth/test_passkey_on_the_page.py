"""Signing in with a passkey on our own page, as its script does it."""

import json
from collections.abc import Callable

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.oauth import sign_in_page
from app.oauth.models import AuthorizationCode
from tests.authenticators import PRESENT, Authenticator
from tests.cast import Cast
from tests.oauth.browser import ADDRESS, REDIRECT, Client, hidden, led_to, opened, told

NewClient = Callable[..., httpx2.AsyncClient]
ORIGIN = "http://localhost:8000"


@pytest.fixture
async def key(new_client: NewClient, cast: Cast) -> Authenticator:
    """The nurse's."""
    as_nurse, made = new_client(cast.nurse.token), Authenticator(ORIGIN)
    asked = (await as_nurse.post("/v1/me/passkeys/options")).json()["public_key"]
    added = await as_nurse.post("/v1/me/passkeys", json={"credential": made.make(asked), "label": "a key"})
    assert added.status_code == 201
    return made


async def answered(browser: httpx2.AsyncClient, docs: Client, passkey: str) -> httpx2.Response:
    """Open the page, and send its form with this answer of an authenticator."""
    page = await opened(browser, docs)
    return await browser.post(ADDRESS, data=hidden(page) | {"email": "", "passkey": passkey, "step": "passkey"})


async def signed(browser: httpx2.AsyncClient, key: Authenticator, **but: object) -> str:
    asked = (await browser.post("/v1/sign-ins/passkey-options")).json()["public_key"]
    return json.dumps(key.sign(asked, **but))


class TestPasskey:
    async def test_leads_staff_on_without_password_or_code(
        self, client: httpx2.AsyncClient, new_client: NewClient, key: Authenticator, cast: Cast, db: Database
    ) -> None:
        docs = Client()

        address, given = led_to(await answered(client, docs, await signed(client, key)))

        assert address == REDIRECT
        assert (await db.scalars(sa.select(AuthorizationCode.methods))).all() == ["passkey"]
        tokens = (await client.post("/oauth/token", data=docs.exchanges(given["code"]))).json()
        as_nurse = new_client(tokens["access_token"])
        assert (await as_nurse.get(f"/v1/patients/{cast.patient_id}")).status_code == 200

    @pytest.mark.parametrize(
        "passkey", ["", "null", "[]", "{}", "7", "{", '{"rawId": NaN}', "[" * 4000, '{"a":1,"a":2}', "\0", "🙂"]
    )
    async def test_that_is_none_is_told_so_on_the_page(
        self, client: httpx2.AsyncClient, key: Authenticator, passkey: str
    ) -> None:
        page = await answered(client, Client(), passkey)

        assert (page.status_code, told(page)) == (401, sign_in_page.WRONG_PASSKEY)

    async def test_that_did_not_verify_its_user_leads_nowhere(
        self, client: httpx2.AsyncClient, key: Authenticator
    ) -> None:
        page = await answered(client, Client(), await signed(client, key, flags=PRESENT))

        assert (page.status_code, told(page)) == (401, sign_in_page.WRONG_PASSKEY)

    async def test_leads_on_once(self, client: httpx2.AsyncClient, key: Authenticator) -> None:
        answer = await signed(client, key)

        assert [(await answered(client, Client(), answer)).status_code for _ in range(2)] == [303, 401]
