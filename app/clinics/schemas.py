"""Patients, staff, care teams and protocols on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool

from app.core.fields import Moment, ShortText, TimeZoneName
from app.core.schemas import Incoming, Outgoing
from app.identity.permissions import Role
from app.protocols.rules import Protocol

DisplayName = Annotated[
    ShortText, Field(examples=["Sam R."], description="How the clinic calls the person. Encrypted at rest.")
]
StaffRole = Literal["prescriber", "nurse", "therapist", "coordinator", "clinic_admin", "researcher", "privacy_officer"]


class PatientWrite(Incoming):
    """A new patient."""

    display_name: DisplayName
    time_zone: Annotated[TimeZoneName | None, Field(description="Where the patient lives; the clinic's zone if null.")] = None


class CareTeamMember(Outgoing):
    """Someone of the clinic who looks after a patient."""

    staff_id: UUID
    display_name: str
    role: Role
    responsible: Annotated[bool, Field(description="Whether alerts about this patient go to them first.")]
    since: Moment


class Patient(Outgoing):
    """A patient as the clinic sees them."""

    id: UUID
    display_name: DisplayName
    time_zone: TimeZoneName
    status: Annotated[
        Literal["invited", "active", "left"], Field(description="`active` once the invitation was used.")
    ]
    version: Annotated[int, Field(examples=[1])]
    enrolled_at: Moment
    care_team: list[CareTeamMember]


class PatientSummary(Outgoing):
    """A line of the list of patients."""

    id: UUID
    display_name: DisplayName
    time_zone: TimeZoneName
    status: Literal["invited", "active", "left"]
    enrolled_at: Moment


class PatientPage(Outgoing):
    """A page of patients, the latest enrolled first."""

    items: list[PatientSummary]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]


class Invitation(Outgoing):
    """A single-use code. It is shown this once; a new one can be made at any time."""

    code: Annotated[str, Field(examples=["7Q2M-K9TX-4BVD"], description="Hand it over in person or on paper.")]
    expires_at: Annotated[Moment, Field(description="Seven days from now.")]


class CareTeamMemberWrite(Incoming):
    """Someone of the clinic who is to look after a patient."""

    staff_id: UUID
    responsible: Annotated[StrictBool, Field(description="Whether alerts about this patient go to them first.")] = False


class CareTeamWrite(Incoming):
    """The whole care team; whoever is not named leaves it."""

    members: Annotated[list[CareTeamMemberWrite], Field(max_length=50)]


class StaffMember(Outgoing):
    """Someone who works at the clinic."""

    id: UUID
    display_name: str
    role: Role


class StaffPage(Outgoing):
    """All staff of the clinic, by role; all of them on one page."""

    items: list[StaffMember]
    next_cursor: None = None


class StaffInvitationWrite(Incoming):
    """A new member of staff."""

    display_name: DisplayName
    role: StaffRole


class SignedProtocol(Outgoing):
    """The clinic's figures, with who signed them off."""

    version: Annotated[int, Field(examples=[1])]
    figures: Protocol
    made_at: Moment
    signed_off_by: Annotated[UUID | None, Field(description="The prescriber who signed; null while nobody has.")]
    signed_off_at: Moment | None
    reason: str


class ProtocolWrite(Incoming):
    """All figures of the clinic, and why they change. Sending them is signing them off."""

    figures: Protocol
    reason: Annotated[str, Field(min_length=3, max_length=500, examples=["Reviewed by the medical lead."])]
