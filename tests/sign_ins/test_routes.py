"""From an invitation to a signed-in device."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.credentials.passwords import hasher
from app.events.models import OutboxEvent
from app.identity.models import Account, Membership, Patient
from app.identity.permissions import Role
from app.invitations import service as invitations
from app.invitations.models import Invitation
from tests.cast import Cast
from tests.factories import PASSWORD

GOOD = "quiet-harbour-lantern-42"


@pytest.fixture
async def invited(as_coordinator: httpx2.AsyncClient) -> dict[str, Any]:
    """A patient who has got a code."""
    patient = (await as_coordinator.post("/v1/patients", json={"display_name": "Kim L."})).json()
    invitation = (await as_coordinator.post(f"/v1/patients/{patient['id']}/invitations")).json()
    return {"patient_id": patient["id"], "code": invitation["code"], "expires_at": invitation["expires_at"]}


def activation(code: str, **but: str) -> dict[str, str]:
    return {"invitation_code": code, "email": "kim@example.org", "password": GOOD, "device_label": "Kim's phone"} | but


def another_code(code: str) -> str:
    """A code with the same selector and another secret."""
    return code[:-1] + ("0" if code[-1] != "0" else "1")


class TestActivate:
    async def test_makes_the_patient_active_and_signs_the_phone_in(
        self,
        client: httpx2.AsyncClient,
        new_client: Callable[..., httpx2.AsyncClient],
        invited: dict[str, Any],
        db: Database,
    ) -> None:
        answer = await client.post("/v1/activations", json=activation(invited["code"]))

        assert answer.status_code == 201, answer.text
        tokens = answer.json()
        assert tokens["expires_in"] == 600
        assert tokens["token_type"] == "Bearer"
        profile = (await new_client(tokens["access_token"]).get("/v1/me")).json()
        assert (profile["role"], profile["display_name"]) == ("patient", "Kim L.")
        assert profile["patient_id"] == invited["patient_id"]
        patient = await db.get_one(Patient, UUID(profile["patient_id"]))
        assert (patient.status, patient.version) == ("active", 2)
        events = list(await db.scalars(sa.select(OutboxEvent.type).order_by(OutboxEvent.id)))
        assert events[-1] == "patient.activated"

    @pytest.mark.parametrize("separator", ["-", " ", ""])
    async def test_forgives_how_the_code_is_written(
        self, client: httpx2.AsyncClient, invited: dict[str, Any], separator: str
    ) -> None:
        code = invited["code"].lower().replace("-", separator).replace("0", "o").replace("1", "l")

        assert (await client.post("/v1/activations", json=activation(code))).status_code == 201

    async def test_takes_a_code_once(self, client: httpx2.AsyncClient, invited: dict[str, Any]) -> None:
        await client.post("/v1/activations", json=activation(invited["code"]))

        again = await client.post("/v1/activations", json=activation(invited["code"], email="other@example.org"))

        assert again.json()["code"] == "invitation_refused"

    async def test_the_sixth_try_fails_even_with_the_right_code(
        self, client: httpx2.AsyncClient, invited: dict[str, Any]
    ) -> None:
        wrong = activation(another_code(invited["code"]))
        tries = [await client.post("/v1/activations", json=wrong) for _ in range(5)]

        sixth = await client.post("/v1/activations", json=activation(invited["code"]))

        assert {answer.json()["code"] for answer in (*tries, sixth)} == {"invitation_refused"}
        assert {answer.status_code for answer in (*tries, sixth)} == {422}

    async def test_guesses_made_at_once_are_counted_too(
        self, client: httpx2.AsyncClient, invited: dict[str, Any], db: Database
    ) -> None:
        wrong = activation(another_code(invited["code"]))

        await asyncio.gather(*(client.post("/v1/activations", json=wrong) for _ in range(8)))

        assert await db.scalar(sa.select(Invitation.wrong_tries)) == 5
        assert (await client.post("/v1/activations", json=activation(invited["code"]))).status_code == 422

    async def test_one_code_makes_one_account_however_often_it_is_sent_at_once(
        self, client: httpx2.AsyncClient, invited: dict[str, Any]
    ) -> None:
        answers = await asyncio.gather(
            *(
                client.post("/v1/activations", json=activation(invited["code"], email=f"kim{number}@example.org"))
                for number in range(6)
            )
        )

        assert sorted(answer.status_code for answer in answers) == [201] + [422] * 5

    async def test_the_fifth_try_may_still_be_the_right_one(
        self, client: httpx2.AsyncClient, invited: dict[str, Any]
    ) -> None:
        for _ in range(4):
            await client.post("/v1/activations", json=activation(another_code(invited["code"])))

        assert (await client.post("/v1/activations", json=activation(invited["code"]))).status_code == 201

    async def test_a_code_ends_after_seven_days(
        self, client: httpx2.AsyncClient, invited: dict[str, Any], db: Database
    ) -> None:
        invitation = (await db.scalars(sa.select(Invitation))).one()
        assert invitation.expires_at - invitation.created_at == timedelta(days=7)
        invitation.expires_at = clock.now() - timedelta(seconds=1)

        answer = await client.post("/v1/activations", json=activation(invited["code"]))

        assert answer.json()["code"] == "invitation_refused"

    async def test_a_new_code_withdraws_the_one_before(
        self, client: httpx2.AsyncClient, as_coordinator: httpx2.AsyncClient, invited: dict[str, Any]
    ) -> None:
        second = (await as_coordinator.post(f"/v1/patients/{invited['patient_id']}/invitations")).json()["code"]

        first = await client.post("/v1/activations", json=activation(invited["code"]))
        answer = await client.post("/v1/activations", json=activation(second))

        assert (first.status_code, answer.status_code) == (422, 201)

    async def test_an_unknown_code_gets_the_same_answer(
        self, client: httpx2.AsyncClient, invited: dict[str, Any]
    ) -> None:
        answers = [
            (await client.post("/v1/activations", json=activation(code))).json()
            for code in ("0000-0000-0000", another_code(invited["code"]), "ü" * 12)
        ]

        assert len({(a["status"], a["code"], a["title"], a["detail"], str(a["errors"])) for a in answers}) == 1

    async def test_an_unknown_code_costs_a_hash_too(
        self, client: httpx2.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed = count_hashes(settings, monkeypatch)

        await client.post("/v1/activations", json=activation("0000-0000-0000"))

        assert hashed == [1]

    @pytest.mark.parametrize(
        ("password", "why"),
        [
            ("tiny word", "too_short"),
            ("x" * 14, "too_short"),
            ("a" * 40, "too_repetitive"),
            ("abab" * 10, "too_repetitive"),
            ("passwordpassword", "too_common"),
            ("PASSWORD123456qwerty", "too_common"),
            ("Riverside Riverside", "too_common"),
            ("riversidepassword", "too_common"),
        ],
    )
    async def test_refuses_a_weak_password_and_keeps_the_code_usable(
        self, client: httpx2.AsyncClient, invited: dict[str, Any], password: str, why: str
    ) -> None:
        refused = await client.post("/v1/activations", json=activation(invited["code"], password=password))

        problem = refused.json()
        assert (problem["code"], problem["errors"][0]["pointer"]) == ("weak_password", "/password")
        assert problem["errors"][0]["code"] == why
        assert password not in refused.text
        assert (await client.post("/v1/activations", json=activation(invited["code"]))).status_code == 201

    @pytest.mark.parametrize(
        "password", [GOOD, "correct horse battery staple", "пароль-длинный-и-редкий", " " * 4 + GOOD]
    )
    async def test_takes_any_kind_of_characters(
        self, client: httpx2.AsyncClient, invited: dict[str, Any], password: str
    ) -> None:
        await client.post("/v1/activations", json=activation(invited["code"], password=password))

        answer = await sign_in(client, "kim@example.org", password)

        assert answer.status_code == 201

    async def test_refuses_an_address_that_has_an_account(
        self, client: httpx2.AsyncClient, cast: Cast, invited: dict[str, Any]
    ) -> None:
        taken = cast.nurse.email.upper()

        answer = await client.post("/v1/activations", json=activation(invited["code"], email=taken))

        assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
        assert (await client.post("/v1/activations", json=activation(invited["code"]))).status_code == 201

    async def test_a_colleague_gets_the_role_of_the_invitation(
        self,
        client: httpx2.AsyncClient,
        new_client: Callable[..., httpx2.AsyncClient],
        db: Database,
        cast: Cast,
        settings: Settings,
    ) -> None:
        invitation = await invitations.invite(
            db, settings, clinic_id=cast.clinic.id, role=Role.NURSE, display_name="Ada N."
        )

        tokens = (await client.post("/v1/activations", json=activation(invitation.code))).json()

        profile = (await new_client(tokens["access_token"]).get("/v1/me")).json()
        assert (profile["role"], profile["display_name"], profile["patient_id"]) == ("nurse", "Ada N.", None)


def count_hashes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many hashes are computed from now on."""
    counted = [0]
    argon2 = hasher(settings)._argon2

    class Counting:
        def __getattr__(self, name: str) -> Any:
            if name in {"verify", "hash"}:
                counted[0] += 1
            return getattr(argon2, name)

    monkeypatch.setattr(hasher(settings), "_argon2", Counting())
    return counted


