"""Verification: reads the whole audit once, in the order of the chain and page by page, and tells what does not fit.

It sees every change of a sealed entry, every gap, every entry that the application did not write, and an end that was
cut off together with its checkpoints if it is given a checkpoint that was kept elsewhere. It cannot see that an entry
was removed in the second before it was sealed.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import queries
from app.audit.chain import Finding, Walk, of_unsealed
from app.audit.checkpoints import Checkpoint
from app.core.db import EVERY_CLINIC, Database, unit_of_work

PAGE: Final = 1000
_LOWEST: Final = -(2**63)
_TOP: Final = 5

Rows = list[dict[str, Any]]
Read = Callable[[sa.Executable, Mapping[str, Any]], Awaitable[Rows]]
"""Runs one statement across all clinics."""


def page_by_page(engine: AsyncEngine) -> Read:
    """Each statement in a transaction of its own, so that nobody waits for the whole."""

    async def read(statement: sa.Executable, parameters: Mapping[str, Any]) -> Rows:
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            return [dict(row) for row in (await db.read(statement, parameters)).mappings()]

    return read


def within(db: Database) -> Read:
    """In a transaction that is under way, which must see every clinic."""

    async def read(statement: sa.Executable, parameters: Mapping[str, Any]) -> Rows:
        return [dict(row) for row in (await db.read(statement, parameters)).mappings()]

    return read


class Verification:
    """One verification: its findings as they come, and its figures when they are through."""

    def __init__(
        self,
        read: Read,
        kept: Iterable[Checkpoint] = (),
        *,
        since_seq: int = 1,
        most_unsealed: int | None = None,
    ) -> None:
        """`kept`: checkpoints from elsewhere. `since_seq`: begin there. `most_unsealed`: look at no more of them."""
        self._read = read
        self._kept = sorted(frozenset(kept), key=lambda each: each.seq)
        self._elsewhere = frozenset(self._kept)
        self._walk = Walk(from_the_beginning=since_seq <= 1)
        self._after = _LOWEST if since_seq <= 1 else since_seq - 2  # the entry before tells what `since_seq` follows
        self._most_unsealed = most_unsealed
        self.first_seq: int | None = None
        self.unsealed = 0
        self.findings = 0

    @property
    def entries(self) -> int:
        """How many sealed entries were read."""
        return self._walk.entries

    @property
    def last_seq(self) -> int | None:
        """The number of the last entry."""
        return self._walk.seq or None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The last checkpoint by a secret of the ring that fits."""
        return self._walk.good

    async def run(self) -> AsyncIterator[Finding]:
        """What does not fit, in the order of the chain; nothing when the audit is intact."""
        async for finding in self._sealed():
            self.findings += 1
            yield finding
        async for finding in self._unsealed():
            self.findings += 1
            yield finding

    async def _sealed(self) -> AsyncIterator[Finding]:
        # Entries are added while this runs. Those of a checkpoint that is there now are there, too.
        top = await self._checkpoints(queries.LAST_CHECKPOINTS, {"most": _TOP})
        after = self._after
        while page := await self._read(queries.SEALED_AFTER, {"after": after, "most": PAGE}):
            until = page[-1]["seq"]
            signed = await self._signed_between(after, until)
            for row in page:
                if self.first_seq is None:
                    self.first_seq = row["seq"]
                for finding in self._walk.entry(row):
                    yield finding
                for checkpoint in signed.get(row["seq"], ()):
                    for finding in self._walk.checkpoint(checkpoint, kept=checkpoint in self._elsewhere):
                        yield finding
            after = until
        beyond = [[each for each in some if each.seq > max(after, 0)] for some in (top, self._kept)]
        for finding in self._walk.end(*beyond):
            yield finding

    async def _signed_between(self, after: int, until: int) -> dict[int, list[Checkpoint]]:
        signed = defaultdict(list)
        for each in await self._checkpoints(queries.CHECKPOINTS_BETWEEN, {"after": after, "until": until}):
            signed[each.seq].append(each)
        for each in self._kept:
            if after < each.seq <= until:
                signed[each.seq].append(each)
        return signed

    async def _checkpoints(self, statement: sa.Executable, parameters: Mapping[str, Any]) -> list[Checkpoint]:
        return [queries.as_checkpoint(row) for row in await self._read(statement, parameters)]

    async def _unsealed(self) -> AsyncIterator[Finding]:
        page = await self._read(queries.UNSEALED, {"most": PAGE})
        while page:
            for row in page:
                self.unsealed += 1
                for finding in of_unsealed(row):
                    yield finding
            if self._most_unsealed is not None and self.unsealed >= self._most_unsealed:
                return
            page = await self._read(queries.UNSEALED_AFTER, {"most": PAGE, "after": page[-1]["id"]})
