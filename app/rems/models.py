"""REMS reports."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Sealed
from app.core.db import Base, OfClinic


class RemsReport(OfClinic, Base):
    """The report of one session: what the clinic added to what the session says, and whether it was sent."""

    __tablename__ = "rems_reports"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "session_id"),
        sa.ForeignKeyConstraint(["clinic_id", "session_id"], ["dosing_sessions.clinic_id", "dosing_sessions.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(
            "ix_rems_reports_waiting",
            "due_at",
            postgresql_where=sa.text("status = 'draft'"),
            sqlite_where=sa.text("status = 'draft'"),
        ),
        sa.CheckConstraint("status IN ('draft', 'submitted')", name="known_status"),
    )

    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    status: Mapped[str] = mapped_column(sa.String(16))
    due_at: Mapped[datetime] = mapped_column(Instant)
    additions: Mapped[str] = mapped_column(Sealed("rems_reports.additions"))
    """JSON: what the session does not say, or says otherwise."""
    submitted: Mapped[str | None] = mapped_column(Sealed("rems_reports.submitted"))
    """JSON: the whole report as it was when it was sent."""
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    submitted_by: Mapped[UUID | None]
    reference: Mapped[str | None] = mapped_column(Sealed("rems_reports.reference"))
