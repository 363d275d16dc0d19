"""REMS reports on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from app.core.fields import Day, Moment, Whole
from app.core.schemas import Incoming, Outgoing
from app.rems.rules import RemsField, RemsSection, RemsSource

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Pressure = Annotated[str, Field(pattern=r"^\d{2,3}/\d{2,3}$", examples=["124/78"])]
Minutes = Annotated[Whole, Field(ge=0, le=24 * 60)]
BornOn = Annotated[str, Field(pattern=r"^(19|20)\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", examples=["1988-03-14"])]
SessionId = Annotated[UUID, Field(description="Which session.")]
Status = Annotated[
    Literal["not_started", "draft", "submitted"],
    Field(
        description="`not_started`: nobody added anything; what is shown is computed. `submitted`: the clinic sent it."
    ),
]
DueAt = Annotated[Moment, Field(description="Until when the programme wants it.")]
Overdue = Annotated[bool, Field(description="Whether that is over and the clinic has not noted that it sent it.")]
Reference = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Field(examples=["RM-0117-2026"], description="Number under which the programme has it. Encrypted at rest."),
]


class RemsReportWrite(Incoming):
    """What the session does not say, or says otherwise. All of it each time; null leaves what is known."""

    patient_name: Annotated[Words | None, Field(description="Full name, as the programme knows it.")] = None
    born_on: Annotated[BornOn | None, Field(description="Date of birth.")] = None
    sex: Annotated[Literal["female", "male", "other"] | None, Field(description="Sex.")] = None
    enrolled: Annotated[StrictBool | None, Field(description="Whether the patient is enrolled in the programme.")] = (
        None
    )
    first_treatment: Annotated[StrictBool | None, Field(description="Whether it was the first treatment.")] = None
    benzodiazepines: Annotated[StrictBool | None, Field(description="Whether the patient takes any.")] = None
    non_benzodiazepine_hypnotics: Annotated[StrictBool | None, Field(description="Whether the patient takes any.")] = (
        None
    )
    opioids: Annotated[StrictBool | None, Field(description="Whether the patient takes any.")] = None
    psychostimulants: Annotated[StrictBool | None, Field(description="Whether the patient takes any.")] = None
    maois: Annotated[StrictBool | None, Field(description="Whether the patient takes any.")] = None
    respiratory_depression_risk: Annotated[
        StrictBool | None, Field(description="Whether anything else may depress breathing.")
    ] = None
    clinician_name: Annotated[Words | None, Field(description="Who monitored.")] = None
    clinician_phone: Annotated[Words | None, Field(description="Their telephone.")] = None
    clinician_email: Annotated[Words | None, Field(description="Their e-mail.")] = None
    setting_name: Annotated[Words | None, Field(description="Name of the setting.")] = None
    setting_address: Annotated[Words | None, Field(description="Its address.")] = None
    treated_on: Annotated[Day | None, Field(description="Date of treatment.")] = None
    dose_mg: Annotated[
        float | None, Field(strict=True, gt=0, le=500, allow_inf_nan=False, description="Dose in mg.", examples=[56.0])
    ] = None
    lot: Annotated[Words | None, Field(description="Lot number.")] = None
    minutes_monitored: Annotated[
        Minutes | None, Field(description="Minutes from the first device to the end of monitoring.")
    ] = None
    minutes_until_ready: Annotated[
        Minutes | None, Field(description="Minutes until the patient would have been ready, had two hours not applied.")
    ] = None
    vitals_acceptable_before: Annotated[StrictBool | None, Field(description="Whether they were, before.")] = None
    vitals_acceptable_at_completion: Annotated[
        StrictBool | None, Field(description="Whether they were, at the end.")
    ] = None
    pressure_before: Annotated[Pressure | None, Field(description="Blood pressure before, mm[Hg].")] = None
    pressure_at_40: Annotated[Pressure | None, Field(description="Blood pressure at 40 minutes, mm[Hg].")] = None
    pressure_at_completion: Annotated[Pressure | None, Field(description="Blood pressure at the end, mm[Hg].")] = None
    sedation: Annotated[StrictBool | None, Field(description="Whether there was any.")] = None
    sedation_onset_minutes: Annotated[Minutes | None, Field(description="When it began, minutes.")] = None
    sedation_resolved_minutes: Annotated[Minutes | None, Field(description="When it was over, minutes.")] = None
    dissociation: Annotated[StrictBool | None, Field(description="Whether there was any.")] = None
    dissociation_onset_minutes: Annotated[Minutes | None, Field(description="When it began, minutes.")] = None
    dissociation_resolved_minutes: Annotated[Minutes | None, Field(description="When it was over, minutes.")] = None
    serious_adverse_event: Annotated[StrictBool | None, Field(description="Whether there was any.")] = None
    serious_adverse_events: Annotated[Words | None, Field(description="Which.")] = None


class RemsSubmissionWrite(Incoming):
    """The clinic sent the report itself, and notes it here."""

    reference: Reference
    submitted_at: Annotated[Moment | None, Field(description="When it was sent; null or left out for now.")] = None


class RemsEntry(Outgoing):
    """One field of the form."""

    field: Annotated[RemsField, Field(description="Which field.")]
    section: Annotated[RemsSection, Field(description="In which part of the form.")]
    label: Annotated[str, Field(description="The field in words.", examples=["Lot number"])]
    value: Annotated[str | bool | int | float | None, Field(description="What is filled in.", examples=["124/78"])]
    source: Annotated[RemsSource, Field(description="Where that comes from.")]


class RemsReport(Outgoing):
    """The report of one session, as it stands or as it was sent. Nothing is sent to anybody from here."""

    session_id: SessionId
    patient_id: Annotated[UUID, Field(description="Whose session it was.")]
    version: Annotated[int, Field(description="Counts the changes; the `ETag`. 0 while nobody added anything.")]
    status: Status
    due_at: DueAt
    overdue: Overdue
    missing: Annotated[list[RemsField], Field(description="Fields that nobody has filled in.")]
    entries: Annotated[list[RemsEntry], Field(description="Every field, in the order of the form.")]
    submitted_at: Annotated[Moment | None, Field(description="When the clinic sent it; null until then.")]
    submitted_by: Annotated[UUID | None, Field(description="Who noted that.")]
    reference: Reference | None


class RemsReportSummary(Outgoing):
    """One line of the list of reports."""

    session_id: SessionId
    patient_id: Annotated[UUID, Field(description="Whose session it was.")]
    dose_started_at: Annotated[Moment, Field(description="When the first device was used.")]
    status: Status
    due_at: DueAt
    overdue: Overdue
    submitted_at: Annotated[Moment | None, Field(description="When the clinic sent it; null until then.")]


class RemsReportPage(Outgoing):
    """Reports, the earliest session first."""

    items: Annotated[list[RemsReportSummary], Field(description="The reports of this page.")]
    next_cursor: Annotated[str | None, Field(description="Ask with it for the next page; null on the last.")]
