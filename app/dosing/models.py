"""Dosing sessions, the steps that each of them took, and what was written down on the way."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json, Sealed
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
    no_show: Mapped[bool] = mapped_column(server_default=sa.false())
    cleared_at: Mapped[datetime | None] = mapped_column(Instant)
    session_clinician_id: Mapped[UUID | None]
    """Who gives the dose, or else cleared it: signs of danger at the bedside go to them first."""
    protocol_version: Mapped[int | None]
    """The clinic's figures by which its readings are planned: those in force when the dose began."""


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


def _of_session() -> tuple[sa.ForeignKeyConstraint, ...]:
    return (
        sa.ForeignKeyConstraint(["clinic_id", "session_id"], ["dosing_sessions.clinic_id", "dosing_sessions.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
    )


class PreDoseChecklist(OfClinic, Base):
    """One version of a session's checklist; a correction is one more. `content` is JSON, sealed: it names an escort."""

    __tablename__ = "pre_dose_checklists"
    __table_args__ = (sa.PrimaryKeyConstraint("clinic_id", "session_id", "version"), *_of_session())

    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    version: Mapped[int]
    patient_id: Mapped[UUID]
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[UUID]
    content: Mapped[str] = mapped_column(Sealed("pre_dose_checklists.content"))


class SessionClearance(OfClinic, Base):
    """A prescriber's word that the dose may be given: on which checklist, with what found, overridden why. Kept."""

    __tablename__ = "session_clearances"
    __table_args__ = (
        *_of_session(),
        sa.ForeignKeyConstraint(["clinic_id", "cleared_by"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "session_id", "cleared_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    checklist_version: Mapped[int]
    cleared_at: Mapped[datetime] = mapped_column(Instant)
    cleared_by: Mapped[UUID]
    findings: Mapped[str] = mapped_column(Sealed("session_clearances.findings"))
    """JSON: every finding, each with the reason by which it was overridden, or null."""


class DoseRecord(OfClinic, Base):
    """What was given, in one version; a correction is one more, and says why."""

    __tablename__ = "dose_records"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "session_id", "version"),
        *_of_session(),
        sa.Index(None, "started_at"),  # the worker looks at the doses of the last days, of all clinics
    )

    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    version: Mapped[int]
    patient_id: Mapped[UUID]
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[UUID]
    substance: Mapped[str] = mapped_column(sa.String(32))
    route: Mapped[str] = mapped_column(sa.String(16))
    dose_mg: Mapped[float] = mapped_column(sa.Double)
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    weight_kg: Mapped[float | None] = mapped_column(sa.Double)
    weighed_on: Mapped[date | None]
    mg_per_kg: Mapped[float | None] = mapped_column(sa.Double)
    lot: Mapped[str | None] = mapped_column(sa.String(64))
    devices: Mapped[int | None]
    administered_by: Mapped[UUID]
    wasted_mg: Mapped[float | None] = mapped_column(sa.Double)
    waste_witnessed_by: Mapped[UUID | None]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """What was outside of the clinic's ranges: code and inputs, in the order of `confirmations`."""
    confirmations: Mapped[str | None] = mapped_column(Sealed("dose_records.confirmations"))
    """JSON: why each was meant so."""
    correction_reason: Mapped[str | None] = mapped_column(Sealed("dose_records.correction_reason"))


class DosePause(OfClinic, Base):
    """An infusion stood still, from when until when, and why."""

    __tablename__ = "dose_pauses"
    __table_args__ = (*_of_session(), sa.Index(None, "clinic_id", "session_id", "paused_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    paused_at: Mapped[datetime] = mapped_column(Instant)
    resumed_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_by: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Sealed("dose_pauses.reason"))


class _ReadingValues:
    """What a reading says; null is not measured. Units: mm[Hg], /min, %, Cel; scores in points."""

    taken_at: Mapped[datetime] = mapped_column(Instant)
    """By the clock of the tablet."""
    at: Mapped[datetime] = mapped_column(Instant)
    """By ours: the same, or put right by how far the tablet's clock was off."""
    received_at: Mapped[datetime] = mapped_column(Instant)
    minutes_from_dose: Mapped[int | None]
    recorded_by: Mapped[UUID]
    device_id: Mapped[UUID | None]
    clock_suspect: Mapped[bool]
    received_late: Mapped[bool]
    systolic: Mapped[int | None]
    diastolic: Mapped[int | None]
    heart_rate: Mapped[int | None]
    spo2: Mapped[int | None]
    respiratory_rate: Mapped[int | None]
    temperature: Mapped[float | None] = mapped_column(sa.Double)
    moaas: Mapped[int | None]
    dissociation_items: Mapped[dict[str, int] | None] = mapped_column(Json)
    dissociation: Mapped[int | None]
    aldrete_items: Mapped[dict[str, int] | None] = mapped_column(Json)
    aldrete: Mapped[int | None]
    confirmed: Mapped[list[str]] = mapped_column(Json)
    """Names of values outside of what is plausible that whoever recorded them said are true."""
    flags: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary)


class Reading(_ReadingValues, OfClinic, Base):
    """Vital signs and scores of one moment of a session, as they stand. The id is made by the tablet."""

    __tablename__ = "readings"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "session_id", "id"),
        *_of_session(),
        sa.Index(None, "clinic_id", "session_id", "at"),
    )

    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    note: Mapped[str | None] = mapped_column(Sealed("readings.note"))


class ReadingVersion(_ReadingValues, OfClinic, Base):
    """A reading as it was before a correction; only ever added."""

    __tablename__ = "reading_versions"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "session_id", "reading_id", "version"),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id", "reading_id"], ["readings.clinic_id", "readings.session_id", "readings.id"]
        ),
    )

    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    reading_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    version: Mapped[int]
    replaced_at: Mapped[datetime] = mapped_column(Instant)
    note: Mapped[str | None] = mapped_column(Sealed("reading_versions.note"))


