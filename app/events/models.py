"""The outbox."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant
from app.core.db import Base, OfClinic


class OutboxEvent(OfClinic, Base):
    """One fact to tell, written with the fact."""

    __tablename__ = "outbox_events"
    __table_args__ = (sa.Index(None, "clinic_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(sa.String(64))
    patient_id: Mapped[UUID | None]
    subject_id: Mapped[UUID]
    version: Mapped[int]
    happened_at: Mapped[datetime] = mapped_column(Instant)
