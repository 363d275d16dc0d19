"""Every migration goes up, down and up again, and together they make the tables that the models describe.

Run on SQLite and on PostgreSQL, as everything here is.
"""

import io
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import create_engine
from tests.databases import ROOT, Databases, alembic_config, settings_for

SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))
HISTORY = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]
FILES = sorted((ROOT / "migrations/versions").glob("*.py"))
SEEN_TO_ELSEWHERE = (
    "require-lock-timeout",  # env.py sets it for all
    "require-statement-timeout",  # the same
    "prefer-robust-stmts",  # each migration is one transaction
    "prefer-bigint-over-int",  # our ids are UUIDs; what is counted in 32 bits is small
    "prefer-text-field",  # lengths are promises of the API
)
NAME = re.compile(r"20\d\d_[01]\d_[0-3]\d_[0-2]\d[0-5]\d_[a-z0-9_]+")


async def alembic(what: str, database_url: str, *arguments: str) -> None:
    """Run one of Alembic's commands beside the event loop, since it starts a loop of its own."""
    await anyio.to_thread.run_sync(getattr(command, what), alembic_config(database_url), *arguments)


async def schema_of(engine: AsyncEngine) -> dict[str, object]:
    """Tables, columns, indexes and constraints, as the database itself tells them."""

    def read(connection: sa.Connection) -> dict[str, object]:
        inspector = sa.inspect(connection)
        return {
            table: {
                "columns": {column["name"]: (str(column["type"]), column["nullable"]) for column in columns},
                "indexes": sorted(str(index["name"]) for index in inspector.get_indexes(table)),
                "unique": sorted(str(unique["name"]) for unique in inspector.get_unique_constraints(table)),
                "checks": sorted(str(check["name"]) for check in inspector.get_check_constraints(table)),
                "foreign_keys": sorted(str(key["name"]) for key in inspector.get_foreign_keys(table)),
            }
            for (_, table), columns in inspector.get_multi_columns().items()
            if table != "alembic_version"
        }

    async with engine.connect() as connection:
        return await connection.run_sync(read)


def complaints(sql: str, accepted: Sequence[str] = ()) -> list[str]:
    """What squawk says of a migration's SQL: locks that stop the clinic, changes that break the previous release."""
    excluded = ",".join([*SEEN_TO_ELSEWHERE, *accepted])
    squawk = [str(Path(sys.executable).with_name("squawk")), "--reporter=gcc", "--pg-version=15"]
    told = subprocess.run([*squawk, f"--exclude={excluded}"], input=sql, check=False, capture_output=True, text=True)
    return told.stdout.splitlines()


class TestLocks:
    def test_later_migrations_neither_stop_the_clinic_nor_break_the_previous_release(self) -> None:
        """A migration that must do so says which rule it breaks: `knowingly = ("ban-drop-column",)`, and why."""
        for before, revision in itertools.pairwise(HISTORY):
            sql = io.StringIO()
            config = alembic_config("postgresql://nobody@/nowhere")
            config.output_buffer = sql
            command.upgrade(config, f"{before}:{revision}", sql=True)

            assert complaints(sql.getvalue(), getattr(SCRIPTS.get_revision(revision).module, "knowingly", ())) == []

    @pytest.mark.parametrize(
        ("sql", "rule"),
        [
            ("ALTER TABLE clinics ADD COLUMN city text NOT NULL;", "adding-required-field"),
            ("CREATE INDEX ix_clinics_name ON clinics (name);", "require-concurrent-index-creation"),
            ("ALTER TABLE clinics DROP COLUMN name;", "ban-drop-column"),
        ],
    )
    def test_the_check_finds_what_it_is_for(self, sql: str, rule: str) -> None:
        assert any(rule in complaint for complaint in complaints(sql))
        assert complaints(sql, [rule]) == []


class TestHistory:
    def test_is_one_line(self) -> None:
        assert len(SCRIPTS.get_heads()) == 1
        assert len(SCRIPTS.get_bases()) == 1

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_each_name_tells_when_and_what(self, path: Path) -> None:
        assert NAME.fullmatch(path.stem)

    @pytest.mark.parametrize("revision", HISTORY)
    def test_each_says_why_and_what_the_previous_release_sees(self, revision: str) -> None:
        said = SCRIPTS.get_revision(revision).module.__doc__ or ""

        assert re.search(r"^Why: \S", said, re.MULTILINE)
        assert re.search(r"^What the previous release sees while both run: \S", said, re.MULTILINE)


class TestMigrations:
    async def test_each_goes_up_down_and_up_again_to_the_same_schema(self, databases: Databases) -> None:
        url = await databases.bare()
        engine = create_engine(settings_for(url))
        below: dict[str, object] = {}
        for revision in HISTORY:
            await alembic("upgrade", url, revision)
            reached = await schema_of(engine)
            await alembic("downgrade", url, "-1")
            assert await schema_of(engine) == below
            await alembic("upgrade", url, revision)
            assert await schema_of(engine) == reached
            below = reached
        await engine.dispose()

        assert below

    async def test_together_they_make_the_tables_of_the_models(self, database_url: str) -> None:
        await alembic("check", database_url)

    async def test_running_them_again_changes_nothing(self, database_url: str) -> None:
        await alembic("upgrade", database_url, "head")

        await alembic("check", database_url)

    async def test_two_runners_at_once_both_succeed(self, databases: Databases) -> None:
        url = await databases.bare()
        command_line = [sys.executable, "-m", "alembic", "upgrade", "head"]
        environment = {**os.environ, "AFTERGLOW_DATABASE_URL": url}
        runners = [
            await anyio.open_process(command_line, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
            for _ in range(2)
        ]

        assert [await runner.wait() for runner in runners] == [0, 0]
        await alembic("check", url)
