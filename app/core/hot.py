"""Statements that run all day, without what SQLAlchemy does for each execution: it is most of what they cost.

`Hot(statement)` at the top of a module is compiled once for each database and remembers how its parameters and columns
are turned into the driver's values and back. It is given to the driver on the connection of the transaction, so that
it sees and becomes part of whatever else the transaction does. `Database.read` takes it like any other statement, and
faults leave as SQLAlchemy's.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.util import greenlet_spawn

from app.core.columns import Instant
from app.core.engines import ClinicConnection

Processor = Callable[[Any], Any] | None
_DOUBLE = 701
"""What PostgreSQL calls the type of all our numbers with a point."""


class Rows(list[Any]):
    """What a hot statement found: named tuples, with those questions of SQLAlchemy's results that we ask."""

    def all(self) -> Self:
        """Every row."""
        return self

    def first(self) -> Any:  # noqa: ANN401  a row
        """The first row; None when there is none."""
        return self[0] if self else None

    def one_or_none(self) -> Any:  # noqa: ANN401  a row
        """The only row; None when there is none."""
        if len(self) > 1:
            msg = "one row at most was expected"
            raise LookupError(msg)
        return self.first()

    def one(self) -> Any:  # noqa: ANN401  a row
        """The only row."""
        (row,) = self
        return row

    def scalar_one_or_none(self) -> Any:  # noqa: ANN401  a value
        """The first value of the only row; None when there is none."""
        row = self.one_or_none()
        return None if row is None else row[0]

    def scalar_one(self) -> Any:  # noqa: ANN401  a value
        """The first value of the only row."""
        return self.one()[0]

    def scalars(self) -> "Rows":
        """The first value of each row."""
        return Rows(row[0] for row in self)

    def mappings(self) -> "Rows":
        """Each row as a dictionary."""
        return Rows(row._asdict() for row in self)


class Compiled:
    """A statement in the words of one database: its text, the driver's arguments, its rows as our own values."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:  # noqa: ANN401  whatever can be compiled
        compiled: Any = statement.compile(dialect=dialect)
        asked = {bind.key for bind in compiled.bind_names if bind.required}
        if any(bind.expanding and bind.required for bind in compiled.bind_names):
            msg = "a list of any length makes another statement each time: compare with `Among` or `any_` instead"
            raise TypeError(msg)
        as_written = compiled.construct_params(_check=False)
        expanded = compiled._process_parameters_for_postcompile(as_written)  # noqa: SLF001  each IN has its length
        processors = compiled._bind_processors | expanded.processors  # noqa: SLF001  the same
        self.text: str = expanded.statement
        self.wanted: list[tuple[str, Processor]] = [(name, processors.get(name)) for name in expanded.positiontup]
        self._fixed = {name: value for name, value in expanded.parameters.items() if name not in asked}
        columns = compiled._result_columns  # noqa: SLF001  the same
        row: Any = namedtuple("Row", [column.keyname for column in columns], rename=True)  # type: ignore[misc]  # noqa: PYI024  known at run time
        self._make = row._make
        processors = [_reader(column.type, dialect) for column in columns]
        self._read = [(at, process) for at, process in enumerate(processors) if process is not None]

    def arguments(self, given: Mapping[str, Any] | None) -> list[Any]:
        """The driver's arguments for these parameters."""
        known = {**self._fixed, **given} if given and self._fixed else given or self._fixed
        return [known[name] if process is None else process(known[name]) for name, process in self.wanted]

    def as_they_are(self, found: Sequence[Any]) -> Sequence[Any]:
        """What the driver found, left alone where its values are ours already: cheaper than `rows` for many of them."""
        return self.rows(found) if self._read else found

    def rows(self, found: Iterable[Sequence[Any]]) -> Rows:
        """What the driver found, as named tuples of our own values."""
        make, read = self._make, self._read
        if not read:
            return Rows(map(make, found))
        rows = Rows()
        for record in found:
            values = list(record)
            for at, process in read:
                values[at] = process(values[at])
            rows.append(make(values))
        return rows


