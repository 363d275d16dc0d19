"""The statements behind the patient's day: what is short in one go, what can be long in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import AppointmentSeries
from app.calendars.models import CalendarFeed
from app.care_plans.models import CarePlan, ContingencyPlan, ContingencyResult, PracticeLog, SafetyPlan
from app.check_in_plans import rules
from app.check_in_plans.models import CheckInPlan, DueCheckIn
from app.core import clock
from app.core.db import Database
from app.exports.care_queries import every
from app.exports.queries import Row, belongs_to, rows_of
from app.groups.models import Group, GroupMember
from app.identity.access import PatientView
from app.identity.models import Membership, TimeZoneChange
from app.journals.models import JournalEntry

BY_PATIENT: Final[dict[str, tuple[Any, str]]] = {
    "check_in_plans": (CheckInPlan, "version"),
    "time_zone_changes": (TimeZoneChange, "at"),
    "appointment_series": (AppointmentSeries, "first_at"),
    "care_plans": (CarePlan, "version"),
    "safety_plans": (SafetyPlan, "version"),
    "contingency_plans": (ContingencyPlan, "version"),
    "contingency_results": (ContingencyResult, "at"),
}
"""What is short: the table, and what its rows are sorted by."""


@dataclass(frozen=True, slots=True)
class Long:
    """A list that can be long, and the column by which it is read, the latest first. An index holds that order."""

    model: Any
    order: str


LONG: Final[dict[str, Long]] = {
    "journal_entries": Long(JournalEntry, "written_at"),
    "practice_logs": Long(PracticeLog, "done_at"),
    "due_check_ins": Long(DueCheckIn, "due_at"),
}


async def of_patient(db: Database, patient: PatientView) -> Row:
    """Everything that is short."""
    found: Row = {name: await every(db, model, patient, order) for name, (model, order) in BY_PATIENT.items()}
    return found | {"groups": await _groups(db, patient), "calendar_feed": await _feed(db, patient)}


async def page(
    db: Database, patient: PatientView, name: str, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """A page of a long list, the latest first, from where the last page ended."""
    long = LONG[name]
    table: sa.Table = long.model.__table__
    order, this = table.c[long.order], table.c.id
    statement = sa.select(table).where(*belongs_to(long.model, patient)).order_by(order.desc(), this.desc())
    if after is not None:
        at = sa.bindparam(None, after[0], type_=order.type)
        statement = statement.where(sa.tuple_(order, this) < sa.tuple_(at, sa.bindparam(None, after[1])))
    rows = rows_of(await db.execute(statement.limit(limit)))
    return [_became(row) for row in rows] if name == "due_check_ins" else rows


def _became(row: Row) -> Row:
    """A due check-in with its state in the words of the API."""
    known = {name: row[name] for name in ("opens_at", "closes_at", "answered_at", "awaits_dose")}
    return row | {"state": rules.state_of(row["state"], **known, now=clock.now())}


async def _groups(db: Database, patient: PatientView) -> list[Row]:
    """The groups that the patient belongs to or did, without anybody else of them."""
    found = await db.execute(
        sa.select(GroupMember.group_id, Group.kind, GroupMember.joined_at, GroupMember.left_at)
        .join(Group, sa.and_(Group.clinic_id == GroupMember.clinic_id, Group.id == GroupMember.group_id))
        .where(*belongs_to(GroupMember, patient))
        .order_by(GroupMember.joined_at, GroupMember.group_id)
    )
    return rows_of(found)


async def _feed(db: Database, patient: PatientView) -> Row | None:
    """How the patient's calendar feed is set up."""
    found = await db.execute(
        sa.select(CalendarFeed.__table__)
        .join(
            Membership,
            sa.and_(Membership.clinic_id == CalendarFeed.clinic_id, Membership.id == CalendarFeed.membership_id),
        )
        .where(*belongs_to(Membership, patient), CalendarFeed.clinic_id == patient.clinic_id)
    )
    return next(iter(rows_of(found)), None)
