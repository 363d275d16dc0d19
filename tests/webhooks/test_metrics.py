"""What is measured of webhooks: attempts as they end, and how much waits, for whom, and for how long."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.metrics import Labels, text
from app.core.settings import Settings
from app.webhooks import metrics
from app.webhooks.rules import Outcome
from tests.cast import Cast, a_cast
from tests.core.test_metrics import figures, one
from tests.webhooks.rows import a_delivery, ago, an_event
from tests.webhooks.world import an_endpoint, forget_events

URL = "https://hooks.ehr.example/afterglow"


async def read(db: Database) -> dict[str, dict[Labels, float]]:
    return {gauge.name.removeprefix("afterglow_webhook_"): dict(gauge.values) for gauge in await metrics.read(db)}


class TestAttempts:
    def test_are_counted_by_outcome(self) -> None:
        name = "afterglow_webhook_attempts_total"
        before = figures(text([]).decode())
        metrics.counted(Outcome.DELIVERED, 0.02)
        metrics.counted(Outcome.TIMED_OUT, 15)

        after = figures(text([]).decode())
        grown = {each.value: one(after, name, outcome=each) - one(before, name, outcome=each) for each in Outcome}
        assert {outcome for outcome, count in grown.items() if count} == {"delivered", "timed_out"}
        assert all((name, frozenset({("outcome", each.value)})) in after for each in Outcome)
        took = "afterglow_webhook_attempt_seconds_bucket"
        assert one(after, took, outcome="timed_out", le="10.0") - one(before, took, outcome="timed_out", le="10.0") == 0
        assert one(after, took, outcome="timed_out", le="+Inf") - one(before, took, outcome="timed_out", le="+Inf") == 1

    @pytest.mark.parametrize("outcome", [Outcome.WITHHELD, Outcome.TOO_LATE, Outcome.LOST])
    def test_that_posted_nothing_took_no_time(self, outcome: Outcome) -> None:
        metrics.counted(outcome, 0.5)

        assert one(figures(text([]).decode()), "afterglow_webhook_attempt_seconds_count", outcome=outcome.value) == 0


class TestQueues:
    async def test_nothing_waits_where_there_is_nothing(self, db: Database) -> None:
        assert await read(db) == {
            "lag_seconds": {("event",): 0, ("delivery",): 0},
            "endpoint_lag_seconds": {},
            "queue": {},
            "deliveries": {("pending",): 0, ("sending",): 0, ("failed",): 0, ("parked",): 0},
        }

    async def test_are_told_by_endpoint_across_clinics(self, db: Database, cast: Cast, settings: Settings) -> None:
        ours = await an_endpoint(db, cast, URL)
        theirs = await an_endpoint(db, await a_cast(db, settings), URL)
        await forget_events(db)
        for _ in range(3):
            await a_delivery(db, ours, due_at=clock.now() + timedelta(hours=1))
        await a_delivery(db, theirs, due_at=ago(seconds=90))
        for state in ("sending", "failed", "failed", "parked", "withheld", "delivered"):
            await a_delivery(db, theirs, state=state, due_at=ago(hours=9))

        found = await read(db)

        assert found["queue"] == {(str(ours.id),): 3, (str(theirs.id),): 1}
        assert found["deliveries"] == {("pending",): 4, ("sending",): 1, ("failed",): 2, ("parked",): 1}
        assert found["endpoint_lag_seconds"][str(ours.id),] == 0
        assert found["endpoint_lag_seconds"][str(theirs.id),] == pytest.approx(90, abs=5)
        assert found["lag_seconds"]["delivery",] == found["endpoint_lag_seconds"][str(theirs.id),]

    async def test_an_event_without_a_number_lags(self, db: Database, cast: Cast) -> None:
        clinic_id = cast.clinic.id
        await an_event(db, clinic_id, ago(hours=5), position=1)
        await an_event(db, clinic_id, ago(seconds=40), position=None)
        await an_event(db, clinic_id, ago(seconds=10), position=None)

        found = await read(db)

        assert found["lag_seconds"] == {("event",): pytest.approx(40, abs=5), ("delivery",): 0}

    @pytest.mark.sqlite  # of a few rows PostgreSQL reads all, index or not
    async def test_indexes_answer(self, db: Database, cast: Cast, queries: list[str]) -> None:
        """As long as nothing waits, what was delivered costs nothing, however much it is."""
        queries.clear()
        await metrics.read(db)

        plans = {
            sent: [row.detail for row in await db.execute(sa.text(f"EXPLAIN QUERY PLAN {sent.replace('?', '1')}"))]
            for sent in list(queries)
        }
        assert {
            index
            for plan in plans.values()
            for index in ("ix_webhook_deliveries_due", "ix_webhook_deliveries_sending", "ix_outbox_events_unnumbered")
            if any(index in step for step in plan)
        } == {"ix_webhook_deliveries_due", "ix_webhook_deliveries_sending", "ix_outbox_events_unnumbered"}, plans
