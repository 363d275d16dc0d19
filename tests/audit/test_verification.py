"""The tampering drill: what a superuser does to the audit, and how a verification names it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import checkpoints, queries
from app.audit.chain import MOST_UNSIGNED
from app.audit.checkpoints import Checkpoint
from app.audit.models import AuditCheckpoint, AuditEntry
from app.audit.rules import GENESIS, chained
from app.audit.sealing import Sealer
from app.audit.verification import Verification, page_by_page
from app.core import clock, crypto
from app.core.db import unit_of_work
from app.core.ids import new_id
from tests.audit.conftest import Intruder, named, stored, verified, write
from tests.factories import an_id

Chain = list[dict[str, Any]]


def rewritten(entries: Chain) -> list[Any]:
    """The statements that put these entries in the place of all others, chained anew as the sealer would."""
    before, rows = GENESIS, []
    for number, entry in enumerate(entries, 1):
        row = entry | {"seq": number}
        before = chained(before, row)
        rows.append(row | {"hash": before})
    return [sa.delete(AuditEntry), *(sa.insert(AuditEntry).values(row) for row in rows)]


@pytest.fixture
async def kept(engine: AsyncEngine, chain: Chain) -> list[Checkpoint]:
    """The last checkpoint, kept where no superuser of the database gets at it."""
    async with unit_of_work(engine) as db:
        return await queries.last_checkpoints(db, 1)


class TestIntact:
    async def test_nothing_is_found_where_nothing_happened(self, engine: AsyncEngine, chain: Chain) -> None:
        await write(engine, 3)
        verification = Verification(page_by_page(engine))

        assert [finding async for finding in verification.run()] == []
        assert (verification.entries, verification.first_seq, verification.last_seq) == (20, 1, 20)
        assert (verification.unsealed, verification.findings) == (3, 0)
        assert verification.checkpoint is not None
        assert verification.checkpoint.seq == 20

    async def test_nothing_is_found_in_an_empty_audit(self, engine: AsyncEngine) -> None:
        assert await named(engine) == []

    async def test_entries_that_come_meanwhile_are_no_matter(self, engine: AsyncEngine, chain: Chain) -> None:
        sealer, read, came = Sealer(engine), page_by_page(engine), 0

        async def busy(statement: sa.Executable, parameters: Any) -> list[dict[str, Any]]:
            nonlocal came
            rows = await read(statement, parameters)
            came += 1
            if came < 6:
                await write(engine, 2)
                await sealer.catch_up(sign=True)
            return rows

        assert [finding async for finding in Verification(busy).run()] == []
        assert came > 5

    async def test_many_pages_are_read_in_one_go(self, engine: AsyncEngine, sealer: Sealer) -> None:
        await write(engine, 2300)
        await sealer.catch_up(sign=True)
        verification = Verification(page_by_page(engine))

        assert [finding async for finding in verification.run()] == []
        assert verification.entries == 2300

    async def test_it_may_begin_near_the_end(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        async def since(seq: int) -> list[tuple[str, int | None]]:
            run = Verification(page_by_page(engine), since_seq=seq).run()
            return [(finding.kind, finding.seq) async for finding in run]

        assert await since(10) == []
        await intruder(sa.update(AuditEntry).where(AuditEntry.seq == 12).values(operation="other"))
        assert await since(10) == [("changed", 12)]
        assert await since(12) == [("changed", 12)]
        assert await since(14) == []


class TestChange:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("patient_id", an_id()), ("actor_id", an_id()), ("operation", "read_nothing"), ("outcome", "denied"),
            ("at", datetime(2026, 1, 1, tzinfo=UTC)), ("reason", "because"), ("clinic_id", None), ("mark", None),
            ("flaw", "forged"), ("hash", bytes(32)), ("hash", None), ("id", an_id()), ("address_prefix", ""),
        ],
    )  # fmt: skip
    async def test_of_one_column_names_the_row(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder, column: str, value: Any
    ) -> None:
        await intruder(sa.update(AuditEntry).where(AuditEntry.seq == 7).values({column: value}))

        first = (await verified(engine))[0]

        assert (first.kind, first.seq) == ("changed", 7)
        assert first.entry_id == (value if column == "id" else chain[6]["id"])

    async def test_with_the_hash_made_to_fit_names_the_row(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder
    ) -> None:
        changed = chain[6] | {"operation": "other"}
        changed["hash"] = chained(bytes(chain[5]["hash"]), changed)
        await intruder(sa.update(AuditEntry).where(AuditEntry.seq == 7).values(changed))

        assert await named(engine) == [("forged", 7), ("changed", 8)]

    async def test_of_the_order_names_the_rows(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(
            sa.update(AuditEntry).where(AuditEntry.seq == 7).values(seq=1000),
            sa.update(AuditEntry).where(AuditEntry.seq == 8).values(seq=7),
            sa.update(AuditEntry).where(AuditEntry.seq == 1000).values(seq=8),
        )

        assert [each for each in await named(engine) if each[0] == "changed"] == [
            ("changed", 7), ("changed", 8), ("changed", 9),
        ]  # fmt: skip

    async def test_of_one_that_is_not_sealed_yet_is_named(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder
    ) -> None:
        await write(engine, 2)
        last = (await stored(engine))[-1 if (await stored(engine))[-1]["seq"] is None else 0]
        await intruder(sa.update(AuditEntry).where(AuditEntry.id == last["id"]).values(patient_id=new_id()))

        (found,) = await verified(engine)

        assert (found.kind, found.seq, found.entry_id) == ("forged", None, last["id"])

    async def test_of_everything_without_the_secrets_is_named(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder
    ) -> None:
        """The whole chain computed anew after a change: it fits itself, but neither the mark nor the signatures."""
        chain[6]["patient_id"] = new_id()
        await intruder(*rewritten(chain))

        assert await named(engine) == [("forged", 7), ("rewritten", 10)]

    async def test_of_everything_with_false_signatures_is_named(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder, kept: list[Checkpoint]
    ) -> None:
        chain[6]["patient_id"] = new_id()
        statements = rewritten(chain)
        digest = statements[-1].compile().params["hash"]
        stolen = {"hash": digest, "at": clock.now(), "public_key": checkpoints.public_key(), "signature": bytes(64)}
        await intruder(
            *statements, sa.delete(AuditCheckpoint), sa.insert(AuditCheckpoint).values({**stolen, "seq": 20})
        )

        assert await named(engine) == [("forged", 7), ("false_checkpoint", 20), ("unsigned", 1)]
        assert ("rewritten", 20) in await named(engine, kept)


class TestDeletion:
    async def test_of_one_names_its_place(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(sa.delete(AuditEntry).where(AuditEntry.seq == 7))

        (found,) = await verified(engine)

        assert (found.kind, found.seq, found.said) == ("missing", 7, "The entry 7 is gone.")

    async def test_of_some_and_a_change_behind_them_names_both(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder
    ) -> None:
        await intruder(
            sa.delete(AuditEntry).where(AuditEntry.seq.between(3, 5)),
            sa.update(AuditEntry).where(AuditEntry.seq == 6).values(operation="other"),
        )

        assert await named(engine) == [("missing", 3), ("forged", 6)]

    async def test_of_the_first_names_its_place(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(sa.delete(AuditEntry).where(AuditEntry.seq == 1))

        assert await named(engine) == [("missing", 1)]

    async def test_with_the_rest_moved_up_is_named(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(*rewritten([entry for entry in chain if entry["seq"] != 7]))

        assert await named(engine) == [("rewritten", 10), ("cut", 20)]

    async def test_of_the_end_names_what_is_gone(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(sa.delete(AuditEntry).where(AuditEntry.seq > 17))

        (found,) = await verified(engine)

        assert (found.kind, found.seq) == ("cut", 18)
        assert "18 to 20 are gone" in found.said

    async def test_of_the_end_with_its_checkpoints_is_seen_with_one_from_elsewhere(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder, kept: list[Checkpoint]
    ) -> None:
        await intruder(
            sa.delete(AuditEntry).where(AuditEntry.seq > 15), sa.delete(AuditCheckpoint).where(AuditCheckpoint.seq > 15)
        )

        assert await named(engine) == []
        assert await named(engine, kept) == [("cut", 16)]

    async def test_of_everything_is_named(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(sa.delete(AuditEntry))

        assert await named(engine) == [("cut", 1)]

    async def test_of_everything_and_all_signatures_is_seen_with_one_from_elsewhere(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder, kept: list[Checkpoint]
    ) -> None:
        await intruder(sa.delete(AuditEntry), sa.delete(AuditCheckpoint))

        assert await named(engine, kept) == [("cut", 1)]

    async def test_by_truncate_is_no_different(
        self, engine: AsyncEngine, chain: Chain, superuser_url: str | None, intruder: Intruder
    ) -> None:
        await intruder(sa.text("TRUNCATE audit_entries" if superuser_url else "DELETE FROM audit_entries"))

        assert await named(engine) == [("cut", 1)]


class TestInsertion:
    async def test_of_one_that_looks_sealed_is_named(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder
    ) -> None:
        added = chain[6] | {"id": new_id(), "seq": 21}
        added["hash"] = chained(bytes(chain[-1]["hash"]), added)
        await intruder(sa.insert(AuditEntry).values(added))

        (found,) = await verified(engine)

        assert (found.kind, found.seq, found.entry_id) == ("forged", 21, added["id"])

    async def test_far_away_is_named(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(
            sa.insert(AuditEntry).values(chain[6] | {"id": new_id(), "seq": -5}),
            sa.insert(AuditEntry).values(chain[6] | {"id": new_id(), "seq": 0}),
            sa.insert(AuditEntry).values(chain[6] | {"id": new_id(), "seq": 10**12}),
        )

        assert await named(engine) == [
            ("misplaced", -5), ("misplaced", 0), ("missing", 21), ("forged", 10**12), ("unsigned", 21),
        ]  # fmt: skip

    async def test_of_one_for_the_sealer_to_seal_is_named_before_and_after(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder, sealer: Sealer
    ) -> None:
        added = chain[6] | {"id": new_id(), "seq": None, "hash": None}
        await intruder(sa.insert(AuditEntry).values(added))
        before = await verified(engine)
        await sealer.catch_up(sign=True)

        assert [(each.kind, each.seq, each.entry_id) for each in before] == [("forged", None, added["id"])]
        assert await named(engine) == [("forged", 21)]

    async def test_in_the_middle_with_the_rest_moved_down_is_named(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder
    ) -> None:
        await intruder(*rewritten([*chain[:5], chain[6] | {"id": new_id()}, *chain[5:]]))

        assert await named(engine) == [("forged", 6), ("rewritten", 10)]


class TestCheckpoints:
    async def test_one_that_was_changed_is_named(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(sa.update(AuditCheckpoint).where(AuditCheckpoint.seq == 10).values(at=clock.now()))

        assert await named(engine) == [("false_checkpoint", 10)]

    async def test_one_that_was_added_is_named(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        false = {"hash": bytes(32), "at": clock.now(), "public_key": bytes(32), "signature": bytes(64)}
        await intruder(
            sa.insert(AuditCheckpoint).values({**false, "seq": 15}),
            sa.insert(AuditCheckpoint).values({**false, "seq": 99}),
        )

        assert await named(engine) == [("false_checkpoint", 15), ("false_checkpoint", 99)]

    async def test_one_that_is_signed_with_a_key_of_the_intruder_is_named(
        self, engine: AsyncEngine, chain: Chain, intruder: Intruder
    ) -> None:
        """A chain computed anew, and signed anew: only the key is another one."""
        chain[6]["patient_id"] = new_id()
        statements = rewritten(chain)
        ours = crypto.keys()
        crypto.install(["theirs" * 8])
        signed = checkpoints.sign(20, statements[-1].compile().params["hash"], clock.now())
        crypto._ring = ours
        values = {name: getattr(signed, name) for name in ("seq", "hash", "at", "public_key", "signature")}
        await intruder(*statements, sa.delete(AuditCheckpoint), sa.insert(AuditCheckpoint).values(values))

        assert await named(engine) == [("forged", 7), ("unknown_key", 20)]

    async def test_all_taken_away_is_named(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(sa.delete(AuditCheckpoint))

        assert await named(engine) == [("unsigned", 1)]

    async def test_a_long_stretch_without_any_is_named_once(
        self, engine: AsyncEngine, sealer: Sealer, intruder: Intruder
    ) -> None:
        await write(engine, MOST_UNSIGNED + 1500)
        await sealer.catch_up(sign=True)
        assert await named(engine) == []
        await intruder(sa.delete(AuditCheckpoint).where(AuditCheckpoint.seq.between(600, MOST_UNSIGNED + 1400)))

        assert await named(engine) == [("unsigned", 501)]

    async def test_one_of_a_later_day_covers_what_came_before(
        self, engine: AsyncEngine, chain: Chain, kept: list[Checkpoint], sealer: Sealer
    ) -> None:
        with time_machine.travel(clock.now() + timedelta(days=1), tick=False):
            await write(engine, 5)
            await sealer.catch_up(sign=True)

        assert await named(engine, kept) == []

    async def test_one_from_elsewhere_that_was_altered_is_named(
        self, engine: AsyncEngine, chain: Chain, kept: list[Checkpoint], tmp_path: Path
    ) -> None:
        file = tmp_path / "kept.json"
        file.write_text(json.dumps(kept[0].as_json() | {"hash": bytes(32).hex()}), encoding="utf-8")

        assert await named(engine, checkpoints.read_file(file)) == [("false_checkpoint", 20)]

    async def test_findings_are_counted(self, engine: AsyncEngine, chain: Chain, intruder: Intruder) -> None:
        await intruder(sa.update(AuditEntry).values(operation="other"))
        verification = Verification(page_by_page(engine))

        found = [finding async for finding in verification.run()]

        assert len(found) == verification.findings == 20
