"""When members of staff can be booked: their own hours, or the clinic's usual ones."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from app.bookings import queries, schemas
from app.bookings.models import WorkingHours
from app.bookings.rules import Week, usual_week
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest, NotFound, PreconditionFailed
from app.core.etags import matches, require_match
from app.events import service as events
from app.events.types import EventType
from app.identity.access import ClinicAccess
from app.identity.queries import staff_among
from app.protocols.rules import Protocol


async def weeks_of(db: Database, clinic_id: UUID, staff_ids: Collection[UUID], protocol: Protocol) -> list[Week]:
    """Read the hours of each of these; the clinic's usual ones for who has none of their own."""
    usual = usual_week(protocol.booking)
    rows = await db.scalars(
        sa.select(WorkingHours).where(WorkingHours.clinic_id == clinic_id, WorkingHours.membership_id.in_(staff_ids))
    )
    said = {row.membership_id: schemas.as_week(row.content, usual) for row in rows}
    return [said.get(this, usual) for this in staff_ids]


async def read(db: Database, access: ClinicAccess, staff_id: UUID) -> schemas.WorkingHours:
    """Read somebody's hours; raises `NotFound` for who does not work here."""
    await _must_work_here(db, access.clinic.id, staff_id)
    return _shown(access, staff_id, await db.get(WorkingHours, (access.clinic.id, staff_id)))


async def put(
    db: Database,
    access: ClinicAccess,
    staff_id: UUID,
    wanted: schemas.WorkingHoursWrite,
    if_match: str | None,
) -> tuple[schemas.WorkingHours, bool]:
    """Say when somebody can be booked; whether it is the first time. The same again changes nothing."""
    _check(wanted)
    await db.execute(queries.lock_clinic(access.clinic.id))  # two who say it at once: one is first
    await _must_work_here(db, access.clinic.id, staff_id)
    row = await db.get(WorkingHours, (access.clinic.id, staff_id))
    content = wanted.model_dump(mode="json")
    if row is not None and row.content == content:
        return _shown(access, staff_id, row), False
    is_first = row is None
    if row is None:
        if if_match is not None and not matches(if_match, 0):
            raise PreconditionFailed(current=_shown(access, staff_id, None).model_dump(mode="json"))
        row = WorkingHours(clinic_id=access.clinic.id, membership_id=staff_id, version=1, content=content)
        db.add(row)
    else:
        current = _shown(access, staff_id, row)
        require_match(if_match, row.version, lambda: current.model_dump(mode="json"))
        row.content, row.version = content, row.version + 1
    events.record(
        db, EventType.STAFF_HOURS_CHANGED, clinic_id=access.clinic.id, subject_id=staff_id, version=row.version
    )
    return _shown(access, staff_id, row), is_first


def _check(wanted: schemas.WorkingHoursWrite) -> None:
    faults = [
        FieldError(f"/away/{index}/last_day", "before_first_day", "The last day cannot be before the first.")
        for index, away in enumerate(wanted.away)
        if away.last_day < away.first_day
    ]
    if faults:
        raise InvalidRequest(errors=faults)


async def _must_work_here(db: Database, clinic_id: UUID, staff_id: UUID) -> None:
    if not await staff_among(db, clinic_id, [staff_id]):
        raise NotFound


def _shown(access: ClinicAccess, staff_id: UUID, row: WorkingHours | None) -> schemas.WorkingHours:
    usual = usual_week(access.protocol.booking)
    week = schemas.as_week(row.content, usual) if row else usual
    return schemas.WorkingHours.model_validate(
        {
            "staff_id": staff_id,
            "time_zone": access.clinic.time_zone,
            "usual": row is None or row.content["hours"] is None,
            "hours": schemas.as_hours(week),
            "away": row.content["away"] if row else [],
            "version": row.version if row else 0,
        }
    )
