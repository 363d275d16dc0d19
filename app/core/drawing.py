"""Answers that are drawn when they are sent, after the transaction has ended.

A chart takes up to 100 ms of processor time. Drawn inside the request it would hold the database's connection so long,
and SQLite has only one.
"""

from collections.abc import Callable

import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Drawn(Response):
    """An answer whose body is made by `draw`, in a thread of its own."""

    def __init__(self, draw: Callable[[], bytes], media_type: str) -> None:
        self.draw = draw
        super().__init__(media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Draw, then send."""
        self.body = await anyio.to_thread.run_sync(self.draw)
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)
