"""Stands between a server and PostgreSQL, and counts what the server sends: nothing of it can stay unseen.

Counted are statements, BEGIN and COMMIT among them, and round trips: how often the server waits for an answer.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SOCKET = ".s.PGSQL.5432"
LENGTH = 4
SIMPLE, EXECUTE, SYNC = b"Q", b"E", b"S"


@dataclass(slots=True)
class Counted:
    """What went through so far. `folder` is where PostgreSQL seems to listen."""

    folder: str
    statements: int = 0
    trips: int = 0
    running: set[asyncio.Task[None]] = field(default_factory=set)

    def note(self, kind: bytes) -> None:
        """One message of the server's."""
        self.statements += kind in {SIMPLE, EXECUTE}
        self.trips += kind in {SIMPLE, SYNC}


@asynccontextmanager
async def counting(host: str) -> AsyncIterator[Counted]:
    """A way to the PostgreSQL whose socket is in `host`, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="wire-", dir="/tmp") as folder:
        counted = Counted(folder)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            their_reader, their_writer = await asyncio.open_unix_connection(f"{host}/{SOCKET}")
            back = asyncio.create_task(_copy(their_reader, writer))
            counted.running.add(back)
            try:
                await _forward(reader, their_writer, counted)
            finally:
                back.cancel()
                writer.close()
                their_writer.close()

        server = await asyncio.start_unix_server(connected, f"{folder}/{SOCKET}")
        try:
            yield counted
        finally:
            server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: Counted) -> None:
    """Pass messages on as they are: each has a letter and a length, the first one only a length."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        kind = b""
        while True:
            length = await reader.readexactly(LENGTH)
            body = await reader.readexactly(int.from_bytes(length) - LENGTH)
            counted.note(kind)
            writer.write(kind + length + body)
            kind = await reader.readexactly(1)
