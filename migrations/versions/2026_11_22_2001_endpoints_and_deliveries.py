"""Keep endpoints of other systems, what is on its way to them, and how far each clinic's events are numbered.

Why: another system must hear of every event that it may hear of, also after it, we or the network were down. So each
delivery is a row until it arrived, with every attempt beside it; and a lane per endpoint says which worker is sending.
What the previous release sees while both run: nothing of this; its events are numbered and delivered like ours.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import protect, unprotect

revision: str = "7c3e51d0a109"
down_revision: str | None = "7c3e51d0a108"
branch_labels: Any = None
depends_on: Any = None

TABLES = (
    "event_feeds",
    "webhook_endpoints",
    "webhook_secrets",
    "webhook_lanes",
    "webhook_deliveries",
    "webhook_attempts",
)


def upgrade() -> None:
    op.create_table(
        "event_feeds",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_event_feeds_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_event_feeds")),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("url", columns.Sealed("webhook_endpoints.url"), nullable=False),
        sa.Column("owner_email", columns.Sealed("webhook_endpoints.owner_email"), nullable=True),
        sa.Column("event_types", columns.Json, nullable=False),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("recipient_class", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("disabled_reason", sa.String(length=24), nullable=True),
        sa.Column("disabled_at", columns.Instant(), nullable=True),
        sa.Column("owner_told_at", columns.Instant(), nullable=True),
        sa.Column("pseudonym_key", columns.Sealed("webhook_endpoints.pseudonym_key"), nullable=False),
        sa.Column("max_per_second", sa.Integer(), nullable=False),
        sa.Column("max_concurrency", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'disabled')", name=op.f("ck_webhook_endpoints_known_status")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "created_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_webhook_endpoints_clinic_id_created_by_memberships"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_webhook_endpoints_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint("clinic_id", "id", name=op.f("uq_webhook_endpoints_clinic_id_id")),
        sa.UniqueConstraint("clinic_id", "name", name=op.f("uq_webhook_endpoints_clinic_id_name")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("happened_at", columns.Instant(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refusal", sa.String(length=24), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("finished_at", columns.Instant(), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('event', 'ping', 'test')", name=op.f("ck_webhook_deliveries_known_kind")),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'delivered', 'failed', 'withheld', 'parked')",
            name=op.f("ck_webhook_deliveries_known_state"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "endpoint_id"],
            ["webhook_endpoints.clinic_id", "webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_clinic_id_endpoint_id_webhook_endpoints"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("clinic_id", "id", name=op.f("uq_webhook_deliveries_clinic_id_id")),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_clinic_id_endpoint_id_id"),
        "webhook_deliveries",
        ["clinic_id", "endpoint_id", "id"],
    )
    op.create_index(op.f("ix_webhook_deliveries_created_at"), "webhook_deliveries", ["created_at"])
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "due_at"],
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_endpoint_id_event_id"),
        "webhook_deliveries",
        ["endpoint_id", "event_id"],
        unique=True,
    )
    op.create_index(
        "ix_webhook_deliveries_left",
        "webhook_deliveries",
        ["state"],
        postgresql_where=sa.text("state IN ('failed', 'parked')"),
        sqlite_where=sa.text("state IN ('failed', 'parked')"),
    )
    op.create_index(
        "ix_webhook_deliveries_sending",
        "webhook_deliveries",
        ["endpoint_id"],
        postgresql_where=sa.text("state = 'sending'"),
        sqlite_where=sa.text("state = 'sending'"),
    )

    op.create_table(
        "webhook_lanes",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=True),
        sa.Column("owned_until", columns.Instant(), nullable=True),
        sa.Column("failing_since", columns.Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_success_at", columns.Instant(), nullable=True),
        sa.Column("last_failure_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "endpoint_id"],
            ["webhook_endpoints.clinic_id", "webhook_endpoints.id"],
            name=op.f("fk_webhook_lanes_clinic_id_endpoint_id_webhook_endpoints"),
        ),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_webhook_lanes")),
    )
    op.create_table(
        "webhook_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("secret", columns.Sealed("webhook_secrets.secret"), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("ends_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "endpoint_id"],
            ["webhook_endpoints.clinic_id", "webhook_endpoints.id"],
            name=op.f("fk_webhook_secrets_clinic_id_endpoint_id_webhook_endpoints"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_secrets")),
    )
    op.create_index(op.f("ix_webhook_secrets_clinic_id_endpoint_id"), "webhook_secrets", ["clinic_id", "endpoint_id"])

    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", columns.Sealed("webhook_attempts.answer"), nullable=True),
        sa.Column("disclosure_id", sa.Uuid(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "delivery_id"],
            ["webhook_deliveries.clinic_id", "webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_clinic_id_delivery_id_webhook_deliveries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
    )
    op.create_index(
        op.f("ix_webhook_attempts_clinic_id_delivery_id_number"),
        "webhook_attempts",
        ["clinic_id", "delivery_id", "number"],
    )

    for table in TABLES:
        protect(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        unprotect(table)
        op.drop_table(table)
