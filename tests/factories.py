"""Plain functions that make what a test needs, through the application's own services."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.api_clients import service as api_clients
from app.api_clients.schemas import ApiClientWrite
from app.clinics import service as clinics
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials import service as credentials
from app.identity import service as identity
from app.identity.models import Clinic, Membership, Patient
from app.identity.permissions import Role

PASSWORD = "correct-harbour-lantern"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in, with an access token."""

    membership: Membership
    email: str
    token: str
    refresh_token: str
    patient: Patient | None = None

    @property
    def patient_id(self) -> UUID:
        """Of their own record."""
        assert self.patient is not None
        return self.patient.id

    @property
    def headers(self) -> dict[str, str]:
        """What a request of theirs carries."""
        return {"Authorization": f"Bearer {self.token}"}


async def a_clinic(db: Database, **but: Any) -> Clinic:
    """A clinic in Berlin."""
    return await clinics.create_clinic(
        db, **({"name": "Riverside", "time_zone": "Europe/Berlin", "locale": "en-GB"} | but)
    )


async def a_patient(db: Database, settings: Settings, clinic: Clinic, **but: Any) -> Person:
    """A patient with an account and a signed-in phone."""
    patient = await clinics.enrol(db, clinic.id, **({"display_name": "Sam R.", "time_zone": clinic.time_zone} | but))
    return await _person(db, settings, clinic, Role.PATIENT, patient)


async def a_member_of_staff(
    db: Database, settings: Settings, clinic: Clinic, role: Role = Role.PRESCRIBER, *, patients: tuple[Person, ...] = ()
) -> Person:
    """Someone who works at the clinic and looks after these patients."""
    person = await _person(db, settings, clinic, role, None)
    for looked_after in patients:
        assert looked_after.patient is not None
        team = await clinics.patient_with_team(db, clinic.id, looked_after.patient.id)
        wanted = {member["staff_id"]: member["responsible"] for member in team["care_team"]}
        await clinics.put_care_team(db, clinic.id, looked_after.patient, wanted | {person.membership.id: False})
        await db.flush()
    return person


async def _person(db: Database, settings: Settings, clinic: Clinic, role: Role, patient: Patient | None) -> Person:
    email = f"person{next(_numbers)}@example.org"
    account = await credentials.add_account(db, settings, email, PASSWORD)
    membership = await identity.add_membership(
        db,
        account,
        clinic_id=clinic.id,
        role=role,
        display_name=f"{role.value} {email}",
        patient_id=patient.id if patient else None,
    )
    methods = "password" if patient else "password otp"
    tokens = identity.begin(db, settings, membership, "a phone", methods=methods)
    await db.flush()
    return Person(membership, email, tokens.access_token, tokens.refresh_token, patient)


async def an_api_client(db: Database, clinic: Clinic, **but: Any) -> tuple[str, str]:
    """A program of the clinic that may read patients and keep appointments: its id and its secret."""
    new = {
        "name": "Practice software",
        "authentication": "client_secret",
        "relationship": "clinic_system",
        "scopes": ["patients:read", "appointments:read", "appointments:write"],
    } | but
    client, secret = await api_clients.register(
        db, clinic.id, ApiClientWrite.model_validate(new, strict=False), created_by=None
    )
    return str(client.id), secret or ""


def a_report(at: datetime | None = None, **but: Any) -> dict[str, Any]:
    """A check-in as a phone sends it."""
    at = at or datetime.now(UTC) - timedelta(minutes=5)
    return {
        "recorded_at": at.isoformat(),
        "time_zone": "Europe/Berlin",
        "responses": [
            {
                "instrument": "craving_nrs",
                "version": "1",
                "substance": "alcohol",
                "answers": {"now": 7, "peak": 9, "resist": 4},
            },
            {"instrument": "mood_nrs", "version": "1", "answers": {"now": 4}},
        ],
        "note": "after group",
    } | but


def an_id() -> UUID:
    """An id as a phone makes it."""
    return new_id()
