"""Places in the meetings of groups: taken and given back on the row of the meeting, one statement each.

The meeting itself belongs to the package `groups`, which is above this one; all that is known of it here is its count.
"""

from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.appointments.models import Appointment
from app.appointments.rules import AppointmentStatus
from app.core import clock
from app.core.columns import Instant
from app.core.db import Database
from app.core.errors import Problem

_meetings: Final = sa.table(
    "group_sessions",
    sa.column("clinic_id", sa.Uuid),
    sa.column("id", sa.Uuid),
    sa.column("capacity", sa.Integer),
    sa.column("taken", sa.Integer),
    sa.column("status", sa.String),
    sa.column("unsettled_at", Instant),
)

WITHOUT_PLACE: Final = frozenset(
    {
        AppointmentStatus.PROPOSED,
        AppointmentStatus.WAITLIST,
        AppointmentStatus.CANCELLED,
        AppointmentStatus.ENTERED_IN_ERROR,
    }
)
"""A member whose appointment has one of these has no place in the meeting; who did not come had one."""


class OfGroup(Problem):
    """This appointment is a place in the meeting of a group, and is where and when the group meets.

    Move the meeting (`PUT /v1/group-sessions/{session_id}`), or cancel this appointment, which gives the place to the
    next who waits.
    """

    status = 409
    code = "of_group"
    title = "This appointment is planned with its group."


async def take(db: Database, clinic_id: UUID, session_id: UUID, *, behind_others: bool) -> bool:
    """Take a place if there is one left; `behind_others`: only if nobody waits for one."""
    where = [
        _meetings.c.clinic_id == clinic_id,
        _meetings.c.id == session_id,
        _meetings.c.status == "booked",
        _meetings.c.taken < _meetings.c.capacity,
    ]
    if behind_others:
        waiting = sa.select(Appointment.id).where(
            Appointment.clinic_id == clinic_id,
            Appointment.group_session_id == session_id,
            Appointment.status == AppointmentStatus.WAITLIST.value,
        )
        where.append(~sa.exists(waiting))
    statement = sa.update(_meetings).where(*where).values(taken=_meetings.c.taken + 1)
    taken = await db.execute(statement.returning(_meetings.c.taken))
    return taken.first() is not None


async def give_back(db: Database, clinic_id: UUID, session_id: UUID) -> None:
    """Give a place back. The worker gives it to who waits for it."""
    await db.execute(
        sa.update(_meetings)
        .where(_meetings.c.clinic_id == clinic_id, _meetings.c.id == session_id, _meetings.c.taken > 0)
        .values(taken=_meetings.c.taken - 1, unsettled_at=clock.now())
    )


async def ask(db: Database, clinic_id: UUID, session_id: UUID) -> None:
    """Let the worker look who waits, if there is a place left that was not to be had out of turn."""
    await db.execute(
        sa.update(_meetings)
        .where(
            _meetings.c.clinic_id == clinic_id, _meetings.c.id == session_id, _meetings.c.taken < _meetings.c.capacity
        )
        .values(unsettled_at=clock.now())
    )


async def leave(db: Database, appointment: Appointment) -> None:
    """Give back the place of an appointment that is called off, if it is one and had one."""
    had_one = AppointmentStatus(appointment.status) not in WITHOUT_PLACE
    if appointment.group_session_id is not None and had_one:
        await give_back(db, appointment.clinic_id, appointment.group_session_id)
