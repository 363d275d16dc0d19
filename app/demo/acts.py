"""What people did, one act at a time: plain data, made by the script and performed by the stage."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.appointments.rules import Attendance, AttendanceReason
from app.demo.play import Request
from app.dosing.rules import SessionAction


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done at a moment, about a patient (the key of the story)."""

    at: datetime
    patient: str


@dataclass(frozen=True, slots=True)
class Enrolled(Act):
    """The coordinator enrols the patient and hands over an invitation; the care team begins."""


@dataclass(frozen=True, slots=True)
class Activated(Act):
    """The patient uses the invitation on the phone."""


@dataclass(frozen=True, slots=True)
class Signed(Act):
    """The patient has read a document on the phone, and signs it."""

    consent_type: str


@dataclass(frozen=True, slots=True)
class Withdrew(Act):
    """The patient withdraws a consent."""

    consent_type: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class SessionPlanned(Act):
    """The coordinator schedules a dosing session, or moves it."""

    session_id: UUID
    scheduled_at: datetime


@dataclass(frozen=True, slots=True)
class SessionStep(Act):
    """Arrival, the end of the dose, or closure."""

    session_id: UUID
    action: SessionAction


@dataclass(frozen=True, slots=True)
class Checked(Act):
    """The nurse writes the checklist down."""

    session_id: UUID
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured(Act):
    """The tablet at the bedside sends what it has kept, in one batch."""

    session_id: UUID
    readings: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Held(Act):
    """The nurse lets a session wait for the prescriber."""

    session_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Cleared(Act):
    """The prescriber says that the dose may be given."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class DoseStarted(Act):
    """The nurse starts the infusion."""

    session_id: UUID
    dose_mg: float
    lot: str


@dataclass(frozen=True, slots=True)
class FoundReady(Act):
    """The nurse looks at everything that has to be so before the patient goes home."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class WentHome(Act):
    """The patient goes home with somebody."""

    session_id: UUID
    escort: str


@dataclass(frozen=True, slots=True)
class Asked(Act):
    """Somebody sends a request of a script whose dose is planned for `begin`."""

    begin: datetime
    request: Request


@dataclass(frozen=True, slots=True)
class AskedForHelp(Act):
    """The patient presses the button."""

    message: str


@dataclass(frozen=True, slots=True)
class Looked(Act):
    """The service looks for what is overdue, as it does every minute; the patient is whose dose it was."""


@dataclass(frozen=True, slots=True)
class SessionCancelled(Act):
    """The coordinator calls a session off."""

    session_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Booked(Act):
    """The coordinator books therapy."""

    appointment_id: UUID
    plan: dict[str, Any]
    therapist: str | None
    room: str | None


@dataclass(frozen=True, slots=True)
class AppointmentArrived(Act):
    """The patient is here for therapy."""

    appointment_id: UUID


@dataclass(frozen=True, slots=True)
class Attended(Act):
    """The therapist writes down whether the patient took part."""

    appointment_id: UUID
    therapist: str
    attendance: Attendance
    minutes: int | None = None
    reason: AttendanceReason | None = None


@dataclass(frozen=True, slots=True)
class AppointmentCancelled(Act):
    """Somebody calls an appointment off."""

    appointment_id: UUID
    by_patient: bool
    reason: AttendanceReason


@dataclass(frozen=True, slots=True)
class Reported(Act):
    """One check-in arrives: from the phone, or entered by a nurse at the bedside."""

    check_in_id: UUID
    content: dict[str, Any]
    by_nurse: bool = False
    base_version: int | None = None


@dataclass(frozen=True, slots=True)
class Uploaded(Act):
    """A phone that was offline sends what it has kept, in one batch."""

    items: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Relinked(Act):
    """The prescriber says that a check-in belongs to another session."""

    check_in_id: UUID
    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class Daily(Act):
    """Something of the patient's day between the visits. `content` is what is sent, but for who is who."""

    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TemplatePublished(Daily):
    """The prescriber publishes what every patient is asked for from now on."""


@dataclass(frozen=True, slots=True)
class CheckInsPlanned(Daily):
    """The therapist plans for one patient what they are asked for, in place of the clinic's own."""


@dataclass(frozen=True, slots=True)
class GroupFounded(Daily):
    """The coordinator sets up a group that meets every week with a therapist."""

    group_id: UUID
    therapist: str
    room: str


@dataclass(frozen=True, slots=True)
class GroupJoined(Daily):
    """The patient becomes a member of a group."""

    group_id: UUID


@dataclass(frozen=True, slots=True)
class CarePlanned(Daily):
    """The therapist writes the next version of the care plan with the patient."""


@dataclass(frozen=True, slots=True)
class SeriesPlanned(Daily):
    """The coordinator plans appointments that repeat with a therapist."""

    series_id: UUID
    therapist: str
    room: str


@dataclass(frozen=True, slots=True)
class SafetyPlanWritten(Daily):
    """The patient writes their plan for a crisis; `co_signed`: the therapist reads it with them and signs it too."""

    co_signed: bool


@dataclass(frozen=True, slots=True)
class Practised(Daily):
    """The patient logs what they practised."""

    log_id: UUID


@dataclass(frozen=True, slots=True)
class JournalWritten(Daily):
    """The patient writes into their journal, and lets the care team read it or not."""

    entry_id: UUID
    shared: bool


@dataclass(frozen=True, slots=True)
class Rewarded(Daily):
    """The therapist plans rewards for a target, or writes down whether it was met (`result_id`)."""

    result_id: UUID | None
