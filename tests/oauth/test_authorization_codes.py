"""Exchanging the code of the sign-in page for tokens, and every way of misusing one."""

import asyncio
import base64
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.identity.models import Device, Membership
from app.oauth.models import AuthorizationCode
from tests.cast import Cast
from tests.factories import PASSWORD
from tests.oauth.browser import ADDRESS, Client, a_code, challenge_of, led_to, typed
from tests.one_time_codes import Authenticator, an_authenticator

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
def docs() -> Client:
    return Client()


@pytest.fixture
async def authenticator(cast: Cast, db: Database) -> Authenticator:
    """The nurse's."""
    return await an_authenticator(db, cast.nurse)


@pytest.fixture
async def code(client: httpx2.AsyncClient, docs: Client, cast: Cast, authenticator: Authenticator) -> str:
    """What the nurse's sign-in gave the docs page."""
    return await a_code(client, docs, cast.nurse.email, PASSWORD, authenticator.code())


async def exchanged(client: httpx2.AsyncClient, form: dict[str, str]) -> httpx2.Response:
    return await client.post("/oauth/token", data=form)


class TestExchange:
    async def test_gives_the_tokens_of_a_new_device(
        self, client: httpx2.AsyncClient, new_client: NewClient, docs: Client, code: str, db: Database
    ) -> None:
        answer = await exchanged(client, docs.exchanges(code))

        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        tokens = answer.json()
        assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
        assert (await new_client(tokens["access_token"]).get("/v1/patients")).status_code == 200
        device = (await db.scalars(sa.select(Device).where(Device.label == "The docs page of Afterglow"))).one()
        assert device.methods == "password otp"
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert (await exchanged(client, refresh)).status_code == 200

    async def test_a_device_may_do_no_more_than_the_scopes_that_were_asked_for(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        docs = Client()
        page = await client.get(ADDRESS, params=docs.asks(scope="patients:read"))
        code = led_to(await typed(client, page, cast.nurse.email, PASSWORD, authenticator.code()))[1]["code"]
        tokens = (await exchanged(client, docs.exchanges(code))).json()
        nurse = new_client(tokens["access_token"])

        assert (await nurse.get("/v1/patients")).status_code == 200
        assert (await nurse.get("/v1/staff")).json()["code"] == "forbidden"

    async def test_an_empty_secret_counts_as_none(self, client: httpx2.AsyncClient, docs: Client, code: str) -> None:
        assert (await exchanged(client, docs.exchanges(code, client_secret=""))).status_code == 200

    async def test_keeps_only_a_hash_of_the_code(self, code: str, db: Database) -> None:
        stored = (await db.scalars(sa.select(AuthorizationCode))).one()

        assert code.encode() not in stored.code_hash
        assert len(stored.code_hash) == 32
        assert stored.expires_at - stored.created_at == timedelta(seconds=60)

    async def test_forgets_codes_after_a_day(
        self, client: httpx2.AsyncClient, docs: Client, code: str, cast: Cast, db: Database
    ) -> None:
        await db.execute(sa.update(AuthorizationCode).values(expires_at=clock.now() - timedelta(hours=25)))
        await a_code(client, docs, cast.patient.email, PASSWORD)

        assert len((await db.scalars(sa.select(AuthorizationCode))).all()) == 1


class TestMisuse:
    async def test_a_code_that_is_used_again_ends_the_device_that_came_of_it(
        self, client: httpx2.AsyncClient, new_client: NewClient, docs: Client, code: str, db: Database, cast: Cast
    ) -> None:
        tokens = (await exchanged(client, docs.exchanges(code))).json()

        again = await exchanged(client, docs.exchanges(code))

        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert (await new_client(tokens["access_token"]).get("/v1/me")).status_code == 401
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert (await exchanged(client, refresh)).json()["error"] == "invalid_grant"
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "exchange_code"))).one()
        assert (entry.outcome, entry.reason) == ("denied", "code used before")
        assert entry.actor_id == cast.nurse.membership.id

    async def test_a_thief_without_the_verifier_ends_the_device_too(
        self, client: httpx2.AsyncClient, new_client: NewClient, docs: Client, code: str
    ) -> None:
        tokens = (await exchanged(client, docs.exchanges(code))).json()

        await exchanged(client, docs.exchanges(code, code_verifier="x" * 43))

        assert (await new_client(tokens["access_token"]).get("/v1/me")).status_code == 401

    async def test_one_of_many_at_once_gets_tokens_and_loses_them(
        self, client: httpx2.AsyncClient, new_client: NewClient, docs: Client, code: str
    ) -> None:
        answers = await asyncio.gather(*(exchanged(client, docs.exchanges(code)) for _ in range(5)))

        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 4
        (given,) = [answer.json() for answer in answers if answer.status_code == 200]
        assert (await new_client(given["access_token"]).get("/v1/me")).status_code == 401

    async def test_a_code_is_over_after_a_minute(self, client: httpx2.AsyncClient, docs: Client, code: str) -> None:
        with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
            assert (await exchanged(client, docs.exchanges(code))).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(
        "but",
        [
            {"client_id": "another"},
            {"redirect_uri": "http://localhost:8000/docs/oauth2-redirect.html"},
            {"code_verifier": "x" * 43},
            {"code_verifier": "short"},
            {"code_verifier": "é" * 50},
        ],
        ids=str,
    )
    async def test_a_code_is_bound_to_client_address_and_verifier_and_lost_by_trying(
        self, client: httpx2.AsyncClient, docs: Client, code: str, but: dict[str, str], db: Database
    ) -> None:
        refused = await exchanged(client, docs.exchanges(code, **but))

        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert (await exchanged(client, docs.exchanges(code))).json()["error"] == "invalid_grant"
        assert (await db.scalars(sa.select(Device).where(Device.label.startswith("The docs")))).all() == []

    async def test_the_challenge_itself_is_no_verifier(
        self, client: httpx2.AsyncClient, docs: Client, code: str
    ) -> None:
        """As it would be if `plain` were taken."""
        form = docs.exchanges(code, code_verifier=challenge_of(docs.verifier))

        assert (await exchanged(client, form)).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize("missing", ["code", "client_id", "redirect_uri", "code_verifier"])
    async def test_nothing_of_it_may_be_missing(
        self, client: httpx2.AsyncClient, docs: Client, code: str, missing: str
    ) -> None:
        form = {name: value for name, value in docs.exchanges(code).items() if name != missing}

        answer = await exchanged(client, form)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize(
        "made_up",
        [
            "x",
            "agl_ac_",
            "agl_ac_é",
            "agl_ac_" + "A" * 63,
            "agl_ac_" + "A" * 64,
            "agl_ac_" + "A" * 66,
            "agl_at_" + "A" * 64,
            "agl_ac_" + "\0" * 64,
        ],
    )
    async def test_a_code_that_we_never_made_is_refused(
        self, client: httpx2.AsyncClient, docs: Client, made_up: str
    ) -> None:
        assert (await exchanged(client, docs.exchanges(made_up))).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize("clinic", [UUID(int=2**128 - 1), new_id()])
    async def test_a_code_is_worth_nothing_in_another_clinic(
        self, client: httpx2.AsyncClient, docs: Client, code: str, clinic: UUID
    ) -> None:
        secret = base64.urlsafe_b64decode(code.removeprefix("agl_ac_"))[16:]
        moved = "agl_ac_" + base64.urlsafe_b64encode(clinic.bytes + secret).decode()

        assert (await exchanged(client, docs.exchanges(moved))).json()["error"] == "invalid_grant"
        assert (await exchanged(client, docs.exchanges(code))).status_code == 200

    async def test_who_left_within_the_minute_gets_nothing(
        self, client: httpx2.AsyncClient, docs: Client, code: str, db: Database
    ) -> None:
        await db.execute(sa.update(Membership).values(ended_at=clock.now()))

        assert (await exchanged(client, docs.exchanges(code))).json()["error"] == "invalid_grant"

    async def test_a_refresh_token_is_no_code(self, client: httpx2.AsyncClient, docs: Client, cast: Cast) -> None:
        assert (await exchanged(client, docs.exchanges(cast.nurse.refresh_token))).status_code == 400
