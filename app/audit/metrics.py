"""What is measured of the audit: how far behind the sealer is."""

from collections.abc import Iterable

from app.audit import queries
from app.core import clock
from app.core.db import Database
from app.core.metrics import Gauge


async def read(db: Database) -> Iterable[Gauge]:
    """How many entries are not chained yet, and how old the oldest of them is."""
    row = (await db.read(queries.HOW_MANY_UNSEALED)).one()
    lag = max(0.0, (clock.now() - row.oldest_at).total_seconds()) if row.oldest_at else 0.0
    return [
        Gauge("afterglow_audit_unsealed_entries", "Audit entries that are not chained yet.", values={(): row.waiting}),
        Gauge("afterglow_audit_lag_seconds", "Age of the oldest of them.", values={(): lag}),
    ]
