"""Alerts with every step they took, who is told of them, who is on call, and requests for help."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json, Sealed
from app.core.db import Base, OfClinic


class Alert(OfClinic, Base):
    """One thing that the clinic has to look at, as it stands."""

    __tablename__ = "alerts"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.CheckConstraint("severity IN ('routine', 'urgent', 'critical')", name="known_severity"),
        sa.CheckConstraint("status IN ('open', 'acknowledged', 'resolved')", name="known_status"),
        sa.Index(None, "clinic_id", "patient_id", "raised_at", "id"),
        sa.Index(None, "clinic_id", "raised_at", "id"),
        sa.Index(
            "ix_alerts_waiting",
            "next_step_at",
            postgresql_where=sa.text("status = 'open' AND next_step_at IS NOT NULL"),
            sqlite_where=sa.text("status = 'open' AND next_step_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(sa.String(16))
    rule_version: Mapped[int]
    protocol_version: Mapped[int]
    severity: Mapped[str] = mapped_column(sa.String(16))
    status: Mapped[str] = mapped_column(sa.String(16))
    version: Mapped[int]
    subject_kind: Mapped[str] = mapped_column(sa.String(24))
    subject_id: Mapped[UUID]
    """What it was found in: a check-in, a reading, a dosing session, an adverse event, a request for help..."""
    dosing_session_id: Mapped[UUID | None]
    session_clinician_id: Mapped[UUID | None]
    inputs: Mapped[dict[str, Any]] = mapped_column(Json)
    threshold: Mapped[dict[str, Any]] = mapped_column(Json)
    found_at: Mapped[datetime] = mapped_column(Instant)
    """When what it tells of happened; `raised_at` is when it was found."""
    raised_at: Mapped[datetime] = mapped_column(Instant)
    raised_late: Mapped[bool]
    acknowledge_by: Mapped[datetime] = mapped_column(Instant)
    staffed_when_raised: Mapped[bool]
    occurrences: Mapped[int]
    last_found_at: Mapped[datetime] = mapped_column(Instant)
    level: Mapped[str] = mapped_column(sa.String(16))
    """How far it went: `first`, `second`, `lead`."""
    next_step_at: Mapped[datetime | None] = mapped_column(Instant)
    """When somebody else is asked, or the same once more; null when nobody will be."""
    owner_id: Mapped[UUID | None]
    """Who has it in hand: whoever acknowledged it, or to whom it was handed over."""
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by: Mapped[UUID | None]
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    resolved_by: Mapped[UUID | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(32))
    resolution_note: Mapped[str | None] = mapped_column(Sealed("alerts.resolution_note"))
    revision: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The patient's revision that last changed what they may see of it."""


class AlertStep(OfClinic, Base):
    """One step of an alert: raised, repeated, told, escalated, acknowledged, handed over, resolved. Only ever added."""

    __tablename__ = "alert_steps"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "alert_id"], ["alerts.clinic_id", "alerts.id"]),
        sa.Index(None, "clinic_id", "alert_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    alert_id: Mapped[UUID]
    version: Mapped[int]
    at: Mapped[datetime] = mapped_column(Instant)
    action: Mapped[str] = mapped_column(sa.String(16))
    actor_id: Mapped[UUID | None]
    """Who did it; null for what the service does by itself."""
    to_id: Mapped[UUID | None]
    """To whom it was handed over."""
    level: Mapped[str | None] = mapped_column(sa.String(16))
    late: Mapped[bool]
    subject_kind: Mapped[str | None] = mapped_column(sa.String(24))
    subject_id: Mapped[UUID | None]
    inputs: Mapped[dict[str, Any] | None] = mapped_column(Json)
    note: Mapped[str | None] = mapped_column(Sealed("alert_steps.note"))


class AlertNotice(OfClinic, Base):
    """A message to one person that something waits for them. It stays until it is sent."""

    __tablename__ = "alert_notices"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "alert_id"], ["alerts.clinic_id", "alerts.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "alert_id"),
        sa.Index(
            "ix_alert_notices_due",
            "due_at",
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    alert_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    level: Mapped[str] = mapped_column(sa.String(16))
    channel: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(16))
    """`pending`, `sent`, `refused` (the mail server will not take this address), `needless` (answered before)."""
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


class OnCallRoster(OfClinic, Base):
    """One version of who is on call at a clinic, when it is staffed, and how it is reached; only ever added."""

    __tablename__ = "on_call_rosters"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "version"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
    )

    clinic_id: Mapped[UUID]
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    """Hours, shifts and ids of staff; telephone, address and country of the clinic."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[UUID]


class HelpRequest(OfClinic, Base):
    """A patient pressed the button: help is needed now."""

    __tablename__ = "help_requests"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    id: Mapped[UUID]
    received_at: Mapped[datetime] = mapped_column(Instant)
    message: Mapped[str | None] = mapped_column(Sealed("help_requests.message"))
    alert_id: Mapped[UUID | None]
