"""The command as a person types it, on the database of the test."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from typer.testing import CliRunner

from app.core.db import Database
from app.core.settings import Settings, get_settings
from app.identity.models import Clinic
from app.imports import commands
from tests.factories import a_clinic

DATA = Path(__file__).parent / "data"
SHIPPED = Path(commands.__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it printed."""

    exit_code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """What it printed as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Run = Callable[..., Awaitable[Ran]]


@pytest.fixture
def afterglow(monkeypatch: pytest.MonkeyPatch, settings: Settings, db: Database) -> Iterator[Run]:
    """Runs `afterglow import ...` with these arguments, as another process would: what `db` did is committed before."""
    monkeypatch.setenv("AFTERGLOW_DATABASE_URL", settings.database_url)
    get_settings.cache_clear()

    async def run(*arguments: object) -> Ran:
        await db.finish()
        db.expunge_all()
        words = [str(argument) for argument in arguments]
        result = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(commands.app, words))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    yield run
    get_settings.cache_clear()


@pytest.fixture
async def clinic(db: Database) -> Clinic:
    """Where the records are brought in."""
    return await a_clinic(db, time_zone="America/New_York")
