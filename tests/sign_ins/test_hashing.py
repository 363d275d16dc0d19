"""Hashes are computed a few at a time, and whoever does something else does not notice."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from app.credentials import passwords
from app.credentials.passwords import Hasher
from tests.sign_ins.conftest import counted


class Slow:
    """A hash that takes its time, and counts how many run at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.running, self.most, self.all = seconds, 0, 0, 0
        self._lock = threading.Lock()
        self.gate = threading.Event()
        self.gate.set()

    def verify(self, stored: str, secret: str) -> bool:
        with self._lock:
            self.running, self.all = self.running + 1, self.all + 1
            self.most = max(self.most, self.running)
        self.gate.wait(20)
        time.sleep(self.seconds)
        with self._lock:
            self.running -= 1
        return False


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(2000):
        if reached():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to that")


class TestHashing:
    async def test_of_50_at_once_runs_a_few_at_a_time_and_holds_nobody_up(
        self,
        sign_in_often: Callable[..., Any],
        as_patient: httpx2.AsyncClient,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        slow, hasher = Slow(0.001), passwords.hasher(settings)
        slow.gate.clear()
        monkeypatch.setattr(hasher, "_argon2", slow)

        signing_in = asyncio.create_task(sign_in_often(50))
        await until(lambda: hasher._asked == 50)
        assert slow.all == 2
        for _ in range(20):  # more than there are connections
            assert (await as_patient.get("/v1/me")).status_code == 200
        slow.gate.set()

        assert counted(await signing_in) == {401: 50}
        assert slow.all == 50
        assert slow.most == settings.password_hashes_at_once == 2

    async def test_sends_away_whom_it_would_keep_waiting_for_too_long(
        self, sign_in_often: Callable[..., Any], app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app.state.settings = settings.model_copy(update={"password_hashes_waiting": 5})
        slow = Slow(0)
        slow.gate.clear()
        monkeypatch.setattr(passwords.hasher(app.state.settings), "_argon2", slow)

        asking = [asyncio.create_task(sign_in_often(1)) for _ in range(30)]
        await until(lambda: sum(task.done() for task in asking) == 23)
        slow.gate.set()
        got = [answer for (answer,) in await asyncio.gather(*asking)]

        assert counted(got) == {401: 7, 503: 23}
        busy = next(answer for answer in got if answer.status_code == 503)
        assert busy.json()["code"] == "unavailable"
        assert busy.headers["retry-after"] == "2"
        assert slow.all == 7
        assert counted(await sign_in_often(3)) == {401: 3}

    async def test_never_runs_one_too_many_for_whom_nobody_waits_any_more(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hasher = Hasher(rounds=1, memory_kib=8, at_once=2)
        slow = Slow(0.05)
        monkeypatch.setattr(hasher, "_argon2", slow)
        given_up = [asyncio.create_task(hasher.matches("a hash", "a secret")) for _ in range(4)]
        await asyncio.sleep(0.01)
        for task in given_up:
            task.cancel()
        await asyncio.wait(given_up)

        await asyncio.gather(*(hasher.matches("a hash", "a secret") for _ in range(4)))

        assert slow.most == 2
        assert slow.all == 6
