"""What a check-in plan consists of: items that say which instruments are asked for, and when. Shapes only, no clock.

The same shapes are sent, kept and shown. Times are those of the patient's wall clock.
"""

from collections.abc import Iterator
from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from app.core.fields import Day
from app.core.schemas import Incoming

DAY_MINUTES = 24 * 60

Clock = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="A time on the patient's wall clock, `HH:MM`.",
        examples=["09:00"],
    ),
]
ItemKey = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^[a-z0-9_]{1,32}$",
        description="Its name within the plan. The ids of what is asked for follow from it: keep it and they stay.",
        examples=["morning"],
    ),
]
InstrumentKeys = Annotated[
    tuple[Annotated[str, Field(strict=True, min_length=1, max_length=64)], ...],
    Field(min_length=1, max_length=10, description="Keys of the instruments asked for.", examples=[["craving_nrs"]]),
]
OpensBefore = Annotated[
    int,
    Field(strict=True, ge=0, le=DAY_MINUTES, description="It can be answered from so many minutes before it is due."),
]
ClosesAfter = Annotated[
    int,
    Field(strict=True, ge=1, le=DAY_MINUTES, description="It is answered in time until so many minutes after that."),
]
Reminders = Annotated[
    tuple[Annotated[int, Field(strict=True, ge=-DAY_MINUTES, le=DAY_MINUTES)], ...] | None,
    Field(
        max_length=5,
        description="The phone reminds so many minutes after it is due, negative is before; null for the usual ones "
        "of the clinic (`asking.reminder_minutes` of the protocol).",
    ),
]


class Weekday(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @classmethod
    def of(cls, day: date) -> "Weekday":
        """The weekday of this day."""
        return WEEKDAYS[day.weekday()]


WEEKDAYS = tuple(Weekday)


class _Item(Incoming):
    key: ItemKey
    instruments: InstrumentKeys


class _Asked(_Item):
    reminder_minutes: Reminders = None


class _ByTheCalendar(_Asked):
    closes_minutes_after: ClosesAfter
    starts_on: Annotated[Day | None, Field(description="The first day; null for the day it is planned.")] = None
    ends_on: Annotated[Day | None, Field(description="The last day; null for none.")] = None

    def holds(self, day: date) -> bool:
        """Whether anything is asked for on this day."""
        return (self.starts_on is None or day >= self.starts_on) and (self.ends_on is None or day <= self.ends_on)


class _OnWeekdays(_ByTheCalendar):
    weekdays: Annotated[
        tuple[Weekday, ...] | None, Field(min_length=1, max_length=7, description="On these days; null for every day.")
    ] = None

    def holds(self, day: date) -> bool:
        """Whether anything is asked for on this day."""
        return super().holds(day) and (self.weekdays is None or Weekday.of(day) in self.weekdays)


class FixedItem(_OnWeekdays):
    """Asked for at fixed times of the day. Nine o'clock stays nine when the clocks move."""

    kind: Annotated[Literal["fixed"], Field(description="What kind of item it is.")]
    local_times: Annotated[
        tuple[Clock, ...],
        Field(min_length=1, max_length=12, description="At these times of the day.", examples=[["09:00", "20:00"]]),
    ]
    opens_minutes_before: OpensBefore


class Window(Incoming):
    """A part of the day in which it is asked for at moments that nobody can foresee."""

    from_time: Clock
    until_time: Clock
    prompts: Annotated[int, Field(strict=True, ge=1, le=12, description="So many times within it.", examples=[2])]


class RandomItem(_OnWeekdays):
    """Asked for at random within windows of the day. It opens when it is due, and not before."""

    kind: Annotated[Literal["random"], Field(description="What kind of item it is.")]
    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=6, description="The parts of the day.")]


class EveryNDaysItem(_ByTheCalendar):
    """Asked for every so many days, counted from `starts_on`."""

    kind: Annotated[Literal["every_n_days"], Field(description="What kind of item it is.")]
    days: Annotated[int, Field(strict=True, ge=2, le=366, description="From one to the next.", examples=[14])]
    starts_on: Annotated[Day, Field(description="The first day.")]
    local_time: Clock
    opens_minutes_before: OpensBefore

    def holds(self, day: date) -> bool:
        """Whether it is asked for on this day."""
        return super().holds(day) and (day - self.starts_on).days % self.days == 0


class RelativeItem(_Asked):
    """Asked for so long before or after each dose; counted from the planned begin until there is a real one.

    With the key of a time point of the clinic's protocol it takes that one's place.
    """

    kind: Annotated[Literal["relative_to_dose"], Field(description="What kind of item it is.")]
    minutes: Annotated[
        int,
        Field(
            strict=True,
            ge=-14 * DAY_MINUTES,
            le=60 * DAY_MINUTES,
            description="Minutes from the begin of the dose; negative before it.",
            examples=[240],
        ),
    ]
    opens_minutes_before: Annotated[
        int,
        Field(strict=True, ge=0, le=7 * DAY_MINUTES, description="It opens so many minutes before it is due."),
    ]
    closes_minutes_after: Annotated[
        int,
        Field(strict=True, ge=1, le=7 * DAY_MINUTES, description="It closes so many minutes after it was due."),
    ]


class OnDemandItem(_Item):
    """Offered at any time, for whenever the patient wants to say something. Never due, so never missed."""

    kind: Annotated[Literal["on_demand"], Field(description="What kind of item it is.")]


PlanItem = Annotated[FixedItem | RandomItem | EveryNDaysItem | RelativeItem | OnDemandItem, Field(discriminator="kind")]
CalendarItem = FixedItem | RandomItem | EveryNDaysItem


class PlanContent(Incoming):
    """What a patient is asked for."""

    items: Annotated[tuple[PlanItem, ...], Field(max_length=30, description="What is asked for, and when.")]
    around_doses: Annotated[
        bool,
        Field(
            strict=True,
            description="Whether the patient's time points of the clinic's protocol are asked for around each dose, "
            "beside the items `relative_to_dose`.",
        ),
    ] = True

    def by_the_calendar(self) -> Iterator[CalendarItem]:
        """The items that are asked for on days, doses or not."""
        return (item for item in self.items if isinstance(item, CalendarItem))

    def relative(self) -> Iterator[RelativeItem]:
        """The items that are asked for around doses."""
        return (item for item in self.items if isinstance(item, RelativeItem))


USUAL = PlanContent(items=())
"""Without any plan: asked only around doses, by the protocol."""


def clock_time(text: str) -> time:
    """The time that a `Clock` says."""
    return time.fromisoformat(text)
