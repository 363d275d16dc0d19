"""The rooms of a clinic: adding one, changing it, giving it up."""

from typing import Any
from uuid import UUID

from app.bookings import queries, schemas
from app.bookings.models import Room
from app.core import clock
from app.core.db import Database
from app.core.errors import NotFound, PreconditionFailed
from app.core.etags import require_match
from app.core.pagination import PageRequest
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess


async def list_of(db: Database, access: ClinicAccess, page: PageRequest) -> schemas.RoomPage:
    """List the rooms by name, those that were given up too."""
    rooms, cursor = await queries.rooms_by_name(db, access.clinic.id, page)
    return schemas.RoomPage(items=[schemas.Room.model_validate(room) for room in rooms], next_cursor=cursor)


async def read(db: Database, clinic_id: UUID, room_id: UUID) -> Room:
    """Read one room of the clinic, or raise `NotFound`."""
    room = await db.get(Room, (clinic_id, room_id))
    if room is None:
        raise NotFound
    return room


async def put(
    db: Database, access: ClinicAccess, room_id: UUID, wanted: schemas.RoomWrite, if_match: str | None
) -> tuple[Room, bool]:
    """Add a room, or change it; whether it is new. The same again changes nothing."""
    await db.execute(queries.lock_clinic(access.clinic.id))  # two who make the same room: one is first
    room = await db.get(Room, (access.clinic.id, room_id))
    if room is None:
        if if_match is not None:
            raise PreconditionFailed(current=None)
        room = Room(clinic_id=access.clinic.id, id=room_id, version=1, **_said(wanted, None))
        db.add(room)
        _tell(db, room)
        return room, True
    if _said(wanted, room) == {name: getattr(room, name) for name in ("name", "places", "retired_at")}:
        return room, False
    require_match(if_match, room.version, lambda: schemas.Room.model_validate(room).model_dump(mode="json"))
    for name, value in _said(wanted, room).items():
        setattr(room, name, value)
    room.version += 1
    _tell(db, room)
    return room, False


def _said(wanted: schemas.RoomWrite, room: Room | None) -> dict[str, Any]:
    since = room.retired_at if room else None
    return {
        "name": wanted.name,
        "places": wanted.places,
        "retired_at": (since or clock.now()) if wanted.retired else None,
    }


def _tell(db: Database, room: Room) -> None:
    events.record(db, EventType.ROOM_CHANGED, clinic_id=room.clinic_id, subject_id=room.id, version=room.version)
