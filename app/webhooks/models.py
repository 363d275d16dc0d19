"""Endpoints, their secrets and lanes, deliveries and attempts."""

import secrets
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Instant, Json, Sealed
from app.core.db import Base, OfClinic

_WAITS = sa.text("state = 'pending'")
_UNDER_WAY = sa.text("state = 'sending'")
_LEFT = sa.text("state IN ('failed', 'parked')")


class WebhookEndpoint(OfClinic, Base):
    """An address that wants to hear of events. Its name is what patients agree to, and is never given twice."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.UniqueConstraint("clinic_id", "name"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        sa.ForeignKeyConstraint(["clinic_id", "created_by"], ["memberships.clinic_id", "memberships.id"]),
        sa.CheckConstraint("status IN ('pending', 'active', 'disabled')", name="known_status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(64))
    url: Mapped[str] = mapped_column(Sealed("webhook_endpoints.url"))
    owner_email: Mapped[str | None] = mapped_column(Sealed("webhook_endpoints.owner_email"))
    event_types: Mapped[list[str]] = mapped_column(Json)
    purpose: Mapped[str] = mapped_column(sa.String(24))
    recipient_class: Mapped[str] = mapped_column(sa.String(24))
    status: Mapped[str] = mapped_column(sa.String(16))
    disabled_reason: Mapped[str | None] = mapped_column(sa.String(24))
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)
    owner_told_at: Mapped[datetime | None] = mapped_column(Instant)
    pseudonym_key: Mapped[str] = mapped_column(
        Sealed("webhook_endpoints.pseudonym_key"), default=lambda: secrets.token_urlsafe(32)
    )
    max_per_second: Mapped[int]
    max_concurrency: Mapped[int]
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[UUID]
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class WebhookSecret(OfClinic, Base):
    """A secret that signs for an endpoint: the one without an end first, older ones until theirs."""

    __tablename__ = "webhook_secrets"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "endpoint_id"], ["webhook_endpoints.clinic_id", "webhook_endpoints.id"]),
        sa.Index(None, "clinic_id", "endpoint_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    secret: Mapped[str] = mapped_column(Sealed("webhook_secrets.secret"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)


class WebhookLane(OfClinic, Base):
    """What changes with every delivery of an endpoint: who is sending, the last number given, how it has been going."""

    __tablename__ = "webhook_lanes"
    __table_args__ = (
        sa.ForeignKeyConstraint(["clinic_id", "endpoint_id"], ["webhook_endpoints.clinic_id", "webhook_endpoints.id"]),
    )

    endpoint_id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    last_sequence: Mapped[int] = mapped_column(sa.BigInteger)
    owner: Mapped[UUID | None]
    owned_until: Mapped[datetime | None] = mapped_column(Instant)
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    failures: Mapped[int]
    last_success_at: Mapped[datetime | None] = mapped_column(Instant)
    last_failure_at: Mapped[datetime | None] = mapped_column(Instant)


class WebhookDelivery(OfClinic, Base):
    """One event for one endpoint, or a ping or a test of it.

    `state` goes pending -> sending -> delivered, or back to pending until the schedule ends in failed; `withheld` when
    it may not be sent; `parked` while the endpoint is disabled. What the event says is copied, since a delivery may be
    read for as long as the event.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("clinic_id", "id"),
        sa.ForeignKeyConstraint(["clinic_id", "endpoint_id"], ["webhook_endpoints.clinic_id", "webhook_endpoints.id"]),
        sa.Index("ix_webhook_deliveries_due", "endpoint_id", "due_at", postgresql_where=_WAITS, sqlite_where=_WAITS),
        sa.Index("ix_webhook_deliveries_sending", "endpoint_id", postgresql_where=_UNDER_WAY, sqlite_where=_UNDER_WAY),
        sa.Index("ix_webhook_deliveries_left", "state", postgresql_where=_LEFT, sqlite_where=_LEFT),
        sa.Index(None, "clinic_id", "endpoint_id", "id"),
        sa.Index(None, "endpoint_id", "event_id", unique=True),
        sa.Index(None, "created_at"),
        sa.CheckConstraint("kind IN ('event', 'ping', 'test')", name="known_kind"),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'delivered', 'failed', 'withheld', 'parked')", name="known_state"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(8))
    event_id: Mapped[UUID | None]
    message_id: Mapped[UUID]
    sequence: Mapped[int | None] = mapped_column(sa.BigInteger)
    type: Mapped[str] = mapped_column(sa.String(64))
    patient_id: Mapped[UUID | None]
    subject_id: Mapped[UUID]
    version: Mapped[int]
    happened_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(sa.String(16))
    due_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int]
    refusal: Mapped[str | None] = mapped_column(sa.String(24))
    created_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    claimed_by: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)


class WebhookAttempt(OfClinic, Base):
    """One POST, or one that was not made because it may not be sent. `answer` is the first 1 kB of what came back."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["clinic_id", "delivery_id"], ["webhook_deliveries.clinic_id", "webhook_deliveries.id"], ondelete="CASCADE"
        ),
        sa.Index(None, "clinic_id", "delivery_id", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(Instant)
    milliseconds: Mapped[int]
    outcome: Mapped[str] = mapped_column(sa.String(24))
    status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Sealed("webhook_attempts.answer"))
    disclosure_id: Mapped[UUID | None]
