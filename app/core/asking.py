"""Statements that are sent alone: one trip to PostgreSQL each, where a transaction takes three more for its ends.

What a clinic's day asks most is a guard and one reading. Each is a statement of its own here: sent through the driver
itself, without unit of work, and committed by the server when it ends. Row-level security must know the clinic before
the first row is looked at, so each statement enters the clinic in its own first step: what is asked is put behind a
row that only comes once `app.clinic_id` is set, until the statement ends. A server that took the steps in another order
would refuse the statement, since no clinic is entered outside of it: it never shows more than it should.

A statement may leave a `Note` of what it found, in the same step: how reads are audited.
"""

from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from app.core.columns import Instant

_POSTGRESQL = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here

_DOUBLE = 701
"""What PostgreSQL calls the type of all our numbers with a point."""
Question = sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]]


class Row(asyncpg.Record):  # type: ignore[misc]  # asyncpg has no types
    """A row whose columns are attributes as well."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a column's value
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Note:
    """A row that a statement leaves in another table for each row that it finds.

    `found` are the columns that it takes from what was found, by their names there; `told` those that come in
    parameters called `note_<column>`.
    """

    table: sa.Table
    found: tuple[tuple[str, str], ...]
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    sql: str
    arguments: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    written_out: dict[str, Any]
    """The arguments that the statement names itself."""
    rows: Callable[[Sequence[Any]], Sequence[Any]] | None


async def ask(
    engine: AsyncEngine,
    statement: Question,
    parameters: Mapping[str, Any],
    clinic_id: UUID,
    *,
    note: Note | None = None,
    relaxed: bool = False,
) -> Sequence[Any]:
    """The rows of a statement that is written once, read behind the wall of this clinic. PostgreSQL only.

    `relaxed`: what is noted need not wait for the disk.
    """
    prepared = _prepared(statement, note, relaxed=relaxed)
    values = {**prepared.written_out, **parameters}
    given = [process(values[name]) if process else values[name] for name, process in prepared.arguments]
    arguments = (*given, str(clinic_id))
    sync_engine = engine.sync_engine
    sync_engine.dispatch.before_cursor_execute(None, None, prepared.sql, arguments, None, False)  # noqa: FBT003
    async with _line(engine) as connection:
        rows: Sequence[Any] = await connection.fetch(prepared.sql, *arguments, record_class=Row)
    return prepared.rows(rows) if prepared.rows is not None else rows


@asynccontextmanager
async def _line(engine: AsyncEngine) -> AsyncIterator[Any]:
    """A connection of the engine's pool without what SQLAlchemy puts around it, but for its kinds of errors."""
    fairy = None
    try:
        fairy = await engine.raw_connection()
        yield fairy.driver_connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError) as error:
        if fairy is not None and not fairy.driver_connection.is_closed():  # type: ignore[union-attr]  # it has one
            raise exc.DBAPIError(None, None, error) from error
        engine.sync_engine.pool._invalidate(fairy, error)  # type: ignore[arg-type]  # noqa: SLF001  all others are as dead
        raise exc.OperationalError(None, None, error) from error
    except BaseException:
        if fairy is not None:
            fairy.invalidate()  # what was asked may still be under way on it
        raise
    finally:
        if fairy is not None:
            await greenlet_spawn(fairy.close)


@lru_cache(maxsize=512)
def _prepared(statement: Question, note: Note | None, *, relaxed: bool) -> _Prepared:
    compiled: Any = statement.compile(dialect=_POSTGRESQL)
    if any(bind.expanding and bind.required for bind in compiled.bind_names):
        msg = "a list of any length makes another statement each time: compare with `any_` of an array instead"
        raise TypeError(msg)
    as_written = compiled.construct_params(_check=False)
    expanded = compiled._process_parameters_for_postcompile(as_written)  # noqa: SLF001  the same: each IN has its length
    processors = compiled._bind_processors | expanded.processors  # noqa: SLF001  the same
    arguments = [(name, processors.get(name)) for name in expanded.positiontup]
    noted = ""
    if note is not None:
        noted, told = _noted(note, len(arguments))
        arguments += told
    entered = f"set_config('app.clinic_id', ${len(arguments) + 1}, true)"
    durable = "set_config('synchronous_commit', 'off', true)" if relaxed else "''"
    answer = (
        f"SELECT a.* FROM (SELECT {entered}, {durable} OFFSET 0) AS e (clinic, durable) CROSS JOIN LATERAL "  # noqa: S608  our own statements
        f"(SELECT q.* FROM ({expanded.statement}) AS q WHERE e.clinic IS NOT NULL OFFSET 0) AS a"
    )
    sql = f"WITH found AS ({answer}), noted AS ({noted}) SELECT * FROM found" if noted else answer  # noqa: S608
    return _Prepared(sql, tuple(arguments), dict(expanded.parameters), _prepare_rows(compiled._result_columns))  # noqa: SLF001  the same


def _prepare_rows(columns: Sequence[Any]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """What makes the driver's rows those that the columns' types promise; None where they are that already."""
    processors = [(number, _processor(column.type)) for number, column in enumerate(columns)]
    needed = [(number, process) for number, process in processors if process is not None]
    if not needed:
        return None
    shape: Any = namedtuple("Row", [column.keyname for column in columns], rename=True)  # type: ignore[misc]  # noqa: PYI024  made at run time

    def prepare(rows: Sequence[Any]) -> Sequence[Any]:
        prepared = []
        for row in rows:
            values = list(row)
            for number, process in needed:
                values[number] = process(values[number])
            prepared.append(shape._make(values))
        return prepared

    return prepare


def _processor(type_: Any) -> Callable[[Any], Any] | None:  # noqa: ANN401  a column's type
    if isinstance(type_, Instant):  # the driver's are in UTC
        return None
    process: Callable[[Any], Any] | None = type_.dialect_impl(_POSTGRESQL).result_processor(_POSTGRESQL, _DOUBLE)
    return process


def _noted(note: Note, place: int) -> tuple[str, list[tuple[str, Any]]]:
    """The second step: what it writes, and its arguments from this place on."""
    columns, values, arguments = [], [], []
    for column, found in note.found:
        columns.append(column)
        values.append(found)
    for number, column in enumerate(note.told, place + 1):
        type_ = note.table.c[column].type
        columns.append(column)
        values.append(f"${number}::{type_.compile(dialect=_POSTGRESQL)}")
        arguments.append((f"note_{column}", type_.dialect_impl(_POSTGRESQL).bind_processor(_POSTGRESQL)))
    into = f"INSERT INTO {note.table.name} ({', '.join(columns)})"
    return f"{into} SELECT {', '.join(values)} FROM found", arguments  # noqa: S608  our own metadata
