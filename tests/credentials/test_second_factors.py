"""Setting one-time codes up and removing them, over HTTP."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import Database, unit_of_work
from app.core.settings import Settings
from app.credentials import second_factors
from app.credentials.models import OneTimeCodes
from app.identity import service as identity
from app.identity.models import Device
from tests.cast import Cast
from tests.factories import PASSWORD, Person, an_id
from tests.one_time_codes import Authenticator, an_authenticator

NewClient = Callable[..., httpx2.AsyncClient]
FACTORS = "/v1/me/second-factors"


@pytest.fixture
async def newcomer(db: Database, settings: Settings, cast: Cast) -> Person:
    """The nurse on a device that was signed in with a password only."""
    tokens = identity.begin(db, settings, cast.nurse.membership, "a new browser", methods="password")
    return Person(cast.nurse.membership, cast.nurse.email, tokens.access_token, tokens.refresh_token)


@pytest.fixture
def as_newcomer(new_client: NewClient, newcomer: Person) -> httpx2.AsyncClient:
    return new_client(newcomer.token)


async def set_up(caller: httpx2.AsyncClient) -> tuple[str, Authenticator]:
    """Begin, as the caller; the factor's id and the authenticator that was fed with it."""
    answer = await caller.post(FACTORS)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], Authenticator(answer.json()["secret"])


async def confirm(caller: httpx2.AsyncClient, factor_id: str, code: str) -> httpx2.Response:
    return await caller.post(f"{FACTORS}/{factor_id}/confirmation", json={"one_time_code": code})


async def sign_in(client: httpx2.AsyncClient, email: str, code: str | None = None) -> httpx2.Response:
    body = {"email": email, "password": PASSWORD, "device_label": "a browser", "one_time_code": code}
    return await client.post("/v1/sign-ins", json=body)


class TestSettingUp:
    async def test_shows_the_seed_once_as_text_as_an_address_and_as_a_picture(
        self, as_newcomer: httpx2.AsyncClient, cast: Cast
    ) -> None:
        answer = await as_newcomer.post(FACTORS)

        made = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert parse_qs(urlsplit(made["otpauth_uri"]).query)["secret"] == [made["secret"]]
        assert made["qr_svg"].startswith("<svg")
        listed = await as_newcomer.get(FACTORS)
        assert made["secret"] not in listed.text
        assert [(item["id"], item["confirmed_at"]) for item in listed.json()["items"]] == [(made["id"], None)]

    async def test_lets_staff_in_once_a_first_code_was_shown(
        self, as_newcomer: httpx2.AsyncClient, db: Database
    ) -> None:
        assert (await as_newcomer.get("/v1/patients")).json()["code"] == "second_factor_needed"
        factor_id, authenticator = await set_up(as_newcomer)
        assert (await as_newcomer.get("/v1/patients")).status_code == 403

        answer = await confirm(as_newcomer, factor_id, authenticator.code())

        assert answer.status_code == 200
        assert answer.json()["confirmed_at"] is not None
        assert (await as_newcomer.get("/v1/patients")).status_code == 200
        device = (await db.scalars(sa.select(Device).where(Device.label == "a new browser"))).one()
        assert device.methods == "password otp"
        assert device.authenticated_at is not None

    async def test_counts_only_after_the_first_code(
        self, as_newcomer: httpx2.AsyncClient, client: httpx2.AsyncClient, newcomer: Person
    ) -> None:
        await set_up(as_newcomer)

        assert (await sign_in(client, newcomer.email)).status_code == 201

    async def test_a_wrong_first_code_changes_nothing(self, as_newcomer: httpx2.AsyncClient) -> None:
        factor_id, authenticator = await set_up(as_newcomer)

        answer = await confirm(as_newcomer, factor_id, authenticator.wrong())

        assert (answer.status_code, answer.json()["code"]) == (422, "proof_refused")
        assert answer.json()["errors"][0]["pointer"] == "/one_time_code"
        assert (await as_newcomer.get("/v1/patients")).status_code == 403

    async def test_the_code_that_confirmed_it_signs_nobody_in(
        self, as_newcomer: httpx2.AsyncClient, client: httpx2.AsyncClient, newcomer: Person
    ) -> None:
        factor_id, authenticator = await set_up(as_newcomer)
        code = authenticator.code()
        await confirm(as_newcomer, factor_id, code)

        assert (await sign_in(client, newcomer.email, code)).json()["code"] == "sign_in_refused"

    async def test_beginning_again_forgets_a_seed_that_was_never_confirmed(
        self, as_newcomer: httpx2.AsyncClient
    ) -> None:
        first_id, first = await set_up(as_newcomer)
        second_id, second = await set_up(as_newcomer)

        assert (await confirm(as_newcomer, first_id, first.code())).status_code == 404
        assert (await confirm(as_newcomer, second_id, first.code())).status_code == 422
        assert (await confirm(as_newcomer, second_id, second.code())).status_code == 200

    async def test_beginning_twice_at_once_leaves_one_seed(self, engine: AsyncEngine, cast: Cast, db: Database) -> None:
        account_id = cast.nurse.membership.account_id
        assert account_id is not None
        await db.finish()

        async def begin() -> None:
            async with unit_of_work(engine) as its_own:
                await second_factors.begin(its_own, account_id)

        async with unit_of_work(engine) as slow:
            await second_factors.begin(slow, account_id)
            other = asyncio.create_task(begin())
            await asyncio.sleep(0.1)
            assert not other.done()
        await other

        assert len((await db.scalars(sa.select(OneTimeCodes))).all()) == 1

    async def test_refuses_a_second_seed_beside_one_that_counts(self, as_newcomer: httpx2.AsyncClient) -> None:
        factor_id, authenticator = await set_up(as_newcomer)
        await confirm(as_newcomer, factor_id, authenticator.code())

        answer = await as_newcomer.post(FACTORS)

        assert (answer.status_code, answer.json()["code"]) == (409, "second_factor_exists")

    async def test_patients_may_have_them_too(
        self, new_client: NewClient, client: httpx2.AsyncClient, cast: Cast
    ) -> None:
        phone = new_client(cast.patient.token)
        factor_id, authenticator = await set_up(phone)
        await confirm(phone, factor_id, authenticator.code())

        assert (await sign_in(client, cast.patient.email)).json()["code"] == "second_factor_required"
        assert (await sign_in(client, cast.patient.email, authenticator.code(steps=1))).status_code == 201

    async def test_the_seed_is_sealed_in_the_database(self, as_newcomer: httpx2.AsyncClient, db: Database) -> None:
        _, authenticator = await set_up(as_newcomer)

        stored = await db.scalar(sa.text("SELECT seed FROM one_time_codes"))
        assert authenticator.seed.encode() not in bytes(stored)

    async def test_nobody_elses_can_be_confirmed_or_removed(
        self, as_newcomer: httpx2.AsyncClient, new_client: NewClient, cast: Cast
    ) -> None:
        factor_id, authenticator = await set_up(as_newcomer)
        other = new_client(cast.therapist.token)

        assert (await confirm(other, factor_id, authenticator.code())).status_code == 404
        assert (await other.delete(f"{FACTORS}/{factor_id}")).status_code == 404
        assert (await other.delete(f"{FACTORS}/{an_id()}")).status_code == 404


