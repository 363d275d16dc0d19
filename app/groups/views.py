"""Reading groups and their meetings, for staff."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.appointments.series_schemas import SeriesStatus
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.groups import schemas
from app.groups.models import Group, GroupSession
from app.groups.plans import day_of
from app.identity.access import ClinicAccess


def brief(group: Group) -> schemas.GroupBrief:
    """A group without its meetings."""
    return schemas.GroupBrief.model_validate(_columns(group))


async def whole(db: Database, group: Group) -> schemas.Group:
    """Read a group with its meetings."""
    await db.flush()
    found = await db.scalars(
        sa.select(GroupSession)
        .where(GroupSession.clinic_id == group.clinic_id, GroupSession.group_id == group.id)
        .order_by(GroupSession.recurrence_at, GroupSession.id)
    )
    return schemas.Group.model_validate(_columns(group) | {"sessions": [meeting(group, each) for each in found]})


def meeting(group: Group, session: GroupSession) -> schemas.GroupSession:
    """One meeting of a group."""
    names = set(schemas.GroupSession.model_fields) - {"day", "moved"}
    columns = {name: getattr(session, name) for name in names}
    day, moved = day_of(group, session), session.scheduled_at != session.recurrence_at
    return schemas.GroupSession.model_validate(columns | {"day": day, "moved": moved})


async def groups(db: Database, access: ClinicAccess, page: PageRequest) -> schemas.GroupPage:
    """List the clinic's groups by their names."""
    statement = sa.select(Group).where(Group.clinic_id == access.clinic.id).order_by(Group.name, Group.id)
    after = page.after("groups", access.clinic.id)
    if after is not None:
        name, this = after
        statement = statement.where(sa.or_(Group.name > name, sa.and_(Group.name == name, Group.id > this)))
    found = (await db.scalars(statement.limit(page.limit + 1))).all()
    items, more = found[: page.limit], len(found) > page.limit
    cursor = make_cursor([items[-1].name, items[-1].id], "groups", access.clinic.id) if more else None
    return schemas.GroupPage(items=[brief(group) for group in items], next_cursor=cursor)


async def meetings(
    db: Database, access: ClinicAccess, since: datetime, until: datetime, page: PageRequest
) -> schemas.GroupSessionPage:
    """List the meetings of the clinic's groups from `since` on and before `until`."""
    at, this = GroupSession.scheduled_at, GroupSession.id
    statement = (
        sa.select(GroupSession)
        .where(
            GroupSession.clinic_id == access.clinic.id,
            at >= since,
            at < until,
            GroupSession.status != schemas.GroupSessionStatus.WITHDRAWN.value,
        )
        .order_by(at, this)
    )
    filters = ("group-sessions", access.clinic.id, since, until)
    after = page.after(*filters)
    if after is not None:
        statement = statement.where(sa.or_(at > after[0], sa.and_(at == after[0], this > after[1])))
    found = (await db.scalars(statement.limit(page.limit + 1))).all()
    items, more = found[: page.limit], len(found) > page.limit
    cursor = make_cursor([items[-1].scheduled_at, items[-1].id], *filters) if more else None
    known = await _groups_of(db, access.clinic.id, items)
    return schemas.GroupSessionPage(items=[meeting(known[each.group_id], each) for each in items], next_cursor=cursor)


async def _groups_of(db: Database, clinic_id: UUID, sessions: Sequence[GroupSession]) -> dict[UUID, Group]:
    ids = {session.group_id for session in sessions}
    found = await db.scalars(sa.select(Group).where(Group.clinic_id == clinic_id, Group.id.in_(ids)))
    return {group.id: group for group in found}


def _columns(group: Group) -> dict[str, Any]:
    names = set(schemas.GroupBrief.model_fields) - {"status"}
    columns = {name: getattr(group, name) for name in names}
    return columns | {
        "status": SeriesStatus.ENDED if group.ended_at else SeriesStatus.ACTIVE,
        "first_at": datetime.fromisoformat(group.first_at),
        "left_out": [date.fromisoformat(day) for day in group.left_out],
        "clashing": [date.fromisoformat(day) for day in group.clashing],
    }
