"""Dosing sessions and the steps that each of them took."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Sealed
from app.core.db import Base, OfClinic
from app.dosing.rules import SessionStage


class DosingSession(OfClinic, Base):
    """One supervised session as it stands. The id is made by the client and unique within the clinic."""

    __tablename__ = "dosing_sessions"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "scheduled_at", "id"),
        sa.Index(None, "clinic_id", "patient_id", "scheduled_at", "id"),
        sa.CheckConstraint(
            f"status IN ({', '.join(repr(stage.value) for stage in SessionStage)})",
            name="known_status",
        ),
        sa.CheckConstraint("dose_ended_at IS NULL OR dose_ended_at >= dose_started_at", name="ends_after_start"),
        sa.CheckConstraint("dose_mg IS NULL OR dose_mg > 0", name="some_dose"),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    patient_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(sa.String(16))
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    scheduled_at: Mapped[datetime] = mapped_column(Instant)
    dose_started_at: Mapped[datetime | None] = mapped_column(Instant)
    dose_ended_at: Mapped[datetime | None] = mapped_column(Instant)
    substance: Mapped[str | None] = mapped_column(sa.String(32))
    route: Mapped[str | None] = mapped_column(sa.String(16))
    dose_mg: Mapped[float | None] = mapped_column(sa.Double)
    origin: Mapped[str] = mapped_column(sa.String(16))
    cancellation_reason: Mapped[str | None] = mapped_column(Sealed("dosing_sessions.cancellation_reason"))


class DosingSessionStep(OfClinic, Base):
    """One step of a session: who did what when, and what had been planned then. Steps are only ever added."""

    __tablename__ = "dosing_session_steps"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "session_id"], ["dosing_sessions.clinic_id", "dosing_sessions.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "actor_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.UniqueConstraint("clinic_id", "session_id", "version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    version: Mapped[int]
    at: Mapped[datetime] = mapped_column(Instant)
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(sa.String(16))
    from_status: Mapped[str | None] = mapped_column(sa.String(16))
    to_status: Mapped[str] = mapped_column(sa.String(16))
    scheduled_at: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[str | None] = mapped_column(Sealed("dosing_session_steps.reason"))
