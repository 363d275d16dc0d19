"""Passwords: hashed a few at a time, and refused when too easy to guess."""

import asyncio
import threading
import time

import pytest

from app.credentials.passwords import MIN_CHARACTERS, Hasher, weakness


@pytest.fixture
def cheap() -> Hasher:
    return Hasher(rounds=1, memory_kib=8, at_once=2)


class TestHasher:
    async def test_knows_the_secret_again(self, cheap: Hasher) -> None:
        stored = await cheap.hash("a secret")

        assert await cheap.matches(stored, "a secret")
        assert not await cheap.matches(stored, "another")

    async def test_never_hashes_alike(self, cheap: Hasher) -> None:
        assert await cheap.hash("a secret") != await cheap.hash("a secret")

    async def test_nothing_matches_nothing(self, cheap: Hasher) -> None:
        assert not await cheap.matches(None, "nobody's password")
        assert not await cheap.matches(None, "")

    @pytest.mark.parametrize("stored", ["", "x", "$argon2id$v=19$m=8,t=1,p=1$broken", "$2b$12$abcdefghijklmnopqrstuv"])
    async def test_a_stored_text_that_is_no_hash_matches_nothing(self, cheap: Hasher, stored: str) -> None:
        assert not await cheap.matches(stored, "a secret")

    async def test_knows_what_weaker_settings_made(self, cheap: Hasher) -> None:
        stored = await cheap.hash("a secret")

        assert not cheap.is_outdated(stored)
        assert Hasher(rounds=2, memory_kib=8, at_once=2).is_outdated(stored)
        assert Hasher(rounds=1, memory_kib=16, at_once=2).is_outdated(stored)

    async def test_no_more_run_at_once_than_allowed(self, cheap: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
        running, most, lock = 0, 0, threading.Lock()

        class Slow:
            def hash(self, secret: str) -> str:
                nonlocal running, most
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0.01)
                with lock:
                    running -= 1
                return secret

        monkeypatch.setattr(cheap, "_argon2", Slow())

        await asyncio.gather(*(cheap.hash(str(number)) for number in range(8)))

        assert most == 2


class TestWeakness:
    @pytest.mark.parametrize(
        "password",
        [
            "quiet-harbour-lantern-42",
            "correct horse battery staple",
            "Riverside beside the sea",
            "пароль и кот на окне",
        ],
    )
    def test_finds_none_in_a_long_uncommon_one(self, password: str) -> None:
        assert weakness(password, "Riverside") is None

    @pytest.mark.parametrize(
        ("password", "why"),
        [
            ("a" * MIN_CHARACTERS, "too_repetitive"),
            ("AbaBabABabAbabAb", "too_repetitive"),
            ("passwordpassword1", "too_common"),
            ("ketamine-afterglow", "too_common"),
            ("RiversideRecovery", "too_common"),
        ],
    )
    def test_says_what_is_wrong(self, password: str, why: str) -> None:
        assert weakness(password, "Riverside Clinic") == why
