"""The way to the replica, which a test can cut, block and mend."""

import asyncio
import contextlib
from pathlib import Path

from tests.postgresql import APPLICATION


class Wire:
    """Listens on a port of this machine and passes on to the replica's socket whatever comes."""

    def __init__(self, host: str) -> None:
        self._socket = Path(host) / ".s.PGSQL.5432"
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0
        self.calls = 0
        """How often somebody connected."""

    async def mend(self) -> None:
        """Let everything through, from now on."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones, as a machine does whose PostgreSQL was killed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.hang_up()

    def hang_up(self) -> None:
        """Break every connection, and take new ones."""
        for writer in self._open:
            writer.transport.abort()

    def block(self) -> None:
        """Let nothing through and say nothing, as a firewall or a dead machine does."""
        self._flows.clear()

    async def remove(self) -> None:
        """End it, and whatever still passes."""
        await self.cut()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def address(self, database: str, user: str = APPLICATION) -> str:
        """Where the replica is, for the application."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        self._open |= {writer, far_writer}
        both = [
            asyncio.create_task(self._pass(reader, far_writer)),
            asyncio.create_task(self._pass(far_reader, writer)),
        ]
        self._passing.update(both)
        for task in both:
            task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.transport.abort()
