"""Setting groups up, changing and ending them. Their meetings are brought in line at once, their members soon after.

A request never holds more than one patient: it marks the meetings, and the worker lets the appointments of the members
follow, one patient after another (`settling.py`).
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from app.appointments import series_errors, series_rules
from app.appointments.recurrence import Instance
from app.appointments.series_schemas import SeriesStatus
from app.bookings import queries as booking_queries
from app.bookings import service as bookings
from app.bookings.service import Hold, Resource, ResourceKind
from app.core import clock, etags
from app.core.db import Database
from app.core.errors import NotFound
from app.core.fields import zone
from app.core.moves import IllegalMove
from app.events import service as events
from app.events.types import EventType
from app.groups import plans, schemas, views
from app.groups.errors import PlacesTaken
from app.groups.models import Group, GroupSession
from app.groups.plans import Plan
from app.groups.schemas import GroupSessionStatus
from app.identity.access import ClinicAccess
from app.protocols.rules import Protocol

HOLDER = "group_session"


async def plan(
    db: Database, access: ClinicAccess, group_id: UUID, asked: schemas.GroupWrite, if_match: str | None
) -> tuple[Group, bool]:
    """Set a group up, or plan it anew; the group, and whether it is new. The same again changes nothing."""
    await db.execute(booking_queries.lock_clinic(access.clinic.id))  # two who make the same group: one is first
    group = await db.get(Group, (access.clinic.id, group_id))
    wanted = plans.checked(asked, access.clinic.time_zone, access.protocol)
    columns = plans.columns_of(asked, wanted)
    is_new = group is None
    if group is None:
        group = Group(clinic_id=access.clinic.id, id=group_id, version=0, clashing=[], **columns)
        before = wanted, asked.room_id, asked.capacity
    elif columns == {name: getattr(group, name) for name in columns}:
        return group, False
    else:
        _require_open(group, if_match)
        before = plans.kept(group), group.room_id, group.capacity
    ids = [UUID(this) for this in columns["staff_ids"]]
    await plans.check_named(db, access.clinic.id, staff_ids=ids, room_id=asked.room_id, capacity=asked.capacity)
    existing = {} if is_new else {plans.day_of(group, s): s for s in await _locked(db, group)}
    for name, value in columns.items():
        setattr(group, name, value)
    if is_new:
        db.add(group)
        await db.flush()
    await _carry_out(db, access.protocol, group, wanted, existing, before, asked.clashes, is_new=is_new)
    _changed(db, group)
    return group, is_new


async def end(
    db: Database, access: ClinicAccess, group_id: UUID, ending: schemas.GroupCancellationWrite, if_match: str | None
) -> Group:
    """Let a group end with a day, or now, and call off the meetings after it."""
    await db.execute(booking_queries.lock_clinic(access.clinic.id))
    group = await read(db, access, group_id)
    _require_open(group, if_match)
    now = clock.now()
    last_day = ending.last_day or now.astimezone(zone(group.time_zone)).date()
    for session in await _locked(db, group):
        late_enough = ending.last_day is None or plans.day_of(group, session) > last_day
        if late_enough and series_rules.is_open(session, now):
            await call_off(db, session, GroupSessionStatus.CANCELLED, ending.reason.value)
    plans.stop(group, last_day)
    group.ended_at = now
    _changed(db, group)
    return group


async def extend(db: Database, protocol: Protocol, group: Group) -> int:
    """Book further ahead what has no end, leaving out days on which something is taken; how many were added."""
    wanted, known = plans.kept(group), group.clashing
    existing = {plans.day_of(group, session): session for session in await _locked(db, group)}
    before = wanted, group.room_id, group.capacity
    made = await _carry_out(db, protocol, group, wanted, existing, before, "leave_out", is_new=False, extends=True)
    if made or known != group.clashing:
        _changed(db, group)
    return made


async def read(db: Database, access: ClinicAccess, group_id: UUID) -> Group:
    """Read one group of the clinic, or raise `NotFound`."""
    group = await db.get(Group, (access.clinic.id, group_id))
    if group is None:
        raise NotFound
    return group


async def call_off(db: Database, session: GroupSession, status: GroupSessionStatus, reason: str | None) -> None:
    """Let a meeting not take place, and let go of what it held."""
    session.status, session.reason = status.value, reason
    mark(session)
    await bookings.release(db, session.clinic_id, session.id)
    tell(db, session)


def mark(session: GroupSession) -> None:
    """Count a change of a meeting, which its members have to follow."""
    session.version += 1
    session.unsettled_at = clock.now()


def tell(db: Database, session: GroupSession) -> None:
    """Tell those who listen that a meeting was moved or called off."""
    events.record(
        db,
        EventType.GROUP_SESSION_CHANGED,
        clinic_id=session.clinic_id,
        subject_id=session.id,
        version=session.version,
    )


def hold_of(group: Group, session: GroupSession) -> Hold:
    """What a meeting takes up: those who lead it, and its room."""
    staff = [Resource(ResourceKind.STAFF, UUID(this), f"/staff_ids/{n}") for n, this in enumerate(group.staff_ids)]
    room = [Resource(ResourceKind.ROOM, session.room_id, "/room_id")] if session.room_id else []
    return Hold(session.id, staff + room, session.scheduled_at, session.ends_at)


def _require_open(group: Group, if_match: str | None) -> None:
    etags.require_match(if_match, group.version, lambda: views.brief(group).model_dump(mode="json"))
    if group.ended_at is not None:
        raise IllegalMove(current=SeriesStatus.ENDED, open_moves=())


async def _locked(db: Database, group: Group) -> Sequence[GroupSession]:
    """The meetings of a group, so that nobody takes a place in them meanwhile."""
    found = await db.scalars(
        sa.select(GroupSession)
        .where(
            GroupSession.clinic_id == group.clinic_id,
            GroupSession.group_id == group.id,
            GroupSession.status != GroupSessionStatus.WITHDRAWN.value,
        )
        .order_by(GroupSession.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


async def _carry_out(
    db: Database,
    protocol: Protocol,
    group: Group,
    wanted: Plan,
    existing: dict[date, GroupSession],
    before: tuple[Plan, UUID | None, int],
    clashes: str,
    *,
    is_new: bool,
    extends: bool = False,
) -> int:
    """Bring the meetings in line with a plan; how many were added."""
    now = clock.now()
    instances, planned_until = wanted.instances(now, protocol)
    clashed = {date.fromisoformat(day) for day in group.clashing} if extends else set[date]()
    open_days = [instance for instance in instances if instance.day not in clashed]
    sorted_out = series_rules.sort_out(open_days, existing, now=now, is_new=is_new)
    held: dict[UUID, tuple[GroupSession, Instance]] = {}
    if not extends:
        for session in sorted_out.drop:
            await call_off(db, session, GroupSessionStatus.WITHDRAWN, None)
        for session, instance in sorted_out.keep:
            _follow(group, session, instance, wanted, before)
            held[session.id] = session, instance
    used = await _used(db, group, sorted_out.add)
    for instance in sorted_out.add:
        session = _new(group, instance, wanted, used)
        held[session.id] = session, instance
    holds = [hold_of(group, session) for session, _ in held.values()]
    taken = await bookings.find_taken(db, group.clinic_id, holds)
    if clashes == "refuse":
        series_errors.refuse_clashes({this: instance for this, (_, instance) in held.items()}, holds, taken)
    clashing = {each.holder_id for each in taken}
    new = {instance.day for instance in sorted_out.add}
    added = [session for this, (session, i) in held.items() if i.day in new and this not in clashing]
    for this in clashing:
        session, instance = held[this]
        clashed.add(instance.day)
        if instance.day not in new:
            await call_off(db, session, GroupSessionStatus.WITHDRAWN, None)
    db.add_all(added)
    await db.flush()
    await bookings.hold_all(db, group.clinic_id, HOLDER, [hold for hold in holds if hold.holder_id not in clashing])
    group.clashing = [day.isoformat() for day in sorted(clashed)]
    group.planned_until = planned_until
    return len(added)


def _follow(
    group: Group, session: GroupSession, instance: Instance, wanted: Plan, before: tuple[Plan, UUID | None, int]
) -> None:
    """Let a meeting follow the plan of its group, in what nobody planned otherwise for it alone."""
    earlier, room_id, capacity = before
    if session.capacity == capacity:
        if session.taken > group.capacity:
            raise PlacesTaken
        session.capacity = group.capacity
    if session.room_id == room_id:
        session.room_id = group.room_id
    if (session.scheduled_at, session.ends_at) == (session.recurrence_at, earlier.ends_at(session.recurrence_at)):
        session.scheduled_at, session.ends_at = instance.at, wanted.ends_at(instance.at)
    session.recurrence_at = instance.at
    mark(session)


async def _used(db: Database, group: Group, instances: Sequence[Instance]) -> frozenset[UUID]:
    """Ids of days that meetings had which were withdrawn."""
    ids = [series_rules.instance_id(group.id, instance.day) for instance in instances]
    found = await db.scalars(
        sa.select(GroupSession.id).where(GroupSession.clinic_id == group.clinic_id, GroupSession.id.in_(ids))
    )
    return frozenset(found)


def _new(group: Group, instance: Instance, plan: Plan, used: frozenset[UUID]) -> GroupSession:
    this = series_rules.instance_id(group.id, instance.day)
    if this in used:
        this = series_rules.instance_id(group.id, instance.day, group.version)
    return GroupSession(
        clinic_id=group.clinic_id,
        id=this,
        group_id=group.id,
        recurrence_at=instance.at,
        scheduled_at=instance.at,
        ends_at=plan.ends_at(instance.at),
        capacity=group.capacity,
        taken=0,
        room_id=group.room_id,
        status=GroupSessionStatus.BOOKED.value,
        version=1,
        unsettled_at=clock.now(),
    )


def _changed(db: Database, group: Group) -> None:
    group.version += 1
    events.record(db, EventType.GROUP_CHANGED, clinic_id=group.clinic_id, subject_id=group.id, version=group.version)


def begins_after(session: GroupSession, moment: datetime) -> bool:
    """Whether a meeting takes place and has not begun."""
    return session.status == GroupSessionStatus.BOOKED.value and session.scheduled_at > moment
