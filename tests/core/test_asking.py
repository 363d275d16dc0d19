"""Statements that are sent alone: as safe behind the wall as a transaction, and as sound when something breaks."""

import asyncio
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.models import AuditEntry
from app.core import asking, clock
from app.core.asking import Note, ask
from app.core.clinic_wall import WrongClinicError
from app.core.db import Database, new_session
from app.core.settings import Settings
from app.identity.models import Membership, Patient
from tests.cast import Cast, a_cast
from tests.factories import an_id

pytestmark = pytest.mark.postgresql

PATIENTS = sa.select(Patient.__table__.c.id).order_by(Patient.__table__.c.id)
"""It names no clinic: only the wall of the database stands before the others' rows."""
_MEMBER = Membership.__table__.c
NAMED = sa.select(_MEMBER.id, _MEMBER.display_name).where(_MEMBER.clinic_id == sa.bindparam("clinic_id"))
ENTERED = sa.select(sa.func.current_setting("app.clinic_id", True))
SLOW = sa.select(sa.func.pg_sleep(sa.bindparam("seconds")), sa.func.pg_backend_pid())


@pytest.fixture
async def casts(db: Database, settings: Settings) -> tuple[Cast, Cast]:
    """People of two clinics."""
    made = await a_cast(db, settings), await a_cast(db, settings)
    await db.finish()
    return made


async def _entered(engine: AsyncEngine) -> str | None:
    async with engine.connect() as connection:
        found: str | None = (await connection.execute(ENTERED)).scalar()
        return found


class TestWall:
    async def test_stands_around_the_clinic_of_the_statement(
        self, engine: AsyncEngine, casts: tuple[Cast, Cast]
    ) -> None:
        ours, theirs = casts

        found = [
            {str(row.id) for row in await ask(engine, PATIENTS, {}, cast.clinic.id)} for cast in (ours, theirs, ours)
        ]

        assert found[0] == found[2]
        assert ours.patient_id in found[0]
        assert theirs.patient_id in found[1]
        assert not found[0] & found[1]

    async def test_shows_nothing_to_a_clinic_that_is_none(self, engine: AsyncEngine, casts: tuple[Cast, Cast]) -> None:
        assert await ask(engine, PATIENTS, {}, an_id()) == []

    async def test_is_forgotten_when_the_statement_ends(self, engine: AsyncEngine, casts: tuple[Cast, Cast]) -> None:
        await ask(engine, PATIENTS, {}, casts[0].clinic.id)

        assert not await _entered(engine)
        with pytest.raises(exc.DBAPIError):  # no clinic, no rows
            async with engine.connect() as connection:
                await connection.execute(PATIENTS)

    async def test_stands_for_many_at_once(self, engine: AsyncEngine, casts: tuple[Cast, Cast]) -> None:
        wanted = [casts[number % 2] for number in range(40)]

        found = await asyncio.gather(*(ask(engine, PATIENTS, {}, cast.clinic.id) for cast in wanted))

        for cast, rows in zip(wanted, found, strict=True):
            other = casts[0] if cast is casts[1] else casts[1]
            assert cast.patient_id in {str(row.id) for row in rows}
            assert other.patient_id not in {str(row.id) for row in rows}

    async def test_needs_a_clinic_that_was_entered(self, engine: AsyncEngine) -> None:
        db = new_session(engine)
        with pytest.raises(WrongClinicError):
            await db.ask(ENTERED, {})


class TestRows:
    async def test_are_as_the_types_of_their_columns_promise(
        self, engine: AsyncEngine, db: Database, casts: tuple[Cast, Cast]
    ) -> None:
        clinic_id = casts[0].clinic.id

        alone = await ask(engine, NAMED, {"clinic_id": clinic_id}, clinic_id)

        usual = (await db.read(NAMED, {"clinic_id": clinic_id})).all()
        assert sorted(map(tuple, alone)) == sorted(map(tuple, usual))
        assert {row.display_name for row in alone} == {row.display_name for row in usual}

    async def test_see_what_their_own_transaction_did(self, engine: AsyncEngine, casts: tuple[Cast, Cast]) -> None:
        cast = casts[0]
        db = new_session(engine, cast.clinic.id)
        await db.execute(sa.update(Patient).where(Patient.id == cast.patient_id).values(status="paused"))
        statuses = sa.select(Patient.__table__.c.status).where(
            Patient.__table__.c.clinic_id == sa.bindparam("clinic_id"), Patient.__table__.c.id == sa.bindparam("id")
        )

        found = await db.ask(statuses, {"clinic_id": cast.clinic.id, "id": cast.patient_id})
        await db.close()

        assert [row.status for row in found] == ["paused"]


