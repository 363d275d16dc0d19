"""Clinics, people, their devices and their care teams."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import BlindIndex, Instant, Sealed
from app.core.db import Base, OfClinic


class Clinic(Base):
    """A tenant."""

    __tablename__ = "clinics"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    locale: Mapped[str] = mapped_column(sa.String(16))
    protocol_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)


class Account(Base):
    """A person who can sign in. The address is sealed; it is found by its blind index."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Sealed("accounts.email"))
    email_index: Mapped[bytes] = mapped_column(BlindIndex("accounts.email"), unique=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[datetime] = mapped_column(Instant)


class Patient(OfClinic, Base):
    """A person in treatment at a clinic."""

    __tablename__ = "patients"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    display_name: Mapped[str] = mapped_column(Sealed("patients.display_name"))
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[str] = mapped_column(sa.String(16))
    version: Mapped[int]
    enrolled_at: Mapped[datetime] = mapped_column(Instant)


class PatientDetails(OfClinic, Base):
    """What a report to somebody else asks for, and some rules: the day of birth and the sex. Null is not known."""

    __tablename__ = "patient_details"
    __table_args__ = (sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),)

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    version: Mapped[int]
    born_on: Mapped[str | None] = mapped_column(Sealed("patient_details.born_on"))
    """`YYYY-MM-DD`."""
    sex: Mapped[str | None] = mapped_column(sa.String(16))


class PatientRevision(OfClinic, Base):
    """One counter for each patient: the sync cursor, the heart of entity tags, the lock of their writes.

    `app_consent_withdrawn_at` is kept by `consents`: since when the patient wants no new answers stored. It stands here
    because a write sees this row as it is after the lock was had.
    """

    __tablename__ = "patient_revisions"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"], ondelete="CASCADE"),
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    app_consent_withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    tombstones_from: Mapped[int | None] = mapped_column(sa.BigInteger)
    """Tombstones of this revision and before were thrown away; null when none ever was."""


class Tombstone(OfClinic, Base):
    """That something of a patient's record is no longer there, so that a phone that was offline learns of it."""

    __tablename__ = "tombstones"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "kind", "subject_id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "revision"),
        sa.Index(None, "removed_at"),
    )

    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(24))
    subject_id: Mapped[UUID]
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    removed_at: Mapped[datetime] = mapped_column(Instant)


class TimeZoneChange(OfClinic, Base):
    """A patient moved to another time zone and wants their plan to follow; append-only."""

    __tablename__ = "time_zone_changes"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(Instant)
    from_zone: Mapped[str] = mapped_column(sa.String(64))
    to_zone: Mapped[str] = mapped_column(sa.String(64))
    changed_by: Mapped[UUID | None]


class Membership(Base):
    """What an account is at one clinic: a patient, or staff with one role. A `service` is a program, without one."""

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.UniqueConstraint("account_id", "clinic_id", "role"),
        sa.UniqueConstraint("patient_id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.CheckConstraint("(role = 'patient') = (patient_id IS NOT NULL)", name="patients_have_records"),
        sa.CheckConstraint("(role = 'service') = (account_id IS NULL)", name="people_have_accounts"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None]
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID | None]
    role: Mapped[str] = mapped_column(sa.String(32))
    display_name: Mapped[str] = mapped_column(Sealed("memberships.display_name"))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)


class CareTeamMember(OfClinic, Base):
    """A member of staff who looks after a patient, since when and until when."""

    __tablename__ = "care_team_members"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "patient_id", "membership_id"),
        sa.Index(None, "clinic_id", "membership_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(16))
    responsible: Mapped[bool]
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime | None] = mapped_column(Instant)


class Device(OfClinic, Base):
    """One signed-in phone, browser or program. Its tokens refer to this row; ending the row ends them all.

    `methods` are how its owner proved themselves (`password otp`), `authenticated_at` when they last did, if that was
    after signing in. `scopes` are the permissions it was given, where it was not given all of its owner's. `client_id`
    is the registered API client that it belongs to, if any: ending the client ends it too.
    """

    __tablename__ = "devices"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "membership_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "membership_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    label: Mapped[str] = mapped_column(sa.String(100))
    methods: Mapped[str] = mapped_column(sa.String(64))
    scopes: Mapped[str | None] = mapped_column(sa.String(4000))
    client_id: Mapped[UUID | None]
    signed_in_at: Mapped[datetime] = mapped_column(Instant)
    authenticated_at: Mapped[datetime | None] = mapped_column(Instant)
    refresh_n: Mapped[int]
    confirmed_n: Mapped[int]
    refreshed_at: Mapped[datetime] = mapped_column(Instant)
    idle_expires_at: Mapped[datetime] = mapped_column(Instant)
    absolute_expires_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_because: Mapped[str | None] = mapped_column(sa.String(32))


class UsedAssertion(OfClinic, Base):
    """A signed statement of somebody else's that was accepted, and must not be again before it is over anyway."""

    __tablename__ = "used_assertions"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.Index(None, "clinic_id", "expires_at"),
    )

    clinic_id: Mapped[UUID] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)
