"""Anchors and moments."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant
from app.core.db import Base, OfClinic


class TimelineAnchor(OfClinic, Base):
    """A dosing session or an appointment on a patient's timeline; its id is that of the thing itself."""

    __tablename__ = "timeline_anchors"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
    )

    id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(16))
    scheduled_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    cancelled: Mapped[bool]


class TimelineMoment(OfClinic, Base):
    """One check-in's place in time: what was said about its link (`named_`, `corrected_`), and the link itself.

    `relinks` counts how often the link changed after the check-in was stored.
    """

    __tablename__ = "timeline_moments"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "check_in_id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "at"),
        sa.Index(None, "clinic_id", "patient_id", "revision"),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    check_in_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(Instant)
    placeable: Mapped[bool]
    named_dosing_session_id: Mapped[UUID | None]
    named_appointment_id: Mapped[UUID | None]
    corrected: Mapped[bool]
    corrected_dosing_session_id: Mapped[UUID | None]
    corrected_appointment_id: Mapped[UUID | None]
    dosing_session_id: Mapped[UUID | None]
    appointment_id: Mapped[UUID | None]
    phase: Mapped[str | None] = mapped_column(sa.String(16))
    minutes_from_dose: Mapped[int | None]
    how: Mapped[str | None] = mapped_column(sa.String(16))
    relinks: Mapped[int]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
