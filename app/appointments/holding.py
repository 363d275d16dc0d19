"""What an appointment takes up: the patient, the staff who take part, and a room, for as long as it is planned."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.appointments import rules, schemas
from app.appointments.rules import AppointmentStatus, ParticipantStatus
from app.bookings.service import Hold, Resource, ResourceKind
from app.protocols.rules import Protocol

HOLDER: Final = "appointment"


@dataclass(frozen=True, slots=True)
class Belongs:
    """What an appointment is one of: a series, or the meetings of a group."""

    series_id: UUID | None = None
    recurrence_at: datetime | None = None
    """When the rule of the series or of the group puts it."""
    group_session_id: UUID | None = None


def held_by(
    plan: schemas.AppointmentWrite, protocol: Protocol, *, appointment_id: UUID, patient_id: UUID, in_group: bool
) -> Hold:
    """Tell what a plan takes up; nothing while it is only proposed or waits.

    The patient always; of the staff those who have not declined. Staff and room of a group are held by its meeting, not
    by each of those who come. Without a planned end the clinic's usual length counts.
    """
    ends_at = plan.ends_at or plan.scheduled_at + timedelta(minutes=protocol.linking.appointment_minutes)
    resources: list[Resource] = []
    if AppointmentStatus(plan.status) not in rules.TAKES_NO_PLACE:
        resources.append(Resource(ResourceKind.PATIENT, patient_id, "/scheduled_at"))
        resources += [] if in_group else _staff_and_room(plan)
    return Hold(appointment_id, resources, plan.scheduled_at, ends_at, plan.override_reason is not None)


def _staff_and_room(plan: schemas.AppointmentWrite) -> list[Resource]:
    found = [
        Resource(ResourceKind.STAFF, participant.staff_id, f"/participants/{index}/staff_id")
        for index, participant in enumerate(plan.participants)
        if participant.staff_id is not None and participant.status is not ParticipantStatus.DECLINED
    ]
    return found + ([Resource(ResourceKind.ROOM, plan.room_id, "/room_id")] if plan.room_id else [])
