"""Make room for more permissions where the names of a program's are kept.

Why: sessions and safety brought two dozen; all of them together no longer fit into a thousand letters.
What the previous release sees while both run: nothing; it writes shorter lists. PostgreSQL only notes the new length:
no row is read or written for it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "7c3e51d0a111"
down_revision: str | None = "7c3e51d0a110"
branch_labels: Any = None
depends_on: Any = None

knowingly = ("changing-column-type",)  # a longer text is stored as a shorter one
TABLES = ("api_clients", "devices", "authorization_codes")
NULLABLE = {"api_clients": False, "devices": True, "authorization_codes": True}
BEFORE, AFTER = sa.String(length=1000), sa.String(length=4000)


def upgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            batch.alter_column("scopes", existing_type=BEFORE, type_=AFTER, existing_nullable=NULLABLE[table])


def downgrade() -> None:
    for table in reversed(TABLES):
        with op.batch_alter_table(table) as batch:
            batch.alter_column("scopes", existing_type=AFTER, type_=BEFORE, existing_nullable=NULLABLE[table])
