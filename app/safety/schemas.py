"""Alerts, what a patient is shown, and requests for help, on the wire."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment, Note
from app.core.schemas import Incoming, Outgoing
from app.protocols.safety_figures import Within
from app.safety.findings import Notify, Severity, SubjectKind

StaffedNow = Annotated[bool, Field(description="Whether somebody is at the clinic at this moment.")]
StaffedUntil = Annotated[
    Moment | None, Field(description="Until when, without a break; null when nobody is there, or always.")
]
StaffedNext = Annotated[
    Moment | None, Field(description="When somebody is there again; null when the clinic has not said, or always is.")
]
ClinicTelephone = Annotated[
    str | None, Field(description="The clinic's number; null when it has not said.", examples=["+1 555 010 0199"])
]
ClinicHours = Annotated[
    str | None, Field(description="The clinic's hours in its own words.", examples=["Monday to Friday, 8 to 6"])
]


class EmergencyNumber(Outgoing):
    """The number for immediate danger."""

    call: Annotated[str, Field(description="The number to dial.", examples=["911"])]
    label: Annotated[str, Field(description="When to call it.", examples=["Immediate danger"])]
    confirmed: Annotated[
        bool, Field(description="Whether we checked it at its source; otherwise the clinic has to confirm it.")
    ]


class CrisisLine(Outgoing):
    """Somebody to talk to."""

    name: Annotated[str, Field(examples=["988 Suicide & Crisis Lifeline"], description="What it is called.")]
    call: Annotated[str | None, Field(description="The number to dial.", examples=["988"])]
    text: Annotated[str | None, Field(description="The number to send a text message to.", examples=["988"])]
    chat: Annotated[str | None, Field(description="The page to chat on.", examples=["https://chat.988lifeline.org/"])]
    hours: Annotated[str | None, Field(description="When somebody answers.", examples=["24/7"])]
    about: Annotated[str | None, Field(description="What it is for.", examples=["Any crisis, any time."])]
    source: Annotated[str | None, Field(description="Where it was checked; null where it was not.")]
    confirmed: Annotated[
        bool, Field(description="Whether we checked it at its source; otherwise the clinic has to confirm it.")
    ]


class CrisisCard(Outgoing):
    """What to do and whom to call now. Small, and good without a network: keep it on the phone."""

    country: Annotated[str | None, Field(description="Whose numbers they are; null when the country is not known.")]
    language: Annotated[str, Field(description="Language of the words.", examples=["en"])]
    title: Annotated[str, Field(description="The first thing to read.", examples=["You are not alone"])]
    message: Annotated[str, Field(description="A few plain words.")]
    emergency: Annotated[EmergencyNumber, Field(description="For immediate danger.")]
    lines: Annotated[list[CrisisLine], Field(description="Somebody to talk to, the best known first.")]
    not_watched: Annotated[str, Field(description="That nobody watches answers as they come.")]
    note: Annotated[
        str | None, Field(description="What is not certain about these numbers; null when there is nothing to say.")
    ]
    clinic_telephone: ClinicTelephone
    clinic_hours: ClinicHours


class SafetyNotice(Outgoing):
    """What a patient is shown at once after an answer that a rule looked up at."""

    crisis_card: Annotated[CrisisCard | None, Field(description="To be shown first; null when none is needed.")]
    messages: Annotated[list[str], Field(description="What the rules say to the patient, in order.")]
    team_told: Annotated[bool, Field(description="Whether a named person on call has been told just now.")]
    team_told_text: Annotated[str, Field(description="The same in words, with the hours where nobody promises any.")]
    staffed_now: StaffedNow
    staffed_until: StaffedUntil
    staffed_next_at: StaffedNext
    clinic_telephone: ClinicTelephone
    clinic_hours: ClinicHours


class SafetyPromise(Outgoing):
    """What a patient is shown before a question about danger is asked."""

    message: Annotated[str, Field(description="What to expect, in plain words: show it before asking.")]
    alerts_promised: Annotated[
        bool, Field(description="Whether somebody named is told at once if an answer shows danger at this moment.")
    ]
    staffed_now: StaffedNow
    staffed_until: StaffedUntil
    staffed_next_at: StaffedNext
    clinic_telephone: ClinicTelephone
    clinic_hours: ClinicHours
    crisis_card: Annotated[CrisisCard, Field(description="For the clinic's country; keep it for when there is no net.")]


class HelpRequestWrite(Incoming):
    """Help is needed now. Everything may be left out."""

    id: Annotated[UUID | None, Field(description="An id that you make (UUIDv7), so that it can be sent again.")] = None
    message: Annotated[
        str | None,
        Field(
            max_length=100_000,
            description="In the patient's own words; the first 4000 characters are kept, encrypted. Never needed.",
            examples=["Please call me."],
        ),
    ] = None


class HelpRequest(Outgoing):
    """The card first; then whether somebody was told."""

    crisis_card: Annotated[CrisisCard, Field(description="Show this first.")]
    team_told: Annotated[bool, Field(description="Whether a named person on call has been told just now.")]
    team_told_text: Annotated[str, Field(description="The same in words.")]
    staffed_now: StaffedNow
    staffed_until: StaffedUntil
    staffed_next_at: StaffedNext
    clinic_telephone: ClinicTelephone
    clinic_hours: ClinicHours
    id: Annotated[UUID, Field(description="The request's id.")]
    received_at: Annotated[Moment, Field(description="When it came.")]


class AlertStage(StrEnum):
    """How far an alert is. `handed_over` is no stage that one is found in: it stays as it was, with somebody else."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    HANDED_OVER = "handed_over"
    RESOLVED = "resolved"


