"""Which check-ins are wanted of a patient, which of them are due, and how far they are planned."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json, Sealed
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
        sa.Index(None, "clinic_id", "patient_id", "revision"),
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
    # What the release before this one does not know, and leaves empty:
    minutes_from_dose: Mapped[int | None]
    """Of one that is relative to a dose: minutes from its begin, negative before it; `time_point` is its name."""
    awaits_dose: Mapped[bool | None]
    """Whether it counts from the begin of a dose that has not begun: until then it neither opens nor is missed."""
    plan_version: Mapped[int | None]
    """Of the patient's plan that asks for it; null for the clinic's template, or the figures of the protocol."""
    template_version: Mapped[int | None]
    local_day: Mapped[date | None]
    local_time: Mapped[str | None] = mapped_column(sa.String(5))
    """`HH:MM` on the patient's wall clock, as it was asked for; `shifted` when that day had no such time."""
    time_zone: Mapped[str | None] = mapped_column(sa.String(64))
    shifted: Mapped[bool | None]
    reminders: Mapped[list[int] | None] = mapped_column(Json)
    """Minutes from `due_at`, negative before it."""
    instrument_versions: Mapped[dict[str, str] | None] = mapped_column(Json)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)
    shown_at: Mapped[datetime | None] = mapped_column(Instant)


class CheckInTemplate(OfClinic, Base):
    """One version of a check-in plan that a clinic gives to its patients; append-only. `default` is everybody's."""

    __tablename__ = "check_in_templates"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "key", "version"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "made_by"], ["memberships.clinic_id", "memberships.id"]),
    )

    clinic_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(sa.String(32))
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(sa.String(500))
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[UUID | None]


class CheckInPlan(OfClinic, Base):
    """One version of what a patient is asked for; append-only. Without one, the clinic's template `default` holds."""

    __tablename__ = "check_in_plans"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "made_by"], ["memberships.clinic_id", "memberships.id"]),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    template_key: Mapped[str | None] = mapped_column(sa.String(32))
    """The template that is followed, in its newest version; then `content` is null."""
    content: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(Sealed("check_in_plans.reason"))
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[UUID | None]
    revision: Mapped[int] = mapped_column(sa.BigInteger)


class CheckInPlanning(OfClinic, Base):
    """How far a patient's check-ins are planned, and by what, so that the worker finds whose are not."""

    __tablename__ = "check_in_planning"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "planned_until"),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    planned_until: Mapped[datetime] = mapped_column(Instant)
    plan_version: Mapped[int | None]
    template_key: Mapped[str | None] = mapped_column(sa.String(32))
    template_version: Mapped[int | None]
    time_zone: Mapped[str] = mapped_column(sa.String(64))
