"""What becomes of the appointments of a series when its plan changes. Pure rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID, uuid5

from app.appointments.recurrence import Instance
from app.appointments.rules import PLANNED, AppointmentStatus
from app.appointments.schemas import AppointmentWrite
from app.appointments.series_schemas import AppointmentSeriesWrite


class Planned(Protocol):
    """What is looked at of an appointment."""

    status: str
    scheduled_at: datetime


A = TypeVar("A", bound=Planned)


@dataclass(frozen=True, slots=True)
class Sorted(Generic[A]):
    """What is to be done with each day."""

    add: list[Instance]
    keep: list[tuple[A, Instance]]
    drop: list[A]


def instance_id(of: UUID, day: date, *more: object) -> UUID:
    """The id of what takes place on a day of a series: the same whenever it is worked out, so nothing is made twice."""
    return uuid5(of, "/".join(map(str, (day.isoformat(), *more))))


def is_open(appointment: Planned, now: datetime) -> bool:
    """Whether a plan may still change it: nothing has become of it yet."""
    return appointment.scheduled_at > now and AppointmentStatus(appointment.status) in PLANNED


def sort_out(wanted: Iterable[Instance], existing: Mapping[date, A], *, now: datetime, is_new: bool) -> Sorted[A]:
    """Tell what a plan adds, keeps and drops of what is there.

    What has begun, or was cancelled by somebody, stays as it is. A series that is `new` may begin in the past; later
    changes do not reach there.
    """
    days = {instance.day: instance for instance in wanted}
    add = [i for day, i in days.items() if day not in existing and (is_new or i.at > now)]
    keep = [(a, days[day]) for day, a in existing.items() if day in days and is_open(a, now)]
    drop = [a for day, a in existing.items() if day not in days and is_open(a, now)]
    return Sorted(add, keep, drop)


def plan_of(series: AppointmentSeriesWrite, at: datetime) -> AppointmentWrite:
    """The plan of the appointment that begins at this moment."""
    return AppointmentWrite(
        kind=series.kind,
        format=series.format,
        channel=series.channel,
        status=series.status,
        scheduled_at=at,
        ends_at=at + timedelta(minutes=series.minutes),
        location=series.location,
        participants=series.participants,
        room_id=series.room_id,
        override_reason=series.override_reason,
    )
