"""How staged rows are written: one data-modifying statement on PostgreSQL, parents first on SQLite."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as aiosqlite_dialect


def parents_first(metadata: sa.MetaData) -> dict[sa.Table, int]:
    """The place of each table when those that others refer to come first, since SQLite checks each row as it comes."""
    return _parents_first(metadata, len(metadata.tables))


@lru_cache
def _parents_first(metadata: sa.MetaData, _: int) -> dict[sa.Table, int]:
    """As it is with so many tables: a command may write before every package was imported."""
    return {table: number for number, table in enumerate(metadata.sorted_tables)}


_SQLITE = aiosqlite_dialect()
_POSTGRESQL = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here


@lru_cache(maxsize=512)
def one_statement(
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


def inserting(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[list[Any]]]:
    """How SQLite inserts these rows of one table, which all name the same columns."""
    text, columns = _insert(table, tuple(rows[0]))
    return text, [[process(row[name]) if process else row[name] for name, process in columns] for row in rows]


def changing(table: sa.Table, key: Sequence[Any], new: Mapping[str, Any]) -> tuple[str, list[list[Any]]]:
    """How SQLite changes the row with this primary key."""
    text, processors = _update(table, tuple(new))
    values = zip([*new.values(), *key], processors, strict=True)
    return text, [[process(value) if process else value for value, process in values]]


@lru_cache(maxsize=512)
def _insert(table: sa.Table, names: tuple[str, ...]) -> tuple[str, list[tuple[str, Any]]]:
    text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"  # noqa: S608  ours
    return text, [(name, _on_sqlite(table.c[name])) for name in names]


@lru_cache(maxsize=512)
def _update(table: sa.Table, names: tuple[str, ...]) -> tuple[str, list[Any]]:
    key = list(table.primary_key)
    where = " AND ".join(f"{column.name} = ?" for column in key)
    text = f"UPDATE {table.name} SET {', '.join(f'{name} = ?' for name in names)} WHERE {where}"  # noqa: S608  ours
    return text, [_on_sqlite(column) for column in (*(table.c[name] for name in names), *key)]


def _on_sqlite(column: sa.Column[Any]) -> Any:  # noqa: ANN401  a processor or None
    return column.type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
