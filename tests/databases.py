"""A real database for each test: a copy of a migrated file on SQLite, one cleaned database a worker on PostgreSQL."""

import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import anyio.to_thread
import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import create_engine
from app.core.settings import Settings
from tests.postgresql import APPLICATION, LET_IN, address

ROOT = Path(__file__).parent.parent
TEMPLATE = "migrated"
TEMPLATE_LOCK = 1


WIDE = "1000000/60"
WIDE_LIMITS: dict[str, Any] = {name: WIDE for name in Settings.model_fields if name.startswith("limit_")}
WIDE_ENVIRONMENT = {f"AFTERGLOW_{name.upper()}": WIDE for name in WIDE_LIMITS}
"""Limits for servers that are drilled and measured, which are asked more than any phone asks."""


def settings_for(database_url: str) -> Settings:
    """Settings of a test: hashing as cheap as can be, limits that no test reaches unless it means to, leave soon over.

    Everything else is as it is shipped.
    """
    return _USUAL.model_copy(update={"database_url": database_url})


_USUAL = Settings(password_hash_memory_kib=8, password_hash_rounds=1, leave_seconds=0.3, **WIDE_LIMITS)
# Made once: looking for each setting in the environment costs more than a request.


def alembic_config(database_url: str) -> Config:
    """How Alembic's commands reach this database."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["settings"] = settings_for(database_url)
    return config


async def migrate(database_url: str) -> None:
    """Bring a database to the newest schema, as `afterglow migrate` does."""
    await anyio.to_thread.run_sync(command.upgrade, alembic_config(database_url), "head")


class Databases(Protocol):
    """Where tests get their databases from."""

    async def fresh(self) -> str:
        """The address of a migrated database without rows. The one given before must be in use no longer."""

    def engine(self, settings: Settings) -> AbstractAsyncContextManager[AsyncEngine]:
        """An engine on the database that `fresh` gave."""

    async def bare(self) -> str:
        """The address of a new database without any table, for tests of migrations."""

    @property
    def superuser_url(self) -> str | None:
        """The address of the database that `fresh` gave, for somebody whom no rule binds; None on SQLite."""


class SqliteFiles:
    """Each test has a file of its own, copied from one that was migrated once; one engine opens them in turn."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / f"{TEMPLATE}.db"
        self._path = self._template
        self._engine: AsyncEngine | None = None
        self._numbers = itertools.count()

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator["SqliteFiles"]:
        files = cls(folder)
        await migrate(f"sqlite:///{files._template}")
        yield files

    async def fresh(self) -> str:
        self._path = self._folder / f"test_{next(self._numbers)}.db"
        shutil.copyfile(self._template, self._path)
        return f"sqlite:///{self._path}"

    @asynccontextmanager
    async def engine(self, settings: Settings) -> AsyncIterator[AsyncEngine]:
        """One engine for all tests of the worker: it remembers the SQL of the statements that it compiled."""
        if self._engine is None:
            self._engine = self._switching(create_engine(settings))
        self._engine.sync_engine.url = make_url(settings.async_database_url)  # for tests that look into the file
        yield self._engine
        await self._engine.dispose()
        for leftover in self._folder.glob(f"{self._path.name}*"):
            leftover.unlink()

    def _switching(self, engine: AsyncEngine) -> AsyncEngine:
        """Let the engine open the file of the test that runs."""

        @event.listens_for(engine.sync_engine, "do_connect")
        def _open(_dialect: object, _record: object, arguments: list[Any], _options: object) -> None:
            arguments[0] = str(self._path)

        @event.listens_for(engine.sync_engine, "connect")
        def _hurry(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA synchronous = OFF")

        return engine

    async def bare(self) -> str:
        return f"sqlite:///{self._folder / f'bare_{next(self._numbers)}.db'}"

    superuser_url: str | None = None


class PostgresqlDatabase:
    """Each worker has one database, made from a template that was migrated once; tables with rows are emptied."""

    def __init__(self, host: str, name: str, connection: asyncpg.Connection) -> None:
        self._host = host
        self._name = name
        self._connection = connection
        self._engine: AsyncEngine | None = None
        self._numbers = itertools.count()

    @classmethod
    @asynccontextmanager
    async def opened(cls, host: str, name: str) -> AsyncIterator["PostgresqlDatabase"]:
        async with connected(address(host, "postgres")) as maintenance:
            await maintenance.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
            if not await maintenance.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", TEMPLATE):
                await _make_template(host, maintenance)
            await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")

        async with connected(address(host, name)) as connection:
            database = cls(host, name, connection)
            yield database
            if database._engine is not None:
                await database._engine.dispose()

    async def fresh(self) -> str:
        await self._connection.execute("CALL testing.clean()")
        return address(self._host, self._name, APPLICATION)

    @asynccontextmanager
    async def engine(self, settings: Settings) -> AsyncIterator[AsyncEngine]:
        """One engine for all tests of the worker: a new connection costs more than most tests."""
        if self._engine is None:
            self._engine = create_engine(settings)
        yield self._engine

    async def bare(self) -> str:
        name = f"{self._name}_bare_{next(self._numbers)}"
        await self._connection.execute(f"CREATE DATABASE {name}")
        return address(self._host, name)

    @property
    def superuser_url(self) -> str | None:
        return address(self._host, self._name)


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A plain connection of the driver."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _make_template(host: str, maintenance: asyncpg.Connection) -> None:
    """Migrate once for all workers. It gets its name last: a half-made template is nobody's template."""
    unfinished = f"{TEMPLATE}_unfinished"
    await maintenance.execute(f"CREATE DATABASE {unfinished}")
    await migrate(address(host, unfinished))
    async with connected(address(host, unfinished)) as connection:
        await _add_cleaning(connection)
        await connection.execute(LET_IN)
    await maintenance.execute(f"ALTER DATABASE {unfinished} RENAME TO {TEMPLATE}")


async def _add_cleaning(connection: asyncpg.Connection) -> None:
    """A procedure that empties tables which have rows, whatever their triggers and foreign keys say.

    Most tests touch few of the tables. Asking each whether it has a row costs microseconds; TRUNCATE of all of them
    costs more than the test.
    """
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
        "WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
    )
    for table in tables:
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table['name']})"):
            msg = f"A migration puts rows into {table['name']}; cleaning would lose them. Load such rows at start-up."
            raise RuntimeError(msg)
    steps = "\n".join(
        f"IF EXISTS (SELECT FROM {table['name']}) THEN DELETE FROM {table['name']}; END IF;" for table in tables
    )
    await connection.execute("CREATE SCHEMA testing")
    await connection.execute(
        f"""
        CREATE PROCEDURE testing.clean() LANGUAGE plpgsql
        SET lock_timeout = '5s'                 -- a transaction that an earlier test left open fails the next test
        SET session_replication_role = replica  -- append-only triggers and foreign keys do not apply to cleaning
        AS $$ BEGIN {steps} END $$
        """
    )
