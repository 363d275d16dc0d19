"""Check-ins, their earlier versions, their observations, and what was quarantined."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json, Sealed
from app.core.db import Base, OfClinic


class CheckIn(OfClinic, Base):
    """A check-in as it stands now. Ids are the phone's own, so they are unique for one patient only.

    `fingerprint` tells a repeated report from another one under the same id. `revision` is the patient's revision that
    last changed the answers; the link has its own (`timeline_moments`).
    """

    __tablename__ = "check_ins"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "recorded_at", "id"),
        sa.Index(None, "clinic_id", "patient_id", "revision"),
    )

    id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    utc_offset_minutes: Mapped[int] = mapped_column(sa.SmallInteger)
    received_at: Mapped[datetime] = mapped_column(Instant)
    clock_suspect: Mapped[bool]
    late: Mapped[bool]
    due_check_in_id: Mapped[UUID | None]
    origin: Mapped[str] = mapped_column(sa.String(16))
    author_id: Mapped[UUID | None]
    responses: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    scores: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    note: Mapped[str | None] = mapped_column(Sealed("check_ins.note"))
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary)


class CheckInVersion(OfClinic, Base):
    """An earlier version of a check-in, as it was before it was corrected; append-only."""

    __tablename__ = "check_in_versions"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "check_in_id", "version"),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id", "check_in_id"],
            ["check_ins.clinic_id", "check_ins.patient_id", "check_ins.id"],
        ),
    )

    check_in_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    received_at: Mapped[datetime] = mapped_column(Instant)
    author_id: Mapped[UUID | None]
    responses: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    scores: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    note: Mapped[str | None] = mapped_column(Sealed("check_in_versions.note"))
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary)
    replaced_at: Mapped[datetime] = mapped_column(Instant)


class Observation(OfClinic, Base):
    """One number of one measure at one moment. A check-in whose clock is suspect has none: it counts in no statistic.

    The key is the order in which trends read: one patient, one measure, through time. `local_day` is the day on the
    patient's own calendar; `substance` is empty for measures that are not about one.
    """

    __tablename__ = "observations"
    __table_args__ = (
        sa.PrimaryKeyConstraint(
            "clinic_id",
            "patient_id",
            "measure",
            "substance",
            "recorded_at",
            "check_in_id",
            postgresql_include=["value", "local_day"],
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id", "check_in_id"],
            ["check_ins.clinic_id", "check_ins.patient_id", "check_ins.id"],
        ),
        {"sqlite_with_rowid": False},
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    measure: Mapped[str] = mapped_column(sa.String(40))
    substance: Mapped[str] = mapped_column(sa.String(40))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    check_in_id: Mapped[UUID]
    value: Mapped[float] = mapped_column(sa.Double)
    local_day: Mapped[date]
    utc_offset_minutes: Mapped[int] = mapped_column(sa.SmallInteger)


class QuarantinedSubmission(OfClinic, Base):
    """One item of a batch that could not be accepted, sealed as it came; one row however often it is sent."""

    __tablename__ = "quarantined_submissions"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "content_hash"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    content_hash: Mapped[bytes] = mapped_column(sa.LargeBinary)
    check_in_id: Mapped[UUID | None]
    content: Mapped[str] = mapped_column(Sealed("quarantined_submissions.content"))
    problem: Mapped[dict[str, Any]] = mapped_column(Json)
    received_at: Mapped[datetime] = mapped_column(Instant)
    device_id: Mapped[UUID | None]
