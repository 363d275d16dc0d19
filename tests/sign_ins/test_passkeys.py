"""The passkeys of an account: added, listed, removed; and every lie an authenticator could tell."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.credentials import passkeys
from app.credentials.errors import PasskeysUnavailable
from app.credentials.models import Passkey
from app.identity.models import Account, Device, Membership
from tests import authenticators
from tests.authenticators import PRESENT, VERIFIED, Authenticator, Json, add, options, send, sign_in
from tests.cast import Cast

NewClient = Callable[..., httpx2.AsyncClient]
ORIGIN = "http://localhost:8000"


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(ORIGIN)


@pytest.fixture
async def held(as_patient: httpx2.AsyncClient, authenticator: Authenticator) -> Authenticator:
    """An authenticator with a passkey of the patient."""
    assert (await add(as_patient, authenticator)).status_code == 201
    return authenticator


class TestAdd:
    async def test_lets_it_sign_in_from_then_on(
        self, as_patient: httpx2.AsyncClient, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast,
        authenticator: Authenticator, db: Database,
    ) -> None:  # fmt: skip
        added = await add(as_patient, authenticator)

        assert added.status_code == 201, added.text
        assert (added.json()["label"], added.json()["last_used_at"]) == ("a key", None)
        tokens = await sign_in(client, authenticator)
        assert tokens.status_code == 201
        profile = (await new_client(tokens.json()["access_token"]).get("/v1/me")).json()
        assert profile["patient_id"] == cast.patient_id
        assert (await db.scalars(sa.select(Device.methods).where(Device.label == "a phone").order_by(Device.id))).all()[
            -1
        ] == "passkey"
        (listed,) = (await as_patient.get("/v1/me/passkeys")).json()["items"]
        assert listed["last_used_at"] is not None

    async def test_the_authenticator_learns_no_id_of_ours_and_the_same_handle_each_time(
        self, as_patient: httpx2.AsyncClient, held: Authenticator, db: Database, cast: Cast
    ) -> None:
        asked = await options(as_patient, "me/passkeys/options")

        handle = authenticators.raw(asked["user"]["id"])
        assert handle == held.user_handle
        assert len(handle) == 16
        ids = [*await db.scalars(sa.select(Account.id)), *await db.scalars(sa.select(Membership.id))]
        assert handle not in {each.bytes for each in ids}
        assert asked["excludeCredentials"] == [{"type": "public-key", "id": authenticators.text(held.credential_id)}]
        assert asked["authenticatorSelection"]["userVerification"] == "required"
        assert (asked["rp"]["id"], asked["attestation"]) == ("localhost", "none")

    @pytest.mark.parametrize(
        "lie",
        [
            {"rp": "elsewhere.example"},
            {"flags": PRESENT},
            {"flags": VERIFIED},
            {"client_data": {"origin": "https://elsewhere.example"}},
            {"client_data": {"origin": "http://localhost:8001"}},
            {"client_data": {"origin": "android:apk-key-hash:AAAA"}},
            {"client_data": {"type": "webauthn.get"}},
            {"client_data": {"challenge": authenticators.text(b"x" * 71)}},
            {"client_data": {"challenge": authenticators.text(b"x" * 10_000)}},
            {"client_data": {"challenge": 7}},
            {"client_data": {"challenge": "ü"}},
            {"attested": b""},
            {"attested": bytes(16) + b"\xff\xff" + b"short"},
            {"attested": bytes(16) + (1024).to_bytes(2) + bytes(1024) + b"\xa0"},
        ],
        ids=str,
    )
    async def test_takes_no_other_answer(
        self, as_patient: httpx2.AsyncClient, authenticator: Authenticator, lie: Json, db: Database
    ) -> None:
        answer = await add(as_patient, authenticator, **lie)

        assert (answer.status_code, answer.json()["code"]) == (422, "passkey_not_accepted")
        assert (await db.scalars(sa.select(Passkey))).all() == []

    async def test_no_bytes_make_it_stumble(self, as_patient: httpx2.AsyncClient, authenticator: Authenticator) -> None:
        made_up = random.Random(3)
        made = authenticator.make(await options(as_patient, "me/passkeys/options"))
        honest = authenticators.raw(made["response"]["attestationObject"])
        rubbish = [made_up.randbytes(made_up.randrange(1, 300)) for _ in range(20)]
        cut = [honest[: made_up.randrange(len(honest))] for _ in range(20)]

        answers = []
        for each in (*rubbish, *cut, b"\xbf" * 5000, b"\x9f" * 5000):
            made["response"]["attestationObject"] = authenticators.text(each)
            answers.append(await as_patient.post("/v1/me/passkeys", json={"credential": made, "label": "a key"}))

        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "passkey_not_accepted")}

    async def test_takes_an_answer_once(
        self, as_patient: httpx2.AsyncClient, authenticator: Authenticator, db: Database
    ) -> None:
        asked = await options(as_patient, "me/passkeys/options")
        first, second = authenticator.make(asked), Authenticator(ORIGIN).make(asked)

        answers = [
            await as_patient.post("/v1/me/passkeys", json={"credential": made, "label": "a key"})
            for made in (first, second)
        ]

        assert [answer.status_code for answer in answers] == [201, 422]

    async def test_takes_no_credential_that_is_somebodys_already(
        self, held: Authenticator, new_client: NewClient, cast: Cast
    ) -> None:
        answer = await add(new_client(cast.other_patient.token), held)

        assert (answer.status_code, answer.json()["code"]) == (422, "passkey_not_accepted")

    async def test_takes_no_answer_to_what_another_was_asked(
        self, as_patient: httpx2.AsyncClient, new_client: NewClient, cast: Cast, authenticator: Authenticator
    ) -> None:
        made = authenticator.make(await options(as_patient, "me/passkeys/options"))

        answer = await new_client(cast.other_patient.token).post(
            "/v1/me/passkeys", json={"credential": made, "label": "a key"}
        )

        assert answer.status_code == 422

    async def test_takes_no_answer_after_five_minutes(
        self, as_patient: httpx2.AsyncClient, authenticator: Authenticator
    ) -> None:
        made = authenticator.make(await options(as_patient, "me/passkeys/options"))

        with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
            answer = await as_patient.post("/v1/me/passkeys", json={"credential": made, "label": "a key"})

        assert answer.status_code == 422

    async def test_needs_recent_proof(self, as_patient: httpx2.AsyncClient, db: Database, cast: Cast) -> None:
        await db.execute(sa.update(Device).values(signed_in_at=clock.now() - timedelta(minutes=11)))

        answer = await as_patient.post("/v1/me/passkeys/options")

        assert (answer.status_code, answer.json()["code"]) == (401, "recent_sign_in_required")

    async def test_there_is_room_for_twenty(
        self, as_patient: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, authenticator: Authenticator
    ) -> None:
        monkeypatch.setattr(passkeys, "MAX_PASSKEYS", 1)
        await add(as_patient, authenticator)

        answer = await as_patient.post("/v1/me/passkeys/options")

        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_passkeys")

    async def test_an_app_of_the_clinic_is_a_place_to_use_it(
        self, as_patient: httpx2.AsyncClient, app: Any, settings: Settings, client: httpx2.AsyncClient
    ) -> None:
        fingerprint = ":".join(f"{byte:02X}" for byte in range(32))
        app.state.settings = settings.model_copy(update={"android_apps": [f"org.example.app={fingerprint}"]})
        phone = Authenticator(f"android:apk-key-hash:{authenticators.text(bytes(range(32)))}")

        assert (await add(as_patient, phone)).status_code == 201
        assert (await sign_in(client, phone)).status_code == 201


class TestRemove:
    async def test_nobody_removes_that_of_another(
        self, as_patient: httpx2.AsyncClient, held: Authenticator, new_client: NewClient, cast: Cast
    ) -> None:
        (listed,) = (await as_patient.get("/v1/me/passkeys")).json()["items"]
        as_other = new_client(cast.other_patient.token)

        assert (await as_other.get("/v1/me/passkeys")).json()["items"] == []
        assert (await as_other.delete(f"/v1/me/passkeys/{listed['id']}")).status_code == 404

    async def test_the_last_stays_where_there_is_no_password(
        self, as_patient: httpx2.AsyncClient, held: Authenticator, db: Database
    ) -> None:
        await db.execute(sa.update(Account).values(password_hash=None))
        await add(as_patient, Authenticator(ORIGIN))
        items = (await as_patient.get("/v1/me/passkeys")).json()["items"]

        answers = [await as_patient.delete(f"/v1/me/passkeys/{item['id']}") for item in items]

        assert [answer.status_code for answer in answers] == [204, 409]
        assert answers[1].json()["code"] == "last_credential"


class TestWithoutTheLibrary:
    @pytest.fixture(autouse=True)
    def _missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(name: str) -> None:
            raise ImportError(name)

        monkeypatch.setattr(passkeys, "import_module", refuse)

    async def test_every_route_of_passkeys_says_so(
        self, client: httpx2.AsyncClient, as_patient: httpx2.AsyncClient, authenticator: Authenticator
    ) -> None:
        answers = [
            await client.post("/v1/activations/passkey-options", json={"email": "kim@example.org"}),
            await client.post("/v1/sign-ins/passkey-options"),
            await send(client, {}),
            await as_patient.post("/v1/me/passkeys/options"),
            await as_patient.post("/v1/me/passkeys", json={"credential": {}, "label": "a key"}),
            await as_patient.post("/v1/me/confirmations/passkey-options"),
            await as_patient.post("/v1/me/confirmations/passkey", json={"credential": {}}),
        ]

        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, PasskeysUnavailable.code)}
        assert (await as_patient.get("/v1/me/passkeys")).status_code == 200
