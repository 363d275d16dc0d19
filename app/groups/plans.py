"""The plan of a group: filled in, checked, and kept on its row."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.appointments import recurrence
from app.appointments.recurrence import Instance
from app.bookings.models import Room
from app.core.db import Database
from app.core.errors import FieldError, InvalidRequest
from app.core.fields import wall_time_text, zone
from app.core.local_times import resolve_local
from app.groups.models import Group, GroupSession
from app.groups.schemas import GroupWrite
from app.identity.queries import staff_among
from app.protocols.rules import Protocol


@dataclass(frozen=True, slots=True)
class Plan:
    """When a group meets."""

    first_at: datetime
    time_zone: str
    minutes: int
    rule: recurrence.Rule | None
    left_out: frozenset[date]

    def instances(self, now: datetime, protocol: Protocol) -> tuple[list[Instance], datetime | None]:
        """The meetings to be booked by now, and how far that is; None when these are all."""
        if self.rule is None:
            return [Instance(self.first_at, resolve_local(self.first_at, self.time_zone))], None
        figures = protocol.booking
        until = None if self.rule.ends else now + timedelta(days=figures.planned_days)
        found, whole = recurrence.instances(
            self.rule, self.first_at, self.time_zone, most=figures.most_repetitions, until=until
        )
        return [each for each in found if each.day not in self.left_out], None if whole else until

    def ends_at(self, begin: datetime) -> datetime:
        """When a meeting that begins then ends."""
        return begin + timedelta(minutes=self.minutes)


def checked(asked: GroupWrite, clinic_zone: str, protocol: Protocol) -> Plan:
    """Fill in and check when a group wants to meet; raises `InvalidRequest`."""
    time_zone, most = asked.time_zone or clinic_zone, protocol.booking.most_repetitions
    if asked.rule is None:
        faults = [FieldError("/left_out", "not_in_rule", "There is no rule to leave a day out of.")]
        if asked.left_out:
            raise InvalidRequest(errors=faults)
        return Plan(asked.first_at, time_zone, asked.minutes, None, frozenset())
    rule = recurrence.check(asked.rule, asked.first_at, time_zone, most)
    recurrence.check_left_out(asked.left_out, rule, asked.first_at, time_zone, most)
    return Plan(asked.first_at, time_zone, asked.minutes, rule, frozenset(asked.left_out))


def kept(group: Group) -> Plan:
    """The plan of a group as it stands."""
    return Plan(
        datetime.fromisoformat(group.first_at),
        group.time_zone,
        group.minutes,
        recurrence.read(group.rule) if group.rule else None,
        frozenset(map(date.fromisoformat, group.left_out)),
    )


def columns_of(asked: GroupWrite, plan: Plan) -> dict[str, Any]:
    """What is kept of a plan; the same for two that say the same."""
    return {
        "name": asked.name,
        "kind": asked.kind.value,
        "channel": asked.channel.value,
        "capacity": asked.capacity,
        "room_id": asked.room_id,
        "location": asked.location,
        "staff_ids": [str(this) for this in dict.fromkeys(asked.staff_ids)],
        "first_at": wall_time_text(plan.first_at),
        "time_zone": plan.time_zone,
        "minutes": plan.minutes,
        "rule": str(plan.rule) if plan.rule else None,
        "left_out": [day.isoformat() for day in sorted(plan.left_out)],
    }


def stop(group: Group, last_day: date) -> None:
    """Let the rule of a group say that it ended."""
    if group.rule is not None:
        group.rule = str(replace(recurrence.read(group.rule), count=None, until=last_day))
    group.planned_until = None


def day_of(group: Group, session: GroupSession) -> date:
    """The day of the rule that a meeting stands for."""
    return session.recurrence_at.astimezone(zone(group.time_zone)).date()


async def check_named(
    db: Database, clinic_id: UUID, *, staff_ids: list[UUID], room_id: UUID | None, capacity: int
) -> None:
    """Raise `InvalidRequest` for staff and rooms that the clinic does not have, and a room that is too small."""
    known = await staff_among(db, clinic_id, staff_ids)
    faults = [
        FieldError(f"/staff_ids/{n}", "unknown_staff", "The clinic has no member of staff with this id.")
        for n, this in enumerate(staff_ids)
        if this not in known
    ]
    room = await db.get(Room, (clinic_id, room_id)) if room_id else None
    if room_id and (room is None or room.retired_at is not None):
        faults.append(FieldError("/room_id", "unknown_room", "The clinic has no room in use with this id."))
    elif room is not None and room.places < capacity:
        words = "More members than the room has places."
        faults.append(FieldError("/capacity", "room_too_small", words, {"max": room.places}))
    if faults:
        raise InvalidRequest(errors=faults)
