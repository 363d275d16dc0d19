"""Calendar feeds that people subscribe to."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant
from app.core.db import Base, OfClinic


class CalendarFeed(OfClinic, Base):
    """How somebody's feed is set up, once they changed anything. The address follows from `generation`."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "membership_id"),
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
    )

    clinic_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    generation: Mapped[int]
    """Counts the addresses: revoking one makes the next."""
    titles: Mapped[str] = mapped_column(sa.String(16))
    """`neutral`, or `plain` where its owner wants to read what an appointment is for."""
    enabled: Mapped[bool]
    version: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(Instant)
