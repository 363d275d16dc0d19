"""The audit as privacy officers and patients read it: one clinic's entries, the newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.columns import Instant
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.identity.models import Membership
from app.oversight.models import EmergencyAccess

_entry, _member, _emergency = AuditEntry.__table__, Membership.__table__, EmergencyAccess.__table__
_CLINIC = sa.bindparam("clinic_id", type_=sa.Uuid())

_OPEN_THEN = (
    sa.select(_emergency.c.reason_code)
    .where(
        _emergency.c.clinic_id == _CLINIC,
        _emergency.c.patient_id == _entry.c.patient_id,
        _emergency.c.membership_id == _entry.c.actor_id,
        _emergency.c.opened_at <= _entry.c.at,
        _emergency.c.until > _entry.c.at,
    )
    .order_by(_emergency.c.opened_at.desc())
    .limit(1)
    .correlate(_entry)
    .scalar_subquery()
)
"""Why the actor had opened this patient's record at the time; null when they had not."""

_ENTRIES = (
    sa.select(
        _entry,
        _member.c.display_name.label("actor_name"),
        _member.c.patient_id.label("actor_patient_id"),
        _OPEN_THEN.label("emergency_reason"),
    )
    .select_from(
        _entry.outerjoin(_member, sa.and_(_member.c.id == _entry.c.actor_id, _member.c.clinic_id == _entry.c.clinic_id))
    )
    .where(_entry.c.clinic_id == _CLINIC)
    .order_by(_entry.c.at.desc(), _entry.c.id.desc())
)
_EMERGENCIES = (
    sa.select(_emergency, _member.c.display_name, _member.c.role)
    .join(_member, sa.and_(_member.c.id == _emergency.c.membership_id, _member.c.clinic_id == _emergency.c.clinic_id))
    .where(_emergency.c.clinic_id == _CLINIC)
    .order_by(_emergency.c.opened_at.desc(), _emergency.c.id.desc())
)
_SAME_PERSON = sa.select(_member.c.account_id).where(
    _member.c.clinic_id == _CLINIC, _member.c.id.in_(sa.bindparam("members", expanding=True, type_=sa.Uuid()))
)
Page = tuple[Sequence[sa.RowMapping], str | None]


async def entries(
    db: Database,
    clinic_id: UUID,
    wanted: Mapping[str, UUID | str | None],
    span: tuple[datetime | None, datetime | None],
    page: PageRequest,
) -> Page:
    """A page of the clinic's audit: `wanted` are values of columns, `span` its begin and end (not included)."""
    statement = _ENTRIES
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(_entry.c[name] == value)
    first, last = span
    if first is not None:
        statement = statement.where(_entry.c.at >= first)
    if last is not None:
        statement = statement.where(_entry.c.at < last)
    filters = ("audit-entries", clinic_id, *wanted.values(), first, last)
    return await _page(db, statement, (_entry.c.at, _entry.c.id), clinic_id, page, filters)


async def of_record(
    db: Database, clinic_id: UUID, patient_id: UUID, but_not_by: UUID | None, page: PageRequest
) -> Page:
    """A page of what was done with one patient's record, without what they did themselves."""
    statement = _ENTRIES.where(_entry.c.patient_id == patient_id, _entry.c.outcome == "allowed")
    if but_not_by is not None:
        statement = statement.where(sa.or_(_entry.c.actor_id.is_(None), _entry.c.actor_id != but_not_by))
    filters = ("record-accesses", patient_id, but_not_by)
    return await _page(db, statement, (_entry.c.at, _entry.c.id), clinic_id, page, filters)


async def emergencies(db: Database, clinic_id: UUID, *, reviewed: bool | None, page: PageRequest) -> Page:
    """A page of emergency accesses; those that were reviewed, those that were not, or all."""
    statement = _EMERGENCIES
    if reviewed is not None:
        waiting = _emergency.c.reviewed_at.is_(None)
        statement = statement.where(~waiting if reviewed else waiting)
    filters = ("emergency-accesses", clinic_id, reviewed)
    return await _page(db, statement, (_emergency.c.opened_at, _emergency.c.id), clinic_id, page, filters)


async def emergency(db: Database, clinic_id: UUID, emergency_access_id: UUID) -> sa.RowMapping | None:
    """One emergency access."""
    statement = _EMERGENCIES.where(_emergency.c.id == emergency_access_id)
    return (await db.read(statement, {"clinic_id": clinic_id})).mappings().one_or_none()


async def is_same_person(db: Database, clinic_id: UUID, one: UUID, other: UUID) -> bool:
    """Whether two memberships are of one account: a person may work here under two roles."""
    accounts = await db.read(_SAME_PERSON, {"clinic_id": clinic_id, "members": [one, other]})
    return len(set(accounts.scalars())) == 1


async def _page(
    db: Database,
    statement: sa.Select[Any],
    key: tuple[Any, Any],
    clinic_id: UUID,
    page: PageRequest,
    filters: tuple[object, ...],
) -> Page:
    at, this = key
    after = page.after(*filters)
    if after is not None:
        after_at, after_id = (
            sa.bindparam(None, after[0], type_=Instant()),
            sa.bindparam(None, after[1], type_=sa.Uuid()),
        )
        statement = statement.where(at <= after_at, sa.or_(at < after_at, this < after_id))
    rows = (await db.read(statement.limit(page.limit + 1), {"clinic_id": clinic_id})).mappings().all()
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], make_cursor([last[at.name], last["id"]], *filters)
