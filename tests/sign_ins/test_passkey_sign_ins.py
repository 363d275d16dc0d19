"""Signing in and proving oneself with a passkey; and every lie."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.credentials.models import AnsweredChallenge
from app.identity.models import Device, Membership
from app.identity.permissions import Role
from tests import authenticators
from tests.authenticators import PRESENT, VERIFIED, Authenticator, Json, add, options, send, sign_in
from tests.cast import Cast
from tests.factories import PASSWORD, Person, a_member_of_staff

NewClient = Callable[..., httpx2.AsyncClient]
ORIGIN = "http://localhost:8000"
ANSWERED = ("clientDataJSON", "authenticatorData", "signature", "userHandle")


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(ORIGIN)


@pytest.fixture
async def held(as_patient: httpx2.AsyncClient, authenticator: Authenticator) -> Authenticator:
    """An authenticator with a passkey of the patient."""
    assert (await add(as_patient, authenticator)).status_code == 201
    return authenticator


class TestSignIn:
    async def test_tells_strangers_nothing_of_who_has_a_passkey(
        self, client: httpx2.AsyncClient, held: Authenticator
    ) -> None:
        asked = await options(client, "sign-ins/passkey-options")

        assert asked["allowCredentials"] == []
        assert asked["userVerification"] == "required"

    @pytest.mark.parametrize(
        "lie",
        [
            {"rp": "elsewhere.example"},
            {"flags": PRESENT},
            {"flags": VERIFIED},
            {"count": 0},
            {"count": 1},
            {"user_handle": None},
            {"user_handle": b"somebody else"},
            pytest.param({"key": ec.generate_private_key(ec.SECP256R1())}, id="another key"),
            {"client_data": {"origin": "https://elsewhere.example"}},
            {"client_data": {"type": "webauthn.create"}},
            {"client_data": {"challenge": "AAAA"}},
            {"client_data": {"challenge": None}},
        ],
        ids=str,
    )
    async def test_takes_no_other_answer(self, client: httpx2.AsyncClient, held: Authenticator, lie: Json) -> None:
        answer = await sign_in(client, held, **lie)

        assert (answer.status_code, answer.json()["code"]) == (401, "passkey_refused")
        assert (await sign_in(client, held, count=100)).status_code == 201

    async def test_takes_an_answer_once_also_when_it_comes_twice_at_the_same_time(
        self, client: httpx2.AsyncClient, held: Authenticator
    ) -> None:
        signed = held.sign(await options(client, "sign-ins/passkey-options"))

        at_once = await asyncio.gather(*(send(client, signed) for _ in range(4)))
        later = await send(client, signed)

        assert sorted(answer.status_code for answer in at_once) == [201, 401, 401, 401]
        assert later.status_code == 401

    async def test_takes_an_answer_once_also_from_who_does_not_count(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient
    ) -> None:
        phone = Authenticator(ORIGIN, counts=False)
        await add(as_patient, phone)
        signed = phone.sign(await options(client, "sign-ins/passkey-options"))

        assert [(await send(client, signed)).status_code for _ in range(2)] == [201, 401]
        assert (await sign_in(client, phone)).status_code == 201

    async def test_takes_no_answer_after_five_minutes_and_forgets_it_then(
        self, client: httpx2.AsyncClient, held: Authenticator, db: Database
    ) -> None:
        old = held.sign(await options(client, "sign-ins/passkey-options"))
        with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
            assert (await send(client, old)).status_code == 401
            assert (await sign_in(client, held)).status_code == 201
            assert await db.scalar(sa.select(sa.func.count()).select_from(AnsweredChallenge)) == 1

    async def test_takes_no_answer_that_was_given_for_something_else(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, held: Authenticator
    ) -> None:
        for_proof = held.sign(await options(as_patient, "me/confirmations/passkey-options"))
        signed_in = held.sign(await options(client, "sign-ins/passkey-options"))

        assert (await send(client, for_proof)).status_code == 401
        confirmed = await as_patient.post("/v1/me/confirmations/passkey", json={"credential": signed_in})
        assert (confirmed.status_code, confirmed.json()["code"]) == (422, "proof_refused")

    async def test_takes_no_answer_to_what_was_asked_of_somebody_new(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, held: Authenticator
    ) -> None:
        """The challenge for a new passkey, signed as if it were one for signing in."""
        new = await client.post("/v1/activations/passkey-options", json={"email": "kim@example.org"})
        more = await options(as_patient, "me/passkeys/options")

        for asked in (new.json()["public_key"], more):
            signed = held.sign({"rpId": "localhost", "challenge": asked["challenge"]})
            confirmed = await as_patient.post("/v1/me/confirmations/passkey", json={"credential": signed})
            assert ((await send(client, signed)).status_code, confirmed.status_code) == (401, 422)

    async def test_an_unknown_or_removed_passkey_signs_nobody_in(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, held: Authenticator
    ) -> None:
        (listed,) = (await as_patient.get("/v1/me/passkeys")).json()["items"]
        assert (await as_patient.delete(f"/v1/me/passkeys/{listed['id']}")).status_code == 204

        assert (await sign_in(client, held)).status_code == 401
        assert (await sign_in(client, Authenticator(ORIGIN))).status_code == 401

    async def test_who_left_is_not_signed_in(
        self, client: httpx2.AsyncClient, held: Authenticator, db: Database
    ) -> None:
        await db.execute(sa.update(Membership).values(ended_at=clock.now()))

        answer = await sign_in(client, held)

        assert (answer.status_code, answer.json()["code"]) == (401, "passkey_refused")

    async def test_is_in_the_audit_however_it_ends(
        self, client: httpx2.AsyncClient, held: Authenticator, db: Database, cast: Cast
    ) -> None:
        await sign_in(client, held, flags=PRESENT)
        await sign_in(client, held, count=100)

        found = await db.execute(
            sa.select(AuditEntry.outcome, AuditEntry.actor_id)
            .where(AuditEntry.operation == "sign_in")
            .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
            .limit(2)
        )
        assert [tuple(row) for row in found] == [("allowed", cast.patient.membership.id), ("denied", None)]

    @pytest.mark.parametrize("where", ["id", "rawId", "type", *ANSWERED])
    async def test_no_bytes_make_it_stumble(self, client: httpx2.AsyncClient, held: Authenticator, where: str) -> None:
        """One part after another is cut, touched, filled with rubbish or replaced by another kind of thing."""
        made_up = random.Random(where)
        honest = held.sign(await options(client, "sign-ins/passkey-options"))
        value = honest.get(where) or honest["response"][where]
        touched = bytearray(authenticators.raw(value)) if where != "type" else bytearray(b"public-key")
        touched[made_up.randrange(len(touched))] ^= 1 << made_up.randrange(8)
        rubbish = [authenticators.text(made_up.randbytes(n)) for n in (1, 36, 37, 300)]
        odd = [
            None, 7, [], {"a": {}}, "", "=", "\u2028", "🙂" * 9, authenticators.text(bytes(touched)), *rubbish,
            value[:-1], value[: len(value) // 2], value + "A", value * 3,
        ]  # fmt: skip

        answers = []
        for each in odd:
            told = {**honest, "response": dict(honest["response"])}
            (told["response"] if where in ANSWERED else told)[where] = each
            answers.append(await send(client, told))

        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "passkey_refused")}

    @pytest.mark.parametrize(
        "credential",
        [
            {},
            {"rawId": "AAAA"},
            {"response": []},
            {"response": {"clientDataJSON": "A" * 900_000}},
            {"rawId": "A" * 900_000},
        ],
        ids=["empty", "no answer", "a list", "enormous", "an enormous id"],
    )
    async def test_refuses_what_is_no_answer_at_all(self, client: httpx2.AsyncClient, credential: Json) -> None:
        assert (await send(client, credential)).status_code == 401

    @pytest.mark.parametrize("text", ["[" * 5000, '"\\ud800"', "7", "null", '{"challenge": []}', "{" * 3000])
    async def test_refuses_client_data_that_is_none(
        self, client: httpx2.AsyncClient, held: Authenticator, text: str
    ) -> None:
        signed = held.sign(await options(client, "sign-ins/passkey-options"))
        signed["response"]["clientDataJSON"] = authenticators.text(text.encode())

        assert (await send(client, signed)).status_code == 401


class TestSecondFactor:
    @pytest.fixture
    async def nurse(self, db: Database, settings: Settings, cast: Cast) -> Person:
        return await a_member_of_staff(db, settings, cast.clinic, Role.NURSE, patients=(cast.patient,))

    async def with_password(self, client: httpx2.AsyncClient, person: Person) -> str:
        body = {"email": person.email, "password": PASSWORD, "device_label": "a browser"}
        return str((await client.post("/v1/sign-ins", json=body)).json()["access_token"])

    async def test_staff_who_add_one_may_go_on(
        self, client: httpx2.AsyncClient, new_client: NewClient, nurse: Person, cast: Cast, authenticator: Authenticator
    ) -> None:
        as_nurse = new_client(await self.with_password(client, nurse))
        record = f"/v1/patients/{cast.patient_id}"
        before = await as_nurse.get(record)

        await add(as_nurse, authenticator)

        assert (before.status_code, before.json()["code"]) == (403, "second_factor_needed")
        assert (await as_nurse.get(record)).status_code == 200

    async def test_staff_need_nothing_beside_it(
        self, client: httpx2.AsyncClient, new_client: NewClient, nurse: Person, cast: Cast, authenticator: Authenticator
    ) -> None:
        await add(new_client(nurse.token), authenticator)

        token = (await sign_in(client, authenticator)).json()["access_token"]

        assert (await new_client(token).get(f"/v1/patients/{cast.patient_id}")).status_code == 200

    async def test_who_knows_only_the_password_may_add_nothing_beside_it(
        self, client: httpx2.AsyncClient, new_client: NewClient, nurse: Person, authenticator: Authenticator
    ) -> None:
        await add(new_client(nurse.token), authenticator)
        thief = new_client(await self.with_password(client, nurse))

        answers = [
            await thief.post("/v1/me/passkeys/options"),
            await thief.post("/v1/me/second-factors"),
            await thief.delete(f"/v1/me/passkeys/{(await thief.get('/v1/me/passkeys')).json()['items'][0]['id']}"),
        ]

        assert {answer.json()["code"] for answer in answers} == {"second_factor_needed"}

    async def test_proves_again_who_it_is(
        self, new_client: NewClient, nurse: Person, db: Database, authenticator: Authenticator
    ) -> None:
        as_nurse = new_client(nurse.token)
        await add(as_nurse, authenticator)
        long_ago = clock.now() - timedelta(minutes=11)
        await db.execute(sa.update(Device).values(signed_in_at=long_ago, authenticated_at=long_ago))
        refused = await as_nurse.post("/v1/me/passkeys/options")

        asked = await options(as_nurse, "me/confirmations/passkey-options")
        signed = authenticator.sign(asked, user_handle=None)
        confirmed = await as_nurse.post("/v1/me/confirmations/passkey", json={"credential": signed})

        assert [each["id"] for each in asked["allowCredentials"]] == [authenticators.text(authenticator.credential_id)]
        assert refused.status_code == 401
        assert confirmed.status_code == 204, confirmed.text
        assert (await as_nurse.post("/v1/me/passkeys/options")).status_code == 200

    async def test_of_another_proves_nothing(self, new_client: NewClient, nurse: Person, held: Authenticator) -> None:
        as_nurse = new_client(nurse.token)

        signed = held.sign(await options(as_nurse, "me/confirmations/passkey-options"))
        answer = await as_nurse.post("/v1/me/confirmations/passkey", json={"credential": signed})

        assert (answer.status_code, answer.json()["code"]) == (422, "proof_refused")
