"""What was written down around each dose, and what the safety rules found: its part of the copy."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment
from app.core.schemas import Outgoing

Who = Annotated[UUID, Field(description="Member of staff, found in `people`.")]
SomeWho = Annotated[UUID | None, Field(description="Member of staff, found in `people`; null where there is none.")]
When = Annotated[Moment, Field(description="When.")]
Version = Annotated[int, Field(description="Counts its changes from 1.", examples=[1])]
Words = Annotated[str | None, Field(description="What somebody wrote; null where nobody did.")]
Written = Annotated[dict[str, Any], Field(description="As it was written down: names and what stood there.")]
WrittenList = Annotated[list[dict[str, Any]], Field(description="As it was written down, one by one.")]
Points = Annotated[int | None, Field(description="Points; null when it was not asked or looked at.")]
Items = Annotated[dict[str, int] | None, Field(description="Points by question; null when it was not asked.")]
Measured = Annotated[int | None, Field(description="Null when it was not measured.")]


class CopiedChecklist(Outgoing):
    """What was asked and looked at before a dose, in one version."""

    version: Version
    recorded_at: When
    recorded_by: Who
    content: Written


class CopiedClearance(Outgoing):
    """A prescriber's word that a dose may be given."""

    cleared_at: When
    cleared_by: Who
    checklist_version: int = Field(description="The version of the checklist that it rests on.", examples=[1])
    findings: WrittenList


class CopiedDoseRecord(Outgoing):
    """What was given, in one version; a correction is one more."""

    version: Version
    recorded_at: When
    recorded_by: Who
    substance: str = Field(description="What was given.", examples=["ketamine"])
    route: str = Field(description="The way into the body.", examples=["IV"])
    dose_mg: float = Field(description="The whole dose, in mg.", examples=[40])
    started_at: When
    ended_at: Moment | None = Field(description="When it was over; null when that is not in this version.")
    weight_kg: float | None = Field(description="Body weight, in kg.", examples=[78])
    weighed_on: date | None = Field(description="The day of that weight.")
    mg_per_kg: float | None = Field(description="The dose by that weight, in mg per kg.", examples=[0.51])
    lot: str | None = Field(description="What is printed on the package.", examples=["K-1234"])
    devices: int | None = Field(description="How many devices of a spray; null for every other way.")
    administered_by: Who
    wasted_mg: float | None = Field(description="What was thrown away, in mg.")
    waste_witnessed_by: SomeWho
    warnings: WrittenList
    confirmations: list[Any] | dict[str, Any] | None = Field(description="Why each warning was meant so.")
    correction_reason: Words


class CopiedDosePause(Outgoing):
    """An infusion stood still."""

    paused_at: When
    resumed_at: Moment | None = Field(description="Until when; null when it did not go on.")
    recorded_by: Who
    reason: Words


class CopiedReadingValues(Outgoing):
    """Vital signs and scores of one moment, in one version."""

    version: Version
    at: When
    taken_at: Moment = Field(description="When, by the clock of the clinic's tablet.")
    received_at: Moment = Field(description="When it reached the service.")
    minutes_from_dose: int | None = Field(description="Minutes from the begin of the dose, negative before it.")
    recorded_by: Who
    clock_suspect: bool = Field(description="Whether the tablet's clock was off.")
    received_late: bool = Field(description="Whether it reached the service long after it was taken.")
    systolic: Measured
    diastolic: Measured
    heart_rate: Measured
    spo2: Measured
    respiratory_rate: Measured
    temperature: float | None = Field(description="Degrees Celsius; null when it was not measured.")
    moaas: Points
    dissociation_items: Items
    dissociation: Points
    aldrete_items: Items
    aldrete: Points
    confirmed: list[str] = Field(description="Unusual values that whoever measured them said are true.")
    flags: WrittenList
    note: Words


class CopiedReadingVersion(CopiedReadingValues):
    """A reading as it was before a correction."""

    replaced_at: Moment = Field(description="When it was corrected.")


class CopiedReading(CopiedReadingValues):
    """A reading. Pressure in mm[Hg], heart and breath per minute, `spo2` in percent."""

    id: UUID = Field(description="Its id.")
    earlier_versions: list[CopiedReadingVersion] = Field(description="Empty when it was never corrected.")


