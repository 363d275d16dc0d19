"""The roster on the wire, and as the rules read it."""

from datetime import date, time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from app.core.fields import Day, Moment
from app.core.schemas import Incoming, Outgoing
from app.safety.roster_rules import OnCall, Roster, Shift, Span, Staffed

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Channel = Literal["mail", "webhook"]
AnyWeekday = Annotated[Weekday, Field(description="The day of the week on which it begins.", examples=["monday"])]
WallTime = Annotated[
    str,
    Field(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="A time on the clock on the clinic's wall. An end that is not after its begin is on the next day; "
        "the same time twice is a whole day.",
        examples=["08:00"],
    ),
]
FirstId = Annotated[UUID, Field(description="Who is called first: id of a prescriber, nurse or therapist.")]
SecondId = Annotated[UUID | None, Field(description="Who is called when the first does not answer; null for nobody.")]
OfDay = Annotated[Day, Field(description="The day on which it begins; it then counts in place of the weekly ones.")]
Country = Annotated[
    str,
    Field(
        pattern=r"^[A-Z]{2}$",
        description="Where the clinic is, ISO 3166-1 alpha-2: whose emergency numbers the crisis card shows.",
        examples=["US"],
    ),
]
TELEPHONE = r"^\+?[0-9 ()./-]{3,30}$"
Telephone = Annotated[
    str | None,
    Field(description="The clinic's number, for the crisis card and reports.", examples=["+1 555 010 0199"]),
]
Address = Annotated[
    str | None,
    Field(description="The clinic's postal address, for reports.", examples=["1 River Road, Springfield"]),
]
HoursText = Annotated[
    str | None,
    Field(
        description="The hours in the clinic's own words, as patients read them.", examples=["Monday to Friday, 8 to 6"]
    ),
]
ClosedOn = Annotated[
    list[Day],
    Field(max_length=400, description="Days on which no staffed hours begin. Shifts on call go on.", examples=[[]]),
]
LeadId = Annotated[UUID | None, Field(description="Who is asked last: the lead of the clinic, who may open records.")]
OutsideHours = Annotated[
    Literal["on_call", "not_promised"],
    Field(
        description="`on_call`: whoever is on call answers at any hour. `not_promised`: alerts wait for staffed hours, "
        "and patients are told so before they are asked."
    ),
]


def _distinct(channels: list[Channel]) -> list[Channel]:
    return sorted(set(channels))


def _by_mail() -> list[Channel]:
    return ["mail"]


Channels = Annotated[
    list[Channel],
    Field(
        min_length=1,
        max_length=2,
        description="How those on call are reached: `mail` through this server's own, where it has one; `webhook` when "
        "a system of the clinic listens to `alert.raised` and `alert.escalated` and calls them.",
        examples=[["mail"]],
    ),
    AfterValidator(_distinct),
]


class StaffedHoursWrite(Incoming):
    """Hours of a day of the week in which somebody is at the clinic."""

    weekday: AnyWeekday
    begins: WallTime
    ends: WallTime


class StaffedHours(Outgoing):
    """Hours of a day of the week in which somebody is at the clinic."""

    weekday: AnyWeekday
    begins: WallTime
    ends: WallTime


class OnCallShiftWrite(Incoming):
    """Who is on call in hours of a day of the week, every week."""

    weekday: AnyWeekday
    begins: WallTime
    ends: WallTime
    first_id: FirstId
    second_id: SecondId = None


class OnCallShift(Outgoing):
    """Who is on call in hours of a day of the week, every week."""

    weekday: AnyWeekday
    begins: WallTime
    ends: WallTime
    first_id: FirstId
    second_id: SecondId


class OnCallOverrideWrite(Incoming):
    """Who is on call in hours of one day, in place of whoever the week names."""

    on: OfDay
    begins: WallTime
    ends: WallTime
    first_id: FirstId
    second_id: SecondId = None


class OnCallOverride(Outgoing):
    """Who is on call in hours of one day, in place of whoever the week names."""

    on: OfDay
    begins: WallTime
    ends: WallTime
    first_id: FirstId
    second_id: SecondId


class OnCallRosterWrite(Incoming):
    """Who is on call, when the clinic is staffed, and how it is reached. It replaces what was said before."""

    country: Country
    telephone: Annotated[Telephone, Field(pattern=TELEPHONE)] = None
    address: Annotated[Address, Field(min_length=1, max_length=500)] = None
    hours: Annotated[HoursText, Field(min_length=1, max_length=500)] = None
    staffed_hours: Annotated[
        list[StaffedHoursWrite],
        Field(default_factory=list, max_length=100, description="When somebody is at the clinic."),
    ]
    closed_on: Annotated[ClosedOn, Field(default_factory=list)]
    shifts: Annotated[
        list[OnCallShiftWrite], Field(default_factory=list, max_length=200, description="Who is on call, every week.")
    ]
    overrides: Annotated[
        list[OnCallOverrideWrite],
        Field(default_factory=list, max_length=400, description="Who is on call on single days."),
    ]
    lead_id: LeadId = None
    outside_hours: OutsideHours = "not_promised"
    channels: Annotated[Channels, Field(default_factory=_by_mail)]


class OnCallRoster(Outgoing):
    """Who is on call, when the clinic is staffed, and how it is reached."""

    version: Annotated[int, Field(description="Counts the versions; 0 before there is one.", examples=[1])]
    made_at: Annotated[Moment | None, Field(description="When this version was made; null before there is one.")]
    made_by: Annotated[UUID | None, Field(description="Who made it.")]
    time_zone: Annotated[str, Field(description="The clinic's zone, whose clock all times are of.")]
    country: Annotated[Country | None, Field(description="Where the clinic is; null while nobody has said.")]
    telephone: Telephone
    address: Address
    hours: HoursText
    staffed_hours: Annotated[list[StaffedHours], Field(description="When somebody is at the clinic.")]
    closed_on: ClosedOn
    shifts: Annotated[list[OnCallShift], Field(description="Who is on call, of every week.")]
    overrides: Annotated[list[OnCallOverride], Field(description="Who is on call on single days.")]
    lead_id: LeadId
    outside_hours: OutsideHours
    channels: Channels
    staffed_now: Annotated[bool, Field(description="Whether somebody is at the clinic at this moment.")]
    on_call_now: Annotated[UUID | None, Field(description="Who is called first at this moment; null for nobody.")]
    alerts_promised: Annotated[
        bool, Field(description="Whether a patient is told at this moment that the team has been told.")
    ]


def as_rules(content: dict[str, Any], time_zone: str) -> Roster:
    """What is stored of a roster, as the rules read it."""
    return Roster(
        time_zone=time_zone,
        staffed=tuple(Staffed(WEEKDAYS.index(each["weekday"]), _span(each)) for each in content["staffed_hours"]),
        closed_on=frozenset(date.fromisoformat(day) for day in content["closed_on"]),
        shifts=(
            *(Shift(_span(each), _who(each), weekday=WEEKDAYS.index(each["weekday"])) for each in content["shifts"]),
            *(Shift(_span(each), _who(each), day=date.fromisoformat(each["on"])) for each in content["overrides"]),
        ),
        lead_id=_id(content["lead_id"]),
        outside_hours=content["outside_hours"],
        channels=frozenset(content["channels"]),
    )


def _span(hours: dict[str, Any]) -> Span:
    return Span(time.fromisoformat(hours["begins"]), time.fromisoformat(hours["ends"]))


def _who(shift: dict[str, Any]) -> OnCall:
    return OnCall(UUID(shift["first_id"]), _id(shift["second_id"]))


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
