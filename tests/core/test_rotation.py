"""A new secret takes over while the service runs: nothing is lost, nobody is locked out, nothing is left behind."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import crypto, rotation
from app.core.columns import BlindIndex, Instant, Sealed
from app.core.crypto import KEY_ID_BYTES, KeyRing
from app.core.db import EVERY_CLINIC, Base, Database, create_engine, new_session, unit_of_work
from app.core.settings import SAMPLE_SECRET, Settings
from app.identity import service as identity
from app.identity.models import Account, Patient
from tests.cast import Cast
from tests.databases import Databases
from tests.factories import PASSWORD, an_id

OLD, NEW = SAMPLE_SECRET, "new-" + "n" * 40
BEFORE, ANNOUNCED, DURING, AFTER = KeyRing([OLD]), KeyRing([OLD, NEW]), KeyRing([NEW, OLD]), KeyRing([NEW])
OLD_ID, NEW_ID = BEFORE.first_id, AFTER.first_id
ROWS = 5
import_module("app.main")  # and with it the tables of every package
TABLES = rotation.sealed_tables(Base.metadata)
PLACES = [(table.table, name) for table in TABLES for name in table.texts]
# What a regular expression cannot read off the constraints.
BY_HAND: dict[str, dict[str, Any]] = {
    "memberships": {"role": "service"},  # the one kind that needs neither an account nor a record
    "disclosures": {"basis": "patient_access"},
    "consents": {"signer": "guardian", "withdrawn_at": datetime(2026, 11, 20, tzinfo=UTC)},
}
AMONG = re.compile(r"(\w+) IN \('([^']+)'")


class CutShortError(Exception):
    """What a test ends a rotation with."""


@pytest.fixture
async def careless(databases: Databases, settings: Settings, anyio_backend: str) -> AsyncIterator[AsyncEngine]:
    """An engine for which rows need no parents."""
    engine = create_engine(
        settings.model_copy(update={"database_url": databases.superuser_url or settings.database_url})
    )
    if settings.is_sqlite:

        @event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA foreign_keys = OFF")

    else:

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")

    yield engine
    await engine.dispose()


@pytest.fixture
async def filled(careless: AsyncEngine, engine: AsyncEngine) -> AsyncEngine:
    """Some rows in every table that has something sealed, sealed with the old secret."""
    async with unit_of_work(careless) as db:
        for table in TABLES:
            await (await db.plain()).execute(sa.insert(table.table), [a_row(table.table, n) for n in range(ROWS)])
    return engine


def a_row(table: sa.Table, number: int) -> dict[str, Any]:
    """A row that the table's constraints take, with a text in each sealed column."""
    checks = " ".join(str(c.sqltext) for c in table.constraints if isinstance(c, sa.CheckConstraint))
    by_hand = BY_HAND.get(table.name, {})
    allowed = dict(reversed(AMONG.findall(checks))) | by_hand
    return {
        column.name: allowed.get(column.name, a_value(column, number))
        for column in table.columns
        if not column.nullable or isinstance(column.type, Sealed) or column.name in by_hand
    }


def a_value(column: sa.Column[Any], number: int) -> Any:
    kind = column.type
    if isinstance(kind, Sealed | BlindIndex):
        text = text_of(kind.place, number)
        return text if isinstance(kind, Sealed) else crypto.keys().blind_index(text)
    made: dict[Any, Any] = {
        Instant: datetime(2026, 11, 1 + number, tzinfo=UTC),
        sa.Uuid: uuid4(),
        sa.Boolean: True,
        sa.Numeric: number + 1,
        sa.Float: number + 1.0,
        sa.Integer: number + 1,
        sa.LargeBinary: uuid4().bytes,
        sa.JSON: {},
        sa.String: f"{number}-{column.name}"[: getattr(kind, "length", None)],
    }
    return next(value for expected, value in made.items() if isinstance(kind, expected))


def text_of(place: str, number: int) -> str:
    return f"{place} {number}@example.org"


async def keys_in_use(engine: AsyncEngine) -> dict[str, set[bytes]]:
    """The keys under which each sealed column stands."""
    async with unit_of_work(engine) as db:
        return {
            f"{table.name}.{name}": {
                bytes(value)[:KEY_ID_BYTES]
                for value in (await db.read(sa.select(sa.type_coerce(table.c[name], sa.LargeBinary)))).scalars()
                if value is not None
            }
            for table, name in PLACES
        }


