"""Groups, who belongs to them, and the sessions in which they meet."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json, Sealed
from app.core.db import Base, OfClinic


class Group(OfClinic, Base):
    """Patients who meet regularly. Each session of the group is an appointment of each member."""

    __tablename__ = "groups"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "room_id"], ["rooms.clinic_id", "rooms.id"]),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(100))
    kind: Mapped[str] = mapped_column(sa.String(32))
    channel: Mapped[str] = mapped_column(sa.String(16))
    capacity: Mapped[int]
    room_id: Mapped[UUID | None]
    location: Mapped[str | None] = mapped_column(Sealed("groups.location"))
    staff_ids: Mapped[list[str]] = mapped_column(Json)
    first_at: Mapped[str] = mapped_column(sa.String(16))
    """`YYYY-MM-DDTHH:MM` by the clock of `time_zone`."""
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    minutes: Mapped[int]
    rule: Mapped[str | None] = mapped_column(sa.String(500))
    """The RRULE by which it repeats; null for one that meets once."""
    left_out: Mapped[list[str]] = mapped_column(Json)
    """Days that the rule gives and on which it does not meet."""
    clashing: Mapped[list[str]] = mapped_column(Json)
    """Further days on which it does not, because somebody or the room was taken."""
    version: Mapped[int]
    planned_until: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class GroupSession(OfClinic, Base):
    """One meeting of a group. `taken` counts the places that members have; it never exceeds `capacity`."""

    __tablename__ = "group_sessions"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "group_id"], ["groups.clinic_id", "groups.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "room_id"], ["rooms.clinic_id", "rooms.id"]),
        sa.CheckConstraint("taken >= 0 AND taken <= capacity", name="enough_places"),
        sa.Index(None, "clinic_id", "group_id", "scheduled_at"),
        sa.Index(None, "clinic_id", "scheduled_at"),
        sa.Index(None, "unsettled_at"),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    group_id: Mapped[UUID]
    recurrence_at: Mapped[datetime] = mapped_column(Instant)
    """When the rule puts it; `scheduled_at` is elsewhere once it was moved."""
    scheduled_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    capacity: Mapped[int]
    taken: Mapped[int]
    room_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(sa.String(16))
    """`booked`, `cancelled`, or `withdrawn` when the rule does not give it any more."""
    reason: Mapped[str | None] = mapped_column(sa.String(32))
    """Why it was called off."""
    version: Mapped[int]
    unsettled_at: Mapped[datetime | None] = mapped_column(Instant)
    """Since when the appointments of its members may have to follow it, or a place may be given away."""


class GroupMember(OfClinic, Base):
    """A patient who belongs to a group, since when and until when."""

    __tablename__ = "group_members"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "group_id", "patient_id", "joined_at"),
        sa.ForeignKeyConstraint(["clinic_id", "group_id"], ["groups.clinic_id", "groups.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id"),
    )

    clinic_id: Mapped[UUID]
    group_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    joined_at: Mapped[datetime] = mapped_column(Instant)
    left_at: Mapped[datetime | None] = mapped_column(Instant)
    revision: Mapped[int] = mapped_column(sa.BigInteger)
