"""Appointments and their series, who takes part in them, and the steps that each of them took."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.appointments.rules import AppointmentStatus
from app.core.columns import Instant, Json, Sealed
from app.core.db import Base, OfClinic


class Appointment(OfClinic, Base):
    """One appointment of one patient as it stands. The id is made by the client and unique within the clinic.

    A group that meets is one appointment for each of its members, so that no member's record mentions another.
    """

    __tablename__ = "appointments"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "scheduled_at", "id"),
        sa.Index(None, "clinic_id", "patient_id", "scheduled_at", "id"),
        sa.Index(None, "clinic_id", "patient_id", "revision"),
        sa.Index(None, "clinic_id", "group_session_id"),
        sa.CheckConstraint(
            f"status IN ({', '.join(repr(status.value) for status in AppointmentStatus)})",
            name="known_status",
        ),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > scheduled_at", name="ends_after_start"),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    patient_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(32))
    format: Mapped[str] = mapped_column(sa.String(16))
    channel: Mapped[str] = mapped_column(sa.String(16))
    status: Mapped[str] = mapped_column(sa.String(16))
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    scheduled_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    location: Mapped[str | None] = mapped_column(Sealed("appointments.location"))
    attendance: Mapped[str | None] = mapped_column(sa.String(24))
    attended_minutes: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(sa.String(32))
    origin: Mapped[str] = mapped_column(sa.String(16))
    # What the release before this one does not know, and leaves empty:
    room_id: Mapped[UUID | None]
    series_id: Mapped[UUID | None]
    recurrence_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the rule of its series, or of its group, puts it; `scheduled_at` is elsewhere once it was moved."""
    group_session_id: Mapped[UUID | None]
    override_reason: Mapped[str | None] = mapped_column(Sealed("appointments.override_reason"))
    """Why somebody or a room was booked twice on purpose."""
    cancelled_late: Mapped[bool | None]


class AppointmentSeries(OfClinic, Base):
    """Appointments of one patient that repeat by a rule. What each of them is like is JSON text, sealed."""

    __tablename__ = "appointment_series"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    patient_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(sa.String(500))
    first_at: Mapped[str] = mapped_column(sa.String(16))
    """`YYYY-MM-DDTHH:MM` by the clock of `time_zone`."""
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    minutes: Mapped[int]
    left_out: Mapped[list[str]] = mapped_column(Json)
    """Days that the rule gives and on which it does not take place."""
    content: Mapped[str] = mapped_column(Sealed("appointment_series.content"))
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    planned_until: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class AppointmentParticipant(OfClinic, Base):
    """One who takes part in an appointment, in the order in which they were named."""

    __tablename__ = "appointment_participants"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "appointment_id", "position"),
        sa.ForeignKeyConstraint(["clinic_id", "appointment_id"], ["appointments.clinic_id", "appointments.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "staff_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.CheckConstraint("(role = 'staff') = (staff_id IS NOT NULL)", name="staff_are_known"),
    )

    clinic_id: Mapped[UUID]
    appointment_id: Mapped[UUID]
    position: Mapped[int]
    role: Mapped[str] = mapped_column(sa.String(16))
    staff_id: Mapped[UUID | None]
    name: Mapped[str | None] = mapped_column(Sealed("appointment_participants.name"))
    status: Mapped[str] = mapped_column(sa.String(16))


class AppointmentStep(OfClinic, Base):
    """One step of an appointment: who did what when, and what had been planned then. Steps are only ever added."""

    __tablename__ = "appointment_steps"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "appointment_id"], ["appointments.clinic_id", "appointments.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "actor_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.UniqueConstraint("clinic_id", "appointment_id", "version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    appointment_id: Mapped[UUID]
    version: Mapped[int]
    at: Mapped[datetime] = mapped_column(Instant)
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(sa.String(16))
    from_status: Mapped[str | None] = mapped_column(sa.String(16))
    to_status: Mapped[str] = mapped_column(sa.String(16))
    scheduled_at: Mapped[datetime] = mapped_column(Instant)
    attendance: Mapped[str | None] = mapped_column(sa.String(24))
    reason: Mapped[str | None] = mapped_column(sa.String(32))
    override_reason: Mapped[str | None] = mapped_column(Sealed("appointment_steps.override_reason"))
    """Why somebody or a room was booked twice in this step. The release before this one leaves it empty."""
