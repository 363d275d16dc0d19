"""A patient with a phone, and a prescriber who looks after them."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests import factories
from tests.factories import Person


@pytest.fixture
async def patient(db: Database, settings: Settings) -> Person:
    """A patient of a clinic in Berlin."""
    return await factories.a_patient(db, settings, await factories.a_clinic(db))


@pytest.fixture
def as_patient(new_client: Callable[..., httpx2.AsyncClient], patient: Person) -> httpx2.AsyncClient:
    """The patient's phone."""
    return new_client(patient.token)


@pytest.fixture
async def prescriber(db: Database, settings: Settings, patient: Person) -> Person:
    """A prescriber who looks after the patient."""
    from app.identity.models import Clinic

    clinic = await db.get_one(Clinic, patient.membership.clinic_id)
    return await factories.a_member_of_staff(db, settings, clinic, patients=(patient,))


@pytest.fixture
def as_prescriber(new_client: Callable[..., httpx2.AsyncClient], prescriber: Person) -> httpx2.AsyncClient:
    """The prescriber's browser."""
    return new_client(prescriber.token)
