"""Bringing everything that is sealed under the first key of the ring, while the service runs.

It finds the `Sealed` and `BlindIndex` columns of all tables by itself. Rows are taken in batches by primary key, each
batch a transaction, and only those that are not under the first key: a run that was cut short goes on where it ended.
A row is changed only where it still holds the bytes that were read, and a row that somebody else is writing is left for
the next pass, so no edit is ever overwritten and nobody waits.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.columns import BlindIndex, Sealed
from app.core.crypto import KEY_ID_BYTES, KeyRing
from app.core.db import EVERY_CLINIC, Database, unit_of_work

BATCH = 500
PASSES = 5
WAIT_SECONDS = 0.2
UNREADABLE = b""
"""Stands in a tally for texts that no key of the ring opens, and for fingerprints that none of them made."""

Tally = Counter[bytes]
Rows = Sequence[sa.Row[Any]]
Progress = Callable[[int, int], object]


@dataclass
class Outcome:
    """What a rotation did, and what is left."""

    moved: int = 0
    twice: int = 0
    left: Tally = field(default_factory=Counter)


@dataclass(frozen=True)
class SealedTable:
    """One table that holds something sealed."""

    table: sa.Table

    @cached_property
    def texts(self) -> dict[str, str]:
        """The sealed columns, and the place that each is bound to."""
        return {c.name: c.type.place for c in self.table.columns if isinstance(c.type, Sealed)}

    @cached_property
    def indexes(self) -> dict[str, str]:
        """The blind indexes, and the sealed column that each finds."""
        return {c.name: c.type.place.partition(".")[2] for c in self.table.columns if isinstance(c.type, BlindIndex)}

    @cached_property
    def key(self) -> list[str]:
        """The columns of the primary key."""
        return [column.name for column in self.table.primary_key]

    @cached_property
    def raw(self) -> sa.TableClause:
        """The table with its sealed columns as the bytes that are stored."""
        plain = {column.name: column.type for column in self.table.primary_key}
        stored = dict.fromkeys((*self.texts, *self.indexes), sa.LargeBinary())
        columns: list[sa.ColumnClause[Any]] = [sa.column(name, kind) for name, kind in (plain | stored).items()]
        return sa.table(self.table.name, *columns)

    def page(self, after: Sequence[Any] | None, limit: int, ring: KeyRing) -> sa.Select[Any]:
        """The next rows with something to do. With a blind index that is every row: it does not name its key."""
        key = [self.raw.c[name] for name in self.key]
        statement = sa.select(self.raw).order_by(*key).limit(limit)
        if not self.indexes:
            statement = statement.where(sa.or_(*(_key_of(self.raw.c[name]) != ring.first_id for name in self.texts)))
        if after is not None:
            statement = statement.where(
                sa.tuple_(*key) > sa.tuple_(*(sa.literal(v, c.type) for v, c in zip(after, key, strict=True)))
            )
        return statement

    def changes(self, row: sa.Row[Any], ring: KeyRing) -> dict[str, bytes]:
        """What to write into this row; nothing for what is under the first key, or cannot be opened."""
        written: dict[str, bytes] = {}
        for name, place in self.texts.items():
            stored = getattr(row, name)
            if stored is None or (stored[:KEY_ID_BYTES] == ring.first_id and name not in self.indexes.values()):
                continue
            text = _opened(ring, stored, place)
            if text is None:
                continue
            if stored[:KEY_ID_BYTES] != ring.first_id:
                written[name] = ring.seal(text, place)
            for index, found in self.indexes.items():
                if found == name and getattr(row, index) != ring.blind_index(text):
                    written[index] = ring.blind_index(text)
        return written

    def update(self, names: Sequence[str]) -> sa.Update:
        """Change these columns of one row, if the row still holds what was read."""
        unchanged = [self.raw.c[name] == sa.bindparam(f"read_{name}") for name in (*self.key, *self._compared(names))]
        return sa.update(self.raw).where(*unchanged).values({name: sa.bindparam(f"new_{name}") for name in names})

    def parameters(self, row: sa.Row[Any], written: dict[str, bytes]) -> dict[str, Any]:
        """The values for `update` of this row."""
        read = {f"read_{name}": getattr(row, name) for name in (*self.key, *self._compared(list(written)))}
        return read | {f"new_{name}": value for name, value in written.items()}

    def _compared(self, names: Sequence[str]) -> list[str]:
        """What must not have changed meanwhile: the columns themselves, and what an index was made of."""
        return list(dict.fromkeys([*names, *(self.indexes[name] for name in names if name in self.indexes)]))


def sealed_tables(metadata: sa.MetaData) -> list[SealedTable]:
    """Every table with a sealed column."""
    return [found for found in map(SealedTable, metadata.sorted_tables) if found.texts]


async def tally(engine: AsyncEngine, metadata: sa.MetaData, ring: KeyRing) -> Tally:
    """How many stored texts and fingerprints are under which key."""
    counted: Tally = Counter()
    for table in sealed_tables(metadata):
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            for name in table.texts:
                key = _key_of(table.raw.c[name]).label("key")
                held = sa.select(key, sa.func.count().label("rows")).where(table.raw.c[name].is_not(None)).group_by(key)
                for found in (await db.read(held)).mappings():
                    counted[found["key"] if found["key"] in ring.ids else UNREADABLE] += found["rows"]
        if table.indexes:
            await _count_indexes(engine, table, ring, counted)
    return counted


async def _count_indexes(engine: AsyncEngine, table: SealedTable, ring: KeyRing, counted: Tally) -> None:
    async def count(_db: Database, rows: Rows) -> None:
        counted.update(key_id for row in rows for key_id in _keys_of_indexes(table, row, ring))

    await _each_page(engine, table, ring, count)


async def rotate(engine: AsyncEngine, metadata: sa.MetaData, ring: KeyRing, progress: Progress) -> Outcome:
    """Bring everything under the first key; tell `progress` how many of how many are done."""
    outcome = Outcome(left=await tally(engine, metadata, ring))
    total = _movable(outcome.left, ring)
    for _ in range(PASSES):
        before, outcome.twice = outcome.moved, 0
        for table in sealed_tables(metadata):

            async def work(db: Database, rows: Rows, table: SealedTable = table) -> None:
                await _move(db, table, rows, ring, outcome)
                progress(outcome.moved, max(total, outcome.moved))

            await _each_page(engine, table, ring, work, locked=True)
        outcome.left = await tally(engine, metadata, ring)
        if not _movable(outcome.left, ring):
            break
        if outcome.moved == before:  # what is left is being written just now
            await asyncio.sleep(WAIT_SECONDS)
    return outcome


def _movable(counted: Tally, ring: KeyRing) -> int:
    return sum(counted[key_id] for key_id in ring.ids if key_id != ring.first_id)


async def _each_page(
    engine: AsyncEngine,
    table: SealedTable,
    ring: KeyRing,
    work: Callable[[Database, Rows], Awaitable[None]],
    *,
    locked: bool = False,
) -> None:
    """Take the rows of a table, a batch and its transaction at a time."""
    after: list[Any] | None = None
    while True:
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            statement = table.page(after, BATCH, ring)
            if locked:
                # What others are writing is passed over: it comes under the key that they seal with.
                statement = statement.with_for_update(skip_locked=True, key_share=not table.indexes)
            rows = (await db.read(statement)).all()
            await work(db, rows)
        if len(rows) < BATCH:
            return
        after = [getattr(rows[-1], name) for name in table.key]


async def _move(db: Database, table: SealedTable, rows: Rows, ring: KeyRing, outcome: Outcome) -> None:
    """Write a batch, one statement for each set of columns that changes."""
    changes = [(row, written) for row in rows if (written := table.changes(row, ring))]
    for index in table.indexes:
        outcome.twice += await _leave_what_is_taken(db, table, index, changes)
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row, written in changes:
        if written:
            by_columns.setdefault(tuple(written), []).append(table.parameters(row, written))
            outcome.moved += len(written)
    connection = await db.plain()
    for names, parameters in by_columns.items():
        await connection.execute(table.update(names), parameters)


async def _leave_what_is_taken(
    db: Database, table: SealedTable, index: str, changes: list[tuple[sa.Row[Any], dict[str, bytes]]]
) -> int:
    """Leave fingerprints alone that another row has, which means that two rows hold the same text; how many."""
    column = table.raw.c[index]
    wanted = {written[index] for _, written in changes if index in written}
    taken = set((await db.read(sa.select(column).where(column.in_(wanted)))).scalars()) if wanted else set()
    left = 0
    for _, written in changes:
        if written.get(index) in taken:
            del written[index]
            left += 1
    return left


def _key_of(column: Any) -> Any:  # noqa: ANN401  SQL expressions
    return sa.func.substr(column, 1, KEY_ID_BYTES, type_=sa.LargeBinary())


def _opened(ring: KeyRing, stored: bytes, place: str) -> str | None:
    try:
        return ring.open(stored, place)
    except ValueError:
        return None


def _keys_of_indexes(table: SealedTable, row: sa.Row[Any], ring: KeyRing) -> Iterator[bytes]:
    for index, name in table.indexes.items():
        text = _opened(ring, getattr(row, name), table.texts[name])
        made = ring.blind_indexes(text) if text is not None else {}
        yield next((key_id for key_id, print_ in made.items() if print_ == getattr(row, index)), UNREADABLE)
