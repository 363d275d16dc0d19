"""The sealer: numbers the committed entries without a gap, chains them, and signs how far it came.

It works beside the requests, since a chain inside their transactions would make them wait for each other. One sealer
works at a time (a lock of the database); any process may be it. What it sealed before, it remembers, and so it notices
when that is gone or changed: it says so in the log and in an entry, and goes on from what it knows to have been there.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import checkpoints, marks, queries, service
from app.audit.chain import NOTICED, ROWS_PER_CHECKPOINT
from app.audit.checkpoints import Checkpoint
from app.audit.rules import GENESIS, chained
from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.logging import describe, log
from app.core.settings import Settings

BATCH: Final = 500
"""Entries sealed in one transaction; small, since SQLite has one writer."""
LONGEST_UNSIGNED: Final = timedelta(seconds=60)
_CHECKPOINTS_LOOKED_AT: Final = 5  # more than one, so that a false one on top does not hide the last true one


class NotSealedError(RuntimeError):
    """Entries vanished while they were sealed. Nothing was sealed; the next round begins anew."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class _Round:
    sealed: int
    head: Head
    signed: Checkpoint | None
    is_new: bool
    flawed: list[tuple[str, str]]


class Sealer:
    """Seals round by round, and remembers how far it came."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._remembered: Head | None = None
        self._all_signed = False
        self._said: set[int] = set()
        self.last_checkpoint: Checkpoint | None = None

    async def seal(self, most: int = BATCH, *, sign: bool = False) -> int:
        """Seal up to `most` entries, and sign if it is time to or `sign`; how many were sealed.

        0 also when another sealer is at work.
        """
        async with unit_of_work(self._engine, EVERY_CLINIC) as db:
            done = await self._round(db, most, sign=sign)
        if done is None:
            return 0
        self._remembered = done.head
        self._all_signed = done.signed is not None and done.signed.seq == done.head.seq
        for entry_id, flaw in done.flawed:
            log.error("audit_entry_flawed", entry_id=entry_id, flaw=flaw)
        self.last_checkpoint = done.signed
        if done.signed is not None and done.is_new:
            log.info("audit_checkpoint", **done.signed.as_json())
        return done.sealed

    async def catch_up(self, *, sign: bool = False) -> int:
        """Seal everything that is committed, and sign if it is time to or `sign`; how many were sealed."""
        total = 0
        while sealed := await self.seal():
            total += sealed
            await asyncio.sleep(0)  # let a request in between
        if sign:
            await self.seal(sign=True)
        return total

    async def _round(self, db: Database, most: int, *, sign: bool) -> _Round | None:
        if not await queries.is_only_sealer(db):
            return None
        rows = [dict(row) for row in (await db.read(queries.UNSEALED, {"most": most})).mappings()]
        if not rows and self._all_signed and not sign:
            return None
        last = await self._last_checkpoint(db)
        before = await self._end_of_chain(db, last)
        seals, head = _chain(rows, before)
        if seals and await queries.write_seals(db, seals) != len(seals):
            raise NotSealedError
        signed = last
        if head.seq and _must_sign(head, last, at_once=sign):
            made = checkpoints.sign(head.seq, head.hash, clock.now())
            signed = made if await queries.add_checkpoint(db, made) else last
        return _Round(
            len(seals), head, signed, signed is not last, [(str(of), flaw) for of, _, _, flaw in seals if flaw]
        )

    async def _last_checkpoint(self, db: Database) -> Checkpoint | None:
        """The newest checkpoint by a secret of the ring."""
        newest = await queries.last_checkpoints(db, _CHECKPOINTS_LOOKED_AT)
        for stored in newest:
            if not stored.is_signed():
                self._notice(db, f"the checkpoint at {stored.seq} is signed wrongly", stored.seq)
        return next((each for each in newest if each.is_ours()), None)

    async def _end_of_chain(self, db: Database, last: Checkpoint | None) -> Head:
        """Where to go on. What was sealed or signed before must still be there as it was."""
        row = (await db.read(queries.HEAD)).one_or_none()
        found = Head(0, GENESIS) if row is None else Head(row.seq, bytes(row.hash))
        known = [self._remembered] if self._remembered else []
        if last is not None:
            known.append(Head(last.seq, last.hash))
        lost = [head for head in known if head.seq > found.seq]
        if lost:
            until = max(head.seq for head in lost)
            self._notice(db, f"the entries {found.seq + 1} to {until} are gone", *(head.seq for head in lost))
        for head in known:
            if 0 < head.seq <= found.seq and await _hash_at(db, head.seq, found) != head.hash:
                self._notice(db, f"the entry {head.seq} is not as it was sealed", head.seq)
        return max([found, *known], key=lambda head: head.seq)

    def _notice(self, db: Database, what: str, *places: int) -> None:
        """Say once for each place that the chain was tampered with, in an entry of its own, where it stays said."""
        if not self._said.issuperset(places):
            self._said.update(places)
            log.error("audit_tampered", what=what)
            service.record(db, operation=NOTICED, permission="audit:seal", outcome="denied", reason=what)


def _chain(rows: list[dict[str, Any]], before: Head) -> tuple[list[queries.Seal], Head]:
    """The seals of these entries, following `before`, and where the chain ends then."""
    seals: list[queries.Seal] = []
    seq, digest = before.seq, before.hash
    for row in rows:
        seq, flaw = seq + 1, _flaw(row)
        row.update(seq=seq, flaw=flaw)
        digest = chained(digest, row)
        seals.append((row["id"], seq, digest, flaw))
    return seals, Head(seq, digest)


def _flaw(row: Mapping[str, Any]) -> str | None:
    """What is wrong with an entry before it is sealed. One that has half a seal already was not written by us."""
    return "forged" if row["hash"] is not None or row["flaw"] is not None else marks.flaw(row)


def _must_sign(head: Head, last: Checkpoint | None, *, at_once: bool) -> bool:
    if last is None:
        return True
    unsigned = head.seq - last.seq
    overdue = clock.now() - last.at >= LONGEST_UNSIGNED
    rotated = last.public_key != checkpoints.public_key()  # the new secret vouches for what the old one signed
    return unsigned > 0 and (at_once or overdue or rotated or unsigned >= ROWS_PER_CHECKPOINT)


async def _hash_at(db: Database, seq: int, found: Head) -> bytes | None:
    if seq == found.seq:
        return found.hash
    stored = (await db.read(queries.HASH_AT, {"seq": seq})).scalar_one_or_none()
    return None if stored is None else bytes(stored)


async def seal_forever(engine: AsyncEngine, settings: Settings, stop: asyncio.Event) -> None:
    """Seal every `audit_seal_seconds` until `stop` is set. A failure is logged once, and the next round tries again.

    It is asked to stop rather than cancelled: a connection that is cancelled in the middle of something is lost, and
    SQLite's files stay open.
    """
    sealer, failing = Sealer(engine), False
    while not stop.is_set():
        try:
            while not stop.is_set() and await sealer.seal():  # noqa: ASYNC110  it lets a request in between
                await asyncio.sleep(0)
            failing = False
        except Exception as error:  # noqa: BLE001  whatever it is, the service goes on and the next round tries again
            if not failing:
                log.error("audit_sealing_failed", **describe(error))
            failing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), settings.audit_seal_seconds)
