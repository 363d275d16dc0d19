"""Alerts, what a patient is shown, and requests for help, on the wire."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment
from app.core.schemas import Incoming, Outgoing

StaffedNow = Annotated[bool, Field(description="Whether somebody is at the clinic at this moment.")]
StaffedUntil = Annotated[Moment | None, Field(description="Until when, without a break; null when nobody is there.")]
StaffedNext = Annotated[
    Moment | None, Field(description="When somebody is there again; null when the clinic has not said.")
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
