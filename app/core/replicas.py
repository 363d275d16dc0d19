"""Reading from a replica: a second PostgreSQL that follows the first one, for the reads that take longest.

The guard, its audit entry, every revision and every write belong to the primary. What is read after that may come from
the replica, but only if the replica has everything that this reader must see: whoever calls brings the `Question` that
tells. If it has not, is away, is no replica any more or fails half-way, the same is read from the primary, and the
caller notices nothing. A replica that is away is left alone for some seconds.

Which reads do so, and what they ask, is in `identity/reads.py`. Without `AFTERGLOW_READ_DATABASE_URL` there is no
replica, and nothing of this costs anything.
"""

import asyncio
import time
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
from app.core.engines import create_reading_engine
from app.core.logging import describe, log
from app.core.settings import Settings

Answer = TypeVar("Answer")
Read = Callable[[Database], Awaitable[Answer]]

ANSWERS_WITHIN_SECONDS: Final = 2
"""How long the replica may take to say how far it is, a new connection included."""
LEFT_ALONE_SECONDS: Final = 5
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
        self._known = self._tried = False
        self._away_until = 0.0

    @property
    def is_left_alone(self) -> bool:
        """Whether it failed a moment ago, or somebody is finding out just now whether it is back."""
        return self._tried or time.monotonic() < self._away_until

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
        self._tried = not self._known
        try:
            yield other
        finally:
            self._tried = False
            await _give_back(other)

    async def _has_caught_up(self, other: Database, question: Question) -> bool:
        with self._faults("away"):
            async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
                for pause in (*question.pauses, None):
                    row: Any = (await other.read(question.statement, question.parameters)).one()
                    follows, walled, caught_up = row
                    if not follows or not (walled or self._may_be_wall_less):
                        log.warning("replica_unfit", follows=follows, walled=walled)
                        self._leave_alone()
                        break
                    self._found()
                    if caught_up:
                        return True
                    if pause is not None:
                        await asyncio.sleep(pause)
            _reads.add("behind")
        return False

    @contextmanager
    def _faults(self, outcome: str) -> Iterator[None]:
        """Note what goes wrong with the replica and go on: the primary can do the same."""
        try:
            yield
        except DBAPIError as error:
            _reads.add(outcome)
            log.warning("replica_failed", **describe(error))
            if error.connection_invalidated:
                self._leave_alone()
        except _AWAY as error:
            _reads.add(outcome)
            log.warning("replica_away", **describe(error))
            self._leave_alone()

    def _found(self) -> None:
        if not self._known:
            log.info("replica_found")
        self._known, self._tried = True, False

    def _leave_alone(self) -> None:
        self._known = False
        self._away_until = time.monotonic() + LEFT_ALONE_SECONDS

    async def close(self) -> None:
        """Close its connections."""
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
    if replica is not None and replica.is_left_alone:
        _reads.add("away")
        return None
    return replica
