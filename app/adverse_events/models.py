"""Adverse events and what was said of them before."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json, Sealed
from app.core.db import Base, OfClinic


class AdverseEvent(OfClinic, Base):
    """One adverse event as it stands. The id is made by the client and unique within the clinic."""

    __tablename__ = "adverse_events"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "session_id"], ["dosing_sessions.clinic_id", "dosing_sessions.id"]),
        sa.Index(None, "clinic_id", "patient_id", "onset_at", "id"),
        sa.Index(None, "clinic_id", "session_id"),
        sa.CheckConstraint("grade BETWEEN 1 AND 5", name="known_grade"),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    patient_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    version: Mapped[int]
    onset_at: Mapped[datetime] = mapped_column(Instant)
    onset_minutes_from_dose: Mapped[int | None]
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    grade: Mapped[int]
    serious: Mapped[bool]
    seriousness_criteria: Mapped[list[str]] = mapped_column(Json)
    relatedness: Mapped[str] = mapped_column(sa.String(16))
    expected: Mapped[bool]
    action: Mapped[str] = mapped_column(sa.String(16))
    outcome: Mapped[str] = mapped_column(sa.String(24))
    reporter: Mapped[str] = mapped_column(sa.String(16))
    term_code: Mapped[str | None] = mapped_column(sa.String(32))
    term: Mapped[str] = mapped_column(Sealed("adverse_events.term"))
    description: Mapped[str | None] = mapped_column(Sealed("adverse_events.description"))
    reported_to: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    """When this version was; the first of them tells since when the clinic knows."""
    recorded_by: Mapped[UUID]


class AdverseEventVersion(OfClinic, Base):
    """An adverse event as it was before a correction; `content` is JSON, sealed. Only ever added."""

    __tablename__ = "adverse_event_versions"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "adverse_event_id", "version"),
        sa.ForeignKeyConstraint(["clinic_id", "adverse_event_id"], ["adverse_events.clinic_id", "adverse_events.id"]),
    )

    clinic_id: Mapped[UUID]
    adverse_event_id: Mapped[UUID]
    version: Mapped[int]
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[UUID]
    replaced_at: Mapped[datetime] = mapped_column(Instant)
    content: Mapped[str] = mapped_column(Sealed("adverse_event_versions.content"))
