"""Apps that a clinic registered, and the people whom they send to our sign-in page."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.models import Account, Device
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.factories import PASSWORD, a_member_of_staff
from tests.oauth.browser import ADDRESS, Client, hidden, led_to, opened, told, typed
from tests.one_time_codes import Authenticator, an_authenticator

NewClient = Callable[..., httpx2.AsyncClient]
WEB = "https://app.example/signed-in?from=afterglow"
PHONE = "com.example.app:/signed-in"


@dataclass
class App(Client):
    """An app, as `Client` is the docs page."""

    client_id: str = ""
    redirect: str = WEB

    def asks(self, **but: str | None) -> dict[str, str]:
        return super().asks(**({"client_id": self.client_id, "redirect_uri": self.redirect} | but))

    def exchanges(self, code: str, **but: str | None) -> dict[str, str]:
        return super().exchanges(code, **({"client_id": self.client_id, "redirect_uri": self.redirect} | but))


@pytest.fixture
async def as_admin(new_client: NewClient, db: Database, settings: Settings, cast: Cast) -> httpx2.AsyncClient:
    return new_client((await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)).token)


@pytest.fixture
async def app_of_clinic(as_admin: httpx2.AsyncClient) -> App:
    """May read patients and trends, and no more."""
    answer = await as_admin.post(
        "/v1/api-clients",
        json={
            "name": "Ward <tablet>",
            "authentication": "none",
            "relationship": "clinic_system",
            "scopes": ["patients:read", "trends:read"],
            "redirect_uris": [WEB, PHONE],
        },
    )
    assert answer.status_code == 201, answer.text
    return App(client_id=answer.json()["client_id"])


@pytest.fixture
async def authenticator(cast: Cast, db: Database) -> Authenticator:
    """The nurse's."""
    return await an_authenticator(db, cast.nurse)


async def signed_in(client: httpx2.AsyncClient, app: App, email: str, code: str, **but: str) -> dict[str, str]:
    """The tokens that the app gets."""
    page = await opened(client, app, **but)
    given = led_to(await typed(client, page, email, PASSWORD, code))[1]
    answer = await client.post("/oauth/token", data=app.exchanges(given["code"]))
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


class TestApps:
    async def test_are_named_with_what_they_may_do(self, client: httpx2.AsyncClient, app_of_clinic: App) -> None:
        page = await opened(client, app_of_clinic)

        assert "Ward &lt;tablet&gt;" in page.text
        assert "(patients:read, trends:read)" in page.text
        assert "app.example" in page.text
        assert "form-action 'self' https://app.example;" in page.headers["content-security-policy"]

    async def test_on_a_phone_get_the_code_by_their_own_scheme(
        self, client: httpx2.AsyncClient, app_of_clinic: App, cast: Cast, authenticator: Authenticator
    ) -> None:
        page = await opened(client, app_of_clinic, redirect_uri=PHONE)
        answer = await typed(client, page, cast.nurse.email, PASSWORD, authenticator.code())

        assert answer.headers["location"].startswith(f"{PHONE}?code=agl_ac_")
        assert "form-action 'self' com.example.app:;" in page.headers["content-security-policy"]

    async def test_may_do_what_they_are_registered_for_and_no_more(
        self,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        app_of_clinic: App,
        cast: Cast,
        authenticator: Authenticator,
    ) -> None:
        tokens = await signed_in(client, app_of_clinic, cast.nurse.email, authenticator.code())
        nurse = new_client(tokens["access_token"])

        assert (await nurse.get("/v1/patients")).status_code == 200
        assert (await nurse.get("/v1/staff")).json()["code"] == "forbidden"

    async def test_may_ask_for_less(
        self,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        app_of_clinic: App,
        cast: Cast,
        authenticator: Authenticator,
    ) -> None:
        tokens = await signed_in(client, app_of_clinic, cast.nurse.email, authenticator.code(), scope="trends:read")

        assert (await new_client(tokens["access_token"]).get("/v1/patients")).json()["code"] == "forbidden"

    async def test_cannot_ask_for_more(self, client: httpx2.AsyncClient, app_of_clinic: App) -> None:
        _, given = led_to(await opened(client, app_of_clinic, scope="patients:read staff:read"))

        assert (given["error"], given["state"]) == ("invalid_scope", app_of_clinic.state)

    async def test_of_one_clinic_sign_nobody_of_another_in(
        self, client: httpx2.AsyncClient, app_of_clinic: App, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_cast(db, settings)
        authenticator = await an_authenticator(db, elsewhere.nurse)

        page = await opened(client, app_of_clinic)
        answer = await typed(client, page, elsewhere.nurse.email, PASSWORD, authenticator.code())

        assert answer.status_code == 401
        assert told(answer).startswith("That is not right.")

    async def test_sign_who_works_at_two_clinics_in_at_theirs(
        self, client: httpx2.AsyncClient, new_client: NewClient, app_of_clinic: App, db: Database, settings: Settings,
        cast: Cast,
    ) -> None:  # fmt: skip
        elsewhere = await a_cast(db, settings)
        authenticator = await an_authenticator(db, elsewhere.nurse)
        account = await db.get_one(Account, elsewhere.nurse.membership.account_id)
        await identity.add_membership(
            db, account, clinic_id=cast.clinic.id, role=Role.NURSE, display_name="Works at both"
        )

        tokens = await signed_in(client, app_of_clinic, elsewhere.nurse.email, authenticator.code())

        device = (await db.scalars(sa.select(Device).where(Device.label == "Ward <tablet>"))).one()
        assert device.clinic_id == cast.clinic.id
        assert (await new_client(tokens["access_token"]).get("/v1/patients")).status_code == 200

    async def test_that_were_ended_get_no_further_at_any_step(
        self,
        client: httpx2.AsyncClient,
        as_admin: httpx2.AsyncClient,
        app_of_clinic: App,
        cast: Cast,
        authenticator: Authenticator,
    ) -> None:
        page = await opened(client, app_of_clinic)
        first = await opened(client, app_of_clinic)
        given = led_to(await typed(client, page, cast.nurse.email, PASSWORD, authenticator.code()))[1]
        await opened(client, app_of_clinic)
        assert (await as_admin.delete(f"/v1/api-clients/{app_of_clinic.client_id}")).status_code == 204

        new_page = await opened(client, app_of_clinic)
        old_page = await client.post(ADDRESS, data=hidden(first) | {"step": "cancel"})
        exchange = await client.post("/oauth/token", data=app_of_clinic.exchanges(given["code"]))

        assert (new_page.status_code, old_page.status_code) == (400, 400)
        assert "location" not in new_page.headers
        assert exchange.json()["error"] == "invalid_grant"

    async def test_without_a_registered_address_for_it_lead_nowhere(
        self, client: httpx2.AsyncClient, app_of_clinic: App
    ) -> None:
        answer = await opened(client, app_of_clinic, redirect_uri="https://app.example/signed-in")

        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert "not registered" in told(answer)

    async def test_with_a_secret_do_not_use_the_page(
        self, client: httpx2.AsyncClient, as_admin: httpx2.AsyncClient
    ) -> None:
        made = await as_admin.post(
            "/v1/api-clients",
            json={
                "name": "Practice software",
                "authentication": "client_secret",
                "relationship": "clinic_system",
                "scopes": ["instruments:read"],
            },
        )
        assert made.status_code == 201, made.text

        assert (await opened(client, App(client_id=made.json()["client_id"]))).status_code == 400
