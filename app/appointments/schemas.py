"""Appointments on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, computed_field

from app.appointments import rules
from app.appointments.rules import (
    AppointmentAction,
    AppointmentChannel,
    AppointmentFormat,
    AppointmentKind,
    AppointmentOrigin,
    AppointmentStatus,
    Attendance,
    AttendanceReason,
    ParticipantRole,
    ParticipantStatus,
)
from app.core.fields import Moment, Whole
from app.core.schemas import Incoming, Outgoing

MOST_PARTICIPANTS = 20

ScheduledAt = Annotated[Moment, Field(description="When it is planned to begin.")]
EndsAt = Annotated[Moment, Field(description="When it is planned to end, at most a day after it begins.")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Field(examples=["Both therapists see the couple together."]),
]
Minutes = Annotated[
    Whole, Field(ge=0, le=24 * 60, examples=[50], description="How long the patient took part, in minutes.")
]


class ParticipantWrite(Incoming):
    """One who takes part: the patient, a member of staff, or a guest such as a relative. Never another patient."""

    role: ParticipantRole = Field(description="Who it is.")
    staff_id: UUID | None = Field(None, description="Which member of staff; for `staff` only, and needed there.")
    name: Words | None = Field(
        None, description="Name of a guest; for `guest` only. Encrypted at rest.", examples=["Sister"]
    )
    status: ParticipantStatus = Field(ParticipantStatus.NEEDS_ACTION, description="Whether they will come.")


class AppointmentWrite(Incoming):
    """Plan for an appointment."""

    kind: AppointmentKind = Field(description="What it is for.")
    format: AppointmentFormat = Field(AppointmentFormat.INDIVIDUAL, description="Who meets.")
    channel: AppointmentChannel = Field(AppointmentChannel.IN_PERSON, description="How they meet.")
    status: Literal[
        AppointmentStatus.PROPOSED, AppointmentStatus.PENDING, AppointmentStatus.WAITLIST, AppointmentStatus.BOOKED
    ] = Field(AppointmentStatus.BOOKED, description="How firm the plan is.")
    scheduled_at: ScheduledAt
    ends_at: EndsAt | None = Field(None, description="Null for the clinic's usual length.")
    location: Words | None = Field(None, description="Room or address. Encrypted at rest.", examples=["Room 2"])
    participants: list[ParticipantWrite] = Field(
        default_factory=list, max_length=MOST_PARTICIPANTS, description="Who takes part beside the patient."
    )
    room_id: UUID | None = Field(None, description="Room of the clinic that is taken for it; null for none.")
    override_reason: Reason | None = Field(
        None,
        description="Why it is booked although somebody or the room is taken; null refuses that. Encrypted at rest.",
    )


class AttendanceWrite(Incoming):
    """Whether the patient took part."""

    attendance: Literal[Attendance.ATTENDED, Attendance.LATE, Attendance.LEFT_EARLY, Attendance.NO_SHOW] = Field(
        description="Whether the patient took part."
    )
    minutes: Minutes | None = Field(None, description="How long the patient took part, in minutes; not for `no_show`.")
    reason: AttendanceReason | None = Field(None, description="Why they came late, left early or did not come.")


class AppointmentCancellationWrite(Incoming):
    """Who cancels, and why."""

    by: Literal["patient", "clinic"] = Field(description="Who cancels.")
    reason: AttendanceReason = Field(
        description="Why. `entered_in_error` says that the appointment should never have existed."
    )


class OwnCancellationWrite(Incoming):
    """Why you do not come. Nobody has to say."""

    reason: Literal[rules.OWN_REASONS] = Field(  # type: ignore[valid-type]  # the rules name them once
        AttendanceReason.UNKNOWN, description="Why; `unknown` says nothing."
    )


class Participant(Outgoing):
    """One who takes part."""

    role: ParticipantRole = Field(description="Who it is.")
    staff_id: UUID | None = Field(description="Which member of staff; null for others.")
    name: str | None = Field(description="Name of a guest; null for others.")
    status: ParticipantStatus = Field(description="Whether they will come.")


class OwnAppointment(Outgoing):
    """An appointment as its patient sees it."""

    id: UUID = Field(description="Its id, made by whoever booked it.")
    kind: AppointmentKind = Field(description="What it is for.")
    format: AppointmentFormat = Field(description="Who meets.")
    channel: AppointmentChannel = Field(description="How they meet.")
    status: AppointmentStatus = Field(description="What became of it (the codes of FHIR R4).")
    version: int = Field(description="Counts the changes of this appointment; the `ETag`.", examples=[1])
    scheduled_at: ScheduledAt
    ends_at: EndsAt | None = Field(description="When it is planned to end; null for the clinic's usual length.")
    location: str | None = Field(description="Room or address; null when none was given.")
    participants: list[Participant] = Field(description="Who takes part beside the patient.")
    attendance: Attendance | None = Field(description="Whether the patient took part; null until it is recorded.")
    attended_minutes: int | None = Field(description="For how many minutes; null when it was not recorded.")
    cancelled_late: bool | None = Field(
        description="Whether it was cancelled after the clinic's time for that; null when it was not cancelled here."
    )


class Appointment(OwnAppointment):
    """An appointment as the clinic sees it."""

    patient_id: UUID = Field(description="Whose appointment it is.")
    reason: AttendanceReason | None = Field(
        description="Why it was missed, cut short or cancelled; null when nobody said."
    )
    room_id: UUID | None = Field(description="Room of the clinic that is taken for it; null for none.")
    series_id: UUID | None = Field(description="The series that it is one of; null for none.")
    recurrence_at: Moment | None = Field(
        description="When the rule of its series or group puts it; `scheduled_at` is elsewhere once it was moved."
    )
    group_session_id: UUID | None = Field(description="The meeting of a group that it is a place in; null for none.")
    override_reason: Reason | None = Field(
        description="Why somebody or the room was booked twice; null when nobody was, on purpose."
    )
    origin: AppointmentOrigin = Field(description="`clinic` when it was planned here, `imported` when it is history.")

    @computed_field(  # type: ignore[prop-decorator]  # mypy does not know decorators on a property
        description="What can be done with it now: last parts of addresses, and `move` for `PUT`."
    )
    @property
    def open_moves(self) -> tuple[AppointmentAction, ...]:
        """List what can be done with it now."""
        return rules.open_moves(self.status)


class AppointmentStep(Outgoing):
    """One step that an appointment took."""

    version: int = Field(description="Version of the appointment that this step made.", examples=[2])
    at: Moment = Field(description="When the step was recorded.")
    actor_id: UUID | None = Field(
        description="Membership of who took it, also the patient's own; null for an import or the service itself."
    )
    action: str = Field(description="`book`, `import`, or one of the actions.", examples=["arrival"])
    from_status: AppointmentStatus | None = Field(description="AppointmentStatus before; null for the first step.")
    to_status: AppointmentStatus = Field(description="AppointmentStatus afterwards.")
    scheduled_at: Moment = Field(description="The planned begin, as it was after this step.")
    attendance: Attendance | None = Field(description="Attendance, as it was after this step.")
    reason: AttendanceReason | None = Field(description="The reason, as it was after this step.")
    override_reason: Reason | None = Field(description="Why somebody or the room was booked twice, after this step.")


class AppointmentRecord(Appointment):
    """An appointment with every step that it took, oldest first."""

    steps: list[AppointmentStep] = Field(description="Every step, oldest first. None is ever changed or removed.")


class AppointmentPage(Outgoing):
    """Appointments in the order of their planned begin."""

    items: list[Appointment] = Field(description="The appointments of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class OwnAppointmentPage(Outgoing):
    """The patient's appointments in the order of their planned begin."""

    items: list[OwnAppointment] = Field(description="The appointments of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")
