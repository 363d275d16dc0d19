"""Keep one-time-code seeds and passkeys, and when a device last proved itself.

Why: to be written with its tables.
What the previous release sees while both run: nothing new.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns

revision: str = "7c3e51d0a103"
down_revision: str | None = "7c3e51d0a102"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("scopes", sa.String(length=1000), nullable=True))
    op.add_column("devices", sa.Column("authenticated_at", columns.Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("devices", "authenticated_at")
    op.drop_column("devices", "scopes")
