"""Fetching the issuer's keys: seldom, briefly, and from nowhere else."""

import asyncio
import json
from datetime import timedelta

import pytest
import time_machine

from app.core import clock
from app.core.errors import Unavailable
from app.external_identities import issuer_keys
from app.external_identities.issuer_keys import IssuerKeys, fetch, usable_keys
from tests.external_identities.fake_issuer import FakeIssuer
from tests.signers import a_key, public_half


class TestFetching:
    async def test_happens_once_in_ten_minutes(self, issuer: FakeIssuer) -> None:
        keys = IssuerKeys(issuer.url)
        for minutes in (0, 3, 9):
            with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=True):
                assert set(await keys.naming("k1")) == {"k1"}
        assert len(issuer.asked) == 1

        with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
            await keys.naming("k1")
        assert len(issuer.asked) == 2

    async def test_happens_once_for_all_who_wait(self, issuer: FakeIssuer) -> None:
        keys = IssuerKeys(issuer.url)

        await asyncio.gather(*(keys.naming("k1") for _ in range(20)))

        assert len(issuer.asked) == 1

    async def test_happens_early_for_a_key_that_is_new(self, issuer: FakeIssuer) -> None:
        keys = IssuerKeys(issuer.url)
        await keys.naming("k1")
        issuer.keys["k2"] = a_key("P-256")

        with time_machine.travel(clock.now() + timedelta(seconds=31), tick=True):
            assert "k2" in await keys.naming("k2")

        assert len(issuer.asked) == 2

    async def test_is_not_made_to_happen_by_made_up_names(self, issuer: FakeIssuer) -> None:
        keys = IssuerKeys(issuer.url)
        for number in range(50):
            await keys.naming(f"made up {number}")

        assert len(issuer.asked) == 1

    async def test_drops_a_key_that_the_issuer_dropped(self, issuer: FakeIssuer) -> None:
        keys = IssuerKeys(issuer.url)
        await keys.naming("k1")
        issuer.keys = {"k2": a_key("P-256")}

        with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
            assert set(await keys.naming("k1")) == {"k2"}


class TestFailing:
    @pytest.mark.parametrize(
        ("status", "headers", "body"),
        [
            (500, {}, None),
            (404, {}, None),
            (200, {}, b"not JSON"),
            (200, {}, b"[]"),
            (200, {}, b'{"keys": {}}'),
            (200, {}, b'{"keys": [' * 40),
            (200, {"Content-Length": "100000"}, b'{"keys": ['),
            (200, {}, b" " * (issuer_keys.MOST_BYTES + 1) + b'{"keys": []}'),
        ],
        ids=["500", "404", "no JSON", "a list", "no list", "too deep", "cut off", "too much"],
    )
    async def test_is_no_fault_of_the_caller(
        self, issuer: FakeIssuer, status: int, headers: dict[str, str], body: bytes | None
    ) -> None:
        issuer.status, issuer.headers, issuer.body = status, headers, body

        with pytest.raises(Unavailable) as refused:
            await IssuerKeys(issuer.url).naming("k1")

        assert refused.value.headers["Retry-After"] == "30"

    async def test_is_not_tried_again_at_once(self, issuer: FakeIssuer) -> None:
        keys, issuer.status = IssuerKeys(issuer.url), 500
        for _ in range(5):
            with pytest.raises(Unavailable):
                await keys.naming("k1")
        assert len(issuer.asked) == 1

        issuer.status = 200
        with time_machine.travel(clock.now() + timedelta(seconds=31), tick=True):
            assert await keys.naming("k1")

    async def test_an_address_where_nobody_listens(self) -> None:
        with pytest.raises(Unavailable):
            await IssuerKeys("http://127.0.0.1:1/keys").naming("k1")

    async def test_an_address_where_nobody_speaks_http(self) -> None:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.clinic.example ESMTP\r\n")
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(Unavailable):
                await IssuerKeys(f"http://127.0.0.1:{port}/keys").naming("k1")

    async def test_follows_no_redirect(self, issuer: FakeIssuer) -> None:
        issuer.status, issuer.headers = 302, {"Location": issuer.url.replace("keys", "elsewhere")}

        with pytest.raises(Unavailable):
            await IssuerKeys(issuer.url).naming("k1")

        assert issuer.asked == ["/keys"]

    async def test_gives_up_on_who_does_not_answer(self, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(issuer_keys, "SECONDS_EACH_STEP", 0.1)
        issuer.let_answer.clear()

        with pytest.raises(Unavailable):
            await IssuerKeys(issuer.url).naming("k1")

    async def test_gives_up_on_who_drips(self, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(issuer_keys, "SECONDS_IN_ALL", 0)

        with pytest.raises(ValueError, match="too slow"):
            await asyncio.to_thread(fetch, issuer.url)


class TestUsableKeys:
    def test_takes_what_can_check_signatures_and_passes_over_the_rest(self) -> None:
        listed = [
            public_half(a_key("P-256"), "good"),
            public_half(a_key("P-256"), "for encrypting", use="enc"),
            {"kty": "oct", "k": "AAAA", "kid": "shared"},
            a_key("P-256").as_dict(private=False),
            "no key",
            {"kid": 7},
        ]

        assert set(usable_keys(json.dumps({"keys": listed}).encode())) == {"good"}
