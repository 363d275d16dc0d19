"""Reading what is taken, and what a clinic has that can be."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.bookings.models import Booking, Room
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.identity.access import ClinicAccess, visible_patients
from app.identity.models import Clinic
from app.identity.permissions import Reach

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


def lock_clinic(clinic_id: UUID) -> sa.Select[UUID]:
    """Lock the clinic, so that those who change what it has do so one after another."""
    return sa.select(Clinic.id).where(Clinic.id == clinic_id).with_for_update(key_share=True)


async def rooms_by_name(db: Database, clinic_id: UUID, page: PageRequest) -> tuple[Sequence[Room], str | None]:
    """Read one page of the rooms, and the cursor of the next."""
    statement = sa.select(Room).where(Room.clinic_id == clinic_id).order_by(Room.name, Room.id).limit(page.limit + 1)
    after = page.after("rooms", clinic_id)
    if after is not None:
        name, this = after
        statement = statement.where(sa.or_(Room.name > name, sa.and_(Room.name == name, Room.id > this)))
    rooms = (await db.scalars(statement)).all()
    if len(rooms) <= page.limit:
        return rooms, None
    last = rooms[page.limit - 1]
    return rooms[: page.limit], make_cursor([last.name, last.id], "rooms", clinic_id)


async def rooms_among(db: Database, clinic_id: UUID, ids: Collection[UUID]) -> frozenset[UUID]:
    """Keep those ids that are rooms which the clinic uses."""
    found = await db.scalars(
        sa.select(Room.id).where(Room.clinic_id == clinic_id, Room.id.in_(ids), Room.retired_at.is_(None))
    )
    return frozenset(found)


async def is_visible(db: Database, access: ClinicAccess, patient_id: UUID, reached: Reach | None) -> bool:
    """Whether this is a patient whom the caller, with this reach, may know of."""
    if reached is None:
        return False
    visible = visible_patients(replace(access, reach=reached)).subquery()
    return await db.scalar(sa.select(visible.c.id).where(visible.c.id == patient_id)) is not None
