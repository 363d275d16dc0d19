"""What patients write for themselves."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Sealed
from app.core.db import Base, OfClinic


class JournalEntry(OfClinic, Base):
    """One entry of a patient's own story, under an id that their phone made. Private until it is shared."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "written_at", "id"),
        sa.Index(None, "clinic_id", "patient_id", "revision"),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    id: Mapped[UUID]
    text: Mapped[str] = mapped_column(Sealed("journal_entries.text"))
    written_at: Mapped[datetime] = mapped_column(Instant)
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    shared_at: Mapped[datetime | None] = mapped_column(Instant)
    """Since when the care team may read it; null while it is private."""
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    received_at: Mapped[datetime] = mapped_column(Instant)
