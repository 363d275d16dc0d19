"""A small clinic, and what was logged."""

import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace

import httpx2
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import limits as core_limits
from app.core import logging as core_logging
from app.core.db import Database
from app.core.limits import Limits
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.conftest import BASE_URL

CANARY = "CANARY-5b1f0c"


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A patient and those who look after them."""
    return await a_cast(db, settings)


@pytest.fixture
def as_patient(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The patient's phone."""
    return new_client(cast.patient.token)


@pytest.fixture
def as_prescriber(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The prescriber's browser."""
    return new_client(cast.prescriber.token)


@pytest.fixture
async def unchecked(app: FastAPI, anyio_backend: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller whose answers are not compared with the OpenAPI document, for what no document describes."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as caller:
        yield caller


@pytest.fixture
def logs(app: FastAPI, settings: Settings) -> Iterator[io.StringIO]:
    """Everything that is logged, as it would reach the terminal."""
    root = logging.getLogger()
    before = root.handlers
    core_logging.configure(settings.model_copy(update={"log_level": "DEBUG"}))
    (ours,) = root.handlers
    assert isinstance(ours.formatter, structlog.stdlib.ProcessorFormatter)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(ours.formatter)
    root.handlers = [handler]
    yield written
    root.handlers = before
    root.setLevel(settings.log_level)


@pytest.fixture
def asked(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements that asked for permits."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "rate_limits" in statement:
            sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


@pytest.fixture
async def made(settings: Settings, engine: AsyncEngine, anyio_backend: str) -> AsyncIterator[Callable[..., Limits]]:
    """Makes limits as a worker has them; settings may be named."""
    every: list[Limits] = []

    def make(**but: str) -> Limits:
        every.append(Limits(settings.model_copy(update=but), engine))
        return every[-1]

    yield make
    for one in every:
        await one.settle()


@pytest.fixture
def limited(app: FastAPI, made: Callable[..., Limits]) -> Callable[..., Limits]:
    """Gives the application these limits."""

    def give(**but: str) -> Limits:
        app.state.limits = made(**but)
        limits: Limits = app.state.limits
        return limits

    return give


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock for leases that a test can put forward."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(core_limits, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock
