"""The audit: ids and names of operations, written with what they tell of."""

import sqlalchemy as sa

from app.audit import service
from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings


class TestRecord:
    async def test_is_written_with_the_transaction(self, db: Database, settings: Settings) -> None:
        patient_id, actor_id = new_id(), new_id()

        service.record(
            db, operation="read_patient", permission="patients:read", patient_id=patient_id, actor_id=actor_id
        )
        await db.finish()

        entry = (await db.scalars(sa.select(AuditEntry))).one()
        assert (entry.operation, entry.outcome, entry.actor_role) == ("read_patient", "allowed", "system")
        assert (entry.patient_id, entry.actor_id) == (patient_id, actor_id)
        assert (entry.seq, entry.hash, entry.flaw) == (None, None, None)

    async def test_outlives_a_refusal_but_not_a_fault(self, db: Database, settings: Settings) -> None:
        service.record(db, operation="refused", permission="x:read")
        await db.refuse()
        service.record(db, operation="failed", permission="x:read")
        await db.abandon()
        await db.finish()

        assert list(await db.scalars(sa.select(AuditEntry.operation))) == ["refused"]

    async def test_entries_are_in_the_order_of_time(self, db: Database, settings: Settings) -> None:
        for number in range(20):
            service.record(db, operation=f"operation_{number:02}", permission="x:read")
        await db.finish()

        by_id = list(await db.scalars(sa.select(AuditEntry.operation).order_by(AuditEntry.id)))
        assert by_id == sorted(by_id)

    def test_has_no_place_for_a_value(self) -> None:
        texts = {
            column.name: column.type.length
            for column in AuditEntry.__table__.columns
            if isinstance(column.type, sa.String)
        }

        assert set(texts) == {
            "actor_role", "operation", "permission", "outcome", "reason", "request_id", "address_prefix", "flaw",
        }  # fmt: skip
        assert all(length is not None and length <= 200 for length in texts.values())