def _reader(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> Processor:
    """What makes our own values of the driver's; None where they are the same, as instants of PostgreSQL are."""
    if isinstance(kind, Instant) and dialect.name == "postgresql":
        return None
    return kind.dialect_impl(dialect).result_processor(dialect, _DOUBLE)


class Hot:
    """A select that runs all day. Make it once: whoever makes one for each request pays for compiling it each time."""

    __slots__ = ("_known", "statement")

    def __init__(self, statement: Any) -> None:  # noqa: ANN401  a select or a compound of them
        self.statement = statement
        self._known: dict[str, Compiled] = {}

    def on(self, dialect: Dialect) -> Compiled:
        """The statement for this kind of database."""
        known = self._known.get(dialect.name)
        if known is None:
            known = self._known[dialect.name] = Compiled(self.statement, dialect)
        return known


of = lru_cache(maxsize=512)(Hot)
"""The hot form of a statement that is kept and that others are made of."""


async def read(connection: AsyncConnection, statement: Hot, parameters: Mapping[str, Any] | None) -> Rows:
    """Run a hot statement in the transaction of this connection."""
    compiled = statement.on(connection.dialect)
    return compiled.rows(await run(connection, compiled.text, compiled.arguments(parameters)))


async def run(connection: AsyncConnection, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
    """Run one statement, whose arguments the driver understands, in the transaction of this connection."""
    found: Sequence[Any] = await _driven(connection, text, arguments, lambda driver: _fetch(driver, text, arguments))
    return found


async def write_all(connection: AsyncConnection, writes: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> None:
    """Run statements on SQLite, each with many arguments, in one visit to the thread that has the connection."""

    def work(driver: Any) -> None:  # noqa: ANN401  the standard library's connection
        for text, arguments in writes:
            driver.executemany(text, arguments)

    for text, arguments in writes[1:]:
        _tell(connection, text, arguments)
    await _driven(connection, *writes[0], lambda driver: driver._execute(work, driver._conn))  # noqa: SLF001  no public way


async def _fetch(driver: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]:  # noqa: ANN401  the driver's connection
    if isinstance(driver, ClinicConnection):
        found: Sequence[Any] = await driver.fetch(text, *arguments)
    else:
        found = await driver.execute_fetchall(text, arguments)
    return found


async def _driven(connection: AsyncConnection, text: str, arguments: Any, work: Any) -> Any:  # noqa: ANN401  the driver's
    """Let the driver work. SQLAlchemy begins the transaction and is told of faults, as if it had done it itself."""
    _tell(connection, text, arguments)
    pooled: Any = connection.sync_connection.connection  # type: ignore[union-attr]  # it is open
    adapted = pooled.dbapi_connection
    try:
        if getattr(adapted, "_transaction", adapted) is None:  # asyncpg begins with the first statement
            await adapted._start_transaction()  # noqa: SLF001  the only way to begin as SQLAlchemy does
        found = await work(pooled.driver_connection)
    except BaseException as error:  # noqa: BLE001  always raised again
        await greenlet_spawn(_raise, connection.sync_connection, adapted, text, error)
    _tell(connection, text, arguments, after=True)
    return found


def _raise(connection: Any, adapted: Any, text: str, fault: BaseException) -> NoReturn:  # noqa: ANN401  SQLAlchemy's
    """Raise a fault of the driver as SQLAlchemy's own, and give up the connection where it is no good any more."""
    try:
        if isinstance(fault, Exception):
            adapted._handle_exception(fault)  # noqa: SLF001  translates the driver's errors
        raise fault  # noqa: TRY301  it is looked at where it has become SQLAlchemy's
    except BaseException as error:
        known = isinstance(error, connection.dialect.loaded_dbapi.Error)
        connection._handle_dbapi_exception(error, text if known else None, None, None, None)  # noqa: SLF001  the same
        raise


def _tell(connection: AsyncConnection, text: str, arguments: object, *, after: bool = False) -> None:
    """Tell those who listen to what SQLAlchemy sends."""
    told = connection.sync_connection.engine.dispatch  # type: ignore[union-attr]  # it is open
    for listener in told.after_cursor_execute if after else told.before_cursor_execute:
        listener(connection.sync_connection, None, text, arguments, None, False)  # noqa: FBT003


class Ids(sa.types.TypeDecorator[Sequence[UUID]]):
    """Any number of ids as one parameter, for `among`."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """An array where there are arrays, else a list as JSON."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.ARRAY(sa.Uuid()))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: Sequence[UUID] | None, dialect: Dialect) -> Any:  # noqa: ANN401  the driver's
        """As the database compares them."""
        if value is None or dialect.name == "postgresql":
            return value
        return "[" + ",".join(f'"{each.hex}"' for each in value) + "]"


class Among(FunctionElement[bool]):
    """Whether a column is one of `Ids`: one text for any number of them, which `IN` has not."""

    type = sa.Boolean()
    inherit_cache = True
    name = "among"


@compiles(Among)
def _among(element: Among, compiler: Any, **options: Any) -> str:  # noqa: ANN401  SQLAlchemy's protocol
    column, ids = (compiler.process(part, **options) for part in element.clauses)
    if compiler.dialect.name == "postgresql":
        return f"{column} = ANY ({ids})"
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608  two names of our own