AlertStatus = Literal["open", "acknowledged", "resolved"]
AlertId = Annotated[UUID, Field(description="The alert's id.")]
RuleId = Annotated[str, Field(description="Id of the rule that found it.", examples=["SUI-1"])]
StaffId = Annotated[UUID | None, Field(description="Id of a member of staff; null for nobody.")]
Figures = Annotated[
    dict[str, int | float | str | bool | None] | None,
    Field(description="Names and values; null where your role does not read them.", examples=[{"item9": 3}]),
]


class Outcome(StrEnum):
    """What came of an alert."""

    SAFE_NOW = "safe_now"
    PLAN_CHANGED = "plan_changed"
    CARE_ARRANGED = "care_arranged"
    EMERGENCY_SERVICES = "emergency_services"
    NOT_REACHED = "not_reached"
    NOT_CONFIRMED = "not_confirmed"
    KNOWN_ALREADY = "known_already"
    OTHER = "other"


class AlertAcknowledgementWrite(Incoming):
    """You have it in hand."""

    note: Annotated[
        Note | None,
        Field(description="What you are doing. Encrypted; in the copy of their record that the patient may download."),
    ] = None


class AlertResolutionWrite(Incoming):
    """It is done, and what came of it."""

    outcome: Annotated[Outcome, Field(description="What came of it.", examples=["safe_now"])]
    note: Annotated[
        Note | None,
        Field(description="What was done. Encrypted; in the copy of their record that the patient may download."),
    ] = None


class AlertHandOverWrite(Incoming):
    """Somebody else has it in hand from now on."""

    to_staff_id: Annotated[UUID, Field(description="Who takes it: somebody who may open it.")]
    note: Annotated[
        Note | None,
        Field(
            description="What they need to know. Encrypted; in the copy of their record that the patient may download."
        ),
    ] = None


class Alert(Outgoing):
    """Something that a rule found and that a named person has to look at."""

    id: AlertId
    patient_id: Annotated[UUID, Field(description="Whose record it was found in.")]
    rule: RuleId
    rule_version: Annotated[int, Field(description="Version of the rule.", examples=[1])]
    protocol_version: Annotated[int, Field(description="Version of the clinic's figures that it used.", examples=[1])]
    title: Annotated[str, Field(description="What the rule looks for.")]
    severity: Annotated[Severity, Field(description="How soon somebody has to look.")]
    status: Annotated[AlertStatus, Field(description="How far it is. The software closes nothing.")]
    version: Annotated[int, Field(description="Counts its steps.", examples=[1])]
    subject_kind: Annotated[SubjectKind, Field(description="What it was found in,")]
    subject_id: Annotated[UUID, Field(description="and the id of that.")]
    dosing_session_id: Annotated[UUID | None, Field(description="The session it belongs to, if any.")]
    inputs: Figures
    threshold: Figures
    found_at: Annotated[Moment, Field(description="When what it tells of happened.")]
    raised_at: Annotated[Moment, Field(description="When the rule found it.")]
    raised_late: Annotated[
        bool, Field(description="It depends on the time, and was found later than it could have been.")
    ]
    staffed_when_raised: Annotated[bool, Field(description="Whether the clinic was staffed then.")]
    acknowledge_by: Annotated[Moment, Field(description="Until when somebody has to acknowledge it.")]
    overdue: Annotated[bool, Field(description="Nobody has, and the time is over.")]
    occurrences: Annotated[int, Field(description="How often the same was found.", examples=[1])]
    last_found_at: Annotated[Moment, Field(description="When it was found last.")]
    level: Annotated[str, Field(description="How far up it was passed: `first`, `second`, `lead`.", examples=["first"])]
    next_step_at: Annotated[Moment | None, Field(description="When others are asked if nobody answers; null: never.")]
    owner_id: StaffId
    acknowledged_at: Annotated[Moment | None, Field(description="When somebody acknowledged it.")]
    acknowledged_by: StaffId
    resolved_at: Annotated[Moment | None, Field(description="When somebody resolved it.")]
    resolved_by: StaffId
    outcome: Annotated[Outcome | None, Field(description="What came of it.")]
    open_moves: Annotated[
        list[str], Field(description="What can be done with it now, by the last step of the address.")
    ]


