"""What is measured of alerts, when somebody asks: whether people answer, and whether they are told."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.metrics import Gauge
from app.safety.models import Alert, AlertNotice

_OPEN: Final = sa.literal("open", literal_execute=True)  # said literally, so that the partial indexes are used
_WAITS: Final = AlertNotice.state == sa.literal("pending", literal_execute=True)


async def read(db: Database) -> Iterable[Gauge]:
    """Alerts that nobody acknowledged in time, and notices that were not sent."""
    now = clock.now()
    urgent, critical, waiting, oldest = (
        await db.execute(
            sa.select(
                _overdue("urgent", now),
                _overdue("critical", now),
                sa.select(sa.func.count()).select_from(AlertNotice).where(_WAITS).scalar_subquery(),
                sa.select(sa.func.min(AlertNotice.created_at)).where(_WAITS).scalar_subquery(),
            )
        )
    ).one()
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return [
        Gauge(
            "afterglow_alerts_overdue",
            "Open alerts that nobody acknowledged in time.",
            ("severity",),
            {("urgent",): urgent, ("critical",): critical},
        ),
        Gauge("afterglow_alert_notices_waiting", "Notices of alerts that were not sent yet.", values={(): waiting}),
        Gauge("afterglow_alert_notice_lag_seconds", "Age of the oldest of them.", values={(): age}),
    ]


def _overdue(severity: str, now: datetime) -> Any:  # noqa: ANN401  a subquery of one value
    return (
        sa.select(sa.func.count())
        .select_from(Alert)
        .where(
            Alert.status == _OPEN,
            Alert.next_step_at.is_not(None),
            Alert.acknowledge_by < now,
            Alert.severity == severity,
        )
        .scalar_subquery()
    )
