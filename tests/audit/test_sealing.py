"""The sealer: numbers without a gap, whoever writes meanwhile, and an eye on what it sealed before."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import checkpoints, queries
from app.audit.chain import NOTICED, ROWS_PER_CHECKPOINT
from app.audit.checkpoints import Checkpoint
from app.audit.models import AuditCheckpoint, AuditEntry
from app.audit.rules import GENESIS, chained
from app.audit.sealing import NotSealedError, Sealer
from app.core import clock, crypto
from app.core.db import Database, unit_of_work
from app.core.ids import new_id
from app.core.logging import configure
from app.core.settings import SAMPLE_SECRET, Settings
from tests.audit.conftest import TABLE, Intruder, an_entry, named, stored, write


async def signed(engine: AsyncEngine) -> list[Checkpoint]:
    async with unit_of_work(engine) as db:
        return list(reversed(await queries.last_checkpoints(db, 100)))


async def reasons(engine: AsyncEngine) -> list[str]:
    """What sealers noticed, in the words of their entries."""
    return [entry["reason"] for entry in await stored(engine) if entry["operation"] == NOTICED]


def refused(error: pytest.ExceptionInfo[DBAPIError]) -> bool:
    return "only added" in str(error.value.orig) or "permission denied" in str(error.value.orig)


class TestSeal:
    async def test_numbers_and_chains_what_is_committed(self, engine: AsyncEngine, sealer: Sealer) -> None:
        await write(engine, 7)

        assert await sealer.seal() == 7

        before = GENESIS
        for number, entry in enumerate(await stored(engine), 1):
            before = chained(before, entry)
            assert (entry["seq"], bytes(entry["hash"]), entry["flaw"]) == (number, before, None)

    async def test_goes_on_where_another_ended(self, engine: AsyncEngine) -> None:
        for _ in range(3):
            await write(engine, 2)
            await Sealer(engine).seal()

        assert [entry["seq"] for entry in await stored(engine)] == [1, 2, 3, 4, 5, 6]
        assert await named(engine) == []

    async def test_takes_no_more_at_once_than_it_is_told(self, engine: AsyncEngine, sealer: Sealer) -> None:
        await write(engine, 7)

        assert [await sealer.seal(3) for _ in range(4)] == [3, 3, 1, 0]

    async def test_does_nothing_where_there_is_nothing(
        self, engine: AsyncEngine, sealer: Sealer, queries: list[str]
    ) -> None:
        await sealer.catch_up(sign=True)
        assert await signed(engine) == []
        await write(engine, 1)
        await sealer.catch_up(sign=True)
        queries.clear()

        assert await sealer.seal() == 0
        assert len([sent for sent in queries if "pg_" not in sent]) == 1

    async def test_seals_what_others_write_meanwhile_without_a_gap(self, engine: AsyncEngine) -> None:
        """Two sealers and six writers, some of whom give up: every committed entry gets a number, once."""

        async def writer(number: int) -> None:
            for turn in range(10):
                try:
                    async with unit_of_work(engine) as db:
                        an_entry(db, operation=f"writer_{number}_{turn}")
                        await db.flush_staged()
                        await asyncio.sleep(0.001 * (number % 3))
                        if (number + turn) % 4 == 0:
                            raise KeyError  # noqa: TRY301  whoever gives up
                except KeyError:
                    continue

        async def seal_until(done: asyncio.Event) -> None:
            sealer = Sealer(engine)
            while not done.is_set():
                await sealer.seal(5)
                await asyncio.sleep(0)

        done = asyncio.Event()
        sealers = [asyncio.create_task(seal_until(done)) for _ in range(2)]
        await asyncio.gather(*(writer(number) for number in range(6)))
        done.set()
        await asyncio.gather(*sealers)
        await Sealer(engine).catch_up(sign=True)

        entries = await stored(engine)
        assert [entry["seq"] for entry in entries] == list(range(1, 46))
        assert len({entry["operation"] for entry in entries}) == 45
        assert await named(engine) == []

    async def test_lets_one_work_at_a_time(self, engine: AsyncEngine, sealer: Sealer, db: Database) -> None:
        if not db.is_postgresql:
            return  # one connection
        await write(engine, 1)
        assert await queries.is_only_sealer(db)

        meanwhile = await sealer.seal()
        await db.finish()

        assert (meanwhile, await sealer.seal()) == (0, 1)

    async def test_seals_what_is_forged_but_says_so(
        self, engine: AsyncEngine, sealer: Sealer, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        unsealed = {"seq": None, "hash": None}
        await intruder(
            sa.insert(AuditEntry).values({**chain[0], **unsealed, "id": new_id()}),
            sa.insert(AuditEntry).values({**chain[0], **unsealed, "id": new_id(), "mark": None}),
            sa.insert(AuditEntry).values({**chain[0], **unsealed, "id": new_id(), "hash": b"half", "flaw": "none"}),
        )

        await sealer.catch_up(sign=True)

        assert [entry["flaw"] for entry in await stored(engine)][-3:] == ["forged", "unmarked", "forged"]
        assert await named(engine) == [("forged", 21), ("unmarked", 22), ("forged", 23)]

    async def test_seals_nothing_when_entries_vanish_meanwhile(
        self, engine: AsyncEngine, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await write(engine, 3)

        async def one_less(db: Database, seals: list[queries.Seal]) -> int:
            return len(seals) - 1

        monkeypatch.setattr(queries, "write_seals", one_less)
        with pytest.raises(NotSealedError):
            await sealer.seal()

        assert [entry["seq"] for entry in await stored(engine)] == [None] * 3


class TestCheckpoints:
    async def test_the_first_entries_are_signed_at_once(self, engine: AsyncEngine, sealer: Sealer) -> None:
        await write(engine, 2)
        await sealer.seal()

        (only,) = await signed(engine)
        assert (only.seq, only.is_signed(), only.is_ours()) == (2, True, True)
        assert only.hash == bytes((await stored(engine))[-1]["hash"])

    async def test_then_after_so_many_entries(self, engine: AsyncEngine, sealer: Sealer) -> None:
        for _ in range(5):
            await write(engine, ROWS_PER_CHECKPOINT // 2 - 1)
            await sealer.catch_up()

        assert [each.seq for each in await signed(engine)] == [499, 1996]

    async def test_then_after_a_minute_if_there_is_something_new(self, engine: AsyncEngine, sealer: Sealer) -> None:
        begin = clock.now()
        with time_machine.travel(begin, tick=False) as time:
            await write(engine, 1)
            await sealer.seal()
            await write(engine, 1)
            await sealer.seal()
            time.move_to(begin + timedelta(seconds=59))
            await sealer.seal()
            early = [each.seq for each in await signed(engine)]
            time.move_to(begin + timedelta(seconds=60))
            await sealer.seal()
            time.move_to(begin + timedelta(hours=5))
            await sealer.seal()

        assert early == [1]
        assert [each.seq for each in await signed(engine)] == [1, 2]

    async def test_a_new_secret_vouches_at_once_for_what_the_old_one_signed(
        self, engine: AsyncEngine, sealer: Sealer
    ) -> None:
        await write(engine, 2)
        await sealer.seal()
        crypto.install(["n" * 40, SAMPLE_SECRET])
        await write(engine, 1)
        await sealer.seal()
        crypto.install(["n" * 40])

        assert [(each.seq, each.is_ours()) for each in await signed(engine)] == [(2, False), (3, True)]
        assert await named(engine) == []

    async def test_a_secret_that_left_too_early_is_told(self, engine: AsyncEngine, sealer: Sealer) -> None:
        await write(engine, 2)
        await sealer.catch_up(sign=True)
        crypto.install(["n" * 40])

        assert await named(engine) == [("unknown_key", 1)]

    async def test_each_is_a_line_of_the_log(
        self, engine: AsyncEngine, sealer: Sealer, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        configure(settings)
        logging.getLogger().addHandler(caplog.handler)
        await write(engine, 2)
        await sealer.seal()

        (only,) = await signed(engine)
        (line,) = [record.msg for record in caplog.records if "audit_checkpoint" in str(record.msg)]
        assert isinstance(line, dict)
        assert only.as_json().items() <= line.items()


class TestMemory:
    """What was sealed before is gone or changed: the sealer goes on, and says so where it stays said."""

    async def test_of_a_cut_end(
        self, engine: AsyncEngine, sealer: Sealer, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        await intruder(
            sa.delete(AuditEntry).where(AuditEntry.seq > 15), sa.delete(AuditCheckpoint).where(AuditCheckpoint.seq > 15)
        )
        await write(engine, 1)

        await sealer.catch_up(sign=True)
        await sealer.catch_up(sign=True)

        assert await reasons(engine) == ["the entries 16 to 20 are gone"]
        assert [entry["seq"] for entry in await stored(engine)][-2:] == [21, 22]
        assert [kind for kind, _ in await named(engine)] == ["missing", "noticed"]

    async def test_of_everything_taken_away(
        self, engine: AsyncEngine, sealer: Sealer, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        await intruder(sa.delete(AuditEntry), sa.delete(AuditCheckpoint))
        await write(engine, 1)

        await sealer.catch_up(sign=True)

        assert await reasons(engine) == ["the entries 1 to 20 are gone"]
        assert ("missing", 1) in await named(engine)

    async def test_of_another_entry_in_the_place_of_the_last(
        self, engine: AsyncEngine, sealer: Sealer, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        await intruder(sa.update(AuditEntry).where(AuditEntry.seq == 20).values(hash=bytes(32)))
        await write(engine, 1)

        await sealer.catch_up(sign=True)

        assert await reasons(engine) == ["the entry 20 is not as it was sealed"]

    async def test_of_a_new_process_is_the_last_checkpoint(
        self, engine: AsyncEngine, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        await intruder(sa.delete(AuditEntry).where(AuditEntry.seq > 15))
        await write(engine, 1)

        await Sealer(engine).catch_up(sign=True)

        assert await reasons(engine) == ["the entries 16 to 20 are gone"]

    async def test_is_not_led_astray_by_a_false_checkpoint(
        self, engine: AsyncEngine, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        ours = crypto.keys()
        crypto.install(["theirs" * 8])
        theirs = checkpoints.sign(10**12, bytes(32), clock.now())
        crypto._ring = ours
        values = {name: getattr(theirs, name) for name in ("seq", "hash", "at", "public_key", "signature")}
        await intruder(
            sa.insert(AuditCheckpoint).values(values),
            sa.insert(AuditCheckpoint).values({**values, "seq": 10**11, "public_key": checkpoints.public_key()}),
        )
        await write(engine, 2)

        await Sealer(engine).catch_up(sign=True)

        assert [entry["seq"] for entry in await stored(engine)][-3:] == [21, 22, 23]
        assert await reasons(engine) == [f"the checkpoint at {10**11} is signed wrongly"]
        assert max(each.seq for each in await signed(engine) if each.is_ours() and each.is_signed()) == 23

    async def test_a_checkpoint_in_the_way_does_not_stop_it(
        self, engine: AsyncEngine, sealer: Sealer, chain: list[dict[str, Any]], intruder: Intruder
    ) -> None:
        last = (await signed(engine))[-1]
        values = {name: getattr(last, name) for name in ("hash", "at", "public_key", "signature")}
        await intruder(sa.insert(AuditCheckpoint).values({**values, "seq": 22}))
        await write(engine, 2)
        await sealer.catch_up(sign=True)
        await write(engine, 2)

        await sealer.catch_up(sign=True)

        assert (await signed(engine))[-1].seq == 25
        assert ("false_checkpoint", 22) in await named(engine)


class TestProtection:
    """What the database itself refuses, to the application and (on SQLite) to anybody who leaves the triggers alone."""

    @pytest.mark.parametrize(
        "change",
        [
            sa.update(AuditEntry).where(AuditEntry.seq == 3).values(operation="other"),
            sa.update(AuditEntry).where(AuditEntry.seq == 3).values(seq=1003),
            sa.update(AuditEntry).where(AuditEntry.seq == 3).values(seq=None, hash=None),
            sa.update(AuditEntry).where(AuditEntry.seq == 3).values(flaw="forged"),
            sa.update(AuditEntry).where(AuditEntry.seq.is_(None)).values(patient_id=new_id()),
            sa.update(AuditEntry).where(AuditEntry.seq.is_(None)).values(flaw="forged"),
            sa.update(AuditEntry).where(AuditEntry.seq.is_(None)).values(seq=21, hash=bytes(32), reason="other"),
            sa.update(AuditEntry).where(AuditEntry.seq.is_(None)).values(seq=21, hash=None),
            sa.delete(AuditEntry).where(AuditEntry.seq == 3),
            sa.delete(AuditEntry).where(AuditEntry.seq.is_(None)),
            sa.update(AuditCheckpoint).values(hash=bytes(32)),
            sa.delete(AuditCheckpoint),
        ],
    )
    async def test_refuses_to_change_or_remove(
        self, engine: AsyncEngine, chain: list[dict[str, Any]], change: Any
    ) -> None:
        await write(engine, 1)
        before = await stored(engine)

        with pytest.raises(DBAPIError) as error:
            async with unit_of_work(engine) as db:
                await (await db.plain()).execute(change)

        assert refused(error)
        assert await stored(engine) == before

    @pytest.mark.parametrize("column", sorted({c.name for c in TABLE.columns} - {"seq", "hash", "flaw"}))
    async def test_refuses_to_change_anything_else_while_sealing(self, engine: AsyncEngine, column: str) -> None:
        await write(engine, 1)
        kind = TABLE.c[column].type
        other: Any = new_id() if isinstance(kind, sa.Uuid) else clock.now() if column == "at" else "other"
        other = b"other" if isinstance(kind, sa.LargeBinary) else other

        change = sa.update(AuditEntry).values({"seq": 1, "hash": bytes(32), column: other})

        with pytest.raises(DBAPIError) as error:
            async with unit_of_work(engine) as db:
                await (await db.plain()).execute(change)

        assert refused(error)

    @pytest.mark.parametrize("table", ["audit_entries", "audit_checkpoints"])
    @pytest.mark.parametrize("way", ["TRUNCATE {}", "DELETE FROM {} WHERE true"])
    async def test_refuses_even_the_owner_of_the_tables(
        self, superuser_url: str | None, chain: list[dict[str, Any]], engine: AsyncEngine, table: str, way: str
    ) -> None:
        if superuser_url is None:
            return  # SQLite has neither roles nor TRUNCATE
        from asyncpg.exceptions import RestrictViolationError

        from tests.databases import connected

        async with connected(superuser_url) as connection:
            with pytest.raises(RestrictViolationError):
                await connection.execute(way.format(table))
