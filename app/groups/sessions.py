"""Moving one meeting of a group, and calling it off."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.appointments import rules
from app.appointments.models import Appointment
from app.appointments.places import WITHOUT_PLACE
from app.bookings import service as bookings
from app.bookings.models import Booking
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import NotFound
from app.core.moves import IllegalMove
from app.groups import plans, schemas, service, views
from app.groups.errors import MembersClash, PlacesTaken
from app.groups.models import Group, GroupSession
from app.groups.schemas import GroupSessionAction, GroupSessionStatus
from app.identity.access import ClinicAccess


async def read(db: Database, access: ClinicAccess, session_id: UUID, *, locks: bool = False) -> GroupSession:
    """Read one meeting of the clinic's groups, or raise `NotFound`."""
    key = (access.clinic.id, session_id)
    session = await db.get(GroupSession, key, with_for_update=locks or None)
    if session is None:
        raise NotFound
    return session


async def shown(db: Database, session: GroupSession) -> schemas.GroupSession:
    """A meeting as it is answered."""
    return views.meeting(await _group_of(db, session), session)


async def move(
    db: Database, access: ClinicAccess, session_id: UUID, wanted: schemas.GroupSessionWrite, if_match: str | None
) -> GroupSession:
    """Plan a meeting elsewhere or at another time; its members follow soon after."""
    session = await read(db, access, session_id, locks=True)
    group = await _group_of(db, session)
    columns = wanted.model_dump(exclude={"clashes"})
    if columns == {name: getattr(session, name) for name in columns}:
        return session
    _require_open(group, session, if_match, GroupSessionAction.MOVE)
    rules.check_times(wanted.scheduled_at, wanted.ends_at)
    await plans.check_named(db, access.clinic.id, staff_ids=[], room_id=wanted.room_id, capacity=wanted.capacity)
    if session.taken > wanted.capacity:
        raise PlacesTaken
    busy = await _busy_members(db, session, wanted.scheduled_at, wanted.ends_at)
    if busy and wanted.clashes == "refuse":
        raise MembersClash(members=busy)
    for name, value in columns.items():
        setattr(session, name, value)
    service.mark(session)
    await db.flush()
    await bookings.hold_all(db, access.clinic.id, service.HOLDER, [service.hold_of(group, session)])
    service.tell(db, session)
    return session


async def cancel(
    db: Database,
    access: ClinicAccess,
    session_id: UUID,
    cancellation: schemas.GroupSessionCancellationWrite,
    if_match: str | None,
) -> GroupSession:
    """Call a meeting off; the appointments of its members are cancelled soon after."""
    session = await read(db, access, session_id, locks=True)
    group = await _group_of(db, session)
    _require_open(group, session, if_match, GroupSessionAction.CANCELLATION)
    await service.call_off(db, session, GroupSessionStatus.CANCELLED, cancellation.reason.value)
    return session


def _require_open(group: Group, session: GroupSession, if_match: str | None, action: GroupSessionAction) -> None:
    current = views.meeting(group, session)
    etags.require_match(if_match, session.version, lambda: current.model_dump(mode="json"))
    if not service.begins_after(session, clock.now()):
        others = [move for move in GroupSessionAction if move is not action and session.status == "booked"]
        raise IllegalMove(current=current.status, open_moves=others if action is GroupSessionAction.MOVE else ())


async def _busy_members(db: Database, session: GroupSession, starts_at: datetime, ends_at: datetime) -> int:
    """How many of those who have a place have something else between two moments."""
    mine = (
        sa.select(Appointment.id, Appointment.patient_id)
        .where(
            Appointment.clinic_id == session.clinic_id,
            Appointment.group_session_id == session.id,
            Appointment.status.not_in([status.value for status in WITHOUT_PLACE]),
        )
        .subquery()
    )
    found = await db.scalar(
        sa.select(sa.func.count(mine.c.patient_id.distinct()))
        .select_from(mine)
        .join(Booking, Booking.resource_id == mine.c.patient_id)
        .where(
            Booking.clinic_id == session.clinic_id,
            Booking.holder_id != mine.c.id,
            Booking.starts_at < ends_at,
            Booking.ends_at > starts_at,
        )
    )
    return found or 0


async def _group_of(db: Database, session: GroupSession) -> Group:
    return await db.get_one(Group, (session.clinic_id, session.group_id))
