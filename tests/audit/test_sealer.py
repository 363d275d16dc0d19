"""The sealer that runs beside the server: it goes on, whatever happens."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.sealing import Sealer, seal_forever
from app.core.logging import configure
from app.core.settings import Settings
from app.main import create_app
from tests.audit.conftest import named, stored, write


class TestSealForever:
    @pytest.fixture
    def quick(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"audit_seal_seconds": 0.01})

    async def test_seals_what_comes(self, engine: AsyncEngine, quick: Settings) -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(seal_forever(engine, quick, stop))
        await write(engine, 3)
        await _until(lambda: _all_sealed(engine))
        await write(engine, 3)
        await _until(lambda: _all_sealed(engine))
        stop.set()
        await task

        assert await named(engine) == []

    async def test_goes_on_after_a_failure_and_tells_it_once(
        self, engine: AsyncEngine, quick: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        configure(quick)
        logging.getLogger().addHandler(caplog.handler)
        rounds = 0
        seal = Sealer.seal

        async def fail_at_first(self: Sealer, most: int = 500, *, sign: bool = False) -> int:
            nonlocal rounds
            rounds += 1
            if rounds < 4:
                raise OSError
            return await seal(self, most, sign=sign)

        monkeypatch.setattr(Sealer, "seal", fail_at_first)
        await write(engine, 1)
        stop = asyncio.Event()
        task = asyncio.create_task(seal_forever(engine, quick, stop))
        await _until(lambda: _all_sealed(engine))
        stop.set()
        await task

        assert len([record for record in caplog.records if "audit_sealing_failed" in str(record.msg)]) == 1

    @pytest.mark.parametrize(("seconds", "sealed"), [(0.01, True), (0, False)])
    async def test_runs_as_long_as_the_server(
        self, engine: AsyncEngine, settings: Settings, seconds: float, sealed: bool
    ) -> None:
        application: FastAPI = create_app(settings.model_copy(update={"audit_seal_seconds": seconds}))
        await write(engine, 2)

        async with application.router.lifespan_context(application):
            if sealed:
                await _until(lambda: _all_sealed(engine))
            else:
                await asyncio.sleep(0.1)

        assert await _all_sealed(engine) is sealed


async def _all_sealed(engine: AsyncEngine) -> bool:
    return all(entry["seq"] for entry in await stored(engine))


async def _until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not await happened():  # noqa: ASYNC110  the database does not call back
            await asyncio.sleep(0.01)
