"""Remember how often callers asked, to refuse who asks too often.

Why: whoever guesses passwords and codes must be slowed down by all workers together, and the database is what they
share. The table is not logged on PostgreSQL: nothing in it is worth waiting for the disk, and after a crash or on a
replica that was promoted everybody starts anew.
What the previous release sees while both run: a table that it does not use. It does not refuse anybody either, so the
limits hold once the last of its workers is gone.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.protection import on_postgresql

revision: str = "7c3e51d0a102"
down_revision: str | None = "7c3e51d0a101"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.Column("spacing", sa.BigInteger(), nullable=False),
        sa.Column("burst", sa.Integer(), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limits")),
        prefixes=["UNLOGGED"] if on_postgresql() else [],
    )


def downgrade() -> None:
    op.drop_table("rate_limits")