class TestNote:
    @pytest.mark.parametrize("relaxed", [True, False])
    async def test_is_left_once_for_each_row_that_is_found(
        self, engine: AsyncEngine, db: Database, casts: tuple[Cast, Cast], relaxed: bool
    ) -> None:
        cast = casts[0]
        note = Note(
            AuditEntry.metadata.tables["audit_entries"],
            (("clinic_id", "clinic_id"), ("patient_id", "id")),
            ("id", "at", "actor_role", "operation", "permission", "outcome"),
        )
        columns = Patient.__table__.c
        whose = sa.select(columns.id, columns.clinic_id).where(columns.id == sa.bindparam("id"))
        told = {"actor_role": "system", "operation": "try_it", "permission": "x:read", "outcome": "allowed"}

        async def asked(patient_id: str) -> None:
            fields = {"id": an_id(), "at": clock.now(), **told}
            given = {f"note_{name}": value for name, value in fields.items()}
            await ask(engine, whose, {"id": UUID(patient_id), **given}, cast.clinic.id, note=note, relaxed=relaxed)

        await asked(cast.patient_id)
        await asked(casts[1].patient_id)  # whom this clinic does not see
        await asked(str(an_id()))

        left = sa.select(AuditEntry.patient_id).where(AuditEntry.operation == "try_it")
        assert list(await db.scalars(left)) == [UUID(cast.patient_id)]


class TestFault:
    async def test_of_a_statement_is_one_of_the_database(self, engine: AsyncEngine) -> None:
        with pytest.raises(exc.DBAPIError) as caught:
            await ask(engine, sa.select(sa.literal(1) / sa.bindparam("by", type_=sa.Integer())), {"by": 0}, an_id())

        assert getattr(caught.value.orig, "sqlstate", None) == "22012"
        assert await ask(engine, sa.select(sa.literal(1)), {}, an_id())

    async def test_of_a_server_that_hung_up_leaves_no_broken_connection(
        self, engine: AsyncEngine, superuser_url: str
    ) -> None:
        slow = asyncio.create_task(ask(engine, SLOW, {"seconds": 30}, an_id()))
        await _until_asleep(engine)

        async with engine.connect() as connection:
            await connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
                )
            )

        with pytest.raises(exc.OperationalError):
            await slow
        assert await ask(engine, sa.select(sa.literal(1)), {}, an_id())

    async def test_of_a_caller_who_gave_up_leaves_nothing_under_way(self, engine: AsyncEngine) -> None:
        slow = asyncio.create_task(ask(engine, SLOW, {"seconds": 30}, an_id()))
        await _until_asleep(engine)

        slow.cancel()

        with pytest.raises(asyncio.CancelledError):
            await slow
        rows = await asyncio.gather(*(ask(engine, SLOW, {"seconds": 0}, an_id()) for _ in range(8)))
        assert all(rows)

    async def test_does_not_tell_what_was_asked(self, engine: AsyncEngine) -> None:
        secret = sa.select(sa.cast(sa.bindparam("secret", type_=sa.Text()), sa.Integer()))
        with pytest.raises(exc.DBAPIError) as caught:
            await ask(engine, secret, {"secret": "12"} | {"secret": "not-a-number"}, an_id())

        assert "secret" not in str(caught.value.statement)
        assert caught.value.params is None


async def _until_asleep(engine: AsyncEngine) -> None:
    asleep = sa.text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND wait_event = 'PgSleep'")
    for _ in range(500):
        async with engine.connect() as connection:  # what others do is looked at once in a transaction
            if (await connection.execute(asleep)).scalar():
                return
        await asyncio.sleep(0.01)
    pytest.fail("it never fell asleep")


class TestPrepared:
    def test_has_no_place_for_a_value_that_was_given(self) -> None:
        """What is asked is compiled once: nothing of one request may be in it."""
        statement = PATIENTS.where(Patient.__table__.c.id == sa.bindparam("id"))

        asked, _, told = asking.prepared(statement, None, relaxed=False)

        assert ([name for name, _ in asked.wanted], told) == (["id"], [])
        assert asking.prepared(statement, None, relaxed=False)[0] is asked

    def test_takes_no_list_whose_length_it_cannot_know(self) -> None:
        column = Patient.__table__.c.status
        asking.prepared(PATIENTS.where(column.in_(["active", "paused"])), None, relaxed=False)

        with pytest.raises(TypeError):
            asking.prepared(PATIENTS.where(column.in_(sa.bindparam("statuses"))), None, relaxed=False)

    def test_needs_each_value_that_is_asked_for(self) -> None:
        asked, _, _ = asking.prepared(PATIENTS.where(Patient.__table__.c.id == sa.bindparam("id")), None, relaxed=False)

        with pytest.raises(KeyError):
            asked.arguments({})