async def sign_in(client: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> httpx2.Response:
    return await client.post("/v1/sign-ins", json={"email": email, "password": password, "device_label": "a browser"})


class TestSignIn:
    @pytest.mark.parametrize("write", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
    async def test_gives_tokens_to_who_knows_the_password(
        self, client: httpx2.AsyncClient, cast: Cast, write: Callable[[str], str]
    ) -> None:
        answer = await sign_in(client, write(cast.patient.email))

        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"

    async def test_unknown_and_known_addresses_get_the_same_answer_and_cost_the_same(
        self, client: httpx2.AsyncClient, cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await sign_in(client, "nobody@example.org")
        hashed = count_hashes(settings, monkeypatch)

        unknown = await sign_in(client, "nobody@example.org", "wrong")
        after_unknown = hashed[0]
        known = await sign_in(client, cast.patient.email, "wrong")

        assert (unknown.status_code, known.status_code) == (401, 401)
        assert [{**answer.json(), "request_id": ""} for answer in (unknown,)] == [{**known.json(), "request_id": ""}]
        assert (after_unknown, hashed[0]) == (1, 2)

    async def test_an_account_without_a_password_is_as_unknown(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        await db.execute(sa.update(Account).values(password_hash=None))

        assert (await sign_in(client, cast.patient.email)).json()["code"] == "sign_in_refused"

    async def test_nobody_signs_in_where_they_no_longer_belong(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        await db.execute(
            sa.update(Membership).where(Membership.id == cast.nurse.membership.id).values(ended_at=clock.now())
        )

        assert (await sign_in(client, cast.nurse.email)).json()["code"] == "sign_in_refused"

    @pytest.mark.parametrize("email", ["", "nobody", "a@b", "a@" + "b" * 300 + ".org", "a b@example.org", 7, None])
    async def test_an_address_that_is_none_is_pointed_at(self, client: httpx2.AsyncClient, email: Any) -> None:
        answer = await sign_in(client, email)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/email")

    async def test_is_in_the_audit_however_it_ends(self, client: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        for email, password in ((cast.patient.email, PASSWORD), (cast.patient.email, "wrong"), ("no@example.org", "x")):
            await sign_in(client, email, password)

        entries = list(await db.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))[-3:]

        assert [(entry.operation, entry.outcome) for entry in entries] == [
            ("sign_in", "allowed"), ("sign_in", "denied"), ("sign_in", "denied"),
        ]  # fmt: skip
        assert [entry.actor_id for entry in entries] == [
            cast.patient.membership.id, cast.patient.membership.id, None,
        ]  # fmt: skip

    async def test_a_hash_of_weaker_settings_is_made_anew(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        account = (await db.scalars(sa.select(Account).where(Account.id == cast.patient.membership.account_id))).one()
        stronger = settings.model_copy(update={"password_hash_rounds": 2})
        account.password_hash = old = await hasher(stronger).hash(PASSWORD)

        assert (await sign_in(client, cast.patient.email)).status_code == 201

        renewed = await db.scalar(sa.select(Account.password_hash).where(Account.id == account.id))
        assert renewed != old
        assert (await sign_in(client, cast.patient.email)).status_code == 201
