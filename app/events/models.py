"""The outbox, and how far each clinic's events are numbered."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant
from app.core.db import Base, OfClinic


class OutboxEvent(OfClinic, Base):
    """One fact to tell, written with the fact.

    `position` is its place among the clinic's events, without gaps, given after the commit by whoever passes the events
    on. Ids and times would not do: of two transactions the one that began first may be seen last, and a reader who
    remembers how far they came would miss it.
    """

    __tablename__ = "outbox_events"
    __table_args__ = (
        sa.Index(None, "clinic_id", "id"),
        sa.Index(
            "ix_outbox_events_unnumbered",
            "id",
            postgresql_where=sa.text("position IS NULL"),
            sqlite_where=sa.text("position IS NULL"),
        ),
        sa.Index(
            "ix_outbox_events_clinic_id_position",
            "clinic_id",
            "position",
            unique=True,
            postgresql_where=sa.text("position IS NOT NULL"),
            sqlite_where=sa.text("position IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(sa.String(64))
    patient_id: Mapped[UUID | None]
    subject_id: Mapped[UUID]
    version: Mapped[int]
    happened_at: Mapped[datetime] = mapped_column(Instant)
    position: Mapped[int | None] = mapped_column(sa.BigInteger)


class EventFeed(OfClinic, Base):
    """How many events of a clinic were numbered. It outlives them: no number is used twice."""

    __tablename__ = "event_feeds"
    __table_args__ = (sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),)

    clinic_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_position: Mapped[int] = mapped_column(sa.BigInteger)
