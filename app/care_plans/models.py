"""Care plans, practice, safety plans and contingency plans. What they say is sealed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Sealed
from app.core.db import Base, OfClinic


class CarePlan(OfClinic, Base):
    """One version of a patient's care plan; append-only. `content` is JSON text."""

    __tablename__ = "care_plans"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "made_by"], ["memberships.clinic_id", "memberships.id"]),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    phase: Mapped[str] = mapped_column(sa.String(16))
    abstinence_is_the_goal: Mapped[bool]
    """Whether one of the goals is abstinence, for the rules that ask for it."""
    content: Mapped[str] = mapped_column(Sealed("care_plans.content"))
    reason: Mapped[str] = mapped_column(Sealed("care_plans.reason"))
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[UUID | None]
    revision: Mapped[int] = mapped_column(sa.BigInteger)


class PracticeLog(OfClinic, Base):
    """That a patient practised, under an id that their phone made."""

    __tablename__ = "practice_logs"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "done_at", "id"),
        sa.Index(None, "clinic_id", "patient_id", "revision"),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    id: Mapped[UUID]
    assignment_id: Mapped[UUID | None]
    modality: Mapped[str] = mapped_column(sa.String(32))
    done_at: Mapped[datetime] = mapped_column(Instant)
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    minutes: Mapped[int | None]
    helpfulness: Mapped[int | None]
    note: Mapped[str | None] = mapped_column(Sealed("practice_logs.note"))
    private: Mapped[bool]
    """Whether the note is the patient's alone."""
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    received_at: Mapped[datetime] = mapped_column(Instant)


class SafetyPlan(OfClinic, Base):
    """One version of the plan that a patient makes for a crisis; append-only. `content` is JSON text."""

    __tablename__ = "safety_plans"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "co_signed_by"], ["memberships.clinic_id", "memberships.id"]),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    content: Mapped[str] = mapped_column(Sealed("safety_plans.content"))
    made_at: Mapped[datetime] = mapped_column(Instant)
    co_signed_at: Mapped[datetime | None] = mapped_column(Instant)
    co_signed_by: Mapped[UUID | None]
    revision: Mapped[int] = mapped_column(sa.BigInteger)


class ContingencyPlan(OfClinic, Base):
    """One version of what a patient is rewarded for; append-only. `content` is JSON text. No alert comes of it."""

    __tablename__ = "contingency_plans"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "made_by"], ["memberships.clinic_id", "memberships.id"]),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    content: Mapped[str] = mapped_column(Sealed("contingency_plans.content"))
    reason: Mapped[str] = mapped_column(Sealed("contingency_plans.reason"))
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    revision: Mapped[int] = mapped_column(sa.BigInteger)


class ContingencyResult(OfClinic, Base):
    """Whether a target was met once, and what was given for it; append-only, corrected by one more."""

    __tablename__ = "contingency_results"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "recorded_by"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "patient_id", "at", "id"),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    patient_id: Mapped[UUID]
    plan_version: Mapped[int]
    at: Mapped[datetime] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(sa.String(16))
    """`met`, `not_met`, `excused`."""
    amount_cents: Mapped[int]
    corrects: Mapped[UUID | None]
    note: Mapped[str | None] = mapped_column(Sealed("contingency_results.note"))
    recorded_by: Mapped[UUID]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