class CopiedDischargeAssessment(Outgoing):
    """Whether everything was as it should be before going home."""

    id: UUID = Field(description="Its id.")
    assessed_at: When
    assessed_by: Who
    met: bool = Field(description="Whether every criterion was met, or passed over with a reason.")
    criteria: WrittenList


class CopiedDischarge(Outgoing):
    """Going home."""

    discharged_at: When
    discharged_by: Who
    assessment_id: UUID = Field(description="The assessment that it rests on.")
    escort: dict[str, Any] | None = Field(description="Who took the patient home; null when nobody did.")
    instructions_given: bool = Field(description="Whether the instructions for the next day were given.")
    instructions_version: str | None = Field(description="Which version of them.")
    crisis_card_given: bool = Field(description="Whether the card with numbers for a crisis was given.")
    note: Words


class CopiedRemsReport(Outgoing):
    """What the clinic reports about a session with the nasal spray."""

    version: Version
    status: str = Field(description="`draft` or `submitted`.", examples=["submitted"])
    due_at: Moment = Field(description="Until when it had to be sent.")
    additions: Written
    submitted: dict[str, Any] | None = Field(description="The whole report as it was sent; null until then.")
    submitted_at: Moment | None = Field(description="When it was sent; null until then.")
    submitted_by: SomeWho
    reference: Words


class CopiedSessionCare(Outgoing):
    """Everything that was written down around one dose."""

    no_show: bool = Field(description="Whether it was called off because the patient did not come.")
    cleared_at: Moment | None = Field(description="When the dose was last cleared; null when it never was.")
    session_clinician_id: SomeWho
    protocol_version: int | None = Field(description="Version of the clinic's figures that the readings followed.")
    cancellation_reason: Words
    checklists: list[CopiedChecklist] = Field(description="Every version, oldest first.")
    clearances: list[CopiedClearance] = Field(description="Oldest first.")
    dose_records: list[CopiedDoseRecord] = Field(description="Every version, oldest first.")
    pauses: list[CopiedDosePause] = Field(description="Oldest first.")
    readings: list[CopiedReading] = Field(description="Oldest first.")
    discharge_assessments: list[CopiedDischargeAssessment] = Field(description="Oldest first.")
    discharge: CopiedDischarge | None = Field(description="Null when the patient did not go home from it.")
    rems_report: CopiedRemsReport | None = Field(description="Null where none is asked for.")


class CopiedDetails(Outgoing):
    """What the clinic's reports ask about the patient."""

    version: Version
    born_on: str | None = Field(description="Day of birth, `YYYY-MM-DD`; null when nobody wrote it down.")
    sex: str | None = Field(description="As the clinic wrote it down; null when it did not.")


class CopiedExtraSessionRequest(Outgoing):
    """The patient asked for a session sooner than planned, or for one more."""

    id: UUID = Field(description="Its id.")
    requested_at: When
    recorded_at: Moment = Field(description="When it was written down.")
    recorded_by: Who
    note: Words


class CopiedAdverseEventVersion(Outgoing):
    """An adverse event as it was before a correction."""

    version: Version
    recorded_at: When
    recorded_by: Who
    replaced_at: Moment = Field(description="When it was corrected.")
    content: Written


class CopiedAdverseEvent(Outgoing):
    """Something unwanted that happened in a session or afterwards."""

    id: UUID = Field(description="Its id.")
    session_id: UUID | None = Field(description="The session that it belongs to, if any.")
    version: Version
    onset_at: Moment = Field(description="When it began.")
    onset_minutes_from_dose: int | None = Field(description="The same in minutes from the begin of the dose.")
    resolved_at: Moment | None = Field(description="When it was over; null while it lasts.")
    term: str = Field(description="What it was.", examples=["Nausea"])
    term_code: str | None = Field(description="Its code in a dictionary of such terms.")
    description: Words
    grade: int = Field(description="How strong it was: 1 mild, 2 moderate, 3 severe, 4 life-threatening, 5 death.")
    serious: bool = Field(description="Whether it is serious in the sense of the authorities.")
    seriousness_criteria: list[str] = Field(description="What makes it so.")
    relatedness: str = Field(description="How far the clinic thinks that the dose caused it.", examples=["possible"])
    expected: bool = Field(description="Whether it is known to happen.")
    action: str = Field(description="What was done.", examples=["none"])
    outcome: str = Field(description="What became of it.", examples=["recovered"])
    reporter: str = Field(description="Who told of it.", examples=["patient"])
    reported_to: WrittenList
    recorded_at: Moment = Field(description="When it was written down.")
    recorded_by: Who
    earlier_versions: list[CopiedAdverseEventVersion] = Field(description="Empty when it was never corrected.")


