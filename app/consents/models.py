"""Documents, consents, holds, restrictions and disclosures."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.consents.disclosure_rules import Basis
from app.consents.rules import SignerKind
from app.core.columns import Instant, Json, Sealed
from app.core.db import Base, OfClinic

TYPE_LENGTH = 100


def _one_of(column: str, values: Any) -> str:  # noqa: ANN401  an enumeration
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


class ConsentDocument(OfClinic, Base):
    """One text in one language that patients can agree to. Append-only: a change is a new version."""

    __tablename__ = "consent_documents"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.UniqueConstraint("clinic_id", "type", "language", "version"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "published_by"], ["memberships.clinic_id", "memberships.id"]),
        sa.CheckConstraint("version >= 1", name="versions_count_from_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(sa.String(TYPE_LENGTH))
    language: Mapped[str] = mapped_column(sa.String(35))
    version: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text)
    text_hash: Mapped[str] = mapped_column(sa.String(64))
    questions: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    purposes: Mapped[list[str]] = mapped_column(Json)
    recipients: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    categories: Mapped[list[str]] = mapped_column(Json)
    expires_after_days: Mapped[int | None]
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    published_by: Mapped[UUID]
    published_at: Mapped[datetime] = mapped_column(Instant)


class Consent(OfClinic, Base):
    """One signature of a patient under one document. Append-only but for its withdrawal."""

    __tablename__ = "consents"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "document_id"], ["consent_documents.clinic_id", "consent_documents.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "witness_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "patient_id", "signed_at", "id"),
        sa.CheckConstraint(_one_of("signer", SignerKind), name="known_signer"),
        sa.CheckConstraint("(signer = 'patient') = (relationship IS NULL)", name="others_say_who_they_are"),
        sa.CheckConstraint(
            "withdrawal_reason IS NULL OR withdrawn_at IS NOT NULL", name="reasons_belong_to_withdrawals"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(sa.String(TYPE_LENGTH))
    document_id: Mapped[UUID]
    document_version: Mapped[int]
    language: Mapped[str] = mapped_column(sa.String(35))
    text_hash: Mapped[str] = mapped_column(sa.String(64))
    presented_at: Mapped[datetime] = mapped_column(Instant)
    answers: Mapped[dict[str, str]] = mapped_column(Json)
    signed_at: Mapped[datetime] = mapped_column(Instant)
    signer: Mapped[str] = mapped_column(sa.String(16))
    signature: Mapped[str] = mapped_column(Sealed("consents.signature"))
    relationship: Mapped[str | None] = mapped_column(Sealed("consents.relationship"))
    witness_id: Mapped[UUID | None]
    method: Mapped[str] = mapped_column(sa.String(16))
    device_id: Mapped[UUID | None]
    capacity_statement: Mapped[str | None] = mapped_column(Sealed("consents.capacity_statement"))
    purposes: Mapped[list[str]] = mapped_column(Json)
    recipients: Mapped[str] = mapped_column(Sealed("consents.recipients"))
    categories: Mapped[list[str]] = mapped_column(Json)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    supersedes: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawal_reason: Mapped[str | None] = mapped_column(Sealed("consents.withdrawal_reason"))


class SigningHold(OfClinic, Base):
    """While a dosing session of the patient is open, nobody signs: consent is given when sober."""

    __tablename__ = "consent_signing_holds"
    __table_args__ = (
        sa.PrimaryKeyConstraint("clinic_id", "dosing_session_id"),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id"),
    )

    clinic_id: Mapped[UUID]
    dosing_session_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    opened_at: Mapped[datetime] = mapped_column(Instant)
    released_at: Mapped[datetime | None] = mapped_column(Instant)


class DisclosureRestriction(OfClinic, Base):
    """Something that the patient wants to stay here. It binds from the moment it was asked for until it is lifted."""

    __tablename__ = "disclosure_restrictions"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.Index(None, "clinic_id", "patient_id", "requested_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    recipient_class: Mapped[str | None] = mapped_column(sa.String(24))
    recipient: Mapped[str | None] = mapped_column(Sealed("disclosure_restrictions.recipient"))
    purposes: Mapped[list[str]] = mapped_column(Json)
    categories: Mapped[list[str]] = mapped_column(Json)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)


class Disclosure(OfClinic, Base):
    """Something of a patient that left, or was withheld at the door. Append-only."""

    __tablename__ = "disclosures"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "consent_id"], ["consents.clinic_id", "consents.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "actor_id"], ["memberships.clinic_id", "memberships.id"]),
        sa.Index(None, "clinic_id", "patient_id", "at", "id"),
        sa.CheckConstraint(_one_of("basis", Basis), name="known_basis"),
        sa.CheckConstraint("(basis IS NULL) = (refusal IS NOT NULL)", name="allowed_or_refused"),
        sa.CheckConstraint("basis <> 'consent' OR consent_id IS NOT NULL", name="consents_are_named"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(Instant)
    basis: Mapped[str | None] = mapped_column(sa.String(24))
    refusal: Mapped[str | None] = mapped_column(sa.String(24))
    recipient_class: Mapped[str] = mapped_column(sa.String(24))
    recipient: Mapped[str | None] = mapped_column(Sealed("disclosures.recipient"))
    purpose: Mapped[str] = mapped_column(sa.String(24))
    categories: Mapped[list[str]] = mapped_column(Json)
    consent_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(Sealed("disclosures.reason"))
