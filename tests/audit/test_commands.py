"""`afterglow audit`, as a person at a terminal or a nightly job meets it."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner, Result

from app import cli
from app.audit import commands
from app.audit.models import AuditCheckpoint, AuditEntry
from app.core import logging
from app.core.settings import Settings, get_settings
from tests.audit.conftest import Intruder, write

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def afterglow(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Run]:
    """Runs `afterglow audit ...` with these arguments, beside the event loop, since it starts one of its own."""
    monkeypatch.setenv("AFTERGLOW_DATABASE_URL", settings.database_url)
    get_settings.cache_clear()

    async def run(*arguments: object) -> Result:
        words = ["audit", *map(str, arguments)]
        try:
            return await anyio.to_thread.run_sync(lambda: CliRunner().invoke(cli.app, words, prog_name="afterglow"))
        finally:
            logging.configure(settings)  # the command's standard error is gone

    yield run
    get_settings.cache_clear()


class TestSeal:
    async def test_seals_signs_and_prints_the_checkpoint(self, afterglow: Run, engine: AsyncEngine) -> None:
        await write(engine, 3)

        ran = await afterglow("seal")

        sealed, checkpoint = ran.stdout.splitlines()
        assert (ran.exit_code, sealed) == (0, "Sealed 3 entries.")
        assert json.loads(checkpoint)["seq"] == 3

    async def test_may_have_nothing_to_do(self, afterglow: Run) -> None:
        ran = await afterglow("seal")

        assert (ran.exit_code, ran.stdout) == (0, "Sealed 0 entries.\n")


class TestVerify:
    async def test_says_that_all_is_well(
        self, afterglow: Run, engine: AsyncEngine, chain: list[dict[str, Any]]
    ) -> None:
        await write(engine, 1)

        ran = await afterglow("verify")

        assert ran.exit_code == 0
        assert ran.stdout.startswith("Intact: 20 entries sealed, 1 not yet.\nSigned up to 20 at ")

    async def test_names_the_row_and_fails(
        self, afterglow: Run, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        await intruder(sa.update(AuditEntry).where(AuditEntry.seq == 7).values(operation="other"))

        ran = await afterglow("verify")

        assert ran.exit_code == 1
        assert f"changed: seq 7 id {chain[6]['id']}. " in ran.stdout
        assert "NOT INTACT: 1 findings." in ran.stderr

    async def test_notices_a_cut_end_by_what_it_printed_before(
        self, afterglow: Run, chain: list[dict[str, Any]], intruder: Intruder, tmp_path: Path
    ) -> None:
        kept = tmp_path / "kept.json"
        kept.write_text((await afterglow("verify", "--json")).stdout, encoding="utf-8")
        await intruder(sa.delete(AuditEntry), sa.delete(AuditCheckpoint))

        without, with_it = await afterglow("verify"), await afterglow("verify", "--checkpoint", kept)

        assert (without.exit_code, with_it.exit_code) == (0, 1)
        assert "The entries 1 to 20 are gone" in with_it.stdout

    async def test_tells_machines_the_same(
        self, afterglow: Run, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        await intruder(sa.delete(AuditEntry).where(AuditEntry.seq == 7))

        ran = await afterglow("verify", "--json")

        told = json.loads(ran.stdout)
        assert ran.exit_code == 1
        assert (told["intact"], told["entries"], told["last_seq"], told["findings"]) == (False, 19, 20, 1)
        assert told["first_findings"] == [
            {"kind": "missing", "seq": 7, "entry_id": None, "said": "The entry 7 is gone."}
        ]
        assert told["checkpoint"]["seq"] == 20

    async def test_names_no_more_than_a_person_reads(
        self, afterglow: Run, engine: AsyncEngine, chain: list[dict[str, Any]], intruder: Intruder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(commands, "MOST_TOLD", 5)
        await intruder(sa.update(AuditEntry).values(operation="other"))

        ran = await afterglow("verify")

        assert ran.stdout.count("changed: ") == 5
        assert "... and 15 more." in ran.stdout

    @pytest.mark.parametrize(("text", "said"), [(None, "No such file"), ("{}", "no checkpoint"), ("\xff", "")])
    async def test_a_file_without_a_checkpoint_is_no_proof(
        self, afterglow: Run, tmp_path: Path, text: str | None, said: str
    ) -> None:
        file = tmp_path / "kept.json"
        if text is not None:
            file.write_text(text, encoding="latin-1")

        ran = await afterglow("verify", "--checkpoint", file)

        assert ran.exit_code == 2
        assert "cannot be read" in ran.stderr
        assert said in ran.stderr
