"""Keep one-time-code seeds and authorization codes, and when a device last proved itself.

Why: a password alone does not open other people's records, and what is sensitive wants proof that is minutes old. The
seeds are sealed; of a code that a browser carries to a client only a hash is kept, for a day, to know it when it is
brought twice.
What the previous release sees while both run: two tables that it does not know, and columns of devices that it leaves
empty. It signs people in without their second factor, so keep the overlap short.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import protect

revision: str = "7c3e51d0a103"
down_revision: str | None = "7c3e51d0a102"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("scopes", sa.String(length=1000), nullable=True))
    op.add_column("devices", sa.Column("authenticated_at", columns.Instant(), nullable=True))
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("seed", columns.Sealed("one_time_codes.seed"), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("confirmed_at", columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_one_time_codes_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
        sa.UniqueConstraint("account_id", name=op.f("uq_one_time_codes_account_id")),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("redirect_uri", sa.String(length=2000), nullable=False),
        sa.Column("code_challenge", sa.String(length=43), nullable=False),
        sa.Column("methods", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=1000), nullable=True),
        sa.Column("device_label", sa.String(length=100), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.Column("used_at", columns.Instant(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "membership_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_authorization_codes_clinic_id_membership_id_memberships"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_authorization_codes_code_hash")),
    )
    op.create_index(
        op.f("ix_authorization_codes_clinic_id_expires_at"),
        "authorization_codes",
        ["clinic_id", "expires_at"],
        unique=False,
    )
    protect("authorization_codes")


def downgrade() -> None:
    op.drop_table("authorization_codes")
    op.drop_table("one_time_codes")
    op.drop_column("devices", "authenticated_at")
    op.drop_column("devices", "scopes")
