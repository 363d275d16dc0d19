"""Holding people and rooms for a time, and letting them go.

Who writes bookings queues for what is booked, and looks before writing; that nothing is booked twice does not depend on
it: the database refuses the second of two bookings that overlap, whoever writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from itertools import chain
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.bookings import queries
from app.bookings.errors import DoubleBooked
from app.bookings.models import Booking
from app.core.db import Database
from app.core.errors import FieldError


class ResourceKind(StrEnum):
    """What can be taken by one thing at a time."""

    STAFF = "staff"
    ROOM = "room"
    PATIENT = "patient"


_TAKEN_IN_WORDS: Final = {
    ResourceKind.STAFF: "This member of staff is taken at that time.",
    ResourceKind.ROOM: "This room is taken at that time.",
    ResourceKind.PATIENT: "The patient has something else at that time.",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A member of staff (by membership), a room or a patient."""

    kind: ResourceKind
    id: UUID
    pointer: str
    """JSON pointer of the field that named it, for who is told that it is taken."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What an appointment, or a session of a group, needs from one moment until just before another."""

    holder_id: UUID
    resources: Sequence[Resource]
    starts_at: datetime
    ends_at: datetime
    overridden: bool = False
    """Whether it may have what is taken, because somebody with a reason said so."""


class Taken(NamedTuple):
    """That a holder cannot have one of the things that it needs."""

    holder_id: UUID
    resource_id: UUID


async def hold(
    db: Database,
    clinic_id: UUID,
    holder_kind: str,
    holder_id: UUID,
    resources: Sequence[Resource],
    starts_at: datetime,
    ends_at: datetime,
    *,
    overridden: bool = False,
) -> None:
    """Hold these, in place of whatever this holder held before; raises `DoubleBooked`, and then nothing has changed."""
    await hold_all(db, clinic_id, holder_kind, [Hold(holder_id, resources, starts_at, ends_at, overridden)])


async def hold_all(db: Database, clinic_id: UUID, holder_kind: str, holds: Sequence[Hold]) -> None:
    """Hold what each of these needs, or nothing: raises `DoubleBooked` for everything that one of them cannot have.

    Whoever holds for several patients in one transaction locks the patients first, and holds everything at once: two
    that take turns at patients and holds can wait for each other.
    """
    taken = await find_taken(db, clinic_id, holds)
    refused = [each for each in holds if not each.overridden]
    _refuse_twice(refused, taken)
    rows = [row for each in holds for row in _rows(clinic_id, holder_kind, each, taken)]
    try:
        async with db.begin_nested():
            await release(db, clinic_id, *(each.holder_id for each in holds))
            if rows:
                await db.execute(sa.insert(Booking), rows)
    except IntegrityError as error:  # somebody wrote it without queueing
        if queries.NOT_TWICE not in str(error.orig):
            raise
        _refuse_twice(refused, await find_taken(db, clinic_id, holds))
        raise DoubleBooked from error


async def release(db: Database, clinic_id: UUID, *holder_ids: UUID) -> None:
    """Let go of everything that these hold."""
    await db.execute(sa.delete(Booking).where(Booking.clinic_id == clinic_id, Booking.holder_id.in_(holder_ids)))


async def find_taken(db: Database, clinic_id: UUID, holds: Sequence[Hold]) -> frozenset[Taken]:
    """Tell what others have at these times, also others among these, and keep anybody else from taking the rest.

    What was booked twice on purpose counts as taken too.
    """
    ids = {resource.id for each in holds for resource in each.resources}
    if not ids:
        return frozenset()
    if db.is_postgresql:
        # Two that write at once each wait for the other where a constraint alone stands between them.
        await db.read(queries.QUEUE, {"names": sorted(_name(clinic_id, this) for this in ids)})
    first, last = min(each.starts_at for each in holds), max(each.ends_at for each in holds)
    found = await db.read(queries.held_by_others(clinic_id, ids, first, last, {each.holder_id for each in holds}))
    there: dict[UUID, list[tuple[datetime, datetime, UUID]]] = {this: [] for this in ids}
    wanted = ((this.id, each.starts_at, each.ends_at, each.holder_id) for each in holds for this in each.resources)
    for resource_id, starts_at, ends_at, holder_id in chain(found, wanted):
        there[resource_id].append((starts_at, ends_at, holder_id))
    return frozenset(
        Taken(each.holder_id, this.id)
        for each in holds
        for this in each.resources
        if any(
            starts_at < each.ends_at and each.starts_at < ends_at and holder_id != each.holder_id
            for starts_at, ends_at, holder_id in there[this.id]
        )
    )


def _refuse_twice(holds: Sequence[Hold], taken: frozenset[Taken]) -> None:
    """Raise `DoubleBooked` if one of these cannot have what it needs. Each field is named once."""
    faults = {
        this.pointer: FieldError(this.pointer, f"{this.kind}_taken", _TAKEN_IN_WORDS[this.kind])
        for each in holds
        for this in each.resources
        if Taken(each.holder_id, this.id) in taken
    }
    if faults:
        raise DoubleBooked(errors=list(faults.values()))


def _rows(clinic_id: UUID, holder_kind: str, hold: Hold, taken: frozenset[Taken]) -> list[dict[str, Any]]:
    """One row for each thing. Only what is taken is marked as booked twice, so that the rest is not taken from it."""
    kinds = {resource.id: resource.kind.value for resource in hold.resources}
    return [
        {
            "clinic_id": clinic_id,
            "holder_id": hold.holder_id,
            "resource_id": resource_id,
            "holder_kind": holder_kind,
            "resource_kind": kind,
            "starts_at": hold.starts_at,
            "ends_at": hold.ends_at,
            "overridden": hold.overridden and Taken(hold.holder_id, resource_id) in taken,
        }
        for resource_id, kind in kinds.items()
    ]


def _name(clinic_id: UUID, resource_id: UUID) -> int:
    """The name to queue by: rooms have ids that their clinic chose, which may be another clinic's too."""
    return int.from_bytes(sha256(clinic_id.bytes + resource_id.bytes).digest()[:8], signed=True)
