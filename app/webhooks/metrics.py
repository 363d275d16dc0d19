"""What is measured of webhooks: attempts as they end, queues and lags when somebody asks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.metrics import Counter, Gauge, Histogram, Labels
from app.events.models import OutboxEvent
from app.webhooks.models import WebhookDelivery
from app.webhooks.rules import Outcome

_NOT_POSTED: Final = frozenset({Outcome.WITHHELD, Outcome.TOO_LATE, Outcome.LOST})
_WAITING: Final = sa.literal("pending", literal_execute=True)  # said literally, so that the partial index is used
_SENDING: Final = sa.literal("sending", literal_execute=True)
_LEFT: Final = [sa.literal(state, literal_execute=True) for state in ("failed", "parked")]

_attempts = Counter(
    "afterglow_webhook_attempts",
    "Attempts to deliver, by how they ended.",
    ("outcome",),
    known=[(outcome.value,) for outcome in Outcome],
)
_durations = Histogram(
    "afterglow_webhook_attempt_seconds", "From the beginning of a POST to the end of its answer.", ("outcome",)
)


def counted(outcome: Outcome, seconds: float) -> None:
    """Count one attempt, which took so long. What was not posted took no time that says anything."""
    _attempts.add(outcome.value)
    if outcome not in _NOT_POSTED:
        _durations.add(seconds, outcome.value)


async def read(db: Database) -> Iterable[Gauge]:
    """How much waits, for whom, and for how long."""
    now, waiting = clock.now(), await _waiting(db)
    queue: dict[Labels, float] = {(str(endpoint_id),): count for endpoint_id, count, _ in waiting}
    lags: dict[Labels, float] = {(str(endpoint_id),): _age(due_at, now) for endpoint_id, _, due_at in waiting}
    states = {**await _not_arrived(db), ("pending",): sum(queue.values())}
    return [
        Gauge(
            "afterglow_webhook_lag_seconds",
            "Age of the oldest event without a number, and of the oldest delivery that is due.",
            ("of",),
            {("event",): _age(await _oldest_unnumbered(db), now), ("delivery",): max(lags.values(), default=0)},
        ),
        Gauge(
            "afterglow_webhook_endpoint_lag_seconds",
            "Age of the oldest delivery that is due, of those that wait for this endpoint.",
            ("endpoint",),
            lags,
        ),
        Gauge("afterglow_webhook_queue", "Deliveries that wait, also for another attempt.", ("endpoint",), queue),
        Gauge(
            "afterglow_webhook_deliveries",
            "Deliveries that did not arrive. `failed` were given up; `parked` wait for their endpoint to be enabled.",
            ("state",),
            states,
        ),
    ]


async def _oldest_unnumbered(db: Database) -> datetime | None:
    this = OutboxEvent
    return await db.scalar(sa.select(this.happened_at).where(this.position.is_(None)).order_by(this.id).limit(1))


async def _waiting(db: Database) -> Iterable[tuple[UUID, int, datetime]]:
    """For each endpoint that something waits for: how much, and when the first of it is due."""
    this = WebhookDelivery
    statement = (
        sa.select(this.endpoint_id, sa.func.count(), sa.func.min(this.due_at))
        .where(this.state == _WAITING)
        .group_by(this.endpoint_id)
    )
    return [(endpoint_id, count, due_at) for endpoint_id, count, due_at in await db.execute(statement)]


async def _not_arrived(db: Database) -> dict[Labels, float]:
    """How many deliveries are in each state but those that wait."""
    this = WebhookDelivery
    left = await db.execute(sa.select(this.state, sa.func.count()).where(this.state.in_(_LEFT)).group_by(this.state))
    sending = await db.scalar(sa.select(sa.func.count()).where(this.state == _SENDING))
    states: dict[Labels, float] = {("failed",): 0, ("parked",): 0, ("sending",): sending or 0}
    return states | {(state,): count for state, count in left}


def _age(since: datetime | None, now: datetime) -> float:
    """In seconds; 0 when there is nothing, or nothing yet."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0
