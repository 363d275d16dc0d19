"""A primary, a replica that streams from it, and the application on both."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import replicas
from app.core.replicas import Replica
from app.core.settings import Settings
from tests.databases import PostgresqlDatabase, connected
from tests.postgresql import Server, address
from tests.replicas.wire import Wire

DATABASE = "tests_replica"
RECORD = ("FROM check_ins", "FROM observations", "FROM dosing_sessions")


@dataclass(frozen=True)
class Pair:
    """Two servers, and a superuser's connection to each."""

    replica_host: str
    on_primary: asyncpg.Connection
    on_replica: asyncpg.Connection

    async def pause(self) -> None:
        """Let the replica take in what the primary writes, and show nothing of it."""
        await self.on_replica.execute("SELECT pg_wal_replay_pause()")

    async def go_on(self) -> None:
        """Let the replica go on."""
        await self.on_replica.execute("SELECT pg_wal_replay_resume()")

    async def settle(self) -> None:
        """Wait until the replica shows everything that was committed on the primary.

        While a transaction is open, what is on disk may end in the middle of a record, hence the small commit.
        """
        await self.on_primary.execute("SELECT pg_logical_emit_message(true, '', '')")
        place = await self.on_primary.fetchval("SELECT pg_current_wal_flush_lsn()::text")
        while not await self.on_replica.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", place):
            pass


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Server, Server]]:
    primary = Server(followed=True)
    replica = Server(follows=primary)
    yield primary, replica
    replica.stop()
    primary.stop()


@pytest.fixture(scope="session")
async def databases(servers: tuple[Server, Server], anyio_backend: str) -> AsyncIterator[PostgresqlDatabase]:
    """The databases of all other fixtures: on the primary."""
    async with PostgresqlDatabase.opened(servers[0].host, DATABASE) as database:
        yield database


@pytest.fixture
async def pair(
    servers: tuple[Server, Server], database_url: str, superuser_url: str, anyio_backend: str
) -> AsyncIterator[Pair]:
    async with (
        connected(superuser_url) as on_primary,
        connected(address(servers[1].host, "postgres")) as on_replica,
    ):
        made = Pair(servers[1].host, on_primary, on_replica)
        await made.settle()
        yield made
        await made.go_on()


@pytest.fixture
async def wire(pair: Pair, anyio_backend: str) -> AsyncIterator[Wire]:
    laid = Wire(pair.replica_host)
    await laid.mend()
    yield laid
    await laid.remove()


@pytest.fixture
async def replica(app: FastAPI, settings: Settings, wire: Wire, anyio_backend: str) -> AsyncIterator[Replica]:
    """The application's replica, which is found already."""
    made = Replica(settings.model_copy(update={"database_url": wire.address(DATABASE)}))
    await made._look()
    app.state.replica = made
    yield made
    await made.close()


class Answered:
    """Who was asked for what: the statements that each of the two was sent, and the outcomes that were counted."""

    def __init__(self) -> None:
        self.primary: list[str] = []
        self.replica: list[str] = []
        self._before = dict(replicas._reads.counts)

    def clear(self) -> None:
        self.primary.clear()
        self.replica.clear()
        self._before = dict(replicas._reads.counts)

    @property
    def read_from_primary(self) -> list[str]:
        """What the primary was asked about the record itself."""
        return [each for each in self.primary if any(name in each for name in RECORD)]

    @property
    def outcomes(self) -> dict[str, int]:
        """How often each happened since."""
        return {
            name: count - self._before[name,] for (name,), count in replicas._reads.counts.items()
            if count != self._before[name,]
        }  # fmt: skip


@pytest.fixture
def answered(engine: AsyncEngine, replica: Replica) -> Iterator[Answered]:
    told = Answered()
    listeners = []
    for of, sent in ((engine.sync_engine, told.primary), (replica.engine.sync_engine, told.replica)):

        def note(_connection: object, _cursor: object, statement: str, *_: object, sent: list[str] = sent) -> None:
            if not statement.startswith(("BEGIN", "NOTIFY")) and "rate_limits" not in statement:
                sent.append(statement)

        event.listen(of, "before_cursor_execute", note)
        listeners.append((of, note))
    yield told
    for of, note in listeners:
        event.remove(of, "before_cursor_execute", note)
