"""Patients, staff, care teams and protocols on the wire."""

import re
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, PlainSerializer, PlainValidator, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.core.fields import Moment, ShortText, TimeZoneName
from app.core.schemas import Incoming, Outgoing
from app.identity.permissions import Role
from app.protocols.rules import Protocol

DisplayName = Annotated[
    ShortText, Field(examples=["Sam R."], description="How the clinic calls the person. Encrypted at rest.")
]
PatientId = Annotated[UUID, Field(description="The patient's id.")]
PatientStatus = Annotated[
    Literal["invited", "imported", "active", "left"],
    Field(
        description="`active` once the invitation was used; `imported` when the record came from elsewhere and nobody "
        "was invited; `left` when treatment here has ended."
    ),
]
EnrolledAt = Annotated[Moment, Field(description="When the patient was added to the clinic.")]
StaffRole = Literal["prescriber", "nurse", "therapist", "coordinator", "clinic_admin", "researcher", "privacy_officer"]


class PatientWrite(Incoming):
    """A new patient."""

    display_name: DisplayName
    time_zone: Annotated[
        TimeZoneName | None, Field(description="Where the patient lives; the clinic's zone if null.")
    ] = None


class CareTeamMember(Outgoing):
    """Someone of the clinic who looks after a patient."""

    staff_id: Annotated[UUID, Field(description="Who it is, as in `GET /v1/staff`.")]
    display_name: Annotated[str, Field(description="How the clinic calls them.", examples=["Dr. Lindqvist"])]
    role: Role
    responsible: Annotated[bool, Field(description="Whether alerts about this patient go to them first.")]
    since: Annotated[Moment, Field(description="Since when they look after the patient.")]


class Patient(Outgoing):
    """A patient as the clinic sees them."""

    id: PatientId
    display_name: DisplayName
    time_zone: TimeZoneName
    status: PatientStatus
    version: Annotated[int, Field(description="Counts the changes of this patient; the `ETag`.", examples=[1])]
    enrolled_at: EnrolledAt
    care_team: Annotated[list[CareTeamMember], Field(description="Who looks after them, the longest first.")]


class PatientSummary(Outgoing):
    """A line of the list of patients."""

    id: PatientId
    display_name: DisplayName
    time_zone: TimeZoneName
    status: PatientStatus
    enrolled_at: EnrolledAt


class PatientPage(Outgoing):
    """A page of patients, the latest enrolled first."""

    items: Annotated[list[PatientSummary], Field(description="The patients of this page.")]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]


class Invitation(Outgoing):
    """A single-use code in two forms, to type and to scan. It is shown this once; a new one can be made at any time.

    Either form can be used, once. Five wrong guesses at the typed one end both.
    """

    code: Annotated[str, Field(examples=["7Q2M-K9TX-4BVD"], description="To type. Hand it over in person or on paper.")]
    qr_payload: Annotated[
        str,
        Field(
            examples=["https://afterglow.example.org/activate#3V8QK1M0ZB7XN2C5T9WDYR4HJG"],
            description="To scan: an address whose fragment is a code of 130 bits. Nothing else is in it, and a "
            "browser does not send the fragment to anybody.",
        ),
    ]
    qr_svg: Annotated[
        str,
        Field(examples=['<svg viewBox="0 0 41 41">...</svg>'], description="The same as a QR code, an SVG document."),
    ]
    expires_at: Annotated[Moment, Field(description="Seven days from now.")]


class CareTeamMemberWrite(Incoming):
    """Someone of the clinic who is to look after a patient."""

    staff_id: Annotated[UUID, Field(description="Who it is, as in `GET /v1/staff`.")]
    responsible: Annotated[StrictBool, Field(description="Whether alerts about this patient go to them first.")] = False


class CareTeamWrite(Incoming):
    """The whole care team; whoever is not named leaves it."""

    members: Annotated[
        list[CareTeamMemberWrite], Field(max_length=50, description="Everyone who is to look after them.")
    ]


class StaffMember(Outgoing):
    """Someone who works at the clinic."""

    id: Annotated[UUID, Field(description="Their id, to put into care teams.")]
    display_name: Annotated[str, Field(description="How the clinic calls them.", examples=["Dr. Lindqvist"])]
    role: Role


class StaffPage(Outgoing):
    """All staff of the clinic, by role; all of them on one page."""

    items: Annotated[list[StaffMember], Field(description="Everyone who works here.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class StaffInvitationWrite(Incoming):
    """A new member of staff."""

    display_name: DisplayName
    role: Annotated[StaffRole, Field(description="What they will be here; it decides what they may see and do.")]


class SignedProtocol(Outgoing):
    """The clinic's figures, with who signed them off."""

    version: Annotated[int, Field(description="Counts the versions of the clinic's figures, from 1.", examples=[1])]
    figures: Protocol
    made_at: Annotated[Moment, Field(description="When this version was made.")]
    signed_off_by: Annotated[UUID | None, Field(description="The prescriber who signed; null while nobody has.")]
    signed_off_at: Annotated[Moment | None, Field(description="When they signed; null while nobody has.")]
    reason: Annotated[str, Field(description="Why the figures changed.", examples=["Reviewed by the medical lead."])]
    unsigned_sections: Annotated[
        list[str],
        Field(
            description="Sections in force as we propose them, because nobody has signed them off: all of them at "
            "first, later those that a new release brought, or that were not sent along. Sign the figures again to put "
            "a name on them.",
            examples=[[]],
        ),
    ]


class ProtocolWrite(Incoming):
    """All figures of the clinic, and why they change. Sending them is signing them off.

    A section that is left out takes the figures that we propose, and nobody has signed it.
    """

    figures: Protocol
    reason: Annotated[
        str,
        Field(
            min_length=3,
            max_length=500,
            description="Why they change, for whoever reads it in a year.",
            examples=["Reviewed by the medical lead."],
        ),
    ]


FIRST_YEAR = 1900


def _day_of_birth(value: Any) -> date:  # noqa: ANN401  whatever JSON held
    if isinstance(value, date):  # our own rows on their way out
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is not None and day.year >= FIRST_YEAR:
            return day
    code = "day_format"
    raise PydanticCustomError(code, "Must be a day such as 1988-03-14, not before 1900.")


DayOfBirth = Annotated[
    date,
    PlainValidator(_day_of_birth),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["1988-03-14"]}),
]
Sex = Annotated[
    Literal["female", "male", "other", "unknown"],
    Field(description="As the patient says. Reports ask for it, and the count of drinks that makes a heavy day."),
]


class PatientDetailsWrite(Incoming):
    """What is known of a patient."""

    born_on: Annotated[DayOfBirth | None, Field(description="Day of birth; null if not known. Encrypted at rest.")]
    sex: Sex


class PatientDetails(Outgoing):
    """What is known of a patient beside their name."""

    version: Annotated[
        int, Field(description="Counts the changes; the `ETag`. 0 while nothing is known.", examples=[1])
    ]
    born_on: Annotated[DayOfBirth | None, Field(description="Day of birth; null if not known.")]
    sex: Sex
