"""A small clinic, and what was logged."""

import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import httpx2
import pytest
import structlog
from fastapi import FastAPI

from app.core import logging as core_logging
from app.core.db import Database
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
