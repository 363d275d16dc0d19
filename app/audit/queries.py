"""The statements of the sealer and of verification, as plain rows. They run across clinics: the chain is one."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.audit.checkpoints import Checkpoint
from app.audit.models import AuditCheckpoint, AuditEntry
from app.core.db import Database

SEALER_LOCK = 0x0AF7E5EA  # any number, as long as it stays the same

_entry, _checkpoint = AuditEntry.__table__, AuditCheckpoint.__table__

UNSEALED = sa.select(_entry).where(_entry.c.seq.is_(None)).order_by(_entry.c.id).limit(sa.bindparam("most"))
UNSEALED_AFTER = UNSEALED.where(_entry.c.id > sa.bindparam("after", type_=sa.Uuid()))
HOW_MANY_UNSEALED = sa.select(sa.func.count().label("waiting"), sa.func.min(_entry.c.at).label("oldest_at")).where(
    _entry.c.seq.is_(None)
)
SEALED_AFTER = (
    sa.select(_entry)
    .where(_entry.c.seq > sa.bindparam("after", type_=sa.BigInteger))
    .order_by(_entry.c.seq)
    .limit(sa.bindparam("most"))
)
HEAD = sa.select(_entry.c.seq, _entry.c.hash).where(_entry.c.seq.is_not(None)).order_by(_entry.c.seq.desc()).limit(1)
HASH_AT = sa.select(_entry.c.hash).where(_entry.c.seq == sa.bindparam("seq", type_=sa.BigInteger))
LAST_CHECKPOINTS = sa.select(_checkpoint).order_by(_checkpoint.c.seq.desc()).limit(sa.bindparam("most"))
CHECKPOINTS_BETWEEN = (
    sa.select(_checkpoint)
    .where(
        _checkpoint.c.seq > sa.bindparam("after", type_=sa.BigInteger),
        _checkpoint.c.seq <= sa.bindparam("until", type_=sa.BigInteger),
    )
    .order_by(_checkpoint.c.seq)
)
_CHECKPOINT_AT = sa.select(_checkpoint.c.at).where(_checkpoint.c.seq == sa.bindparam("seq", type_=sa.BigInteger))
_ADD_CHECKPOINT = sa.insert(AuditCheckpoint)
_TRY_LOCK = sa.select(sa.func.pg_try_advisory_xact_lock(SEALER_LOCK))
_SEAL_MANY = """
UPDATE audit_entries SET seq = s.seq, hash = s.hash, flaw = s.flaw
FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::varchar[]) AS s(id, seq, hash, flaw)
WHERE audit_entries.id = s.id AND audit_entries.seq IS NULL
"""
_SEAL_ONE = (
    sa.update(AuditEntry)
    .where(_entry.c.id == sa.bindparam("of"), _entry.c.seq.is_(None))
    .values(seq=sa.bindparam("its_seq"), hash=sa.bindparam("its_hash"), flaw=sa.bindparam("its_flaw"))
)

Seal = tuple[UUID, int, bytes, str | None]
"""Id of an entry, and the `seq`, `hash` and `flaw` that it gets."""


async def is_only_sealer(db: Database) -> bool:
    """Whether this transaction may seal: one does at a time, and the lock goes with the transaction."""
    return not db.is_postgresql or bool((await db.read(_TRY_LOCK)).scalar_one())


async def write_seals(db: Database, seals: Sequence[Seal]) -> int:
    """Number and chain entries that were not; how many there were."""
    connection = await db.plain()
    if db.is_postgresql:
        columns = tuple(list(column) for column in zip(*seals, strict=True))
        return (await connection.exec_driver_sql(_SEAL_MANY, columns)).rowcount
    rows = [{"of": of, "its_seq": seq, "its_hash": digest, "its_flaw": flaw} for of, seq, digest, flaw in seals]
    return (await connection.execute(_SEAL_ONE, rows)).rowcount


async def add_checkpoint(db: Database, made: Checkpoint) -> bool:
    """Store a checkpoint; False when there is one of this entry already."""
    if (await db.read(_CHECKPOINT_AT, {"seq": made.seq})).first() is not None:
        return False
    values = {name: getattr(made, name) for name in ("seq", "hash", "at", "public_key", "signature")}
    await db.read(_ADD_CHECKPOINT, values)
    return True


async def last_checkpoints(db: Database, most: int) -> list[Checkpoint]:
    """The newest checkpoints, the newest first."""
    return [as_checkpoint(row) for row in (await db.read(LAST_CHECKPOINTS, {"most": most})).mappings()]


def as_checkpoint(row: Mapping[str, Any] | sa.RowMapping) -> Checkpoint:
    """A stored checkpoint."""
    return Checkpoint(row["seq"], bytes(row["hash"]), row["at"], bytes(row["public_key"]), bytes(row["signature"]))
