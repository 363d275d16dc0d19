"""What an operator sees: whether people answer, and whether they are told."""

from datetime import timedelta

from app.core import clock
from app.core.db import Database
from app.core.metrics import Labels
from app.safety import metrics
from tests.cast import Cast
from tests.safety.raising import CRITICAL, ROUTINE, URGENT, Raiser, an_alert


async def read(db: Database) -> dict[str, dict[Labels, float]]:
    await db.finish()
    return {gauge.name: dict(gauge.values) for gauge in await metrics.read(db)}


async def test_counts_what_is_overdue_and_what_was_not_sent(raising: Raiser, db: Database, cast: Cast) -> None:
    before = await read(db)
    assert before["afterglow_alerts_overdue"] == {("urgent",): 0, ("critical",): 0}
    assert before["afterglow_alert_notice_lag_seconds"] == {(): 0}

    await raising(CRITICAL, URGENT, ROUTINE, at=clock.now() - timedelta(days=10))
    await an_alert(db, cast.clinic.id, cast.patient.patient_id, rule="SUI-2", severity="critical")

    after = await read(db)
    assert after["afterglow_alerts_overdue"] == {("urgent",): 1, ("critical",): 1}
    assert after["afterglow_alert_notices_waiting"] == {(): 7}  # three and three, and the coordinator
    assert after["afterglow_alert_notice_lag_seconds"][()] >= timedelta(days=10).total_seconds()
