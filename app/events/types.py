"""Every event, with what it means and where its subject is read.

Names are `noun.past_verb`. Adding one here puts it into the OpenAPI document; recording one that is not here fails.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, create_model

from app.core.fields import Moment
from app.core.schemas import Outgoing

A_PLACE = "https://afterglow.example.org"
A_SUBJECT = "0199f3d2-7c1e-7b60-9f3a-5d2e8c41a907"
A_PATIENT = "0199f3d2-6a50-7c11-8d02-3b9f1e6a4c58"
A_CONSENT = "0199f3d2-6f2b-7a94-b1c7-90d4e7f3a216"
A_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


class EventType(StrEnum):
    """The names of the events."""

    PATIENT_ENROLLED = "patient.enrolled"
    PATIENT_ACTIVATED = "patient.activated"
    CARE_TEAM_CHANGED = "care_team.changed"
    PATIENT_ACCOUNT_RECOVERED = "patient_account.recovered"
    STAFF_ACCOUNT_RECOVERED = "staff_account.recovered"
    STAFF_LEFT = "staff.left"
    EMERGENCY_ACCESS_OPENED = "emergency_access.opened"
    CHECK_IN_RECORDED = "check_in.recorded"
    CHECK_IN_CORRECTED = "check_in.corrected"
    CHECK_IN_RELINKED = "check_in.relinked"
    DOSING_SESSION_SCHEDULED = "dosing_session.scheduled"
    DOSING_SESSION_MOVED = "dosing_session.moved"
    DOSING_SESSION_ARRIVED = "dosing_session.arrived"
    DOSING_SESSION_CLEARED = "dosing_session.cleared"
    DOSING_SESSION_STARTED = "dosing_session.started"
    DOSING_SESSION_ENDED = "dosing_session.ended"
    DOSING_SESSION_CLOSED = "dosing_session.closed"
    DOSING_SESSION_CANCELLED = "dosing_session.cancelled"
    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_MOVED = "appointment.moved"
    APPOINTMENT_ARRIVED = "appointment.arrived"
    APPOINTMENT_ATTENDED = "appointment.attended"
    APPOINTMENT_CANCELLED = "appointment.cancelled"
    PROTOCOL_CHANGED = "protocol.changed"
    INSTRUMENT_WORDING_ADDED = "instrument.wording_added"
    CONSENT_DOCUMENT_PUBLISHED = "consent_document.published"
    CONSENT_SIGNED = "consent.signed"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    DOSING_SESSION_CHECKED = "dosing_session.checked"
    DOSING_SESSION_HELD = "dosing_session.held"
    DOSING_SESSION_PAUSED = "dosing_session.paused"
    DOSING_SESSION_RESUMED = "dosing_session.resumed"
    DOSING_SESSION_CORRECTED = "dosing_session.corrected"
    DOSING_SESSION_READINGS_RECORDED = "dosing_session.readings_recorded"
    DOSING_SESSION_ABORTED = "dosing_session.aborted"
    DOSING_SESSION_TRANSFERRED = "dosing_session.transferred"
    DOSING_SESSION_ASSESSED = "dosing_session.assessed"
    DOSING_SESSION_DISCHARGED = "dosing_session.discharged"
    EXTRA_SESSION_REQUESTED = "extra_session.requested"
    ADVERSE_EVENT_RECORDED = "adverse_event.recorded"
    ADVERSE_EVENT_CORRECTED = "adverse_event.corrected"
    REMS_REPORT_CHANGED = "rems_report.changed"
    REMS_REPORT_SUBMITTED = "rems_report.submitted"
    DUE_CHECK_INS_CHANGED = "due_check_in.changed"
    CHECK_IN_PLAN_CHANGED = "check_in_plan.changed"
    CHECK_IN_TEMPLATE_PUBLISHED = "check_in_template.published"
    PATIENT_TIME_ZONE_CHANGED = "patient.time_zone_changed"
    ROOM_CHANGED = "room.changed"
    STAFF_HOURS_CHANGED = "staff.hours_changed"
    APPOINTMENT_SERIES_CHANGED = "appointment_series.changed"
    GROUP_CHANGED = "group.changed"
    GROUP_SESSION_CHANGED = "group_session.changed"
    CARE_PLAN_CHANGED = "care_plan.changed"
    PRACTICE_LOGGED = "practice.logged"
    SAFETY_PLAN_CHANGED = "safety_plan.changed"
    CONTINGENCY_CHANGED = "contingency.changed"
    CONTINGENCY_RECORDED = "contingency.recorded"
    ALERT_RAISED = "alert.raised"
    ALERT_REPEATED = "alert.repeated"
    ALERT_ESCALATED = "alert.escalated"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_REASSIGNED = "alert.reassigned"
    ALERT_RESOLVED = "alert.resolved"
    PATIENT_DETAILS_CHANGED = "patient.details_changed"
    ON_CALL_ROSTER_CHANGED = "on_call_roster.changed"
    ENDPOINT_PING = "endpoint.ping"
    ENDPOINT_DISABLED = "endpoint.disabled"


@dataclass(frozen=True, slots=True)
class About:
    """What an event says, and the address of its subject (`{subject}` and `{patient}` are ids)."""

    summary: str
    address: str
    of_patient: bool = True
    """Whether it is about somebody in treatment, so that it leaves only with their consent."""


ABOUT: dict[EventType, About] = {
    EventType.PATIENT_ENROLLED: About("A patient was added to the clinic.", "/v1/patients/{subject}"),
    EventType.PATIENT_ACTIVATED: About("A patient used their invitation.", "/v1/patients/{subject}"),
    EventType.CARE_TEAM_CHANGED: About("Who looks after a patient changed.", "/v1/patients/{subject}"),
    EventType.PATIENT_ACCOUNT_RECOVERED: About(
        "A patient got their account back with a code of the clinic.", "/v1/patients/{subject}"
    ),
    EventType.STAFF_ACCOUNT_RECOVERED: About(
        "A member of staff got their account back with a code of the clinic.", "/v1/staff", of_patient=False
    ),
    EventType.STAFF_LEFT: About("A member of staff left the clinic.", "/v1/staff", of_patient=False),
    EventType.EMERGENCY_ACCESS_OPENED: About(
        "Somebody opened a record in an emergency; it waits for a review.", "/v1/emergency-accesses/{subject}"
    ),
    EventType.CHECK_IN_RECORDED: About("A check-in was stored.", "/v1/patients/{patient}/check-ins/{subject}"),
    EventType.CHECK_IN_CORRECTED: About(
        "A check-in got a new version; the earlier one is kept.", "/v1/patients/{patient}/check-ins/{subject}"
    ),
    EventType.CHECK_IN_RELINKED: About(
        "A clinician said what a check-in belongs to.", "/v1/patients/{patient}/check-ins/{subject}"
    ),
    EventType.DOSING_SESSION_SCHEDULED: About("A session was scheduled.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_MOVED: About("A session was moved or replanned.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_ARRIVED: About("The patient arrived.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_CLEARED: About("A prescriber cleared the session.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_STARTED: About("Administration began.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_ENDED: About("Administration ended.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_CLOSED: About("The session's record was closed.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_CANCELLED: About("The session will not take place.", "/v1/dosing-sessions/{subject}"),
    EventType.APPOINTMENT_BOOKED: About("An appointment was booked.", "/v1/appointments/{subject}"),
    EventType.APPOINTMENT_MOVED: About("An appointment was moved or changed.", "/v1/appointments/{subject}"),
    EventType.APPOINTMENT_ARRIVED: About("The patient arrived for an appointment.", "/v1/appointments/{subject}"),
    EventType.APPOINTMENT_ATTENDED: About("Attendance was recorded.", "/v1/appointments/{subject}"),
    EventType.APPOINTMENT_CANCELLED: About("An appointment was cancelled.", "/v1/appointments/{subject}"),
    EventType.PROTOCOL_CHANGED: About("The clinic's figures have a new version.", "/v1/protocol", of_patient=False),
    EventType.INSTRUMENT_WORDING_ADDED: About("The clinic added a wording.", "/v1/instruments", of_patient=False),
    EventType.CONSENT_DOCUMENT_PUBLISHED: About(
        "The clinic published a version of a document.", "/v1/consent-documents/{subject}", of_patient=False
    ),
    EventType.CONSENT_SIGNED: About("A patient signed a document.", "/v1/patients/{patient}/consents/{subject}"),
    EventType.CONSENT_WITHDRAWN: About(
        "A patient withdrew a consent; it no longer counts.", "/v1/patients/{patient}/consents/{subject}"
    ),
    EventType.DOSING_SESSION_CHECKED: About(
        "The checklist before the dose was gone through, or corrected.", "/v1/dosing-sessions/{subject}"
    ),
    EventType.DOSING_SESSION_HELD: About("The session waits for a prescriber.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_PAUSED: About("An infusion stands still.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_RESUMED: About("An infusion goes on.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_CORRECTED: About(
        "What was written down of the dose was corrected.", "/v1/dosing-sessions/{subject}"
    ),
    EventType.DOSING_SESSION_READINGS_RECORDED: About(
        "Readings were stored, or corrected.", "/v1/dosing-sessions/{subject}"
    ),
    EventType.DOSING_SESSION_ABORTED: About("Administration was stopped early.", "/v1/dosing-sessions/{subject}"),
    EventType.DOSING_SESSION_TRANSFERRED: About(
        "The patient was handed over in an emergency.", "/v1/dosing-sessions/{subject}"
    ),
    EventType.DOSING_SESSION_ASSESSED: About(
        "Somebody looked whether the patient may go home.", "/v1/dosing-sessions/{subject}"
    ),
    EventType.DOSING_SESSION_DISCHARGED: About("The patient went home.", "/v1/dosing-sessions/{subject}"),
    EventType.EXTRA_SESSION_REQUESTED: About(
        "A patient asked for a session beside the plan.", "/v1/patients/{patient}/extra-session-requests"
    ),
    EventType.ADVERSE_EVENT_RECORDED: About("An adverse event was written down.", "/v1/adverse-events/{subject}"),
    EventType.ADVERSE_EVENT_CORRECTED: About(
        "An adverse event got a new version; the earlier one is kept.", "/v1/adverse-events/{subject}"
    ),
    EventType.REMS_REPORT_CHANGED: About(
        "A report to the safety programme was prepared or changed.", "/v1/dosing-sessions/{subject}/rems-report"
    ),
    EventType.REMS_REPORT_SUBMITTED: About(
        "The clinic noted that it sent a report.", "/v1/dosing-sessions/{subject}/rems-report"
    ),
    EventType.DUE_CHECK_INS_CHANGED: About(
        "Which check-ins are due changed: planned, moved, called off or missed.", "/v1/patients/{patient}/due-check-ins"
    ),
    EventType.CHECK_IN_PLAN_CHANGED: About(
        "What a patient is asked for was planned anew.", "/v1/patients/{patient}/check-in-plan"
    ),
    EventType.CHECK_IN_TEMPLATE_PUBLISHED: About(
        "The clinic published a version of a plan for check-ins.", "/v1/check-in-templates", of_patient=False
    ),
    EventType.PATIENT_TIME_ZONE_CHANGED: About("A patient lives by another clock now.", "/v1/patients/{subject}"),
    EventType.ROOM_CHANGED: About("A room was added, changed or given up.", "/v1/rooms/{subject}", of_patient=False),
    EventType.STAFF_HOURS_CHANGED: About(
        "When somebody of the staff can be booked changed.", "/v1/staff/{subject}/working-hours", of_patient=False
    ),
    EventType.APPOINTMENT_SERIES_CHANGED: About(
        "Appointments that repeat were planned, changed or ended.", "/v1/appointment-series/{subject}"
    ),
    EventType.GROUP_CHANGED: About("A group was set up, changed or ended.", "/v1/groups/{subject}", of_patient=False),
    EventType.GROUP_SESSION_CHANGED: About(
        "A meeting of a group was moved or called off.", "/v1/group-sessions/{subject}", of_patient=False
    ),
    EventType.CARE_PLAN_CHANGED: About("A care plan has a new version.", "/v1/patients/{patient}/care-plan"),
    EventType.PRACTICE_LOGGED: About("A patient logged that they practised.", "/v1/patients/{patient}/practice-logs"),
    EventType.SAFETY_PLAN_CHANGED: About(
        "A patient's own plan for a crisis has a new version, or was signed.", "/v1/patients/{patient}/safety-plan"
    ),
    EventType.CONTINGENCY_CHANGED: About(
        "What a patient is rewarded for changed.", "/v1/patients/{patient}/contingency-plan"
    ),
    EventType.CONTINGENCY_RECORDED: About(
        "A result under a plan of rewards was recorded.", "/v1/patients/{patient}/contingency-plan"
    ),
    EventType.ALERT_RAISED: About("Something waits to be looked at.", "/v1/alerts/{subject}"),
    EventType.ALERT_REPEATED: About("The same was found again before anybody resolved it.", "/v1/alerts/{subject}"),
    EventType.ALERT_ESCALATED: About("Nobody answered in time; others are asked.", "/v1/alerts/{subject}"),
    EventType.ALERT_ACKNOWLEDGED: About("Somebody has it in hand.", "/v1/alerts/{subject}"),
    EventType.ALERT_REASSIGNED: About("Somebody else has it in hand.", "/v1/alerts/{subject}"),
    EventType.ALERT_RESOLVED: About("It is done, and what came of it is written down.", "/v1/alerts/{subject}"),
    EventType.PATIENT_DETAILS_CHANGED: About(
        "A patient's day of birth or sex was changed.", "/v1/patients/{subject}/details"
    ),
    EventType.ON_CALL_ROSTER_CHANGED: About(
        "Who is on call, or when, changed.", "/v1/on-call-roster", of_patient=False
    ),
    EventType.ENDPOINT_PING: About(
        "Your endpoint is asked whether it is there: answer with 2xx.",
        "/v1/webhook-endpoints/{subject}",
        of_patient=False,
    ),
    EventType.ENDPOINT_DISABLED: About(
        "An endpoint gets nothing any more: somebody disabled it, it failed for days, or it said that it is gone.",
        "/v1/webhook-endpoints/{subject}",
        of_patient=False,
    ),
}


def address_of(event_type: str, *, subject: UUID, patient: UUID | None) -> str:
    """Where the subject of an event is read."""
    return ABOUT[EventType(event_type)].address.format(subject=subject, patient=patient)


class EventData(Outgoing):
    """Where to find what happened."""

    id: UUID = Field(description="Id of the subject. An endpoint for research gets a pseudonym instead.")
    patient_id: UUID | None = Field(description="Whose it is, or their pseudonym; null when it is nobody's.")
    version: int = Field(description="Version of the subject that the event speaks of.", examples=[1])
    url: str | None = Field(
        description="Address to fetch the subject from, with your own credentials; null for research.",
        examples=[f"{A_PLACE}/v1/patients/{A_PATIENT}"],
    )


class Told(Outgoing):
    """What every event says, wherever it is read. No field has a default, so that none looks optional."""

    type: str = Field(description="Name of the event.", examples=["check_in.recorded"])
    timestamp: Moment = Field(description="When it happened.")
    sequence: int | None = Field(
        description="Counts what was meant for your endpoint. A number that you miss is on its way, failed, or was "
        "withheld: the log of deliveries says which. Null for pings and tests, and in the feed, which misses nothing.",
        examples=[1042],
    )
    test: bool = Field(description="True for a sample that somebody asked for: nothing happened.", examples=[False])
    data: EventData = Field(description="Where to find it.")
    part2_notice: str | None = Field(
        description="The notice that travels with what a consent allows to leave; keep it with what you keep.",
        examples=[A_NOTICE],
    )
    consent_id: UUID | None = Field(description="The consent on the strength of which you are told.")


def schema_name(event_type: EventType) -> str:
    """`check_in.recorded` is described by `CheckInRecordedEvent`."""
    return "".join(word.capitalize() for word in event_type.replace(".", "_").split("_")) + "Event"


def payload_model(event_type: EventType) -> type[Told]:
    """The shape of one event as a subscriber receives it."""
    its_name: Any = Literal[event_type.value]
    return create_model(
        schema_name(event_type),
        __base__=Told,
        __doc__=ABOUT[event_type].summary,
        type=(its_name, Field(description="Name of the event.", examples=[event_type.value])),
    )


def example(event_type: EventType) -> dict[str, Any]:
    """One event as a subscriber receives it. Of what is about a patient, on the strength of a consent."""
    about = ABOUT[event_type]
    subject = A_PATIENT if "/patients/{subject}" in about.address else A_SUBJECT
    return {
        "type": event_type.value,
        "timestamp": "2026-11-22T17:30:12.000Z",
        "sequence": None if event_type is EventType.ENDPOINT_PING else 1042,
        "test": False,
        "data": {
            "id": subject,
            "patient_id": A_PATIENT if about.of_patient else None,
            "version": 1,
            "url": A_PLACE + address_of(event_type, subject=UUID(subject), patient=UUID(A_PATIENT)),
        },
        "part2_notice": A_NOTICE if about.of_patient else None,
        "consent_id": A_CONSENT if about.of_patient else None,
    }
