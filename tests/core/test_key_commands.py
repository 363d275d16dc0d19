"""`afterglow keys rotate`, as an operator meets it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio.to_thread
import pytest
from typer.testing import CliRunner, Result

from app import cli
from app.core import starting
from app.core.crypto import KeyRing
from app.core.db import Database
from app.core.settings import SAMPLE_SECRET, Settings, get_settings
from tests.cast import Cast

NEW = "new-" + "n" * 40
OTHER = "other-" + "x" * 40
Command = Callable[..., Awaitable[Result]]


@pytest.fixture
async def command(
    cast: Cast, db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> AsyncIterator[Command]:
    """Runs `afterglow keys ...` with a ring of secrets, on the database of a small clinic."""
    await db.finish()

    async def run(*words: str, ring: list[str]) -> Result:
        monkeypatch.setenv("AFTERGLOW_DATABASE_URL", settings.database_url)
        monkeypatch.setenv("AFTERGLOW_SECRET_KEYS", json.dumps(ring))
        get_settings.cache_clear()
        return await anyio.to_thread.run_sync(lambda: CliRunner().invoke(cli.app, ["keys", *words]))

    yield run
    get_settings.cache_clear()


def named(secret: str) -> str:
    return KeyRing([secret]).first_id.hex()


class TestRotate:
    async def test_tells_when_the_old_secret_may_leave(self, command: Command) -> None:
        result = await command("rotate", ring=[NEW, SAMPLE_SECRET])

        assert result.exit_code == 0
        assert f"secret 2 ({named(SAMPLE_SECRET)}, still honoured): 0 values" in result.output
        assert "may leave" in result.output
        assert "sign in again" in result.output
        assert (await command("rotate", "--check", ring=[NEW])).exit_code == 0

    async def test_with_check_changes_nothing(self, command: Command) -> None:
        checked = await command("rotate", "--check", ring=[NEW, SAMPLE_SECRET])
        again = await command("rotate", "--check", ring=[NEW, SAMPLE_SECRET])

        assert (checked.exit_code, again.output) == (1, checked.output)
        assert f"secret 1 ({named(NEW)}, in use): 0 values" in checked.output
        assert "run `afterglow keys rotate`" in checked.output
        assert "may leave" not in checked.output

    async def test_with_one_secret_has_nothing_to_do(self, command: Command) -> None:
        result = await command("rotate", ring=[SAMPLE_SECRET])

        assert result.exit_code == 0
        assert "0 values were sealed" in result.output
        assert "may leave" not in result.output

    async def test_tells_of_what_no_secret_opens(self, command: Command) -> None:
        result = await command("rotate", ring=[NEW, OTHER])

        assert result.exit_code == 1
        assert "under no secret of the ring: " in result.output

    async def test_never_shows_a_secret(self, command: Command) -> None:
        result = await command("rotate", ring=[NEW, SAMPLE_SECRET])

        assert NEW not in result.output
        assert SAMPLE_SECRET not in result.output

    async def test_needs_a_schema(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(starting, "newest_revision", lambda: "0000newer0000")

        result = await command("rotate", ring=[SAMPLE_SECRET])

        assert result.exit_code == 1
        assert "afterglow migrate" in result.output
