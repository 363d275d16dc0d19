"""The clinic view on the wire. A number that is null is hidden: it is of too few patients, or would give one away."""

from typing import Annotated, Literal

from pydantic import Field

from app.appointments.rules import AppointmentKind
from app.core.fields import Day
from app.core.schemas import Incoming, Outgoing

Count = Annotated[int | None, Field(ge=0, examples=[42])]
Percent = Annotated[float | None, Field(ge=0, le=100, examples=[81.5])]


class ClinicViewQuery(Incoming):
    """Which period is meant."""

    first_day: Annotated[
        Day | None,
        Field(
            alias="from",
            description="First day of one of the clinic's periods, which follow one another from January and have "
            "`reporting.months` of the protocol. It must be over. Left out: the last one that is.",
        ),
    ] = None


class AppointmentCounts(Outgoing):
    """What became of the appointments of one kind that were booked."""

    kind: AppointmentKind = Field(description="What they were for.")
    booked: Count = Field(description="All that were booked. Those that nobody ever confirmed are not among them.")
    attended: Count = Field(description="The patient took part, if late or not to the end.")
    missed: Count = Field(description="The patient did not come.")
    cancelled_by_patient: Count = Field(description="The patient called off.")
    cancelled_by_clinic: Count = Field(description="The clinic called off.")
    not_recorded: Count = Field(description="Nobody wrote down what became of it.")
    attended_percent: Percent = Field(description="Attended, of 100 booked; null also where none was.")


class SessionCounts(Outgoing):
    """What became of the dosing sessions that were planned."""

    planned: Count = Field(description="All of them, by the day for which they were planned.")
    given: Count = Field(description="A dose was begun.")
    missed: Count = Field(description="The patient did not come.")
    cancelled: Count = Field(description="Called off.")
    not_given: Count = Field(description="The patient came, or was waited for, and no dose was begun.")
    given_percent: Percent = Field(description="Given, of 100 planned; null also where none was.")


class CheckInCounts(Outgoing):
    """What became of the check-ins that patients were asked for."""

    due: Count = Field(description="All that were settled. What was withdrawn is not among them.")
    completed: Count = Field(description="Answered in time.")
    late: Count = Field(description="Answered late.")
    missed: Count = Field(description="Not answered. It is no value of anything.")
    completed_percent: Percent = Field(description="Answered in time, of 100 due; null also where none was.")


class ClinicResponse(Outgoing):
    """Response by the published cut-off."""

    responded: Count = Field(description="Fell by that much or more.")
    not_responded: Count = Field(description="Fell by less, or rose.")
    baseline_too_low: Count = Field(description="The baseline is too low for a percentage.")
    percent_reduction: float = Field(description="The cut-off, percent of the baseline.", examples=[50])


class ClinicRemission(Outgoing):
    """Remission by the published cut-off."""

    in_remission: Count = Field(description="Below it.")
    not_in_remission: Count = Field(description="Not below it.")
    below: float = Field(description="The cut-off, points of the scale.", examples=[5])


class ClinicChange(Outgoing):
    """Change by the published number of points."""

    improved: Count = Field(description="Better by so many points or more.")
    unchanged: Count = Field(description="Neither.")
    worse: Count = Field(description="Worse by so many points or more.")
    rule: Literal["reliable_change", "mcid"] = Field(
        description="Reliable change where that is published, else the smallest difference that matters (MCID)."
    )
    points: float = Field(description="How many points.", examples=[6])
    source: str = Field(description="Who published it.", examples=["NHS/IAPT manual"])


class ClinicOutcome(Outgoing):
    """One measure: the latest 7-day mean of the period against the median before the patient's first dose.

    Only patients with both are counted, each once, so the counts of each rule add up to `patients`.
    """

    measure: str = Field(description="The measure.", examples=["phq9_total"])
    title: str = Field(description="Its name.", examples=["PHQ-9 total"])
    patients: Count = Field(description="Patients with a baseline, and a value in the period after their first dose.")
    response: ClinicResponse | None = Field(description="Null where no cut-off is published.")
    remission: ClinicRemission | None = Field(description="Null where no cut-off is published.")
    change: ClinicChange | None = Field(description="Null where no number of points is published.")


class ClinicRelief(Outgoing):
    """How long relief of craving lasted after the doses of the period, as far as the period shows.

    Onset and return are those of the dose-aligned trend (`two_values_beyond_threshold`). Imported doses are left out.
    """

    measure: str = Field(description="The measure.", examples=["craving"])
    substance: str = Field(description="Craving for what. What few report is not listed.", examples=["alcohol"])
    doses: Count = Field(description="Doses of the period, of patients who report it.")
    ended: Count = Field(description="Relief began, and was seen to end.")
    censored: Count = Field(description="Relief began; its end was not seen.")
    without_onset: Count = Field(description="Relief did not begin.")
    too_few_values: Count = Field(description="Too few values before or after the dose to say.")
    median_relief_hours: int | None = Field(
        description="Kaplan-Meier median of how long relief lasted, whole hours. Null also where more than half were "
        "still going on when their values ended, or where a count that it rests on is hidden.",
        examples=[118],
    )


class ClinicView(Outgoing):
    """One period of a clinic, in counts."""

    first_day: Day = Field(description="First day of the period, by the clinic's calendar.")
    last_day: Day = Field(description="Its last day.")
    time_zone: str = Field(description="The clinic's zone.", examples=["Europe/Berlin"])
    months: int = Field(description="Length of a period, months.", examples=[3])
    smallest_group: int = Field(description="Counts of fewer patients are hidden.", examples=[11])
    protocol_version: int = Field(description="Of the figures that were used.", examples=[3])
    patients: Count = Field(description="Patients who had anything planned in the period.")
    appointments: list[AppointmentCounts] = Field(description="By kind, all kinds.")
    dosing_sessions: SessionCounts = Field(description="Dosing sessions.")
    check_ins: CheckInCounts = Field(description="Check-ins that were asked for.")
    outcomes: list[ClinicOutcome] = Field(description="By measure, those for which somebody published what counts.")
    relief: list[ClinicRelief] = Field(description="By substance.")
