"""Register integrations, and hand out authorization codes.

Why: programs call too, and must be told apart, limited and ended like people. A client is a membership of its clinic
without an account, so that everything which names who acted goes on naming one thing. What a client signs, and what an
outside issuer signs about staff, is accepted once; that is remembered until it is over anyway.
What the previous release sees while both run: memberships without an account once a client is registered. It lists them
with the staff and cannot sign them in. The new column of devices is empty for what it makes.
Going back is refused while there are such memberships: their acts are on record.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import protect

revision: str = "7c3e51d0a105"
down_revision: str | None = "7c3e51d0a104"
branch_labels: Any = None
depends_on: Any = None

# Only services have no account, and the previous release reads accounts of those who sign in. Memberships are few, a row
# for each person of a clinic: checking them takes no time that anyone notices.
knowingly = ("ban-drop-not-null", "constraint-missing-not-valid")

PROTECTED = ("used_assertions", "api_clients", "api_client_secrets", "external_identities")


def upgrade() -> None:
    with op.batch_alter_table("memberships") as table:
        table.alter_column("account_id", existing_type=sa.Uuid(), nullable=True)
        table.create_check_constraint(
            op.f("ck_memberships_people_have_accounts"), sa.text("(role = 'service') = (account_id IS NULL)")
        )
    op.add_column("devices", sa.Column("client_id", sa.Uuid(), nullable=True))
    op.create_table(
        "used_assertions",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_used_assertions_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("clinic_id", "fingerprint", name=op.f("pk_used_assertions")),
    )
    op.create_index(op.f("ix_used_assertions_clinic_id_expires_at"), "used_assertions", ["clinic_id", "expires_at"])
    op.create_table(
        "api_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("authentication", sa.String(length=16), nullable=False),
        sa.Column("relationship", sa.String(length=24), nullable=False),
        sa.Column("scopes", sa.String(length=1000), nullable=False),
        sa.Column("redirect_uris", columns.Json, nullable=False),
        sa.Column("public_keys", columns.Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic_id", "id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_api_clients_clinic_id_id_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "created_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_api_clients_clinic_id_created_by_memberships"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_clients")),
        sa.UniqueConstraint("clinic_id", "id", name=op.f("uq_api_clients_clinic_id_id")),
    )
    op.create_table(
        "api_client_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_characters", sa.String(length=4), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("ends_at", columns.Instant(), nullable=True),
        sa.Column("last_used_at", columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic_id", "client_id"],
            ["api_clients.clinic_id", "api_clients.id"],
            name=op.f("fk_api_client_secrets_clinic_id_client_id_api_clients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_client_secrets")),
    )
    op.create_index(op.f("ix_api_client_secrets_clinic_id_client_id"), "api_client_secrets", ["clinic_id", "client_id"])
    op.create_table(
        "external_identities",
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", columns.Sealed("external_identities.subject"), nullable=False),
        sa.Column("subject_index", columns.BlindIndex("external_identities.subject"), nullable=False),
        sa.Column("linked_at", columns.Instant(), nullable=False),
        sa.Column("linked_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "membership_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_external_identities_clinic_id_membership_id_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "linked_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_external_identities_clinic_id_linked_by_memberships"),
        ),
        sa.PrimaryKeyConstraint("membership_id", name=op.f("pk_external_identities")),
        sa.UniqueConstraint(
            "clinic_id",
            "issuer",
            "subject_index",
            name=op.f("uq_external_identities_clinic_id_issuer_subject_index"),
        ),
    )
    for name in PROTECTED:
        protect(name)


def downgrade() -> None:
    for name in reversed(PROTECTED):
        op.drop_table(name)
    op.drop_column("devices", "client_id")
    with op.batch_alter_table("memberships") as table:
        table.drop_constraint(op.f("ck_memberships_people_have_accounts"), type_="check")
        table.alter_column("account_id", existing_type=sa.Uuid(), nullable=False)
