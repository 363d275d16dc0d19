"""Appointments that repeat, on the wire."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.appointments import recurrence
from app.appointments.rules import AppointmentChannel, AppointmentFormat, AppointmentKind, AppointmentStatus
from app.appointments.schemas import (
    MOST_PARTICIPANTS,
    AppointmentCancellationWrite,
    Participant,
    ParticipantWrite,
    Reason,
    Words,
)
from app.core.fields import Day, Moment, TimeZoneName, WallTime, Whole
from app.core.schemas import Incoming, Outgoing

LONGEST_MINUTES = 24 * 60
MOST_LEFT_OUT = 500

RuleText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=recurrence.LONGEST,
        examples=["FREQ=WEEKLY;BYDAY=MO;COUNT=12"],
        description="By what rule it repeats (RFC 5545): at most once a day. Read are FREQ, INTERVAL, COUNT, UNTIL, "
        "BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS (monthly and yearly) and WKST. The first one has to be given by it too.",
    ),
]
FirstAt = Annotated[
    WallTime, Field(description="When the first one begins, by the clock of `time_zone`; the others at the same time.")
]
Zone = Annotated[
    TimeZoneName | None, Field(description="Whose clock counts; null for that of the clinic. Nine stays nine there.")
]
Length = Annotated[
    Whole, Field(ge=1, le=LONGEST_MINUTES, examples=[50], description="How long each of them takes, in minutes.")
]
LeftOut = Annotated[
    list[Day],
    Field(max_length=MOST_LEFT_OUT, description="Days that the rule gives and on which it does not take place."),
]
Clashes = Annotated[
    Literal["refuse", "leave_out"],
    Field(
        description="What happens when somebody or the room is taken on some of the days: all is refused, or these "
        "days are left out and named in the answer."
    ),
]


class SeriesStatus(StrEnum):
    """Whether a series still goes on."""

    ACTIVE = "active"
    ENDED = "ended"


class AppointmentSeriesWrite(Incoming):
    """Plan for appointments that repeat."""

    rule: RuleText
    first_at: FirstAt
    time_zone: Zone = None
    minutes: Length
    left_out: LeftOut = Field(default_factory=list)
    clashes: Clashes = "refuse"
    continues: UUID | None = Field(
        None,
        description="A series of the patient that this one takes over from its first day on: for a change of one "
        "appointment and all that follow. Those that were planned there become ones of this series, keeping their ids.",
    )
    kind: AppointmentKind = Field(description="What each of them is for.")
    format: AppointmentFormat = Field(AppointmentFormat.INDIVIDUAL, description="Who meets.")
    channel: AppointmentChannel = Field(AppointmentChannel.IN_PERSON, description="How they meet.")
    status: Literal[
        AppointmentStatus.PROPOSED, AppointmentStatus.PENDING, AppointmentStatus.WAITLIST, AppointmentStatus.BOOKED
    ] = Field(AppointmentStatus.BOOKED, description="How firm the plan is.")
    location: Words | None = Field(None, description="Room or address. Encrypted at rest.", examples=["Room 2"])
    participants: list[ParticipantWrite] = Field(
        default_factory=list, max_length=MOST_PARTICIPANTS, description="Who takes part beside the patient."
    )
    room_id: UUID | None = Field(None, description="Room of the clinic that is taken for it; null for none.")
    override_reason: Reason | None = Field(
        None, description="Why they are booked although somebody or the room is taken; null refuses that."
    )


class AppointmentSeriesCancellationWrite(AppointmentCancellationWrite):
    """Who ends a series, why, and with which day."""

    last_day: Day | None = Field(
        None, description="The last day on which it still takes place; null to cancel all that has not begun."
    )


class SeriesInstance(Outgoing):
    """One appointment of a series."""

    day: Day = Field(description="The day of the rule, which names it; it takes place elsewhere once it was moved.")
    appointment_id: UUID = Field(description="The appointment: read, move, cancel and attend it as any other.")
    scheduled_at: Moment = Field(description="When it is planned to begin.")
    ends_at: Moment | None = Field(description="When it is planned to end.")
    status: AppointmentStatus = Field(description="What became of it.")
    version: int = Field(description="Version of the appointment.", examples=[1])
    moved: bool = Field(description="Whether somebody moved it away from where the rule puts it.")
    shifted: bool = Field(description="Whether the day has no such time, since clocks go forward, so that it is later.")
    folded: bool = Field(description="Whether the day has the time twice, since clocks go back; the first is meant.")


class AppointmentSeriesBrief(Outgoing):
    """Appointments of a patient that repeat, without each of them."""

    id: UUID = Field(description="Its id, made by whoever planned it.")
    patient_id: UUID = Field(description="Whose appointments they are.")
    status: SeriesStatus = Field(description="`ended` once somebody ended it, or another series took over.")
    version: int = Field(description="Counts the changes of the plan; for `If-Match`.", examples=[1])
    rule: str = Field(description="The rule, written in one way. Where it was ended, it says until when it went.")
    first_at: FirstAt
    time_zone: TimeZoneName = Field(description="Whose clock counts.")
    minutes: Length
    left_out: list[Day] = Field(description="Days that the rule gives and on which it does not take place.")
    clashing: list[Day] = Field(description="Those of them on which somebody or the room was taken.")
    continues: UUID | None = Field(description="The series that it took over; null for none.")
    kind: AppointmentKind = Field(description="What each of them is for.")
    format: AppointmentFormat = Field(description="Who meets.")
    channel: AppointmentChannel = Field(description="How they meet.")
    location: str | None = Field(description="Room or address; null when none was given.")
    participants: list[Participant] = Field(description="Who takes part beside the patient.")
    room_id: UUID | None = Field(description="Room of the clinic that is taken for it; null for none.")
    override_reason: str | None = Field(description="Why somebody or the room is booked twice; null when nobody is.")
    planned_until: Moment | None = Field(
        description="How far a rule without an end is booked by now; it goes on by itself. Null when all of it is."
    )


class AppointmentSeries(AppointmentSeriesBrief):
    """Appointments of a patient that repeat, with each of them."""

    instances: list[SeriesInstance] = Field(
        description="Each of them, also what was cancelled, by the days of the rule."
    )


class AppointmentSeriesPage(Outgoing):
    """Series of a patient, the newest first."""

    items: list[AppointmentSeriesBrief] = Field(description="The series of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
