"""Reading from a replica: a second PostgreSQL that follows the first one, for the reads that take longest.

The guard, its audit entry, every revision and every write belong to the primary. What is read after that may come from
the replica, but only if the replica has everything that this reader must see: whoever calls brings the `Question` that
tells. If it has not, is away, is no replica any more or fails half-way, the same is read from the primary, and the
caller notices nothing. A replica that is away is asked by nobody but a task that looks every few seconds whether it is
back.

Which reads do so, and what they ask, is in `identity/reads.py`. Without `AFTERGLOW_READ_DATABASE_URL` there is no
replica, and nothing of this costs anything.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from app.core import metrics
from app.core.db import Database, new_session
from app.core.engines import REPLICA_CONNECT_SECONDS, create_reading_engine
from app.core.logging import describe, log
from app.core.settings import Settings

Answer = TypeVar("Answer")
Read = Callable[[Database], Awaitable[Answer]]

ANSWERS_WITHIN_SECONDS: Final = 1
"""How long the replica may keep a request waiting to say how far it is, a new connection included."""
LOOKS_AGAIN_SECONDS: Final = 5
STATE: Final = (
    sa.func.pg_is_in_recovery().label("follows"),
    sa.func.row_security_active(sa.literal_column("'patients'")).label("walled"),
)
"""Whether it still follows a primary, and whether row-level security binds us there."""

# No connection was had. `TimeoutError` is an `OSError`; the driver's own errors are not wrapped while connecting.
_AWAY: Final = (OSError, NoConnectionError, asyncpg.PostgresError, asyncpg.InterfaceError)
_reads = metrics.Counter(
    "afterglow_replica_reads",
    "Reads that may go to a replica, by what became of them; all but `answered` went to the primary.",
    ("outcome",),
    known=[("answered",), ("behind",), ("failed",), ("away",)],
)


@dataclass(frozen=True, slots=True)
class Question:
    """What the replica is asked first. The statement selects `STATE` and then whether it has caught up."""

    statement: sa.Select[*tuple[Any, ...]]
    parameters: Mapping[str, Any]
    pauses: tuple[float, ...] = ()
    """It is asked again after each of these seconds, until it has."""


class Replica:
    """The replica of one process, with its connections."""

    def __init__(self, settings: Settings) -> None:
        """`settings` are those that name the replica: `Settings.as_reader`."""
        self.engine = create_reading_engine(settings)
        self._may_be_wall_less = settings.is_development
        self._is_there = False
        self._looking: asyncio.Task[None] | None = None

    def is_there(self) -> bool:
        """Whether it can be asked. Until it was found, and while it is away, it is looked for."""
        if not self._is_there and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look())
        return self._is_there

    async def read(self, db: Database, question: Question, read: Read[Answer]) -> Answer:
        """Read from the replica if it has caught up, else with `db` from the primary.

        Before the replica is read, what `db` did so far is committed, the audit entry above all, and its connection
        given back.
        """
        async with self._handle(db) as other:
            if await self._has_caught_up(other, question):
                await db.let_go()
                with self._faults("failed"):
                    answer = await read(other)
                    _reads.add("answered")
                    return answer
        return await read(db)

    @asynccontextmanager
    async def _handle(self, db: Database) -> AsyncIterator[Database]:
        """A handle on the replica, for the clinic that `db` works for."""
        other = new_session(self.engine, db.clinic_id)
        try:
            yield other
        finally:
            await _give_back(other)

    async def _has_caught_up(self, other: Database, question: Question) -> bool:
        with self._faults("away"):
            async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
                for pause in (*question.pauses, None):
                    row: Any = (await other.read(question.statement, question.parameters)).one()
                    follows, walled, caught_up = row
                    if not self._is_fit(follows=follows, walled=walled):
                        self._is_there = False
                        break
                    if caught_up:
                        return True
                    if pause is not None:
                        await asyncio.sleep(pause)
            _reads.add("behind")
        return False

    def _is_fit(self, *, follows: bool, walled: bool) -> bool:
        return follows and (walled or self._may_be_wall_less)

    @contextmanager
    def _faults(self, outcome: str) -> Iterator[None]:
        """Note what goes wrong with the replica and go on: the primary can do the same."""
        try:
            yield
        except DBAPIError as error:
            _reads.add(outcome)
            log.warning("replica_failed", **describe(error))
            self._is_there = self._is_there and not error.connection_invalidated
        except _AWAY as error:
            _reads.add(outcome)
            log.warning("replica_away", **describe(error))
            self._is_there = False

    async def _look(self) -> None:
        """Look until it is there. What is in the way is written down when it is first seen."""
        told: object = None
        while not self._is_there:
            try:
                async with asyncio.timeout(REPLICA_CONNECT_SECONDS), self.engine.connect() as connection:
                    state = (await connection.execute(sa.select(*STATE))).one()._asdict()
                    self._is_there = self._is_fit(**state)
            except (DBAPIError, *_AWAY) as error:
                state = dict(describe(error))
            if self._is_there:
                log.info("replica_found")
                return
            if state != told:
                log.warning("replica_not_used", **state)
                told = state
            await asyncio.sleep(LOOKS_AGAIN_SECONDS)

    async def close(self) -> None:
        """Look for it no longer and close its connections."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await self.engine.dispose()


async def _give_back(other: Database) -> None:
    """End the transaction. What was read stays readable, and a connection that is broken need not be ended well."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
            await other.close()
    except (DBAPIError, *_AWAY):
        await other.invalidate()


def of(db: Database) -> Replica | None:
    """The replica that the request of `db` may read from just now."""
    replica: Replica | None = db.request.app.state.replica if db.request is not None else None
    if replica is not None and not replica.is_there():
        _reads.add("away")
        return None
    return replica
