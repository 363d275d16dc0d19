"""The database: one engine for the process, one transaction for each request, committed before the answer leaves.

SQLite (one process, one connection, WAL) and PostgreSQL share every line of the services; what differs between them is
in this module and in `columns.py`.

`Database` is SQLAlchemy's asynchronous session with one addition: rows that nobody reads back before the commit (the
audit entry, the outbox event, the values of a check-in) are *staged* and written together. On PostgreSQL that is one
statement whatever the number of tables and rows, which is what makes a check-in cheap.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import AsyncAdaptedQueuePool

from app.core.errors import Problem
from app.core.settings import Settings

BUSY_TIMEOUT_MILLISECONDS = 5000


class Base(DeclarativeBase):
    """All tables. Constraint names follow one convention, so that migrations can name what they change."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Database(AsyncSession):
    """One transaction's handle. Routes and services call it `db`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  passed on to SQLAlchemy
        super().__init__(*arguments, **options)
        self._rows: dict[sa.Table, list[Mapping[str, Any]]] = {}
        self._changes: dict[tuple[sa.Table, tuple[Any, ...]], Mapping[str, Any]] = {}
        self._lasting: list[tuple[sa.Table, Mapping[str, Any]]] = []
        self._plain: AsyncConnection | None = None

    async def plain(self) -> AsyncConnection:
        """This transaction's connection, past the unit of work."""
        if self._plain is None:
            self._plain = await self.connection()
        return self._plain

    async def read(self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None) -> sa.CursorResult[Any]:
        """Plain rows instead of objects: for the few statements that run all day, at a third of the cost."""
        return await (await self.plain()).execute(statement, parameters)

    @property
    def is_postgresql(self) -> bool:
        """Whether this is PostgreSQL; everything else is SQLite."""
        return self.get_bind().dialect.name == "postgresql"

    def stage(self, table: Any, row: Mapping[str, Any], *, lasting: bool = False) -> None:  # noqa: ANN401  a mapped class
        """Write `row` just before the commit. Every row of one table must name the same columns.

        What is `lasting` is written even if the request is refused and all else undone: a record of who asked.
        """
        target = getattr(table, "__table__", table)
        self._rows.setdefault(target, []).append(row)
        if lasting:
            self._lasting.append((target, row))

    def keep(self, table: Any, row: Mapping[str, Any]) -> None:  # noqa: ANN401  a mapped class or a table
        """Write `row`, which a statement of this transaction wrote already, once more if the request is refused."""
        self._lasting.append((getattr(table, "__table__", table), row))

    def stage_change(self, table: Any, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:  # noqa: ANN401
        """Set `values` in the row with this whole primary key, just before the commit; the last change wins."""
        target = getattr(table, "__table__", table)
        self._changes[(target, tuple(key[column.name] for column in target.primary_key))] = values

    async def flush_staged(self) -> None:
        """Write what is staged now, after whatever the unit of work still holds."""
        if self.new or self.dirty or self.deleted:
            await self.flush()
        if not self._rows and not self._changes:
            return
        rows, self._rows = self._rows, {}
        changes, self._changes = self._changes, {}
        if self.is_postgresql:
            await self._write_in_one_statement(rows, changes)
            return
        connection = await self.plain()
        for table in sorted(rows, key=_parents_first().__getitem__):
            await connection.execute(sa.insert(table), [dict(row) for row in rows[table]])
        for (table, key), new in changes.items():
            where = [column == value for column, value in zip(table.primary_key, key, strict=True)]
            await connection.execute(sa.update(table).where(*where).values(**new))

    async def _write_in_one_statement(
        self,
        rows: dict[sa.Table, list[Mapping[str, Any]]],
        changes: dict[tuple[sa.Table, tuple[Any, ...]], Mapping[str, Any]],
    ) -> None:
        shape = tuple((table, tuple(values[0]), len(values) > 1) for table, values in rows.items())
        change_shape = tuple((table, tuple(values)) for (table, _), values in changes.items())
        statement, processors = _one_statement(shape, change_shape)
        arguments: list[Any] = []
        for (table, columns, many), values in zip(shape, rows.values(), strict=True):
            for name in columns:
                process = processors[table, name]
                column = [row[name] for row in values]
                prepared = [process(value) for value in column] if process else column
                arguments.append(prepared if many else prepared[0])
        for (table, key), new in changes.items():
            named = zip([*(c.name for c in table.primary_key), *new], [*key, *new.values()], strict=True)
            for name, value in named:
                process = processors[table, name]
                arguments.append(process(value) if process else value)
        await (await self.plain()).exec_driver_sql(statement, tuple(arguments))

    async def finish(self) -> None:
        """Write what is staged and commit. Only `transaction` and the commands' `unit_of_work` call it."""
        await self.flush_staged()
        self._plain = None
        await self.commit()
        self._lasting.clear()

    async def abandon(self) -> None:
        """Undo everything, staged rows too."""
        self._rows.clear()
        self._changes.clear()
        self._plain = None
        await self.rollback()

    async def refuse(self) -> None:
        """Undo everything but what is lasting, and commit that."""
        await self.abandon()
        for table, row in self._lasting:
            self._rows.setdefault(table, []).append(row)
        await self.finish()


@lru_cache
def _parents_first() -> dict[sa.Table, int]:
    """The place of each table when those that others refer to come first, since SQLite checks each row as it comes."""
    return {table: number for number, table in enumerate(Base.metadata.sorted_tables)}


_POSTGRESQL = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here


@lru_cache(maxsize=512)
def _one_statement(
    inserts: tuple[tuple[sa.Table, tuple[str, ...], bool], ...], updates: tuple[tuple[sa.Table, tuple[str, ...]], ...]
) -> tuple[str, dict[tuple[sa.Table, str], Any]]:
    """The SQL for one shape of staged rows, and how each column's values are prepared.

    Each table is one data-modifying CTE: of plain values for one row, over `unnest` of one array a column for many.
    Foreign keys are checked at the end of the statement, so the order of tables does not matter.
    """
    parts: list[str] = []
    processors: dict[tuple[sa.Table, str], Any] = {}
    position = 0

    def placeholder(table: sa.Table, name: str, suffix: str) -> tuple[str, str]:
        """The next argument for this column, and the cast that its use needs."""
        nonlocal position
        position += 1
        kind = table.c[name].type.dialect_impl(_POSTGRESQL)
        processors[table, name] = kind.bind_processor(_POSTGRESQL)
        written = table.c[name].type.compile(dialect=_POSTGRESQL)
        if written == "JSONB":  # the driver takes JSON as text; the server makes it JSON
            return f"${position}::TEXT{suffix}", "::JSONB"
        return f"${position}::{written}{suffix}", ""

    for number, (table, columns, many) in enumerate(inserts):
        given, casts = zip(*(placeholder(table, name, "[]" if many else "") for name in columns), strict=True)
        if many:
            names = [name + cast for name, cast in zip(columns, casts, strict=True)]
            source = f"SELECT {', '.join(names)} FROM unnest({', '.join(given)}) AS r({', '.join(columns)})"  # noqa: S608
        else:
            source = f"VALUES ({', '.join(value + cast for value, cast in zip(given, casts, strict=True))})"
        parts.append(f"i{number} AS (INSERT INTO {table.name} ({', '.join(columns)}) {source})")
    for number, (table, columns) in enumerate(updates):
        where = " AND ".join(f"{c.name} = {placeholder(table, c.name, '')[0]}" for c in table.primary_key)
        settings = ", ".join(f"{name} = {''.join(placeholder(table, name, ''))}" for name in columns)
        parts.append(f"u{number} AS (UPDATE {table.name} SET {settings} WHERE {where})")  # noqa: S608  our own metadata
    return f"WITH {', '.join(parts)} SELECT 1", processors


def create_engine(settings: Settings) -> AsyncEngine:
    """The engine for `settings`; parameters never reach an exception's text, since they may be what a patient wrote."""
    if settings.is_sqlite:
        return _sqlite_engine(settings)
    return create_async_engine(
        settings.async_database_url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        hide_parameters=True,
        connect_args={
            "command_timeout": settings.statement_timeout_seconds + 1,
            "server_settings": {
                "application_name": "afterglow",
                "jit": "off",
                "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
                "lock_timeout": "2000",
                "idle_in_transaction_session_timeout": "10000",
            },
        },
    )


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

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def new_session(engine: AsyncEngine) -> Database:
    """A handle for one transaction. Objects stay readable after the commit, since the answer is made of them."""
    return Database(engine, expire_on_commit=False, autoflush=False)


@asynccontextmanager
async def unit_of_work(engine: AsyncEngine) -> AsyncIterator[Database]:
    """One transaction outside a request (commands, the worker, the simulator): all of it or nothing."""
    db = new_session(engine)
    try:
        yield db
        await db.finish()
    except BaseException:
        await db.abandon()
        raise
    finally:
        await db.close()


async def transaction(request: Request) -> AsyncIterator[Database]:
    """One transaction for this request, committed before the answer leaves.

    It must be used with `scope="function"`: FastAPI would otherwise end it after the answer was sent, and a commit
    that fails would follow a 201. A `Problem` undoes everything but the audit entry, unless it says that what was
    written must stay (a wrong guess that has to be counted).
    """
    db = new_session(request.app.state.engine)
    try:
        yield db
        await db.finish()
    except Problem as problem:
        if problem.keeps_writes:
            await db.finish()
        else:
            await db.refuse()
        raise
    except RequestValidationError:
        await db.refuse()
        raise
    except BaseException:
        await db.abandon()
        raise
    finally:
        await db.close()


begin = asynccontextmanager(transaction)
"""The same for a request that is answered before its dependencies are looked at."""

Db = Annotated[Database, Depends(transaction, scope="function")]
