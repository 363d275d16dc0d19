"""The engine: how this process is connected to its database.

On PostgreSQL the clinic that a transaction works for travels with its `BEGIN`, so that row-level security knows it
before the first statement is planned, and costs no message of its own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_
from sqlalchemy.util.concurrency import in_greenlet

from app.core.settings import Settings

BUSY_TIMEOUT_MILLISECONDS = 5000
REPLICA_CONNECT_SECONDS = 5


class ClinicConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """asyncpg's connection, which says with every BEGIN what the transaction is for."""

    __slots__ = ("opening",)

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401  passed on to asyncpg
        super().__init__(*arguments)
        self.opening = ""

    async def execute(self, query: str, *arguments: Any, timeout: float | None = None) -> str:  # noqa: ANN401, ASYNC109
        """Run a statement; a BEGIN with what belongs to it."""
        if self.opening and query.startswith("BEGIN"):
            query, self.opening = query + self.opening, ""
        told: str = await super().execute(query, *arguments, timeout=timeout)
        return told


def say_with_begin(connection: sa.Connection, clinic_id: UUID | None, *, relaxed: bool) -> None:
    """Say which clinic the transaction that begins on this connection is for.

    `relaxed`: what it writes may be lost if the database's machine crashes, at most half a second of it.
    """
    driver = connection.connection.driver_connection
    if isinstance(driver, ClinicConnection):
        clinic = f"SET LOCAL app.clinic_id = '{clinic_id}';" if clinic_id else ""
        driver.opening = clinic + ("SET LOCAL synchronous_commit = off;" if relaxed else "")


def create_engine(settings: Settings) -> AsyncEngine:
    """The engine for `settings`; parameters never reach an exception's text, since they may be what a patient wrote."""
    return _sqlite_engine(settings) if settings.is_sqlite else _postgresql_engine(settings)


def create_reading_engine(settings: Settings) -> AsyncEngine:
    """The engine for a replica: nothing is ever written there, and one that does not answer is soon given up."""
    return _postgresql_engine(settings, {"timeout": REPLICA_CONNECT_SECONDS}, {"default_transaction_read_only": "on"})


def _postgresql_engine(
    settings: Settings, options: Mapping[str, Any] | None = None, session: Mapping[str, str] | None = None
) -> AsyncEngine:
    engine = create_async_engine(
        settings.async_database_url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        hide_parameters=True,
        connect_args={
            "connection_class": ClinicConnection,
            "command_timeout": settings.statement_timeout_seconds + 1,
            "server_settings": {
                "application_name": "afterglow",
                "jit": "off",
                "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
                "lock_timeout": "2000",
                "idle_in_transaction_session_timeout": "10000",
                **(session or {}),
            },
            **(options or {}),
        },
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def _wait_where_that_can_be(*_: object) -> None:
        """Refuse to connect for who took a connection that is there without a detour: `asking` does, and asks again."""
        if not in_greenlet():
            raise MissingGreenlet

    return engine


def _sqlite_engine(settings: Settings) -> AsyncEngine:
    """One connection for the whole process.

    Every request writes at least its audit entry, and SQLite has one writer. Taking the write lock at the start
    (`BEGIN IMMEDIATE`) and queueing for one connection in order costs less than readers that fail when they turn into
    writers, and the bug of SQLite before 3.51.3 that needs two connections to one log cannot occur.
    """
    path = make_url(settings.async_database_url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        settings.async_database_url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        hide_parameters=True,
        pool_reset_on_return=None,
        connect_args={"isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's connection
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    # Each word to the thread that has the connection costs as much as a statement: one for the BEGIN where SQLAlchemy
    # would send four, and none for a connection that comes back as it should.
    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        await_(driver.execute_fetchall("BEGIN IMMEDIATE"))

    @event.listens_for(engine.sync_engine.pool, "reset")
    def _reset(connection: Any, _record: object, _state: object) -> None:  # noqa: ANN401  the driver's connection
        if connection.driver_connection.in_transaction:
            connection.rollback()

    return engine
