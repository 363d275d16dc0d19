"""Sending what happened in some time once more, and for the first time to who did not hear of it then."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.events.types import EventType
from app.webhooks import matching, messages
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.webhooks.rules import hears

MOST: Final = 1000
_TICK: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A time, from its begin until before its end, and what of it is wanted."""

    since: datetime
    until: datetime
    only_failed: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many messages will be sent, and where to go on; None if that was all."""

    queued: int
    next_since: datetime | None


def check(span: Span, settings: Settings, now: datetime, *, since: str = "/since") -> None:
    """Raise `InvalidRequest` unless the time can be replayed; `since` is where its begin stands in the request."""
    days = settings.event_retention_days
    if span.since < now - timedelta(days=days):
        detail = "Events that long ago are not kept."
        raise InvalidRequest(errors=[FieldError(since, "too_long_ago", detail, {"days": days})])
    if span.until <= span.since:
        raise InvalidRequest(errors=[FieldError("/until", "not_later", "It must be later than `since`.")])


async def replay(db: Database, endpoint: WebhookEndpoint, span: Span, now: datetime) -> Replayed:
    """Send the events of this time that the endpoint hears of; the endpoint is locked.

    What it was sent before keeps its message id and its number. What it was not, since it was not active or heard of
    less then, is sent as if it had just happened; consents are asked as of now.
    """
    ends = await _end_of_batch(db, endpoint, span)
    rows = (await db.execute(_events(endpoint, span, ends or span.until))).all()
    known = [row.delivery_id for row in rows if row.delivery_id is not None]
    queued = await messages.send_again(db, endpoint, known, now) if known else 0
    queued += await matching.queue(db, [(endpoint, row) for row in rows if row.delivery_id is None])
    db.ring()
    return Replayed(queued, ends)


async def _end_of_batch(db: Database, endpoint: WebhookEndpoint, span: Span) -> datetime | None:
    """Where to stop so that it is not too much at once; None if all of it can be had.

    It is a whole millisecond, which is what can be said on the wire, and never the begin: what happened within one
    millisecond is not divided, however much it is.
    """
    beyond = await db.scalar(
        _events(endpoint, span, span.until)
        .with_only_columns(OutboxEvent.happened_at)
        .order_by(None)
        .order_by(OutboxEvent.happened_at)
        .offset(MOST)
        .limit(1)
    )
    return None if beyond is None else max(_whole(beyond), _whole(span.since) + _TICK)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _events(endpoint: WebhookEndpoint, span: Span, until: datetime) -> sa.Select[*tuple[Any, ...]]:
    """Events of this time that the endpoint hears of, each with its delivery if there is one.

    What has no position yet is not among them: it is delivered as it comes.
    """
    this, its = OutboxEvent, WebhookDelivery
    statement = (
        sa.select(
            this.id,
            this.type,
            this.patient_id,
            this.subject_id,
            this.version,
            this.happened_at,
            its.id.label("delivery_id"),
        )
        .outerjoin(
            its, sa.and_(its.clinic_id == this.clinic_id, its.endpoint_id == endpoint.id, its.event_id == this.id)
        )
        .where(
            this.clinic_id == endpoint.clinic_id,
            this.position.is_not(None),
            this.happened_at >= span.since,
            this.happened_at < until,
            this.type.in_([each.value for each in EventType if hears(endpoint.event_types, each)]),
        )
        .order_by(this.position)
    )
    return statement.where(its.state.in_(["failed", "withheld"])) if span.only_failed else statement
