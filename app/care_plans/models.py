"""Check-ins that are due."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json
from app.core.db import Base, OfClinic


class DueCheckIn(OfClinic, Base):
    """One check-in that a patient is asked for: which instruments, from when, until when, and whether it came."""

    __tablename__ = "due_check_ins"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "due_at"),
        sa.Index(
            "ix_due_check_ins_unanswered",
            "closes_at",
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        ),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    id: Mapped[UUID]
    dosing_session_id: Mapped[UUID | None]
    time_point: Mapped[str] = mapped_column(sa.String(32))
    opens_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    closes_at: Mapped[datetime] = mapped_column(Instant)
    instruments: Mapped[list[str]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(sa.String(16))
    """`waiting`, `answered`, `missed`, `cancelled`; open and late follow from the clock."""
    check_in_id: Mapped[UUID | None]
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    revision: Mapped[int] = mapped_column(sa.BigInteger)
