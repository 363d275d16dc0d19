"""The audit entries, and the signed checkpoints of their chain."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant
from app.core.db import Base


class AuditEntry(Base):
    """One act of one caller.

    `mark` was made by the application when it began the entry. `seq`, `hash` and, where the mark is wrong, `flaw` are
    empty until the entry is sealed into the chain; the database itself lets nothing else be changed.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.Index(None, "clinic_id", "at"),
        sa.Index(None, "patient_id", "at"),
        sa.Index(
            "ix_audit_entries_unsealed",
            "id",
            sqlite_where=sa.text("seq IS NULL"),
            postgresql_where=sa.text("seq IS NULL"),
        ),
        sa.UniqueConstraint("seq"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    clinic_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None]
    actor_role: Mapped[str] = mapped_column(sa.String(32))
    device_id: Mapped[UUID | None]
    operation: Mapped[str] = mapped_column(sa.String(80))
    permission: Mapped[str] = mapped_column(sa.String(40))
    patient_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    outcome: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str | None] = mapped_column(sa.String(200))
    request_id: Mapped[str | None] = mapped_column(sa.String(36))
    address_prefix: Mapped[str | None] = mapped_column(sa.String(64))
    mark: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    seq: Mapped[int | None] = mapped_column(sa.BigInteger)
    hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    flaw: Mapped[str | None] = mapped_column(sa.String(16))


class AuditCheckpoint(Base):
    """A signature over how far the chain had come: the entry `seq` had this `hash`, and with it all before."""

    __tablename__ = "audit_checkpoints"

    seq: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary)
    at: Mapped[datetime] = mapped_column(Instant)
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary)
    signature: Mapped[bytes] = mapped_column(sa.LargeBinary)
