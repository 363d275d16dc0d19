"""Reading what is taken."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.bookings.models import Booking

NOT_TWICE: Final = "ex_bookings_not_twice"
"""Name of the constraint, and on SQLite the words of the triggers, by which the database refuses a second booking."""

_names = sa.func.unnest(sa.bindparam("names", type_=postgresql.ARRAY(sa.BigInteger))).column_valued("name")
QUEUE: Final = sa.select(sa.func.pg_advisory_xact_lock(_names))
"""Wait, in the order of the list, until no other transaction holds a name, and hold it until the commit."""


def held_by_others(
    clinic_id: UUID, resource_ids: Collection[UUID], since: datetime, until: datetime, holders: Collection[UUID]
) -> sa.Select[Any]:
    """Find when these are taken between two moments, by others than these holders."""
    booking = Booking.__table__.c
    return sa.select(booking.resource_id, booking.starts_at, booking.ends_at, booking.holder_id).where(
        booking.clinic_id == clinic_id,
        booking.resource_id.in_(resource_ids),
        booking.starts_at < until,
        booking.ends_at > since,
        booking.holder_id.not_in(holders),
    )