def ignore(_done: int, _total: int) -> None:
    """No bar."""


class TestEverything:
    async def test_comes_under_the_new_secret_in_every_column_of_every_table(
        self, filled: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rotation, "BATCH", 2)
        told: list[tuple[int, int]] = []
        values = ROWS * sum(len(table.texts) + len(table.indexes) for table in TABLES)

        outcome = await rotation.rotate(filled, Base.metadata, DURING, lambda *figures: told.append(figures))

        assert await keys_in_use(filled) == {f"{table.name}.{name}": {NEW_ID} for table, name in PLACES}
        assert outcome.moved == values
        assert outcome.left == {NEW_ID: values}
        assert told[-1] == (values, values)
        assert told == sorted(told)

    async def test_reads_as_before_once_the_old_secret_is_gone(self, filled: AsyncEngine) -> None:
        await rotation.rotate(filled, Base.metadata, DURING, ignore)
        crypto.install([NEW])

        async with unit_of_work(filled) as db:
            for table, name in PLACES:
                assert set((await db.read(sa.select(table.c[name]))).scalars()) == {
                    text_of(f"{table.name}.{name}", number) for number in range(ROWS)
                }

    async def test_is_done_once(self, filled: AsyncEngine) -> None:
        await rotation.rotate(filled, Base.metadata, DURING, ignore)

        again = await rotation.rotate(filled, Base.metadata, DURING, ignore)

        assert again.moved == 0

    async def test_is_counted_by_secret_without_changing_it(self, filled: AsyncEngine) -> None:
        counted = await rotation.tally(filled, Base.metadata, DURING)

        assert set(counted) == {OLD_ID}
        assert await rotation.tally(filled, Base.metadata, AFTER) == {rotation.UNREADABLE: counted[OLD_ID]}

    async def test_without_a_key_stays_as_it_is(self, filled: AsyncEngine) -> None:
        outcome = await rotation.rotate(filled, Base.metadata, AFTER, ignore)

        assert outcome.moved == 0
        assert set(outcome.left) == {rotation.UNREADABLE}
        assert {key for keys in (await keys_in_use(filled)).values() for key in keys} == {OLD_ID}


class TestCutShort:
    async def test_a_rotation_goes_on_where_it_ended(
        self, filled: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rotation, "BATCH", 2)

        def crash(done: int, _total: int) -> None:
            if done > ROWS * 2:
                raise CutShortError

        with pytest.raises(CutShortError):
            await rotation.rotate(filled, Base.metadata, DURING, crash)
        half = await rotation.tally(filled, Base.metadata, DURING)
        outcome = await rotation.rotate(filled, Base.metadata, DURING, ignore)

        assert half[NEW_ID] > ROWS
        assert half[OLD_ID] > ROWS
        assert outcome.moved == half[OLD_ID]
        assert set(outcome.left) == {NEW_ID}

    async def test_half_of_it_is_read_by_everyone_who_has_both_secrets(
        self, filled: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rotation, "BATCH", 2)

        def crash(done: int, _total: int) -> None:
            if done > ROWS * 2:
                raise CutShortError

        with pytest.raises(CutShortError):
            await rotation.rotate(filled, Base.metadata, DURING, crash)

        for ring in ([OLD, NEW], [NEW, OLD]):
            crypto.install(ring)
            async with unit_of_work(filled) as db:
                found = [await identity.account_of(db, text_of("accounts.email", number)) for number in range(ROWS)]
            assert all(found)