class AlertPage(Outgoing):
    """A page of alerts: the most severe first, of those the oldest."""

    items: Annotated[list[Alert], Field(description="The alerts.")]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null at the end.")]


class AlertStepRecord(Outgoing):
    """One step of an alert."""

    version: Annotated[int, Field(description="Which one it was.", examples=[1])]
    at: Annotated[Moment, Field(description="When.")]
    action: Annotated[
        str,
        Field(
            description="`raised`, `repeated`, `escalated`, `acknowledged`, `handed_over` or `resolved`.",
            examples=["raised"],
        ),
    ]
    actor_id: Annotated[UUID | None, Field(description="Who did it; null for the service itself.")]
    to_id: Annotated[UUID | None, Field(description="To whom it was handed over.")]
    level: Annotated[str | None, Field(description="Who was asked: `first`, `second`, `lead`.")]
    late: Annotated[bool, Field(description="It was due earlier; the worker was not there.")]
    subject_kind: Annotated[SubjectKind | None, Field(description="What it was found in,")]
    subject_id: Annotated[UUID | None, Field(description="and the id of that.")]
    inputs: Figures
    note: Annotated[str | None, Field(description="What they wrote.")]


class AlertNoticeRecord(Outgoing):
    """A message to one person that something waits for them."""

    staff_id: Annotated[UUID, Field(validation_alias="membership_id", description="Who is told.")]
    level: Annotated[
        str, Field(description="As who: `first`, `second`, `lead`, `again`, or `owner` of it.", examples=["first"])
    ]
    channel: Annotated[str, Field(description="How.", examples=["mail"])]
    state: Annotated[
        Literal["pending", "sent", "refused", "needless"],
        Field(
            description="`pending` is not sent yet: the mail server is away, or there is none. `refused`: it does not "
            "take this address. `needless`: somebody answered before."
        ),
    ]
    created_at: Annotated[Moment, Field(description="Since when.")]
    attempts: Annotated[int, Field(description="How often it was tried.", examples=[1])]
    sent_at: Annotated[Moment | None, Field(description="When the mail server took it.")]


class AlertRecord(Alert):
    """An alert with everything that is known of it."""

    text: Annotated[str, Field(description="What the rule says to a clinician.")]
    source: Annotated[str, Field(description="What the rule rests on.")]
    patient_text: Annotated[str | None, Field(description="What the patient saw at once; null for nothing.")]
    resolution_note: Annotated[str | None, Field(description="What was done.")]
    steps: Annotated[list[AlertStepRecord], Field(description="Every step, the first first.")]
    notices: Annotated[list[AlertNoticeRecord], Field(description="Who was told, or is being told.")]


class MyAlert(Outgoing):
    """Something that the patient's team was asked to look at, as the patient reads it."""

    id: AlertId
    at: Annotated[Moment, Field(description="When it was found.")]
    text: Annotated[str | None, Field(description="What we said to the patient; null when nothing was.")]
    seen: Annotated[bool, Field(description="Whether somebody of the team has seen it.")]
    seen_at: Annotated[Moment | None, Field(description="Since when.")]
    closed: Annotated[bool, Field(description="Whether the team is done with it.")]
    closed_at: Annotated[Moment | None, Field(description="Since when.")]


class MyAlertPage(Outgoing):
    """A page of them, the newest first."""

    items: Annotated[list[MyAlert], Field(description="What the team was asked to look at.")]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null at the end.")]


class AlertRule(Outgoing):
    """A rule as it is in force at the clinic."""

    id: RuleId
    version: Annotated[int, Field(description="Its version.", examples=[1])]
    title: Annotated[str, Field(description="What it looks for.")]
    text: Annotated[str, Field(description="When it raises an alert, with the figures that we propose.")]
    patient_text: Annotated[str | None, Field(description="What the patient sees at once; null for nothing.")]
    source: Annotated[str, Field(description="What it rests on.")]
    figures: Annotated[
        dict[str, int | float | str | bool],
        Field(
            description="The clinic's own figures behind it, by section and name of the protocol.",
            examples=[{"safety.sui1_from": 1}],
        ),
    ]
    notify: Annotated[list[Notify], Field(description="Who hears of it first.")]
    within: Annotated[
        dict[Severity, Within],
        Field(description="How soon somebody has to acknowledge it, by severity.", examples=[{"urgent": "60_minutes"}]),
    ]
    shows_crisis_card: Annotated[bool, Field(description="Whether the patient is shown the crisis card at once.")]
    at_the_bedside: Annotated[bool, Field(description="Whether it is about a session that goes on.")]


class AlertRules(Outgoing):
    """Every rule, with the version of the figures it uses."""

    protocol_version: Annotated[int, Field(description="Version of the clinic's figures.", examples=[1])]
    items: Annotated[list[AlertRule], Field(description="The rules.")]
