"""Taking one step of an appointment: kept, told, and placed on the timeline. And reading it as it is shown."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.appointments import queries, rules, schemas
from app.appointments.models import Appointment, AppointmentStep
from app.appointments.rules import AppointmentAction, AppointmentStatus
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.events import service as events
from app.events.types import EventType
from app.identity.access import PatientView
from app.protocols.rules import Protocol
from app.timeline import service as timeline
from app.timeline.errors import IdTaken
from app.timeline.rules import Anchor, AnchorKind, LinkingWindows

TOLD_AS: Final[dict[AppointmentAction, EventType]] = {
    AppointmentAction.MOVE: EventType.APPOINTMENT_MOVED,
    AppointmentAction.ARRIVAL: EventType.APPOINTMENT_ARRIVED,
    AppointmentAction.ATTENDANCE: EventType.APPOINTMENT_ATTENDED,
    AppointmentAction.CANCELLATION: EventType.APPOINTMENT_CANCELLED,
}


async def insert(db: Database, *appointments: Appointment) -> None:
    """Write new appointments; raises `IdTaken`, after which nothing more can be done in this transaction."""
    db.add_all(appointments)
    try:
        await db.flush()
    except IntegrityError as error:  # two patients' appointments under one id at the same moment
        raise IdTaken from error


async def keep(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    actor_id: UUID | None,
    appointment: Appointment,
    action: AppointmentAction,
    status: AppointmentStatus,
) -> None:
    """Take one step, after everything else about it was set: the only way in which an appointment changes."""
    await keep_all(db, patient, protocol, actor_id, [(appointment, status)], action)


async def keep_all(
    db: Database,
    patient: PatientView,
    protocol: Protocol,
    actor_id: UUID | None,
    towards: Sequence[tuple[Appointment, AppointmentStatus]],
    action: AppointmentAction,
) -> None:
    """Take the same step with many appointments of one patient."""
    for appointment, status in towards:
        from_status, appointment.status = appointment.status, status.value
        appointment.version += 1
        appointment.revision = patient.revise(db)
        keep_step(db, appointment, action=action, from_status=from_status, actor_id=actor_id)
        tell(db, appointment, TOLD_AS[action])
    await place(db, patient, protocol, *(appointment for appointment, _ in towards))


async def place(db: Database, patient: PatientView, protocol: Protocol, *appointments: Appointment) -> None:
    """Put appointments where they stand now on the patient's timeline, in one go."""
    windows = LinkingWindows.of(protocol.linking)
    await timeline.place_anchors(db, patient, [_anchor(appointment) for appointment in appointments], windows)


def keep_step(
    db: Database, appointment: Appointment, *, action: str, from_status: str | None, actor_id: UUID | None
) -> None:
    """Note what was done by whom. `actor_id` is None for what a command or the service itself does."""
    db.stage(
        AppointmentStep,
        {
            "id": new_id(),
            "clinic_id": appointment.clinic_id,
            "appointment_id": appointment.id,
            "version": appointment.version,
            "at": clock.now(),
            "actor_id": actor_id,
            "action": str(action),
            "from_status": from_status,
            "to_status": appointment.status,
            "scheduled_at": appointment.scheduled_at,
            "attendance": appointment.attendance,
            "reason": appointment.reason,
            "override_reason": appointment.override_reason,
        },
    )


def tell(db: Database, appointment: Appointment, event_type: EventType) -> None:
    """Tell those who listen what became of it."""
    events.record(
        db,
        event_type,
        clinic_id=appointment.clinic_id,
        patient_id=appointment.patient_id,
        subject_id=appointment.id,
        version=appointment.version,
    )


async def shown(db: Database, appointment: Appointment) -> schemas.Appointment:
    """Read an appointment with those who take part, as the clinic sees it."""
    (whole,) = await queries.with_participants(db, appointment.clinic_id, [appointment])
    return schemas.Appointment.model_validate(whole)


async def shown_to_patient(db: Database, appointment: Appointment) -> schemas.OwnAppointment:
    """Read the same as its patient sees it."""
    (whole,) = await queries.with_participants(db, appointment.clinic_id, [appointment])
    return schemas.OwnAppointment.model_validate(whole)


def _anchor(appointment: Appointment) -> Anchor:
    return Anchor(
        id=appointment.id,
        kind=AnchorKind.APPOINTMENT,
        scheduled_at=appointment.scheduled_at,
        ends_at=appointment.ends_at,
        cancelled=AppointmentStatus(appointment.status) in rules.TAKES_NO_PLACE,
    )
