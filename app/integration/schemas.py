"""Which therapy followed a dose, and the summary of a session, on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.appointments.rules import AppointmentFormat, AppointmentKind, AppointmentStatus, Attendance
from app.check_in_plans.rules import DueState
from app.core.fields import Moment
from app.core.schemas import Outgoing
from app.dosing.rules import DoseRoute, SessionOrigin, SessionStage, Substance
from app.integration.rules import TherapyOutcome, WindowKey, WindowState

Minutes = Annotated[int | None, Field(description="Minutes from the begin of the dose.", examples=[1680])]


class TherapyAfterDose(Outgoing):
    """An appointment for therapy that was to begin in a window."""

    id: UUID = Field(description="Its id.")
    kind: AppointmentKind = Field(description="What it is for.")
    format: AppointmentFormat = Field(description="Who meets.")
    scheduled_at: Moment = Field(description="When it was to begin.")
    minutes_from_dose: int = Field(description="The same in minutes from the begin of the dose.", examples=[1680])
    status: AppointmentStatus = Field(description="What became of it.")
    attendance: Attendance | None = Field(description="Whether the patient took part; null until it is recorded.")
    attended_minutes: int | None = Field(description="For how many minutes; null when it was not recorded.")
    offered: bool = Field(
        description="Whether the patient could have come: it was booked, and the clinic did not call it off."
    )


class TherapyWindow(Outgoing):
    """One of the three windows after a dose, by the hours that the clinic signed off."""

    key: WindowKey = Field(description="Which of the three.")
    from_hours: int = Field(description="It begins so many hours after the begin of the dose,", examples=[24])
    until_hours: int = Field(description="and ends so many hours after it.", examples=[72])
    starts_at: Moment = Field(description="When it begins.")
    ends_at: Moment = Field(description="When it ends.")
    state: WindowState = Field(description="Where it stands now.")
    offered: int = Field(description="How many appointments for therapy the patient was offered in it.", examples=[2])
    attended: int = Field(description="In how many of those they took part.", examples=[1])
    not_recorded: int = Field(
        description="Of how many of those it is not recorded whether they did. Never zero by guess."
    )
    appointments: list[TherapyAfterDose] = Field(description="All of them in order of time, offered or not.")


class IntegrationWindow(Outgoing):
    """Which therapy followed one dose.

    Counted by the hours between the begin of the dose and that of an appointment. Of doses that are close together one
    appointment may follow both. Which kinds of appointments count is written down in `docs/therapy-after-a-dose.md`.
    """

    dosing_session_id: UUID = Field(description="In which session the dose was given.")
    dose_started_at: Moment = Field(description="When it began.")
    substance: Substance | None = Field(description="What was given.")
    route: DoseRoute | None = Field(description="The way into the body.")
    dose_mg: float | None = Field(description="How much, in milligrams (mg).", examples=[40])
    windows: list[TherapyWindow] = Field(description="The three windows.", min_length=3, max_length=3)
    therapy_within_hours: int = Field(description="The clinic wants therapy within so many hours.", examples=[72])
    outcome: TherapyOutcome = Field(
        description="What came of that: `attended`, `waiting` while there is time; then `not_recorded`, `missed` or "
        "`not_offered`."
    )
    first_attended_at: Moment | None = Field(description="Begin of the first therapy they took part in; null without.")
    minutes_to_first_attended: Minutes = Field(description="The same in minutes from the begin of the dose.")


class IntegrationWindowPage(Outgoing):
    """Doses with the therapy that followed them, the newest dose first."""

    items: list[IntegrationWindow] = Field(description="The doses of this page.")
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last.")


class CheckInOfSession(Outgoing):
    """A check-in that was asked for around a dose."""

    id: UUID = Field(description="Its id.")
    time_point: str = Field(description="Which moment it is.", examples=["plus_24h"])
    minutes_from_dose: Minutes
    due_at: Moment = Field(description="When it is best answered.")
    state: DueState = Field(description="What became of it.")
    check_in_id: UUID | None = Field(description="The check-in that answers it; null without one.")


class AlertsOfSession(Outgoing):
    """How many alerts there were about a session."""

    raised: int = Field(description="In all.", examples=[2])
    open: int = Field(description="Those that nobody has in hand.", examples=[0])


class SessionSummary(Outgoing):
    """A session on one page: what was given, what came of the check-ins around it, and which therapy followed."""

    dosing_session_id: UUID = Field(description="Which session.")
    patient_id: UUID = Field(description="Whose session it is.")
    status: SessionStage = Field(description="How far it has come.")
    origin: SessionOrigin = Field(description="`imported` when it is history from elsewhere.")
    scheduled_at: Moment = Field(description="When it was planned to begin.")
    dose_started_at: Moment | None = Field(description="When the dose began; null while there is none.")
    dose_ended_at: Moment | None = Field(description="When it ended; null until then.")
    substance: Substance | None = Field(description="What was given; null until then.")
    route: DoseRoute | None = Field(description="The way into the body; null until then.")
    dose_mg: float | None = Field(description="How much, in milligrams (mg); null until then.", examples=[40])
    check_ins: list[CheckInOfSession] = Field(description="What the patient was asked for around the dose, by time.")
    alerts: AlertsOfSession
    adverse_events: int = Field(description="How many adverse events were written down.", examples=[0])
    integration: IntegrationWindow | None = Field(description="Which therapy followed; null while there is no dose.")
