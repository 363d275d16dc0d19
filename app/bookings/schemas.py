"""Rooms, working hours and free times on the wire."""

from datetime import date, time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from app.bookings.rules import Hours, Week
from app.core.fields import Day, Moment, WallTime, Whole
from app.core.schemas import Incoming, Outgoing
from app.protocols.day_figures import Clock

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Field(description="What people call it.", examples=["Room 2"]),
]
Places = Annotated[Whole, Field(ge=1, le=500, description="How many patients fit in.", examples=[8])]
AnyWeekday = Annotated[Weekday, Field(description="The day of the week on which they begin.", examples=["monday"])]
Begins = Annotated[Clock, Field(description="By the clock on the clinic's wall.", examples=["08:00"])]
Ends = Annotated[
    Clock,
    Field(
        description="By the same clock. An end that is not after the begin is on the next day; the same time twice is "
        "a whole day.",
        examples=["16:30"],
    ),
]
FirstDay = Annotated[Day, Field(description="The first day.")]
LastDay = Annotated[Day, Field(description="The last day; the same as the first for one day.")]


class RoomWrite(Incoming):
    """A room."""

    name: Name
    places: Places
    retired: Annotated[
        bool, Field(strict=True, description="Whether it cannot be booked any more. What is booked already stays.")
    ] = False


class Room(Outgoing):
    """A room: one appointment, or one meeting of a group, can have it at a time."""

    id: UUID = Field(description="Its id, made by whoever added it.")
    name: Name
    places: Places
    retired_at: Moment | None = Field(description="Since when it cannot be booked; null while it can.")
    version: int = Field(description="Counts the changes of this room; the `ETag`.", examples=[1])


class RoomPage(Outgoing):
    """Rooms by name."""

    items: list[Room] = Field(description="The rooms of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class HoursWrite(Incoming):
    """Hours of a day of the week."""

    weekday: AnyWeekday
    begins: Begins
    ends: Ends


class WeeklyHours(Outgoing):
    """Hours of a day of the week."""

    weekday: AnyWeekday
    begins: Begins
    ends: Ends


class AwayWrite(Incoming):
    """Days on which no hours begin."""

    first_day: FirstDay
    last_day: LastDay


class Away(Outgoing):
    """Days on which no hours begin."""

    first_day: FirstDay
    last_day: LastDay


class WorkingHoursWrite(Incoming):
    """When a member of staff can be booked. It replaces what was said before."""

    hours: list[HoursWrite] | None = Field(
        None, max_length=100, description="Every week; null for the clinic's usual hours, empty for never."
    )
    away: list[AwayWrite] = Field(
        default_factory=list, max_length=400, description="Days on which no hours begin: a holiday, a course."
    )


class WorkingHours(Outgoing):
    """When a member of staff can be booked, by the clock of the clinic."""

    staff_id: UUID = Field(description="Whose hours these are.")
    time_zone: str = Field(description="The clinic's zone, whose clock the hours are of.", examples=["Europe/Berlin"])
    usual: bool = Field(description="Whether these are the clinic's usual hours, because nobody said otherwise.")
    hours: list[WeeklyHours] = Field(description="Every week.")
    away: list[Away] = Field(description="Days on which no hours begin.")
    version: int = Field(description="Counts the changes; 0 before the first. The `ETag`.", examples=[1])


class FreeTime(Outgoing):
    """A time at which everybody and everything that was asked for is free."""

    starts_at: Moment = Field(description="When it begins.")
    ends_at: Moment = Field(description="When it ends.")
    local_time: WallTime = Field(description="When it begins by the clock of the clinic.")


class FreeTimePage(Outgoing):
    """Free times in their order. They overlap: each is one that could be booked, not all of them together."""

    time_zone: str = Field(description="The clinic's zone, whose clock `local_time` is of.", examples=["Europe/Berlin"])
    minutes: int = Field(description="How long each is.", examples=[50])
    step_minutes: int = Field(description="In steps of so many minutes.", examples=[15])
    items: list[FreeTime] = Field(description="The free times of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


def as_week(content: dict[str, Any], usual: Week) -> Week:
    """What is stored of somebody's hours, as the rules read it."""
    hours = content["hours"]
    return Week(
        usual.hours
        if hours is None
        else tuple(
            Hours(WEEKDAYS.index(each["weekday"]), time.fromisoformat(each["begins"]), time.fromisoformat(each["ends"]))
            for each in hours
        ),
        tuple(
            (date.fromisoformat(each["first_day"]), date.fromisoformat(each["last_day"])) for each in content["away"]
        ),
    )


def as_hours(week: Week) -> list[dict[str, str]]:
    """Hours of the rules, as they are shown."""
    return [
        {
            "weekday": WEEKDAYS[each.weekday],
            "begins": each.begins.isoformat("minutes"),
            "ends": each.ends.isoformat("minutes"),
        }
        for each in week.hours
    ]
