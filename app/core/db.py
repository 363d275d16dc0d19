"""The database: one engine for the process, one transaction for each request, committed before the answer leaves.

SQLite (one process, one connection, WAL) and PostgreSQL share every line of the services; what differs between them is
in this module and in `columns.py`.

`Database` is SQLAlchemy's asynchronous session with one addition: rows that nobody reads back before the commit (the
audit entry, the outbox event, the values of a check-in) are *staged* and written together. On PostgreSQL that is one
statement whatever the number of tables and rows, which is what makes a check-in cheap.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, overload
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase

from app.core import asking, bells, hot, staging, upkeep
from app.core.clinic_wall import EVERY_CLINIC, ClinicSession, OfClinic, WrongClinicError
from app.core.engines import create_engine
from app.core.errors import Problem
from app.core.hot import Hot, Rows
from app.core.staging import one_statement, parents_first

__all__ = [
    "EVERY_CLINIC",
    "Base",
    "Database",
    "Db",
    "OfClinic",
    "begin",
    "create_engine",
    "new_session",
    "transaction",
    "unit_of_work",
]


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

    sync_session_class = ClinicSession

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  passed on to SQLAlchemy
        super().__init__(*arguments, **options)
        self._rows: dict[sa.Table, list[Mapping[str, Any]]] = {}
        self._changes: dict[tuple[sa.Table, tuple[Any, ...]], Mapping[str, Any]] = {}
        self._lasting: list[tuple[sa.Table, Mapping[str, Any]]] = []
        self._touched: dict[UUID, upkeep.Touch] = {}
        self._plain: AsyncConnection | None = None
        self._rings = self._presses = False
        self.request: Request | None = None
        """The request that this transaction belongs to; None in commands."""

    @property
    def clinic_id(self) -> UUID | None:
        """The clinic that this handle works for, once one was entered."""
        return self._session.clinic_id

    @property
    def _session(self) -> ClinicSession:
        session = self.sync_session
        assert isinstance(session, ClinicSession)  # noqa: S101  `sync_session_class`
        return session

    @property
    def _engine(self) -> sa.Engine:
        bind = self.get_bind()
        return bind if isinstance(bind, sa.Engine) else bind.engine

    async def enter(self, clinic_id: UUID, *, relaxed: bool = False) -> None:
        """Work for this clinic from now on: everything of other clinics is out of reach.

        The guard does it before the first statement, and then it costs nothing. `relaxed`: what this transaction
        writes (the record of a read) need not wait for the disk.
        """
        if clinic_id == EVERY_CLINIC:
            msg = "only a command works across clinics, and says so when its transaction begins"
            raise WrongClinicError(msg)
        self._session.relaxed = relaxed
        await self._go_to(clinic_id)

    async def _go_to(self, clinic_id: UUID) -> None:
        began_without = self.in_transaction() and self.is_postgresql and self.clinic_id != clinic_id
        self._session.clinic_id = clinic_id
        if began_without:
            await self.read(sa.select(sa.func.set_config("app.clinic_id", str(clinic_id), True)))  # noqa: FBT003

    @asynccontextmanager
    async def past_the_wall(self) -> AsyncIterator[None]:
        """See every clinic for a moment. One request does: verifying the audit, whose chain is one for all clinics."""
        clinic_id = self.clinic_id
        assert clinic_id is not None  # noqa: S101  a guard let somebody in before
        await self._go_to(EVERY_CLINIC)
        yield
        await self._go_to(clinic_id)

    async def plain(self) -> AsyncConnection:
        """This transaction's connection, past the unit of work."""
        if self._plain is None:
            self._plain = await self.connection()
        return self._plain

    @overload
    async def read(self, statement: Hot, parameters: Mapping[str, Any] | None = None) -> Rows: ...

    @overload
    async def read(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None
    ) -> sa.CursorResult[Any]: ...

    async def read(
        self, statement: sa.Executable | Hot, parameters: Mapping[str, Any] | None = None
    ) -> sa.CursorResult[Any] | Rows:
        """Plain rows instead of objects, at a third of the cost; of a `Hot` statement at a tenth."""
        connection = self._plain or await self.plain()
        if isinstance(statement, Hot):
            return await hot.read(connection, statement, parameters)
        return await connection.execute(statement, parameters)

    async def ask(self, statement: asking.Question, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of a statement that is written once, without a transaction around it where none has begun.

        For the reads that run all day: `asking` says what it saves. Ask before anything else is read or written.
        """
        if not self.is_postgresql or self.in_transaction() or self._rows or self._changes:
            return (await self.read(statement, parameters)).all()
        if self.clinic_id is None:
            msg = "a clinic's things were asked for before a clinic was entered"
            raise WrongClinicError(msg)
        engine = self.bind
        assert isinstance(engine, AsyncEngine)  # noqa: S101  `new_session`
        return await asking.ask(engine, statement, parameters, self.clinic_id)

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

    def stage_change(self, table: Any, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:  # noqa: ANN401
        """Set `values` in the row with this whole primary key, just before the commit; the last change wins."""
        target = getattr(table, "__table__", table)
        self._changes[(target, tuple(key[column.name] for column in target.primary_key))] = values

    def touch(self, clinic_id: UUID, patient_id: UUID, parts: Iterable[upkeep.Part] | None = None) -> None:
        """Say that this transaction changes what is known of a patient, and what of it if that is all: see `upkeep`."""
        self._touched.setdefault(patient_id, upkeep.Touch(clinic_id, set())).add(parts)

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
        writes = [
            staging.inserting(table, rows[table])
            for table in sorted(rows, key=parents_first(Base.metadata).__getitem__)
        ] + [staging.changing(table, key, new) for (table, key), new in changes.items()]
        await hot.write_all(await self.plain(), writes)

    async def _write_in_one_statement(
        self,
        rows: dict[sa.Table, list[Mapping[str, Any]]],
        changes: dict[tuple[sa.Table, tuple[Any, ...]], Mapping[str, Any]],
    ) -> None:
        shape = tuple((table, tuple(values[0]), len(values) > 1) for table, values in rows.items())
        change_shape = tuple((table, tuple(values)) for (table, _), values in changes.items())
        statement, processors = one_statement(shape, change_shape)
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
        await hot.run(await self.plain(), statement, arguments)

    def ring(self, *, pressing: bool = True) -> None:
        """Wake those who pass on what this transaction leaves behind, once it is committed.

        Not `pressing` is what may turn out to be no work: an event, which perhaps nobody hears of.
        """
        self._rings, self._presses = True, self._presses or pressing

    async def let_go(self) -> None:
        """Commit what was done so far and give the connection back, before waiting for something slow.

        Whoever holds a connection while a password is hashed keeps it from everybody else; on SQLite there is only
        one. Locks are gone afterwards, and what was read may have changed.
        """
        if self.in_transaction():
            await self.finish()

    async def finish(self) -> None:
        """Write what is staged and commit. Only `transaction` and the commands' `unit_of_work` call it."""
        await self.flush_staged()
        if self._touched:
            touched, self._touched = self._touched, {}
            await upkeep.keep_up(self, touched)
            await self.flush_staged()
        self._plain = None
        if self.in_transaction():
            await self.commit()
        self._lasting.clear()
        if self._rings:
            bells.ring(self._engine, pressing=self._presses)
            self._rings = self._presses = False

    async def abandon(self) -> None:
        """Undo everything, staged rows too."""
        self._rows.clear()
        self._changes.clear()
        self._touched.clear()
        self._plain = None
        self._rings = self._presses = False
        if self.in_transaction():
            await self.rollback()

    async def refuse(self) -> None:
        """Undo everything but what is lasting, and commit that."""
        await self.abandon()
        for table, row in self._lasting:
            self._rows.setdefault(table, []).append(row)
        await self.finish()


def new_session(engine: AsyncEngine, clinic_id: UUID | None = None) -> Database:
    """A handle for one transaction. Objects stay readable after the commit, since the answer is made of them."""
    db = Database(engine, expire_on_commit=False, autoflush=False)
    db._session.clinic_id = clinic_id  # noqa: SLF001  nothing has begun that would have to be told
    return db


@asynccontextmanager
async def unit_of_work(
    engine: AsyncEngine, clinic_id: UUID = EVERY_CLINIC, *, relaxed: bool = False
) -> AsyncIterator[Database]:
    """One transaction outside a request (commands, the worker, the simulator): all of it or nothing.

    Give the clinic where the work is for one. `relaxed`: what would be done again after a crash of the database's
    machine need not wait for the disk.
    """
    db = new_session(engine, clinic_id)
    db._session.relaxed = relaxed  # noqa: SLF001  nothing has begun that would have to be told
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
    db.request = request
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
        if db.in_transaction():
            await db.close()


begin = asynccontextmanager(transaction)
"""The same for a request that is answered before its dependencies are looked at."""

Db = Annotated[Database, Depends(transaction, scope="function")]
