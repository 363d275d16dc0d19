"""How staged rows are written: one data-modifying statement on PostgreSQL, parents first on SQLite."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect


def parents_first(metadata: sa.MetaData) -> dict[sa.Table, int]:
    """The place of each table when those that others refer to come first, since SQLite checks each row as it comes."""
    return _parents_first(metadata, len(metadata.tables))


@lru_cache
def _parents_first(metadata: sa.MetaData, _: int) -> dict[sa.Table, int]:
    """As it is with so many tables: a command may write before every package was imported."""
    return {table: number for number, table in enumerate(metadata.sorted_tables)}


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
