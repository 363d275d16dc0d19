"""A clinic whose staff look after one of its two patients, and another clinic, with something of everything."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx2

from app.adverse_events.models import AdverseEvent
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.factories import Person, a_clinic, a_member_of_staff, a_patient, a_report, an_id
from tests.safety.raising import an_alert

NewClient = Callable[..., httpx2.AsyncClient]
STAFF: list[Role] = [role for role in Role if role not in {Role.PATIENT, Role.SERVICE}]
MINE, OTHER, FOREIGN = "whom they look after", "of the clinic", "of another clinic"


@dataclass(frozen=True, slots=True)
class Record:
    """A patient with one of each thing that an address can name."""

    person: Person
    ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """Two clinics."""

    records: dict[str, Record]
    staff: dict[Role, Person]
    other_patient: Person


def an_adverse_event(patient: Person, event_id: UUID) -> AdverseEvent:
    """Something that happened to a patient."""
    return AdverseEvent(
        clinic_id=patient.membership.clinic_id,
        id=event_id,
        patient_id=patient.patient_id,
        version=1,
        onset_at=clock.now(),
        grade=1,
        serious=False,
        seriousness_criteria=[],
        relatedness="possible",
        expected=True,
        action="none",
        outcome="recovered",
        reporter="patient",
        term="Nausea",
        reported_to=[],
        recorded_at=clock.now(),
        recorded_by=an_id(),
    )


async def a_record(
    db: Database, new_client: NewClient, patient: Person, coordinator: Person, on_call: Person
) -> Record:
    """A patient who checked in, with a dosing session and appointments to come, and once an emergency."""
    own, clinic = new_client(patient.token), new_client(coordinator.token)
    names = ("check_in_id", "session_id", "appointment_id", "series_id", "adverse_event_id")
    ids = {name: str(an_id()) for name in names}
    patient_id, later = str(patient.patient_id), (clock.now() + timedelta(days=2)).isoformat()
    answers = [
        await own.put(f"/v1/me/check-ins/{ids['check_in_id']}", json=a_report()),
        await clinic.put(
            f"/v1/patients/{patient_id}/dosing-sessions/{ids['session_id']}", json={"scheduled_at": later}
        ),
        await clinic.put(
            f"/v1/patients/{patient_id}/appointments/{ids['appointment_id']}",
            json={"kind": "cbt", "scheduled_at": later},
        ),
        await clinic.put(
            f"/v1/patients/{patient_id}/appointment-series/{ids['series_id']}",
            json={"kind": "cbt", "rule": "FREQ=WEEKLY;COUNT=2", "first_at": "2090-03-06T09:00", "minutes": 50},
        ),
    ]
    opened = await new_client(on_call.token).post(
        f"/v1/patients/{patient_id}/emergency-access",
        json={"reason_code": "medical_emergency", "reason": "Fell in the corridor."},
    )
    assert [answer.status_code for answer in (*answers, opened)] == [201] * 5, [answer.text for answer in answers]
    alert = await an_alert(db, patient.membership.clinic_id, patient.patient_id)
    db.add(an_adverse_event(patient, UUID(ids["adverse_event_id"])))
    ids |= {"patient_id": patient_id, "emergency_access_id": opened.json()["id"], "alert_id": str(alert.id)}
    return Record(patient, ids)


async def two_clinics(new_client: NewClient, db: Database, settings: Settings) -> World:
    """A clinic whose staff look after one of its two patients, and another clinic."""
    clinic, elsewhere = await a_clinic(db), await a_clinic(db, name="Hillside")
    mine, other = await a_patient(db, settings, clinic), await a_patient(db, settings, clinic)
    foreign = await a_patient(db, settings, elsewhere)
    staff: dict[Role, Person] = {
        role: await a_member_of_staff(db, settings, clinic, role, patients=(mine,)) for role in STAFF
    }
    far_away = await a_member_of_staff(db, settings, elsewhere, Role.COORDINATOR)
    on_call, far_on_call = [await a_member_of_staff(db, settings, where, Role.NURSE) for where in (clinic, elsewhere)]
    coordinator = staff[Role.COORDINATOR]
    return World(
        {
            MINE: await a_record(db, new_client, mine, coordinator, on_call),
            OTHER: await a_record(db, new_client, other, coordinator, on_call),
            FOREIGN: await a_record(db, new_client, foreign, far_away, far_on_call),
        },
        staff,
        other,
    )
