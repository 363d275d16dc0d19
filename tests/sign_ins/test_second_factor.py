"""Signing in with a one-time code, and proving again that it is you."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.identity.models import Device
from tests.cast import Cast
from tests.factories import PASSWORD
from tests.one_time_codes import Authenticator, an_authenticator

NewClient = Callable[..., httpx2.AsyncClient]
CONFIRMATIONS = "/v1/me/confirmations"


@pytest.fixture
async def authenticator(cast: Cast, db: Database) -> Authenticator:
    """The nurse's."""
    return await an_authenticator(db, cast.nurse)


@pytest.fixture
def as_nurse(new_client: NewClient, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.nurse.token)


async def sign_in(
    client: httpx2.AsyncClient, email: str, code: str | None, password: str = PASSWORD
) -> httpx2.Response:
    body = {"email": email, "password": password, "device_label": "a browser"}
    return await client.post("/v1/sign-ins", json=body if code is None else body | {"one_time_code": code})


class TestSignIn:
    async def test_needs_the_code_of_who_has_one(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        without = await sign_in(client, cast.nurse.email, None)
        with_code = await sign_in(client, cast.nurse.email, authenticator.code())

        assert (without.status_code, without.json()["code"]) == (401, "second_factor_required")
        assert with_code.status_code == 201
        assert (await new_client(with_code.json()["access_token"]).get("/v1/patients")).status_code == 200

    async def test_says_that_a_code_is_needed_only_to_who_knows_the_password(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        assert (await sign_in(client, cast.nurse.email, None, "wrong")).json()["code"] == "sign_in_refused"

    async def test_wrong_code_and_wrong_password_get_the_same_answer(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        answers = [
            await sign_in(client, cast.nurse.email, authenticator.wrong()),
            await sign_in(client, cast.nurse.email, authenticator.code(), "wrong"),
            await sign_in(client, "nobody@example.org", authenticator.code()),
        ]

        assert {answer.status_code for answer in answers} == {401}
        assert len({str({**answer.json(), "request_id": None}) for answer in answers}) == 1

    async def test_takes_a_code_once(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        code = authenticator.code()

        answers = [(await sign_in(client, cast.nurse.email, code)).status_code for _ in range(2)]

        assert answers == [201, 401]

    async def test_takes_a_code_once_however_often_it_comes_at_once(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        code = authenticator.code()

        answers = await asyncio.gather(*(sign_in(client, cast.nurse.email, code) for _ in range(6)))

        assert sorted(answer.status_code for answer in answers) == [201] + [401] * 5

    async def test_takes_no_older_code_after_a_newer_one(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        older = authenticator.code(steps=-1)
        assert (await sign_in(client, cast.nurse.email, authenticator.code())).status_code == 201

        assert (await sign_in(client, cast.nurse.email, older)).status_code == 401

    async def test_a_wrong_password_does_not_use_the_code_up(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        code = authenticator.code()
        await sign_in(client, cast.nurse.email, code, "wrong")

        assert (await sign_in(client, cast.nurse.email, code)).status_code == 201

    @pytest.mark.parametrize("minutes", [-5, 5])
    async def test_takes_no_code_of_another_time(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator, minutes: int
    ) -> None:
        code = authenticator.code(at=clock.now() + timedelta(minutes=minutes))

        assert (await sign_in(client, cast.nurse.email, code)).status_code == 401

    async def test_a_code_is_ignored_where_there_are_none(self, client: httpx2.AsyncClient, cast: Cast) -> None:
        assert (await sign_in(client, cast.patient.email, "123456")).status_code == 201

    @pytest.mark.parametrize("code", ["12345", "1234567", "١٢٣٤٥٦", "12345a", ""])
    async def test_six_digits_are_six_digits(self, client: httpx2.AsyncClient, cast: Cast, code: str) -> None:
        answer = await sign_in(client, cast.nurse.email, code)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/one_time_code")

    async def test_is_in_the_audit_however_it_ends(
        self, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator, db: Database
    ) -> None:
        for code in (None, authenticator.wrong(), authenticator.code()):
            await sign_in(client, cast.nurse.email, code)

        entries = await db.execute(
            sa.select(AuditEntry.outcome, AuditEntry.reason)
            .where(AuditEntry.operation == "sign_in", AuditEntry.actor_id == cast.nurse.membership.id)
            .order_by(AuditEntry.id)
        )
        assert [tuple(entry) for entry in entries][-3:] == [
            ("denied", "second factor missing"), ("denied", None), ("allowed", None),
        ]  # fmt: skip


class TestStaffWithoutSecondFactor:
    async def test_get_no_further_than_setting_one_up(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast
    ) -> None:
        tokens = (await sign_in(client, cast.nurse.email, None)).json()
        nurse = new_client(tokens["access_token"])
        patient = cast.patient_id

        open_to_them = [await nurse.get(path) for path in ("/v1/me", "/v1/me/devices", "/v1/me/second-factors")]
        closed = [
            await nurse.get(path)
            for path in ("/v1/patients", f"/v1/patients/{patient}/check-ins", "/v1/dosing-sessions", "/v1/staff")
        ]

        assert {answer.status_code for answer in open_to_them} == {200}
        assert {(answer.status_code, answer.json()["code"]) for answer in closed} == {(403, "second_factor_needed")}


class TestConfirmations:
    async def test_a_code_makes_the_sign_in_recent(
        self, as_nurse: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator, db: Database
    ) -> None:
        assert (await as_nurse.post(CONFIRMATIONS, json={"one_time_code": authenticator.code()})).status_code == 204

        device = (await db.scalars(sa.select(Device).where(Device.membership_id == cast.nurse.membership.id))).one()
        assert device.authenticated_at is not None
        assert clock.now() - device.authenticated_at < timedelta(minutes=1)

    async def test_a_code_upgrades_a_device_that_was_signed_in_by_password(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        tokens = (await sign_in(client, cast.therapist.email, None)).json()
        device = new_client(tokens["access_token"])
        authenticator = await an_authenticator(db, cast.therapist)
        assert (await device.get("/v1/patients")).status_code == 403

        assert (await device.post(CONFIRMATIONS, json={"one_time_code": authenticator.code()})).status_code == 204

        assert (await device.get("/v1/patients")).status_code == 200

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/one_time_code"),
            ({"password": PASSWORD}, "/one_time_code"),
            ({"password": "wrong", "one_time_code": "right"}, "/password"),
            ({"password": PASSWORD, "one_time_code": "wrong"}, "/one_time_code"),
            ({"one_time_code": "wrong"}, "/one_time_code"),
        ],
        ids=str,
    )
    async def test_anything_less_proves_nothing(
        self,
        as_nurse: httpx2.AsyncClient,
        cast: Cast,
        authenticator: Authenticator,
        db: Database,
        body: dict[str, str],
        pointer: str,
    ) -> None:
        codes = {"right": authenticator.code(), "wrong": authenticator.wrong()}
        sent = {name: codes.get(value, value) if name == "one_time_code" else value for name, value in body.items()}

        answer = await as_nurse.post(CONFIRMATIONS, json=sent)

        assert (answer.status_code, answer.json()["code"]) == (422, "proof_refused")
        assert answer.json()["errors"][0]["pointer"] == pointer
        device = (await db.scalars(sa.select(Device).where(Device.membership_id == cast.nurse.membership.id))).one()
        assert device.authenticated_at is None

    async def test_takes_a_code_once(self, as_nurse: httpx2.AsyncClient, authenticator: Authenticator) -> None:
        code = authenticator.code()

        answers = [(await as_nurse.post(CONFIRMATIONS, json={"one_time_code": code})).status_code for _ in range(2)]

        assert answers == [204, 422]

    async def test_codes_that_were_never_confirmed_prove_nothing(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast
    ) -> None:
        tokens = (await sign_in(client, cast.therapist.email, None)).json()
        device = new_client(tokens["access_token"])
        begun = Authenticator((await device.post("/v1/me/second-factors")).json()["secret"])

        answer = await device.post(CONFIRMATIONS, json={"password": PASSWORD, "one_time_code": begun.code()})

        assert (answer.status_code, answer.json()["code"]) == (422, "proof_refused")
        assert (await device.get("/v1/patients")).status_code == 403

    async def test_a_patient_without_codes_shows_the_password(self, as_patient: httpx2.AsyncClient, cast: Cast) -> None:
        answers = [
            (await as_patient.post(CONFIRMATIONS, json=body)).status_code
            for body in ({"password": "wrong"}, {}, {"password": PASSWORD})
        ]

        assert answers == [422, 422, 204]

    async def test_lasts_ten_minutes(
        self, as_nurse: httpx2.AsyncClient, client: httpx2.AsyncClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        await as_nurse.post(CONFIRMATIONS, json={"one_time_code": authenticator.code()})

        with time_machine.travel(clock.now() + timedelta(minutes=9), tick=True):
            assert (await as_nurse.post("/v1/me/second-factors")).status_code == 409
