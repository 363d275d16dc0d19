"""Rooms, working hours, and who and what is taken when."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json
from app.core.db import Base, OfClinic


class Room(OfClinic, Base):
    """A place of the clinic that one appointment can have at a time."""

    __tablename__ = "rooms"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(100))
    places: Mapped[int]
    """How many patients fit in."""
    version: Mapped[int]
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class WorkingHours(OfClinic, Base):
    """When a member of staff can be booked, by the clock of the clinic."""

    __tablename__ = "working_hours"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "membership_id"),
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
    )

    clinic_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(Json)


class Booking(OfClinic, Base):
    """That somebody or a room is taken for a time. No two of one overlap unless somebody said so with a reason.

    The database keeps that: an exclusion constraint on PostgreSQL, triggers on SQLite (see the migration).
    """

    __tablename__ = "bookings"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "holder_id", "resource_id"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        sa.CheckConstraint("resource_kind IN ('staff', 'room', 'patient')", name="known_kind"),
        sa.Index(None, "clinic_id", "resource_id", "starts_at"),
    )

    clinic_id: Mapped[UUID]
    holder_id: Mapped[UUID]
    """The appointment or the session of a group."""
    resource_id: Mapped[UUID]
    """The membership, the room or the patient."""
    holder_kind: Mapped[str] = mapped_column(sa.String(16))
    resource_kind: Mapped[str] = mapped_column(sa.String(16))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    overridden: Mapped[bool]
    """Whether it may overlap others, because somebody said so."""
