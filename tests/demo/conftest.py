"""A copy of the filled demo clinic for each test that asks for it, and its people's sign-ins."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.demo.filled import demo_clinic

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from app.core.settings import Settings


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The demo clinic is a SQLite file, whatever the suite keeps its data in: once is enough."""
    for item in items:
        if "demo_file" in getattr(item, "fixturenames", ()):
            item.add_marker("sqlite")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clinic, filled once for all workers. Nobody writes to this one."""
    own = tmp_path_factory.getbasetemp()
    return demo_clinic(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture
def demo_file(filled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copyfile(filled, tmp_path / "demo.db")


@pytest.fixture
def database_url(demo_file: Path) -> str:
    """Tests of this folder run on the demo, which is SQLite whatever the rest of the suite runs on."""
    return f"sqlite:///{demo_file}"


@pytest.fixture
async def engine(settings: "Settings", anyio_backend: str) -> "AsyncIterator[AsyncEngine]":
    """An engine on the copy."""
    from app.core.db import create_engine

    opened = create_engine(settings)
    yield opened
    await opened.dispose()


@pytest.fixture
def sign_ins(demo_file: Path, tmp_path: Path) -> dict[str, Any]:
    """What `afterglow demo --json` writes."""
    from app.demo import command, database

    command.tell(database.demo_settings(demo_file, "http://127.0.0.1:8000"), tmp_path / "demo.json")
    written: dict[str, Any] = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    return written


@pytest.fixture
def signed_in(
    sign_ins: dict[str, Any], new_client: Callable[..., httpx2.AsyncClient]
) -> Callable[[str], httpx2.AsyncClient]:
    """Makes the client of somebody of the demo, by the first part of their address."""
    tokens = {who["email"]: who["access_token"] for who in sign_ins["patients"] + sign_ins["clinicians"]}

    def client(key: str) -> httpx2.AsyncClient:
        return new_client(tokens[f"{key}@example.org"])

    return client
