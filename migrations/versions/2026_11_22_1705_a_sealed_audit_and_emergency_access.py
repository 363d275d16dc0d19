"""Seal the audit into a chain, and open records in an emergency.

Why: to be written with its tables.
What the previous release sees while both run: nothing new.
"""

from typing import Any

revision: str = "7c3e51d0a106"
down_revision: str | None = "7c3e51d0a105"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