class TestChanging:
    async def test_begin_and_removal_want_proof_of_the_last_minutes(
        self, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        authenticator = await an_authenticator(db, cast.nurse)
        factor_id = (await db.scalars(sa.select(OneTimeCodes.id))).one()
        nurse = new_client(cast.nurse.token)
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=5), tick=True):
            new = await self._with_a_living_token(db, cast.nurse, new_client)
            refused = [await new.post(FACTORS), await new.delete(f"{FACTORS}/{factor_id}")]
            assert [answer.json()["code"] for answer in refused] == ["recent_sign_in_required"] * 2
            proof = await new.post("/v1/me/confirmations", json={"one_time_code": authenticator.code()})
            assert proof.status_code == 204

            assert (await new.delete(f"{FACTORS}/{factor_id}")).status_code == 204
        assert (await nurse.get(FACTORS)).status_code == 200

    async def _with_a_living_token(self, db: Database, person: Person, new_client: NewClient) -> httpx2.AsyncClient:
        answer = await new_client().post(
            "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": person.refresh_token}
        )
        return new_client(answer.json()["access_token"])

    async def test_a_device_that_never_showed_the_factor_cannot_remove_it(
        self, as_newcomer: httpx2.AsyncClient, newcomer: Person, db: Database
    ) -> None:
        """Somebody who knows the password alone, and was signed in before the factor was there."""
        await an_authenticator(db, newcomer)
        factor_id = (await db.scalars(sa.select(OneTimeCodes.id))).one()

        answer = await as_newcomer.delete(f"{FACTORS}/{factor_id}")

        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed")
        assert (await as_newcomer.post(FACTORS)).status_code == 403
        assert await db.get(OneTimeCodes, factor_id) is not None

    async def test_without_them_the_next_sign_in_is_limited_again(
        self, new_client: NewClient, client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        await an_authenticator(db, cast.nurse)
        factor_id: UUID = (await db.scalars(sa.select(OneTimeCodes.id))).one()
        await new_client(cast.nurse.token).delete(f"{FACTORS}/{factor_id}")

        tokens = (await sign_in(client, cast.nurse.email)).json()

        limited = await new_client(tokens["access_token"]).get("/v1/patients")
        assert limited.json()["code"] == "second_factor_needed"
