"""Remember how often callers asked, to refuse who asks too often.

Why: to be written with its tables.
What the previous release sees while both run: nothing new.
"""

from typing import Any

revision: str = "7c3e51d0a102"
down_revision: str | None = "7c3e51d0a101"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
