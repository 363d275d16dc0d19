"""The feed of a clinic's events: to read at one's own pace instead of being told, or after an outage.

Its order is that of `position`, which an event gets once it is committed. So whoever goes on from where they stopped
sees everything once, whatever was written at the same time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.core.pagination import CursorExpired, PageRequest, make_cursor
from app.events.models import EventFeed, OutboxEvent
from app.events.types import EventType, address_of
from app.webhooks.payloads import message_name
from app.webhooks.rules import hears

_event, _feed = OutboxEvent.__table__.c, EventFeed.__table__.c


@dataclass(frozen=True, slots=True)
class Page:
    """Events of the feed, and where to go on. `first` and `last` are the positions that the page covers."""

    events: Sequence[Any]
    first: int
    last: int
    next_cursor: str


async def page(db: Database, clinic_id: UUID, filters: Collection[str], paging: PageRequest) -> Page:
    """The next events of the clinic that any of these filters hears of; all of them when there is no filter.

    Events of other types are passed over for good, so that a reader of rare ones keeps up with the feed. Raises
    `CursorExpired` when events after the cursor were deleted.
    """
    bound = ("events", clinic_id, *sorted(set(filters)))
    place = paging.after(*bound)
    after: int = place[0] if place else 0
    rows = (await db.read(_statement(clinic_id, after, filters, paging.limit))).all()
    last, oldest = (rows[0].last_position, rows[0].oldest) if rows else (0, None)
    if place and (after > last or (after < last and (oldest is None or oldest > after + 1))):
        raise CursorExpired
    events = [row for row in rows if row.id is not None]
    reached: int = events[-1].position if len(events) == paging.limit else last
    first = events[0].position if events else after
    return Page(events, first, reached, make_cursor([reached], *bound))


def _statement(clinic_id: UUID, after: int, filters: Collection[str], limit: int) -> sa.Select[Any]:
    """The events, how far the feed goes, and where it begins.

    All of it is one statement, which sees one moment: nothing is numbered, and nothing deleted, in between. There is
    one row without an event when there is none to read.
    """
    events = sa.select(OutboxEvent.__table__).where(_event.clinic_id == clinic_id, _event.position > after)
    if filters:
        events = events.where(_event.type.in_([each.value for each in EventType if hears(filters, each)]))
    found = events.order_by(_event.position).limit(limit).subquery()
    oldest = (
        sa.select(_event.position)
        .where(_event.clinic_id == clinic_id, _event.position.is_not(None))
        .order_by(_event.position)
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(_feed.last_position, oldest.label("oldest"), found)
        .select_from(EventFeed.__table__.outerjoin(found, sa.true()))
        .where(_feed.clinic_id == clinic_id)
        .order_by(found.c.position)
    )


def shown(event: Any, public_url: str) -> dict[str, Any]:  # noqa: ANN401  a row
    """One event as it is shown: as its webhook would say it, to somebody who needs no consent to be told."""
    return {
        "id": message_name(event.id),
        "type": event.type,
        "timestamp": event.happened_at,
        "sequence": None,
        "test": False,
        "data": {
            "id": event.subject_id,
            "patient_id": event.patient_id,
            "version": event.version,
            "url": public_url + address_of(event.type, subject=event.subject_id, patient=event.patient_id),
        },
        "part2_notice": None,
        "consent_id": None,
    }
