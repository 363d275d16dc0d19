"""Waking who has something to do as soon as it is committed, in this process and in others.

A transaction that leaves work behind rings (`Database.ring`), and once it is committed, everybody who waits in this
process wakes up. Workers in processes of their own are told through PostgreSQL's NOTIFY, not by the transaction itself
(commits that notify wait for each other there) but just after it, once for all that ring within some milliseconds. What
a crash in between leaves untold is found by looking now and then: a ring is a hint and never a promise.
"""

import asyncio
import contextlib
from weakref import WeakKeyDictionary

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.logging import describe, log
from app.core.settings import Settings

CHANNEL = "afterglow_work"
PRESSING, PERHAPS = "now", "perhaps"
TOGETHER_SECONDS = 0.002
AGAIN_SECONDS = 5


class Bell:
    """The bell of one engine, until it is closed. Whoever waits clears `rung` before they look, and waits for it after.

    `pressing` is set beside it where the work is for certain; what only may be some (an event that perhaps nobody hears
    of) sets `rung` alone.
    """

    def __init__(self, engine: AsyncEngine, *, aloud: bool = False) -> None:
        self.rung = asyncio.Event()
        self.pressing = asyncio.Event()
        self._engine = engine
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._aloud = aloud
        self._telling: asyncio.Task[None] | None = None
        self._again = False
        self._tells_pressing = False
        _bells[engine.sync_engine] = self

    def hear(self, *, pressing: bool) -> None:
        """Wake who waits here."""
        self.rung.set()
        if pressing:
            self.pressing.set()

    def ring(self, *, pressing: bool = True) -> None:
        """Wake who waits here and, if it is to be heard elsewhere, there."""
        self.hear(pressing=pressing)
        if not self._aloud:
            return
        self._tells_pressing = self._tells_pressing or pressing
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())
        else:
            self._again = True

    async def _tell(self) -> None:
        self._again = True
        while self._again:
            await asyncio.sleep(TOGETHER_SECONDS)
            word, self._again, self._tells_pressing = PRESSING if self._tells_pressing else PERHAPS, False, False
            try:
                async with self._alone.connect() as connection:  # one trip, where a transaction takes three
                    await connection.exec_driver_sql(f"NOTIFY {CHANNEL}, '{word}'")
            except (SQLAlchemyError, OSError) as error:  # they look now and then anyway
                log.warning("bell_not_heard", **describe(error))

    async def close(self) -> None:
        """Wait until everybody was told, and ring no more; before the database is closed."""
        if _bells.get(self._engine.sync_engine) is self:
            del _bells[self._engine.sync_engine]
        if self._telling is not None:
            await self._telling


_bells: WeakKeyDictionary[sa.Engine, Bell] = WeakKeyDictionary()


def ring(engine: sa.Engine, *, pressing: bool) -> None:
    """Ring the bell of this engine, if it has one."""
    bell = _bells.get(engine)
    if bell is not None:
        bell.ring(pressing=pressing)


async def listen(settings: Settings, bell: Bell, stop: asyncio.Event) -> None:
    """Ring `bell` whenever another process rings, until `stop`. A lost connection is made anew."""
    while not stop.is_set():
        try:
            await _listen_once(settings, bell, stop)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("bell_out_of_hearing", **describe(error))
        if not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)


async def _listen_once(settings: Settings, bell: Bell, stop: asyncio.Event) -> None:
    address = settings.async_database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
    connection = await asyncpg.connect(address, server_settings={"application_name": "afterglow listener"})
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    try:
        await connection.add_listener(CHANNEL, lambda *told: bell.hear(pressing=told[-1] != PERHAPS))
        bell.hear(pressing=True)  # what rang while nobody listened
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(gone.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    finally:
        if not gone.is_set():
            await connection.close(timeout=AGAIN_SECONDS)
