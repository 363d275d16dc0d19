"""The copy of a record on the wire: its shape is versioned, since people keep such files for years."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from app.appointments.rules import AppointmentOrigin, AppointmentStatus, Attendance, AttendanceReason
from app.appointments.schemas import OwnAppointment
from app.check_ins.schemas import CheckIn, CheckInEarlierVersion, QuarantinedCheckIn
from app.consents.schemas import Disclosure, DisclosureRestriction, SignedConsent
from app.core.fields import Moment
from app.core.schemas import Outgoing
from app.dosing.rules import SessionOrigin, SessionStage
from app.dosing.schemas import OwnDosingSession
from app.exports.care_schemas import CopiedCare, CopiedSessionCare, Words
from app.exports.day_schemas import CopiedDay, CopiedLongLists
from app.oversight.schemas import RecordAccess

FORMAT: Final = "afterglow-record"
FORMAT_VERSION: Final = "1"

TimeZone = Annotated[str, Field(description="IANA name.", examples=["Europe/Berlin"])]


class CopiedClinic(Outgoing):
    """The clinic that keeps the record."""

    id: UUID = Field(description="Its id.")
    name: str = Field(description="Its name.", examples=["Riverside"])
    time_zone: TimeZone
    locale: str = Field(description="BCP 47.", examples=["en-GB"])


class CopiedProfile(Outgoing):
    """Whose record it is."""

    patient_id: UUID = Field(description="Id of the record.")
    display_name: str = Field(description="How the clinic calls the patient.", examples=["Sam R."])
    email: str | None = Field(description="Address to sign in with.", examples=["sam.rivers@example.org"])
    time_zone: TimeZone
    status: str = Field(description="`invited`, `active`, `imported`...", examples=["active"])
    enrolled_at: Moment = Field(description="When the clinic began the record.")


class CopiedPerson(Outgoing):
    """A member of staff whom this copy names by id elsewhere."""

    id: UUID = Field(description="What `staff_id` and `actor_id` refer to.")
    name: str = Field(description="How the clinic calls them.", examples=["Dr Ana Ruiz"])
    role: str = Field(description="What they are at the clinic.", examples=["prescriber"])


class CopiedCareTeamMember(Outgoing):
    """Somebody who looks after the patient, or did."""

    staff_id: UUID = Field(description="Who.")
    name: str = Field(description="How the clinic calls them.", examples=["Dr Ana Ruiz"])
    role: str = Field(description="What they are at the clinic.", examples=["prescriber"])
    kind: str = Field(
        description="`member`, `on_call`, or `emergency` for access in an emergency.", examples=["member"]
    )
    responsible: bool = Field(description="Whether they are responsible for the treatment.")
    since: Moment = Field(description="Since when.")
    until: Moment | None = Field(description="Until when; null while it lasts.")


class CopiedDevice(Outgoing):
    """A phone or browser that the patient signed in with, also long ago."""

    id: UUID = Field(description="Its id.")
    label: str = Field(description="What the patient called it.", examples=["Sam's phone"])
    signed_in_at: Moment = Field(description="When it was signed in.")
    last_refreshed_at: Moment = Field(description="When it last got new tokens.")
    ended_at: Moment | None = Field(description="When it was signed out; null while it is signed in.")
    ended_because: str | None = Field(description="Why it was signed out.", examples=["signed_out"])


class CopiedSessionStep(Outgoing):
    """One step that a dosing session took."""

    at: Moment = Field(description="When the step was recorded.")
    actor_id: UUID | None = Field(description="Member of staff who took it; null for an import by command.")
    action: str = Field(description="`schedule`, `import`, or one of the actions.", examples=["arrival"])
    from_status: SessionStage | None = Field(description="Status before; null for the first step.")
    to_status: SessionStage = Field(description="Status afterwards.")
    scheduled_at: Moment = Field(description="The planned begin, as it was after this step.")
    reason: Words


class CopiedDosingSession(OwnDosingSession, CopiedSessionCare):
    """A dosing session with every step that it took and all that was written down around it."""

    origin: SessionOrigin = Field(description="`clinic` when it was run here, `imported` when it is history.")
    steps: list[CopiedSessionStep] = Field(description="Every step, oldest first.")


class CopiedAppointmentStep(Outgoing):
    """One step that an appointment took."""

    at: Moment = Field(description="When the step was recorded.")
    actor_id: UUID | None = Field(description="Member of staff who took it; null for an import by command.")
    action: str = Field(description="`book`, `import`, or one of the actions.", examples=["arrival"])
    from_status: AppointmentStatus | None = Field(description="Status before; null for the first step.")
    to_status: AppointmentStatus = Field(description="Status afterwards.")
    scheduled_at: Moment = Field(description="The planned begin, as it was after this step.")
    attendance: Attendance | None = Field(description="Attendance, as it was after this step.")
    reason: AttendanceReason | None = Field(description="The reason, as it was after this step.")


class CopiedAppointment(OwnAppointment):
    """An appointment with every step that it took, oldest first."""

    reason: AttendanceReason | None = Field(description="Why it was missed or cancelled; null when nobody said.")
    series_id: UUID | None = Field(description="The series that it belongs to, if any.")
    group_id: UUID | None = Field(description="The group that it is a meeting of, if any.")
    recurrence_at: Moment | None = Field(description="When its series or group had it; it may have been moved since.")
    room: str | None = Field(description="The room of the clinic; null where none was booked.", examples=["Room 2"])
    origin: AppointmentOrigin = Field(description="`clinic` when it was planned here, `imported` when it is history.")
    steps: list[CopiedAppointmentStep] = Field(description="Every step, oldest first.")


class CopiedCheckIn(CheckIn):
    """A check-in with what it said before each correction, the newest earlier version first."""

    earlier_versions: list[CheckInEarlierVersion] = Field(description="Empty when it was never corrected.")


class CopiedItem(Outgoing):
    """One question of an instrument."""

    key: str = Field(description="What `answers` name it by.", examples=["now"])
    label: str = Field(description="What it asks, in short.", examples=["strength of craving right now"])
    minimum: int = Field(description="Lowest answer.", examples=[0])
    maximum: int = Field(description="Highest answer.", examples=[10])


class CopiedInstrument(Outgoing):
    """An instrument that this record has answers to, so that the answers can be read without us."""

    key: str = Field(description="What responses name it by.", examples=["craving_nrs"])
    version: str = Field(description="Version of its definition.", examples=["1"])
    title: str = Field(description="Its name.", examples=["Craving now (0-10)"])
    higher_is: Literal["worse", "better", "neutral"] | None = Field(description="What a higher total means.")
    items: list[CopiedItem] = Field(description="Its questions.")


class Kept(Outgoing):
    """How long one kind of thing is kept."""

    what: str = Field(description="What is kept.", examples=["Check-ins"])
    how_long: str = Field(description="For how long, in a sentence.")


class LeftOut(Outgoing):
    """One kind of thing that is not in this copy."""

    what: str = Field(description="What was left out.")
    why: str = Field(description="Why, and where to ask for it.")


class RecordWithoutAnswers(CopiedCare, CopiedDay):
    """All of a copy but the lists that can be long."""

    format: Literal["afterglow-record"] = Field(description="What kind of file this is.")
    format_version: Literal["1"] = Field(
        description="Version of this shape. Fields are added within a version; none is renamed or removed."
    )
    exported_at: Moment = Field(description="When this copy was made.")
    revision: int = Field(description="Revision of the record that this copy shows.", examples=[42])
    notice: str = Field(description="What this copy is, and what it is not.")
    clinic: CopiedClinic
    profile: CopiedProfile
    care_team: list[CopiedCareTeamMember] = Field(description="Who looks after the patient, and who did.")
    people: list[CopiedPerson] = Field(description="Everyone of the clinic whom this copy refers to by id.")
    devices: list[CopiedDevice] = Field(description="Phones and browsers, the newest first.")
    dosing_sessions: list[CopiedDosingSession] = Field(description="In the order of their planned begin.")
    appointments: list[CopiedAppointment] = Field(description="In the order of their planned begin.")
    consents: list[SignedConsent] = Field(description="What was signed, with its text, the latest first.")
    disclosure_restrictions: list[DisclosureRestriction] = Field(
        description="What the patient wants to stay at the clinic, the latest first."
    )
    disclosures: list[Disclosure] = Field(
        description="What left the clinic by this service, and what was withheld, the latest first. This copy is there."
    )
    quarantined_check_ins: list[QuarantinedCheckIn] = Field(
        description="What the patient's phone sent and the service could not accept, word for word, the newest first."
    )
    kept: list[Kept] = Field(description="How long things are kept.")
    left_out: list[LeftOut] = Field(description="What is not in this copy, and why.")


class RecordExport(RecordWithoutAnswers, CopiedLongLists):
    """A patient's own copy of their whole record. Instants are UTC; the zone of each check-in stands beside it."""

    check_ins: list[CopiedCheckIn] = Field(description="All of them, the newest first. Missing answers are not there.")
    instruments: list[CopiedInstrument] = Field(description="The instruments that the check-ins answer.")
    record_accesses: list[RecordAccess] = Field(
        description="Everyone but the patient who read or wrote the record, the newest first."
    )


def instrument_of(definition: Any) -> CopiedInstrument:  # noqa: ANN401  `app.instruments.definitions.Instrument`
    """Describe an instrument for somebody who has only the file."""
    return CopiedInstrument(
        key=definition.key,
        version=definition.version,
        title=definition.title,
        higher_is=definition.higher_is,
        items=[
            CopiedItem(key=item.key, label=item.label, minimum=item.minimum, maximum=item.maximum)
            for item in definition.items
        ],
    )
