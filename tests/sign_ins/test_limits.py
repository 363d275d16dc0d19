"""Guessing is slow: few guesses reach the hash, whoever they are about, and everybody else goes on working."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.limits import Limits
from app.core.settings import Settings
from app.credentials import passwords
from app.credentials.passwords import Hasher
from tests.cast import Cast
from tests.databases import WIDE
from tests.factories import PASSWORD
from tests.one_time_codes import Authenticator, an_authenticator
from tests.sign_ins.conftest import counted

SIGN_IN = "/v1/sign-ins"
Often = Callable[..., Awaitable[list[httpx2.Response]]]
Given = Callable[..., Limits]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reached the hasher."""
    reached: list[str] = []
    verify = Hasher._verify

    def note(self: Hasher, stored: str, secret: str) -> bool:
        reached.append(secret)
        return verify(self, stored, secret)

    monkeypatch.setattr(Hasher, "_verify", note)
    return reached


class TestGuessingPasswords:
    async def test_of_300_wrong_ones_in_a_row_at_most_ten_reach_the_hasher(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Given, hashed: list[str]
    ) -> None:
        limited()
        began = time.monotonic()

        got = [
            await client.post(
                SIGN_IN, json={"email": cast.patient.email, "password": f"guess {number}", "device_label": "x"}
            )
            for number in range(300)
        ]

        assert time.monotonic() - began < 10
        assert [answer.status_code for answer in got] == [401] * 10 + [429] * 290
        assert len(hashed) == 10
        assert got[-1].json()["violated-policies"] == ["sign-in-account"]
        assert 20 <= int(got[-1].headers["retry-after"]) <= 30

    async def test_all_at_once_neither(self, sign_in_often: Often, limited: Given, hashed: list[str]) -> None:
        limited(limit_sign_in_address=WIDE)

        assert counted(await sign_in_often(300)) == {401: 10, 429: 290}
        assert len(hashed) == 10

    async def test_the_right_one_is_refused_too_until_the_time_has_come(
        self, sign_in_often: Often, limited: Given
    ) -> None:
        limited(limit_sign_in_account="2/1")
        assert counted(await sign_in_often(3)) == {401: 2, 429: 1}
        assert counted(await sign_in_often(1, password=PASSWORD)) == {429: 1}

        await asyncio.sleep(1)

        assert counted(await sign_in_often(1, password=PASSWORD)) == {201: 1}

    async def test_other_accounts_are_not_held_up(
        self, client: httpx2.AsyncClient, sign_in_often: Often, cast: Cast, limited: Given
    ) -> None:
        limited()
        await sign_in_often(20)

        assert counted(await sign_in_often(1, email=cast.nurse.email, password=PASSWORD)) == {201: 1}

    async def test_many_accounts_from_one_address_are_few_guesses_too(
        self, client: httpx2.AsyncClient, limited: Given, hashed: list[str], cast: Cast
    ) -> None:
        limited()
        got = [
            await client.post(SIGN_IN, json={"email": f"{number}@example.org", "password": "x", "device_label": "x"})
            for number in range(40)
        ]

        assert len(hashed) == 30
        assert got[-1].json()["violated-policies"] == ["sign-in-address"]

    async def test_a_whole_clinic_signs_in_from_one_address(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Given
    ) -> None:
        limits = limited(limit_sign_in_account=WIDE)
        for _ in range(50):
            answer = await client.post(
                SIGN_IN, json={"email": cast.nurse.email, "password": PASSWORD, "device_label": "x"}
            )
            assert answer.status_code == 201
            await limits.settle()

    async def test_confirming_guesses_the_same_password(
        self, sign_in_often: Often, as_patient: httpx2.AsyncClient, limited: Given
    ) -> None:
        """A stolen phone gets no guesses beside those of the sign-in."""
        limited()
        await sign_in_often(5)

        got = [await as_patient.post("/v1/me/confirmations", json={"password": "a guess"}) for _ in range(6)]

        assert [answer.status_code for answer in got] == [422] * 5 + [429]

    async def test_a_headstart_with_codes_is_none(
        self, client: httpx2.AsyncClient, cast: Cast, limited: Given, hashed: list[str]
    ) -> None:
        limited()
        claim = {"email": "kim@example.org", "password": "quiet-harbour-lantern-42", "device_label": "x"}

        got = [
            await client.post("/v1/activations", json=claim | {"invitation_code": f"AAAA-0000-{number:04}"})
            for number in range(40)
        ]

        assert {answer.json()["code"] for answer in got[:30]} == {"invitation_refused"}
        assert {answer.status_code for answer in got[30:]} == {429}
        assert len(hashed) == 30


