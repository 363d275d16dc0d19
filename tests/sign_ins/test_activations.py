"""What codes are good for beside a password: codes that are scanned, and passkeys; and codes that are none."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.identity.models import Device
from app.invitations.models import Invitation
from tests.authenticators import Authenticator
from tests.cast import Cast

NewClient = Callable[..., httpx2.AsyncClient]
NEW_PASSWORD = "quiet-harbour-lantern-42"
ORIGIN = "http://localhost:8000"
WIDE = {letter: letter + 0xFEE0 for letter in range(ord("0"), ord("Z") + 1)}
"""The full-width form of each letter."""


@pytest.fixture
async def invited(as_coordinator: httpx2.AsyncClient) -> dict[str, Any]:
    """A patient who has got a code."""
    patient = (await as_coordinator.post("/v1/patients", json={"display_name": "Kim L."})).json()
    answer = await as_coordinator.post(f"/v1/patients/{patient['id']}/invitations")
    return {"patient_id": patient["id"], **answer.json()}


def attempt(code: str, **but: Any) -> dict[str, Any]:
    return {
        "invitation_code": code, "email": "kim@example.org", "password": NEW_PASSWORD, "device_label": "a phone",
    } | but  # fmt: skip


async def activate(client: httpx2.AsyncClient, code: str, **but: Any) -> httpx2.Response:
    return await client.post("/v1/activations", json=attempt(code, **but))


async def sign_in(client: httpx2.AsyncClient, email: str, password: str, **but: str) -> httpx2.Response:
    body = {"email": email, "password": password, "device_label": "a browser"} | but
    return await client.post("/v1/sign-ins", json=body)


class TestScannedCode:
    async def test_does_what_the_typed_one_does(self, client: httpx2.AsyncClient, invited: dict[str, Any]) -> None:
        assert (await activate(client, invited["qr_payload"].partition("#")[2])).status_code == 201

    @pytest.mark.parametrize("first", ["code", "qr_payload"])
    async def test_either_form_ends_both(self, client: httpx2.AsyncClient, invited: dict[str, Any], first: str) -> None:
        forms = {"code": invited["code"], "qr_payload": invited["qr_payload"].partition("#")[2]}
        used = await activate(client, forms.pop(first))
        (other,) = forms.values()

        answers = [used, await activate(client, other, email="o@example.org")]

        assert [answer.status_code for answer in answers] == [201, 422]

    async def test_is_one_use_also_when_both_forms_come_at_once(
        self, client: httpx2.AsyncClient, invited: dict[str, Any]
    ) -> None:
        forms = [invited["code"], invited["qr_payload"].partition("#")[2]] * 3

        answers = await asyncio.gather(
            *(activate(client, form, email=f"kim{number}@example.org") for number, form in enumerate(forms))
        )

        assert sorted(answer.status_code for answer in answers) == [201] + [422] * 5

    async def test_ends_with_the_typed_one(
        self, client: httpx2.AsyncClient, as_coordinator: httpx2.AsyncClient, invited: dict[str, Any], db: Database
    ) -> None:
        scanned = invited["qr_payload"].partition("#")[2]
        for over in ({"wrong_tries": 5}, {"wrong_tries": 0, "expires_at": clock.now()}):
            await db.execute(sa.update(Invitation).values(over))
            assert (await activate(client, scanned)).json()["code"] == "invitation_refused"
        await db.execute(sa.update(Invitation).values(expires_at=clock.now() + timedelta(days=1)))
        await as_coordinator.post(f"/v1/patients/{invited['patient_id']}/invitations")
        assert (await activate(client, scanned)).json()["code"] == "invitation_refused"


class TestBadCode:
    """Every code that is not one gets the same answer, and none is an error of ours."""

    @pytest.mark.parametrize(
        "spoilt",
        [
            "{cut} ", "{code}0", "{code}{code}", "{turned}", "{wide}", "{dashed}", "{code}\N{ZERO WIDTH SPACE}",
            "0000-0000-0000", "--------------", "              ", "0" * 26, "Z" * 40, "%00%00%00%00", "' OR 1=1 --  ",
            "\N{CYRILLIC CAPITAL LETTER A}" * 12, "\N{LATIN SMALL LETTER SHARP S}" * 12, "🙂" * 12,
        ],
    )  # fmt: skip
    async def test_is_refused(self, client: httpx2.AsyncClient, invited: dict[str, Any], spoilt: str) -> None:
        code = invited["code"]
        looks_alike = {"wide": code.translate(WIDE), "dashed": code.replace("-", "\N{EN DASH}")}
        sent = spoilt.format(code=code, cut=code[:-1], turned=code[5:] + "-" + code[:4], **looks_alike)

        answer = await activate(client, sent)

        assert (answer.status_code, answer.json()["code"]) == (422, "invitation_refused")
        assert (await activate(client, code)).status_code == 201

    @pytest.mark.parametrize("code", ["", "7Q2M-K9TX-4", "0" * 41, "0" * 900_000, None, 7, ["0" * 12], {"a": "b"}])
    async def test_that_cannot_be_one_is_told_so(self, client: httpx2.AsyncClient, code: Any) -> None:
        answer = await activate(client, code)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"][0]["pointer"] == "/invitation_code"

    @pytest.mark.parametrize("code", ["7Q2M\\u0000K9TX-4BVD", "7Q2M-K9TX-\\ud800BVD"])
    async def test_that_no_text_can_hold_is_malformed(self, client: httpx2.AsyncClient, code: str) -> None:
        body = f'{{"invitation_code": "{code}", "email": "k@example.org", "device_label": "p", "password": "x"}}'

        answer = await client.post("/v1/activations", content=body, headers={"content-type": "application/json"})

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")

    async def test_a_wrong_guess_is_in_the_audit(
        self, client: httpx2.AsyncClient, invited: dict[str, Any], db: Database, cast: Cast
    ) -> None:
        await activate(client, invited["code"][:4] + "-0000-0000")

        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "activate"))).one()
        assert (entry.outcome, entry.clinic_id, str(entry.patient_id)) == (
            "denied",
            cast.clinic.id,
            invited["patient_id"],
        )


class TestWithPasskey:
    async def made(self, client: httpx2.AsyncClient, authenticator: Authenticator) -> dict[str, Any]:
        answer = await client.post("/v1/activations/passkey-options", json={"email": "kim@example.org"})
        return authenticator.make(answer.json()["public_key"])

    async def test_makes_an_account_without_a_password(
        self, client: httpx2.AsyncClient, new_client: NewClient, invited: dict[str, Any], db: Database
    ) -> None:
        authenticator = Authenticator(ORIGIN)
        passkey = await self.made(client, authenticator)

        answer = await activate(client, invited["code"], password=None, passkey=passkey)

        assert answer.status_code == 201, answer.text
        device = (await db.scalars(sa.select(Device).order_by(Device.signed_in_at.desc()).limit(1))).one()
        assert device.methods == "passkey"
        asked = (await client.post("/v1/sign-ins/passkey-options")).json()["public_key"]
        body = {"credential": authenticator.sign(asked), "device_label": "a tablet"}
        tokens = (await client.post("/v1/sign-ins/passkey", json=body)).json()
        profile = (await new_client(tokens["access_token"]).get("/v1/me")).json()
        assert profile["patient_id"] == invited["patient_id"]
        assert (await sign_in(client, "kim@example.org", "anything")).status_code == 401

    async def test_a_passkey_that_is_not_accepted_leaves_the_code_usable(
        self, client: httpx2.AsyncClient, invited: dict[str, Any]
    ) -> None:
        authenticator = Authenticator("https://elsewhere.example")
        passkey = await self.made(client, authenticator)

        answer = await activate(client, invited["code"], password=None, passkey=passkey)

        assert (answer.status_code, answer.json()["code"]) == (422, "passkey_not_accepted")
        assert (await activate(client, invited["code"])).status_code == 201

    @pytest.mark.parametrize("given", [{"password": None}, {"passkey": {}}], ids=["neither", "both"])
    async def test_takes_one_of_the_two(
        self, client: httpx2.AsyncClient, invited: dict[str, Any], given: dict[str, Any]
    ) -> None:
        answer = await activate(client, invited["code"], **given)

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "password_or_passkey")
