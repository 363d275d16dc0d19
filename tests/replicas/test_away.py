"""A replica that is away, hangs, breaks off or is none costs a moment, never an answer; nothing is written to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from app.core import replicas
from app.core.db import Database, new_session
from app.core.replicas import Replica
from app.core.settings import Environment, Settings
from tests.cast import Cast, a_cast
from tests.databases import PostgresqlDatabase
from tests.factories import a_clinic, a_patient, a_report, an_id
from tests.postgresql import SUPERUSER
from tests.replicas.conftest import DATABASE, Answered, Pair
from tests.replicas.wire import Wire

pytestmark = pytest.mark.postgresql
CHECK_INS = "/v1/me/check-ins"
SESSIONS = "/v1/dosing-sessions"


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
async def phone(
    new_client: Callable[..., httpx2.AsyncClient], cast: Cast, pair: Pair, answered: Answered
) -> httpx2.AsyncClient:
    """A phone whose owner has one check-in, which the replica has too."""
    client = new_client(cast.patient.token)
    assert (await client.put(f"{CHECK_INS}/{an_id()}", json=a_report(datetime.now(UTC)))).status_code == 201
    await pair.settle()
    answered.clear()
    return client


@pytest.fixture
def desk(new_client: Callable[..., httpx2.AsyncClient], cast: Cast, phone: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return new_client(cast.prescriber.token)


async def read(client: httpx2.AsyncClient, path: str = CHECK_INS) -> int:
    """How many there are."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return len(answer.json()["items"])