class CopiedAlertStep(Outgoing):
    """One step of an alert: who did what with it."""

    version: Version
    at: When
    action: str = Field(description="What was done.", examples=["acknowledged"])
    actor_id: SomeWho
    to_id: SomeWho
    level: str | None = Field(description="How far it had gone: `first`, `second`, `lead`.")
    late: bool = Field(description="Whether the service found it later than it should have.")
    subject_kind: str | None = Field(description="What it was found in, where it was found again.")
    subject_id: UUID | None = Field(description="Id of that.")
    inputs: dict[str, Any] | None = Field(description="The numbers that the rule saw, where it was found again.")
    note: Words


class CopiedAlertNotice(Outgoing):
    """A message to one person that something waits for them. It says nothing of the patient."""

    membership_id: Who
    level: str = Field(description="As how far it was sent: `first`, `second`, `lead`.")
    channel: str = Field(description="By which way.", examples=["email"])
    state: str = Field(description="What became of the message.", examples=["sent"])
    created_at: When
    sent_at: Moment | None = Field(description="When it was sent; null when it was not.")


class CopiedAlert(Outgoing):
    """Something that a rule found and that the clinic had to look at."""

    id: UUID = Field(description="Its id.")
    rule: str = Field(description="The rule.", examples=["CRV-1"])
    rule_version: int = Field(description="Its version.", examples=[1])
    protocol_version: int = Field(description="Version of the clinic's figures that it used.", examples=[2])
    severity: str = Field(description="`routine`, `urgent` or `critical`: how soon somebody has to look.")
    status: str = Field(description="`open`, `acknowledged` or `resolved`.", examples=["resolved"])
    version: Version
    subject_kind: str = Field(description="What it was found in.", examples=["check_in"])
    subject_id: UUID = Field(description="Id of that.")
    dosing_session_id: UUID | None = Field(description="The session that it belongs to, if any.")
    session_clinician_id: SomeWho
    inputs: dict[str, Any] = Field(description="The numbers that the rule saw.")
    threshold: dict[str, Any] = Field(description="The figures that it held them against.")
    found_at: Moment = Field(description="When what it tells of happened.")
    raised_at: Moment = Field(description="When the rule found it.")
    raised_late: bool = Field(description="Whether that was later than it should have been.")
    acknowledge_by: Moment = Field(description="Until when somebody had to answer.")
    staffed_when_raised: bool = Field(description="Whether the clinic was staffed then.")
    occurrences: int = Field(description="How often it was found.", examples=[1])
    last_found_at: Moment = Field(description="When it was last found.")
    level: str = Field(description="How far it went: `first`, `second`, `lead`.", examples=["first"])
    owner_id: SomeWho
    acknowledged_at: Moment | None = Field(description="When somebody answered; null until then.")
    acknowledged_by: SomeWho
    resolved_at: Moment | None = Field(description="When it was settled; null until then.")
    resolved_by: SomeWho
    outcome: str | None = Field(description="What became of it; null until then.")
    resolution_note: Words
    steps: list[CopiedAlertStep] = Field(description="Every step, oldest first.")
    notices: list[CopiedAlertNotice] = Field(description="Who was told, oldest first.")


class CopiedHelpRequest(Outgoing):
    """The patient pressed the button that asks for help."""

    id: UUID = Field(description="Its id.")
    received_at: When
    message: Words
    alert_id: UUID | None = Field(description="The alert that it raised.")


class CopiedCare(Outgoing):
    """What there is beside sessions, appointments and check-ins."""

    details: CopiedDetails | None = Field(description="Null when nobody wrote them down.")
    extra_session_requests: list[CopiedExtraSessionRequest] = Field(description="Oldest first.")
    adverse_events: list[CopiedAdverseEvent] = Field(description="In the order in which they began.")
    alerts: list[CopiedAlert] = Field(description="What the clinic's rules found, oldest first.")
    help_requests: list[CopiedHelpRequest] = Field(description="Oldest first.")
