"""A small clinic whose privacy officer looks on."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.factories import Person, a_member_of_staff

NewClient = Callable[..., httpx2.AsyncClient]
WHY = {"reason_code": "medical_emergency", "reason": "Found unresponsive in the waiting room."}


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A patient and those who look after them."""
    return await a_cast(db, settings)


@pytest.fixture
async def officer(db: Database, settings: Settings, cast: Cast) -> Person:
    """The clinic's privacy officer."""
    person = await a_member_of_staff(db, settings, cast.clinic, Role.PRIVACY_OFFICER)
    await db.finish()
    return person


@pytest.fixture
def as_officer(new_client: NewClient, officer: Person) -> httpx2.AsyncClient:
    """The privacy officer's browser."""
    return new_client(officer.token)


@pytest.fixture
def as_nurse(new_client: NewClient, cast: Cast) -> httpx2.AsyncClient:
    """The browser of a nurse who looks after one patient and not the other."""
    return new_client(cast.nurse.token)


@pytest.fixture
def as_other_patient(new_client: NewClient, cast: Cast) -> httpx2.AsyncClient:
    """The phone of the patient whom the nurse does not look after."""
    return new_client(cast.other_patient.token)


@pytest.fixture
def emergency_address(cast: Cast) -> str:
    """Where the record of the patient whom the nurse does not look after is opened."""
    return f"/v1/patients/{cast.other_patient_id}/emergency-access"