class TestUnknownAddresses:
    async def test_are_answered_and_counted_like_known_ones(
        self, sign_in_often: Often, limited: Given, hashed: list[str]
    ) -> None:
        limited()
        known = await sign_in_often(12)
        of_known = len(hashed)
        unknown = await sign_in_often(12, email="nobody@example.org")

        assert counted(known) == counted(unknown) == {401: 10, 429: 2}
        assert len(hashed) == 2 * of_known == 20
        for status in (401, 429):
            one, other = (
                next(answer.json() for answer in got if answer.status_code == status) for got in (known, unknown)
            )
            assert one | {"request_id": ""} == other | {"request_id": ""}

    async def test_take_as_many_statements(
        self, sign_in_often: Often, cast: Cast, queries: list[str], db: Database
    ) -> None:
        await db.finish()
        sent = []
        for email in (cast.patient.email, "nobody@example.org"):
            queries.clear()
            await sign_in_often(1, email=email)
            sent.append([statement.split()[0] for statement in queries])

        assert sent[0] == sent[1]

    async def test_take_as_long(
        self, sign_in_often: Often, cast: Cast, app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Medians of attempts in turn, with a hash that costs what hashing costs in earnest.

        A busy machine may spoil a series, but not three: what can be told apart can be told apart in each.
        """
        app.state.settings = settings.model_copy(update={"password_hash_memory_kib": 19456, "password_hash_rounds": 2})
        hasher, verify = passwords.hasher(app.state.settings), Hasher._verify
        in_earnest = await hasher.hash(PASSWORD)  # the patient's own was made cheaply, as all of the suite
        monkeypatch.setattr(
            Hasher,
            "_verify",
            lambda self, stored, secret: verify(self, in_earnest if "m=8," in stored else stored, secret),
        )

        async def ratio() -> float:
            took: dict[str, list[float]] = {cast.patient.email: [], "nobody@example.org": []}
            for turn in range(16):
                for email in list(took)[:: 1 if turn % 2 else -1]:
                    began = time.perf_counter()
                    await sign_in_often(1, email=email)
                    took[email].append(time.perf_counter() - began)
            known, unknown = (statistics.median(times) for times in took.values())
            return known / unknown

        assert any([0.8 < await ratio() < 1.25 for _ in range(3)])


@pytest.fixture
async def authenticator(cast: Cast, db: Database) -> Authenticator:
    """The nurse's."""
    return await an_authenticator(db, cast.nurse)


class TestGuessingCodes:
    async def test_is_limited_by_account(
        self,
        cast: Cast,
        authenticator: Authenticator,
        limited: Given,
        sign_in_often: Often,
    ) -> None:
        limited()

        got = await sign_in_often(8, email=cast.nurse.email, password=PASSWORD, one_time_code=authenticator.wrong())

        assert counted(got) == {401: 5, 429: 3}
        refused = next(answer for answer in got if answer.status_code == 429)
        assert refused.json()["violated-policies"] == ["second-factor"]

    async def test_who_does_not_know_the_password_uses_none_up(
        self,
        cast: Cast,
        authenticator: Authenticator,
        limited: Given,
        sign_in_often: Often,
    ) -> None:
        limited(limit_sign_in_account=WIDE)
        await sign_in_often(20, email=cast.nurse.email, one_time_code=authenticator.wrong())

        got = await sign_in_often(1, email=cast.nurse.email, password=PASSWORD, one_time_code=authenticator.code())

        assert counted(got) == {201: 1}

    async def test_the_right_one_counts_for_the_account_only(
        self, cast: Cast, authenticator: Authenticator, limited: Given, sign_in_often: Often
    ) -> None:
        limits = limited(limit_sign_in_address="1/300")
        without = await sign_in_often(1, email=cast.nurse.email, password=PASSWORD)
        await limits.settle()
        with_one = await sign_in_often(1, email=cast.nurse.email, password=PASSWORD, one_time_code=authenticator.code())
        await limits.settle()

        assert without[0].json()["code"] == "second_factor_required"
        assert counted(with_one) == {201: 1}
        assert counted(await sign_in_often(2)) == {401: 1, 429: 1}

    async def test_is_limited_while_they_are_set_up(
        self, cast: Cast, new_client: Callable[..., httpx2.AsyncClient], limited: Given
    ) -> None:
        limited()
        phone = new_client(cast.nurse.token)
        begun = (await phone.post("/v1/me/second-factors")).json()
        address = f"/v1/me/second-factors/{begun['id']}/confirmation"

        got = [await phone.post(address, json={"one_time_code": "000000"}) for _ in range(7)]

        assert [answer.status_code for answer in got] == [422] * 5 + [429] * 2

    async def test_is_limited_on_a_stolen_phone_too(
        self,
        cast: Cast,
        authenticator: Authenticator,
        new_client: Callable[..., httpx2.AsyncClient],
        limited: Given,
    ) -> None:
        limited()
        phone = new_client(cast.nurse.token)

        got = [
            await phone.post("/v1/me/confirmations", json={"one_time_code": authenticator.wrong()}) for _ in range(7)
        ]

        assert [answer.status_code for answer in got] == [422] * 5 + [429] * 2
