"""What is measured of alerts, when somebody asks: whether people answer, and whether they are told."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.metrics import Gauge, Labels
from app.safety.models import Alert, AlertNotice

_OPEN: Final = sa.literal("open", literal_execute=True)  # said literally, so that the partial indexes are used
_PENDING: Final = sa.literal("pending", literal_execute=True)


async def read(db: Database) -> Iterable[Gauge]:
    """Alerts that nobody acknowledged in time, and notices that were not sent."""
    now = clock.now()
    overdue = await db.execute(
        sa.select(Alert.severity, sa.func.count())
        .where(Alert.status == _OPEN, Alert.next_step_at.is_not(None), Alert.acknowledge_by < now)
        .group_by(Alert.severity)
    )
    pending = AlertNotice.state == _PENDING
    waiting = await db.scalar(sa.select(sa.func.count()).select_from(AlertNotice).where(pending)) or 0
    oldest: datetime | None = await db.scalar(sa.select(sa.func.min(AlertNotice.created_at)).where(pending))
    counts: dict[Labels, float] = {("urgent",): 0, ("critical",): 0}
    counts |= {(severity,): count for severity, count in overdue}
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return [
        Gauge("afterglow_alerts_overdue", "Open alerts that nobody acknowledged in time.", ("severity",), counts),
        Gauge("afterglow_alert_notices_waiting", "Notices of alerts that were not sent yet.", values={(): waiting}),
        Gauge("afterglow_alert_notice_lag_seconds", "Age of the oldest of them.", values={(): age}),
    ]
