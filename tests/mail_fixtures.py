"""Fixtures of the tests that send mail: a server, the settings that name it, and what the log said meanwhile."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI

from app.core.logging import configure
from app.core.settings import Settings
from tests.mail_servers import Letters, mail_server


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[Letters]:
    """A mail server that takes everything."""
    async with mail_server() as started:
        yield started


@pytest.fixture
def mailing(settings: Settings, server: Letters) -> Settings:
    """Settings that name it."""
    return server.settings(settings)


@pytest.fixture
def logged(settings: Settings, app: FastAPI) -> Iterator[list[str]]:
    """Every line of ours in the log, which the application sets up when it starts."""
    root, lines = logging.getLogger(), list[str]()
    before = root.handlers
    configure(settings)

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name == "afterglow":
                lines.append(str(record.msg))

    root.handlers = [Keeper()]
    yield lines
    root.handlers = before