class TestConcurrentEdits:
    async def test_are_never_overwritten(self, cast: Cast, db: Database, engine: AsyncEngine) -> None:
        """A process that does not know yet which secret comes first writes all the while."""
        crypto.install([OLD, NEW])
        await db.finish()
        done = asyncio.Event()
        written = 0

        async def write() -> None:
            nonlocal written
            while not done.is_set() or written < 20:
                async with unit_of_work(engine) as own:
                    patient = await own.get_one(Patient, cast.patient.patient_id)
                    patient.display_name = f"name {written + 1}"
                written += 1

        writing = asyncio.create_task(write())
        for _ in range(5):
            await rotation.rotate(engine, Base.metadata, DURING, ignore)
        done.set()
        await writing
        outcome = await rotation.rotate(engine, Base.metadata, DURING, ignore)

        async with unit_of_work(engine) as own:
            assert (await own.get_one(Patient, cast.patient.patient_id)).display_name == f"name {written}"
        assert set(outcome.left) == {NEW_ID}

    async def test_a_row_that_changed_since_it_was_read_is_left(self, cast: Cast, db: Database) -> None:
        (table,) = (found for found in TABLES if found.table.name == "patients")
        wanted = cast.patient.patient_id
        rows = (await db.read(table.page(None, 100, DURING))).all()
        (row,) = (found for found in rows if found.id == wanted)
        changes = table.changes(row, DURING)
        patient = await db.get_one(Patient, wanted)
        patient.display_name = "changed meanwhile"
        await db.flush()

        await db.read(table.update(list(changes)), table.parameters(row, changes))
        await db.finish()
        db.expunge_all()

        assert (await db.get_one(Patient, wanted)).display_name == "changed meanwhile"

    async def test_a_row_that_is_being_written_is_left_for_later(
        self, cast: Cast, db: Database, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQLite has one writer: there the rotation waits its turn, here it goes round."""
        monkeypatch.setattr(rotation, "WAIT_SECONDS", 0.01)
        await db.finish()
        if not db.is_postgresql:
            return
        async with unit_of_work(engine) as writer:
            (await writer.get_one(Patient, cast.patient.patient_id)).display_name = "half written"
            await writer.flush()

            outcome = await asyncio.wait_for(rotation.rotate(engine, Base.metadata, DURING, ignore), 5)

            assert outcome.left[OLD_ID] == 1
        assert set((await rotation.rotate(engine, Base.metadata, DURING, ignore)).left) == {NEW_ID}


class TestAddresses:
    @pytest.mark.parametrize("ring", [[OLD, NEW], [NEW, OLD]], ids=["announced", "in use"])
    @pytest.mark.parametrize("rotated", [False, True])
    async def test_people_sign_in_all_the_while(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database, engine: AsyncEngine, ring: list[str], rotated: bool
    ) -> None:
        await db.finish()
        if rotated:
            await rotation.rotate(engine, Base.metadata, DURING, ignore)
        crypto.install(ring)

        answer = await client.post("/v1/sign-ins", json=sign_in(cast.patient.email))

        assert answer.status_code == 201

    async def test_people_sign_in_once_the_old_secret_is_gone(
        self, client: httpx2.AsyncClient, cast: Cast, db: Database, engine: AsyncEngine
    ) -> None:
        await db.finish()
        await rotation.rotate(engine, Base.metadata, DURING, ignore)
        crypto.install([NEW])

        answer = await client.post("/v1/sign-ins", json=sign_in(cast.patient.email.upper()))

        assert answer.status_code == 201

    async def test_an_address_stays_unique_while_two_secrets_are_live(self, cast: Cast, db: Database) -> None:
        crypto.install([NEW, OLD])

        assert await identity.is_taken(db, cast.patient.email)
        assert not await identity.is_taken(db, "nobody@example.org")

    async def test_two_processes_with_different_first_secrets_cannot_both_take_an_address(
        self, db: Database, engine: AsyncEngine
    ) -> None:
        crypto.install([OLD, NEW])
        assert not await identity.is_taken(db, "sam@example.org")
        await identity.add_account(db, "sam@example.org", None)

        async def other() -> bool:
            crypto.install([NEW, OLD])
            session = new_session(engine, EVERY_CLINIC)
            try:
                return await identity.is_taken(session, "Sam@example.org")
            finally:
                await session.abandon()
                await session.close()

        asking = asyncio.create_task(other())
        await asyncio.sleep(0.2)
        waited = not asking.done()
        await db.finish()

        assert waited
        assert await asking

    async def test_that_two_accounts_share_are_told_and_left(self, db: Database, engine: AsyncEngine) -> None:
        """Only processes that share no secret can bring it about; the rest must still be brought under the new one."""
        for ring in ([OLD], [NEW]):
            crypto.install(ring)
            await identity.add_account(db, "sam@example.org", None)
        await identity.add_account(db, "kim@example.org", None)
        await db.finish()

        outcome = await rotation.rotate(engine, Base.metadata, DURING, ignore)

        assert outcome.twice == 1
        assert outcome.left == {NEW_ID: 5, OLD_ID: 1}
        async with unit_of_work(engine) as own:
            assert len((await own.scalars(sa.select(Account))).all()) == 3


def sign_in(address: str) -> dict[str, str]:
    return {"email": address, "password": PASSWORD, "device_label": str(an_id())}