class TestAway:
    async def test_one_that_is_gone_is_asked_once_and_left_alone(
        self, phone: httpx2.AsyncClient, desk: httpx2.AsyncClient, wire: Wire, answered: Answered
    ) -> None:
        await read(phone)
        await wire.cut()
        answered.clear()

        assert [await read(phone) for _ in range(4)] == [1, 1, 1, 1]
        assert await read(desk, SESSIONS) == 0
        assert answered.outcomes == {"away": 5}
        assert answered.replica in ([], answered.replica[:1])  # on the connection that turned out to be cut

    async def test_one_that_comes_back_is_asked_again(
        self,
        phone: httpx2.AsyncClient,
        wire: Wire,
        answered: Answered,
        replica: Replica,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(replicas, "LOOKS_AGAIN_SECONDS", 0.01)
        await wire.cut()
        assert [await read(phone), await read(phone)] == [1, 1]
        await wire.mend()
        assert replica._looking is not None
        await replica._looking
        answered.clear()

        assert await read(phone) == 1

        assert answered.outcomes == {"answered": 1}

    async def test_one_that_says_nothing_holds_up_only_who_asks_it_first(
        self, phone: httpx2.AsyncClient, wire: Wire, answered: Answered, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replicas, "ANSWERS_WITHIN_SECONDS", 0.1)
        await read(phone)
        wire.block()
        answered.clear()

        assert await read(phone) == 1
        asked = len(answered.replica)
        assert [await read(phone) for _ in range(5)] == [1] * 5

        assert answered.outcomes == {"away": 6}
        assert len(answered.replica) == asked

    async def test_one_that_is_not_found_yet_is_looked_for_while_requests_go_on(
        self, phone: httpx2.AsyncClient, replica: Replica, wire: Wire, answered: Answered
    ) -> None:
        replica._is_there = False
        before = wire.calls

        assert await asyncio.gather(*(read(phone) for _ in range(6))) == [1] * 6

        assert answered.outcomes.keys() <= {"away", "answered"}
        assert answered.outcomes["away"] >= 1
        assert wire.calls <= before + 6

    async def test_one_that_breaks_off_in_the_middle_of_a_read_is_replaced(
        self, phone: httpx2.AsyncClient, replica: Replica, wire: Wire, answered: Answered
    ) -> None:
        def break_off(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if "FROM check_ins" in statement:
                wire.hang_up()

        event.listen(replica.engine.sync_engine, "before_cursor_execute", break_off)

        assert await read(phone) == 1
        assert answered.outcomes == {"failed": 1}
        assert not replica._is_there

    async def test_a_statement_that_fails_there_is_sent_to_the_primary_and_the_next_is_tried_there_again(
        self, phone: httpx2.AsyncClient, pair: Pair, replica: Replica, answered: Answered
    ) -> None:
        """As when the replica takes away rows that a long read still needs (a conflict with recovery)."""
        failing = ["FROM check_ins"]

        def fail(_c: object, _u: object, statement: str, parameters: object, *_: object) -> tuple[str, object]:
            if failing and failing[0] in statement:
                failing.clear()
                statement = statement.replace("FROM check_ins", "FROM no_such_table")
            return statement, parameters

        event.listen(replica.engine.sync_engine, "before_cursor_execute", fail, retval=True)

        assert [await read(phone), await read(phone)] == [1, 1]
        assert answered.outcomes == {"failed": 1, "answered": 1}

    async def test_requests_that_are_given_up_leave_no_connection_behind(
        self, phone: httpx2.AsyncClient, replica: Replica, wire: Wire, answered: Answered
    ) -> None:
        await read(phone)
        wire.block()
        given_up = [asyncio.create_task(phone.get(CHECK_INS)) for _ in range(3)]
        await asyncio.sleep(0.05)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        await wire.mend()

        assert await read(phone) == 1
        assert replica.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a pool that queues


class TestNoReplica:
    @pytest.fixture
    async def named(
        self, app: FastAPI, settings: Settings, phone: httpx2.AsyncClient
    ) -> AsyncIterator[Callable[..., Replica]]:
        made: list[Replica] = []

        def name(address: str, **but: object) -> Replica:
            made.append(Replica(settings.model_copy(update={"database_url": address} | but)))
            app.state.replica = made[-1]
            made[-1]._is_there = True
            return made[-1]

        yield name
        for each in made:
            await each.close()

    async def test_a_primary_is_not_taken_for_one(
        self,
        named: Callable[..., Replica],
        phone: httpx2.AsyncClient,
        desk: httpx2.AsyncClient,
        database_url: str,
        answered: Answered,
    ) -> None:
        """After a failover the address of a replica may lead to a server that takes writes of its own."""
        named(database_url)

        assert [await read(phone), await read(desk, SESSIONS)] == [1, 0]
        assert answered.outcomes == {"behind": 1, "away": 1}

    async def test_a_database_of_somebody_elses_is_not_taken_for_one(
        self, named: Callable[..., Replica], phone: httpx2.AsyncClient, wire: Wire, answered: Answered
    ) -> None:
        named(wire.address("postgres"))

        assert await read(phone) == 1
        assert answered.outcomes == {"away": 1}

    @pytest.mark.parametrize(
        ("environment", "outcome"), [(Environment.PRODUCTION, "behind"), (Environment.DEVELOPMENT, "answered")]
    )
    async def test_outside_development_nobody_reads_as_a_superuser(
        self,
        named: Callable[..., Replica],
        phone: httpx2.AsyncClient,
        wire: Wire,
        answered: Answered,
        environment: Environment,
        outcome: str,
    ) -> None:
        named(wire.address(DATABASE, SUPERUSER), environment=environment)

        assert await read(phone) == 1
        assert answered.outcomes == {outcome: 1}


class TestWalls:
    async def test_row_level_security_keeps_clinics_apart_there_too(
        self, db: Database, settings: Settings, replica: Replica, pair: Pair
    ) -> None:
        ours, theirs = await a_clinic(db), await a_clinic(db)
        for clinic in (ours, ours, theirs):
            await a_patient(db, settings, clinic)
        await db.finish()
        await pair.settle()
        everybody = sa.text("SELECT count(*) FROM patients")

        counts = []
        for clinic in (ours, theirs):
            handle = new_session(replica.engine, clinic.id)
            counts.append(await handle.scalar(everybody))
            await handle.close()
        nobodys = new_session(replica.engine)

        assert counts == [2, 1]
        with pytest.raises(DBAPIError, match=r"app\.clinic_id|for type uuid"):  # never set, or set and forgotten
            await nobodys.scalar(everybody)
        await nobodys.close()

    @pytest.mark.parametrize("of", ["replica", "primary"])
    async def test_nothing_can_be_written_through_its_connections(
        self, db: Database, settings: Settings, replica: Replica, pair: Pair, databases: PostgresqlDatabase, of: str
    ) -> None:
        """Not even if the address is that of a server which takes writes."""
        clinic = await a_clinic(db)
        await db.finish()
        await pair.settle()
        engine = replica.engine if of == "replica" else Replica(settings).engine
        handle = new_session(engine, clinic.id)

        with pytest.raises(DBAPIError, match="read-only transaction"):
            await handle.execute(sa.text("UPDATE clinics SET name = 'Hillside'"))

        await handle.close()
        await engine.dispose()