class DischargeAssessment(OfClinic, Base):
    """The criteria for going home as they were at one moment, who looked, and what was overridden why. Kept."""

    __tablename__ = "discharge_assessments"
    __table_args__ = (
        *_of_session(),
        sa.ForeignKeyConstraint(["clinic_id", "assessed_by"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "session_id", "assessed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    assessed_at: Mapped[datetime] = mapped_column(Instant)
    assessed_by: Mapped[UUID]
    met: Mapped[bool]
    criteria: Mapped[str] = mapped_column(Sealed("discharge_assessments.criteria"))
    """JSON: every criterion with its inputs, whether it was met, and the reason by which it was overridden."""


class SessionDischarge(OfClinic, Base):
    """How the patient went home."""

    __tablename__ = "session_discharges"
    __table_args__ = (sa.PrimaryKeyConstraint("clinic_id", "session_id"), *_of_session())

    clinic_id: Mapped[UUID]
    session_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    discharged_at: Mapped[datetime] = mapped_column(Instant)
    discharged_by: Mapped[UUID]
    assessment_id: Mapped[UUID]
    escort: Mapped[str | None] = mapped_column(Sealed("session_discharges.escort"))
    """JSON: name and telephone of who took the patient home."""
    instructions_given: Mapped[bool]
    instructions_version: Mapped[str | None] = mapped_column(sa.String(64))
    crisis_card_given: Mapped[bool]
    note: Mapped[str | None] = mapped_column(Sealed("session_discharges.note"))


class ExtraSessionRequest(OfClinic, Base):
    """A patient asked for a session sooner than planned, or for one more."""

    __tablename__ = "extra_session_requests"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "requested_at"),
    )

    clinic_id: Mapped[UUID]
    id: Mapped[UUID]
    patient_id: Mapped[UUID]
    requested_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[UUID]
    note: Mapped[str | None] = mapped_column(Sealed("extra_session_requests.note"))
