"""Let an invitation bring an existing account back, carry a long code for scanning, and give its short name back.

Also keep passkeys, and which of their challenges were used.

Why: people lose phones and passwords, and only the clinic knows who they are. A short code is found by 20 bits, of
which used and expired codes must not hold any; the long one of the QR code is found by its hash. A passkey replaces the
password, or is the second factor; a challenge that was answered once must not be answered again.
What the previous release sees while both run: new columns that it leaves empty, and two tables that it does not know.
It does not take a code that brings an account back, since what is hashed of such a code is more than its letters.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns

revision: str = "7c3e51d0a104"
down_revision: str | None = "7c3e51d0a103"
branch_labels: Any = None
depends_on: Any = None

# Invitations are few, a row for each person of a clinic: checking and indexing them takes no time that anyone notices.
# The previous release finds them by their selector alone, so it never meets one that has none.
knowingly = (
    "constraint-missing-not-valid",
    "adding-foreign-key-constraint",
    "disallowed-unique-constraint",
    "ban-drop-not-null",
)


def upgrade() -> None:
    with op.batch_alter_table("invitations") as table:
        table.alter_column("selector", existing_type=sa.String(length=8), nullable=True)
        table.add_column(sa.Column("long_code_hash", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("membership_id", sa.Uuid(), nullable=True))
        table.create_unique_constraint(op.f("uq_invitations_long_code_hash"), ["long_code_hash"])
        table.create_foreign_key(
            op.f("fk_invitations_clinic_id_membership_id_memberships"),
            "memberships",
            ["clinic_id", "membership_id"],
            ["clinic_id", "id"],
        )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("user_handle", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("last_used_at", columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_passkeys_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_account_id"), "passkeys", ["account_id"])
    op.create_table(
        "answered_challenges",
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_answered_challenges")),
    )
    op.create_index(op.f("ix_answered_challenges_expires_at"), "answered_challenges", ["expires_at"])


def downgrade() -> None:
    op.drop_table("answered_challenges")
    op.drop_table("passkeys")
    # What the previous release cannot use must not look like an invitation to it.
    op.execute("DELETE FROM invitations WHERE selector IS NULL OR membership_id IS NOT NULL")
    with op.batch_alter_table("invitations") as table:
        table.drop_constraint(op.f("fk_invitations_clinic_id_membership_id_memberships"), type_="foreignkey")
        table.drop_constraint(op.f("uq_invitations_long_code_hash"), type_="unique")
        table.drop_column("membership_id")
        table.drop_column("long_code_hash")
        table.alter_column("selector", existing_type=sa.String(length=8), nullable=False)
