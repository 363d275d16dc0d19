"""Records that were opened in an emergency."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Sealed
from app.core.db import Base, OfClinic


class EmergencyAccess(OfClinic, Base):
    """Somebody opened the record of a patient whom they do not look after: why, until when, and what was thought of it.

    `version` is 1 until it was reviewed, and 2 from then on.
    """

    __tablename__ = "emergency_accesses"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "reviewed_by"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "opened_at"),
        sa.Index(None, "clinic_id", "patient_id", "membership_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    reason_code: Mapped[str] = mapped_column(sa.String(32))
    reason: Mapped[str] = mapped_column(Sealed("emergency_accesses.reason"))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant)
    reviewed_at: Mapped[datetime | None] = mapped_column(Instant)
    reviewed_by: Mapped[UUID | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(16))
    note: Mapped[str | None] = mapped_column(Sealed("emergency_accesses.note"))
    version: Mapped[int]
