"""SQLite without a thread: while the demo is filled, nobody else waits for the event loop.

`aiosqlite` hands every call to a thread of its own, so that a server goes on answering. The simulator makes two hundred
thousand of them one after another, and handing them over takes longer than doing them: half of the time, and most of it
on a busy machine.
"""

import functools
import sqlite3
from collections.abc import Callable, Generator
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

ITEMS_AT_ONCE = 64


class InlineConnection(aiosqlite.Connection):
    """A connection of the driver that does what it is asked at once. Its thread is never started."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  aiosqlite's
        return fn(*args, **kwargs)

    async def _connect(self) -> "InlineConnection":
        if self._connection is None:
            self._connection = self._connector()
        return self

    def __await__(self) -> Generator[Any, None, "InlineConnection"]:
        return self._connect().__await__()

    def stop(self) -> None:
        """End: there is no thread to wait for."""
        self._running = False


def _connect(database: str, **options: Any) -> InlineConnection:  # noqa: ANN401  what sqlite3.connect takes
    return InlineConnection(functools.partial(sqlite3.connect, database, **options), ITEMS_AT_ONCE)


def install(engine: AsyncEngine) -> None:
    """Let this engine's connections work inline, and leave it to luck whether a crash loses what they wrote."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def _inline(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> None:
        options["async_creator_fn"] = _connect

    @event.listens_for(engine.sync_engine, "connect")
    def _hurry(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's connection
        # After a crash the unfinished file is thrown away.
        connection.execute("PRAGMA synchronous = OFF")
