"""Statements that are sent alone: one trip to PostgreSQL each, where a transaction takes three more for its ends.

What a clinic's day asks most is a guard and one reading. Each is a statement of its own here: sent through the driver
itself, without unit of work, and committed by the server when it ends. Row-level security must know the clinic before
the first row is looked at, so each statement enters the clinic in its own first step: what is asked is put behind a
row that only comes once `app.clinic_id` is set, until the statement ends. A server that took the steps in another order
would refuse the statement, since no clinic is entered outside of it: it never shows more than it should.

A statement may leave a `Note` of what it found, in the same step: how reads are audited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.hot import Compiled, Processor

_POSTGRESQL = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here

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
    asked, text, told = prepared(statement, note, relaxed=relaxed)
    noted = [process(parameters[name]) if process else parameters[name] for name, process in told]
    arguments = (*asked.arguments(parameters), *noted, str(clinic_id))
    found = await fetch(engine, text, arguments)
    # Whoever leaves a note looks at each column of one row, others at a few of many.
    return asked.as_they_are(found) if note is None else asked.rows(found)


async def fetch(engine: AsyncEngine, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
    """Run a statement on a connection of the engine's pool, without what SQLAlchemy does but its kinds of errors.

    It is behind no wall but what it says itself, and is committed when it ends.
    """
    engine.sync_engine.dispatch.before_cursor_execute(None, None, text, arguments, None, False)  # noqa: FBT003
    fairy = None
    try:
        fairy = await _connection(engine)
        rows: Sequence[Any] = await fairy.driver_connection.fetch(text, *arguments, record_class=Row)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError) as error:
        if fairy is not None and not fairy.driver_connection.is_closed():
            raise exc.DBAPIError(None, None, error) from error
        engine.sync_engine.pool._invalidate(fairy, error)  # type: ignore[arg-type]  # noqa: SLF001  all others are as dead
        raise exc.OperationalError(None, None, error) from error
    except BaseException:
        if fairy is not None:
            fairy.invalidate()  # what was asked may still be under way on it
        raise
    finally:
        if fairy is not None:
            fairy.close()  # nothing was begun on it that would have to be ended
    return rows


async def _connection(engine: AsyncEngine) -> Any:  # noqa: ANN401  what the pool gives
    """A connection that waits in the pool, without the detour that SQLAlchemy takes to wait for one; else by that."""
    sync_engine = engine.sync_engine
    if sync_engine.pool.checkedin():  # type: ignore[attr-defined]  # each of our pools can tell
        try:
            return sync_engine.raw_connection()
        except exc.MissingGreenlet:  # it was given up, and another has to be made
            pass
    return await engine.raw_connection()


@lru_cache(maxsize=512)
def prepared(
    statement: Question, note: Note | None, *, relaxed: bool
) -> tuple[Compiled, str, list[tuple[str, Processor]]]:
    """What is asked, the text that is sent for it, and the parameters of the note, which come after its own."""
    asked = Compiled(statement, _POSTGRESQL)
    noted, told = _noted(note, len(asked.wanted)) if note is not None else ("", [])
    entered = f"set_config('app.clinic_id', ${len(asked.wanted) + len(told) + 1}, true)"
    durable = "set_config('synchronous_commit', 'off', true)" if relaxed else "''"
    answer = (
        f"SELECT a.* FROM (SELECT {entered}, {durable} OFFSET 0) AS e (clinic, durable) CROSS JOIN LATERAL "  # noqa: S608  our own statements
        f"(SELECT q.* FROM ({asked.text}) AS q WHERE e.clinic IS NOT NULL OFFSET 0) AS a"
    )
    text = f"WITH found AS ({answer}), noted AS ({noted}) SELECT * FROM found" if noted else answer  # noqa: S608
    return asked, text, told


def _noted(note: Note, place: int) -> tuple[str, list[tuple[str, Processor]]]:
    """The second step: what it writes, and its arguments from this place on."""
    columns: list[str] = []
    values: list[str] = []
    arguments: list[tuple[str, Processor]] = []
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
