"""Groups on the wire. What is said of members is said to staff who may know of them, and never to another member."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.appointments.rules import AppointmentChannel, AppointmentKind, AppointmentStatus, AttendanceReason
from app.appointments.schemas import Words
from app.appointments.series_schemas import Clashes, FirstAt, LeftOut, Length, RuleText, SeriesStatus, Zone
from app.core.fields import Day, Moment, TimeZoneName, Whole
from app.core.schemas import Incoming, Outgoing

MOST_STAFF = 10

GroupName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Field(examples=["Tuesday group"], description="What staff call it. Members are not told."),
]
Capacity = Annotated[Whole, Field(ge=1, le=100, examples=[8], description="How many members have a place.")]
StaffIds = Annotated[
    list[UUID], Field(max_length=MOST_STAFF, description="Members of staff who lead it, each held for every meeting.")
]
RoomId = Annotated[UUID | None, Field(description="Room of the clinic that is taken for it; null for none.")]


class GroupSessionStatus(StrEnum):
    """Whether a group meets. `withdrawn`: the plan of the group does not give this meeting any more."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class GroupSessionAction(StrEnum):
    """What can be done with a meeting; `move` is the `PUT` that plans it anew."""

    MOVE = "move"
    CANCELLATION = "cancellation"


class GroupWrite(Incoming):
    """Plan for a group that meets once, or by a rule."""

    name: GroupName
    kind: AppointmentKind = Field(description="What it is for.")
    channel: AppointmentChannel = Field(AppointmentChannel.IN_PERSON, description="How they meet.")
    capacity: Capacity
    room_id: RoomId = None
    location: Words | None = Field(None, description="Address. Encrypted at rest.", examples=["Room 2"])
    staff_ids: StaffIds = Field(default_factory=list)
    first_at: FirstAt
    time_zone: Zone = None
    minutes: Length
    rule: RuleText | None = Field(None, description="By what rule it repeats, as in a series; null to meet once.")
    left_out: LeftOut = Field(default_factory=list)
    clashes: Clashes = "refuse"


class GroupCancellationWrite(Incoming):
    """Why a group ends, and with which day."""

    reason: AttendanceReason = Field(description="Why.")
    last_day: Day | None = Field(
        None, description="The last day on which it meets; null to cancel every meeting that has not begun."
    )


class GroupSessionWrite(Incoming):
    """Where and when one meeting takes place."""

    scheduled_at: Moment = Field(description="When it begins.")
    ends_at: Moment = Field(description="When it ends, at most a day later.")
    room_id: RoomId = None
    capacity: Capacity
    clashes: Clashes = Field(
        "refuse",
        description="What happens when members have something else then: it is refused, or they lose their place in "
        "this meeting.",
    )


class GroupSessionCancellationWrite(Incoming):
    """Why one meeting does not take place."""

    reason: AttendanceReason = Field(description="Why.")


class GroupMemberWrite(Incoming):
    """How a patient comes to a group."""

    clashes: Clashes = Field(
        "refuse",
        description="What happens when the patient has something else at some meetings: it is refused, or they come "
        "to the others.",
    )


class GroupSession(Outgoing):
    """One meeting of a group."""

    id: UUID = Field(description="Its id, which follows from group and day.")
    group_id: UUID = Field(description="The group that meets.")
    day: Day = Field(description="The day of the rule, which names it; it takes place elsewhere once it was moved.")
    scheduled_at: Moment = Field(description="When it is planned to begin.")
    ends_at: Moment = Field(description="When it is planned to end.")
    status: GroupSessionStatus = Field(description="Whether they meet.")
    reason: AttendanceReason | None = Field(description="Why it was called off; null when it was not.")
    version: int = Field(description="Counts the changes of this meeting; the `ETag`.", examples=[1])
    room_id: UUID | None = Field(description="Room of the clinic that is taken for it; null for none.")
    capacity: int = Field(description="How many places there are.", examples=[8])
    taken: int = Field(description="How many of them are taken.", examples=[5])
    moved: bool = Field(description="Whether somebody moved it away from where the rule puts it.")


class GroupSessionPage(Outgoing):
    """Meetings in the order of their planned begin."""

    items: list[GroupSession] = Field(description="The meetings of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class GroupBrief(Outgoing):
    """A group, without its meetings."""

    id: UUID = Field(description="Its id, made by whoever set it up.")
    name: GroupName
    status: SeriesStatus = Field(description="`ended` once somebody ended it.")
    version: int = Field(description="Counts the changes of the group; the `ETag`.", examples=[1])
    kind: AppointmentKind = Field(description="What it is for.")
    channel: AppointmentChannel = Field(description="How they meet.")
    capacity: int = Field(description="How many members have a place in each meeting.", examples=[8])
    room_id: UUID | None = Field(description="Room of the clinic that is taken for it; null for none.")
    location: str | None = Field(description="Address; null when none was given.")
    staff_ids: list[UUID] = Field(description="Members of staff who lead it.")
    first_at: FirstAt
    time_zone: TimeZoneName = Field(description="Whose clock counts.")
    minutes: int = Field(description="How long each meeting takes, in minutes.", examples=[90])
    rule: str | None = Field(description="By what rule it repeats, written in one way; null when it meets once.")
    left_out: list[Day] = Field(description="Days that the rule gives and on which it does not meet.")
    clashing: list[Day] = Field(description="Further days on which it does not, since somebody or the room was taken.")
    planned_until: Moment | None = Field(
        description="How far a rule without an end is booked by now; it goes on by itself. Null when all of it is."
    )


class Group(GroupBrief):
    """A group with its meetings."""

    sessions: list[GroupSession] = Field(description="Its meetings by the days of the rule, also what was called off.")


class GroupPage(Outgoing):
    """Groups by their names."""

    items: list[GroupBrief] = Field(description="The groups of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class Place(Outgoing):
    """What a member has in one meeting."""

    group_session_id: UUID = Field(description="The meeting.")
    appointment_id: UUID = Field(description="The member's own appointment.")
    scheduled_at: Moment = Field(description="When it is planned to begin.")
    status: AppointmentStatus = Field(description="`booked` with a place, `waitlist` while waiting for one.")


class GroupMember(Outgoing):
    """A patient who belongs to a group, with the meetings to come."""

    group_id: UUID = Field(description="The group.")
    patient_id: UUID = Field(description="The patient.")
    joined_at: Moment = Field(description="Since when. Who joined first is first in the waiting list of each meeting.")
    left_at: Moment | None = Field(description="Until when; null for who belongs to it.")
    places: list[Place] = Field(description="The meetings to come, in their order.")


class GroupMemberList(Outgoing):
    """The members of a group whom the caller may know of."""

    items: list[GroupMember] = Field(description="Who joined first comes first.")
    next_cursor: str | None = Field(description="Always null: a group has few members.")
    others: int = Field(description="How many members it has besides, whom you may not know of.", examples=[3])


class PatientGroup(Outgoing):
    """A group that a patient belongs or belonged to."""

    group: GroupBrief = Field(description="The group.")
    joined_at: Moment = Field(description="Since when.")
    left_at: Moment | None = Field(description="Until when; null for who belongs to it.")


class PatientGroupList(Outgoing):
    """The groups of a patient, those joined last first."""

    items: list[PatientGroup] = Field(description="The groups.")
    next_cursor: str | None = Field(description="Always null: nobody is in many groups.")
