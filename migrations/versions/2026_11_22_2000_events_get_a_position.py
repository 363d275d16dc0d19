"""Give each event of a clinic a position, once it is committed.

Why: whoever reads events up to some place and comes back must not miss one whose transaction began earlier and ended
later; ids and times cannot promise that. Indexes are built beside the running service, outside of a transaction, so
everything here can be run again where it was cut short.
What the previous release sees while both run: a column that it leaves empty, which is what a new event has anyway.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.protection import on_postgresql

revision: str = "7c3e51d0a108"
down_revision: str | None = "7c3e51d0a107"
branch_labels: Any = None
depends_on: Any = None

UNNUMBERED = "ix_outbox_events_unnumbered"
NUMBERED = "ix_outbox_events_clinic_id_position"


def upgrade() -> None:
    if not on_postgresql():
        op.add_column("outbox_events", sa.Column("position", sa.BigInteger(), nullable=True))
        op.execute(f"CREATE INDEX {UNNUMBERED} ON outbox_events (id) WHERE position IS NULL")
        op.execute(f"CREATE UNIQUE INDEX {NUMBERED} ON outbox_events (clinic_id, position) WHERE position IS NOT NULL")
        return
    op.execute("ALTER TABLE outbox_events ADD COLUMN IF NOT EXISTS position BIGINT")
    with op.get_context().autocommit_block():
        for name in (UNNUMBERED, NUMBERED):  # one that was not finished is there, and useless
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {UNNUMBERED} ON outbox_events (id) WHERE position IS NULL")
        op.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY {NUMBERED} ON outbox_events (clinic_id, position) "
            "WHERE position IS NOT NULL"
        )


def downgrade() -> None:
    op.drop_index(NUMBERED, "outbox_events")
    op.drop_index(UNNUMBERED, "outbox_events")
    op.drop_column("outbox_events", "position")
