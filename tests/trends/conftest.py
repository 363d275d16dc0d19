"""A patient with a phone and a prescriber, and what they have behind them."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Clinic
from tests import factories
from tests.factories import Person
from tests.trends.history import History


@pytest.fixture
async def patient(db: Database, settings: Settings) -> Person:
    """A patient of a clinic in Berlin."""
    return await factories.a_patient(db, settings, await factories.a_clinic(db))


@pytest.fixture
def as_patient(new_client: Callable[..., httpx2.AsyncClient], patient: Person) -> httpx2.AsyncClient:
    """The patient's phone."""
    return new_client(patient.token)


@pytest.fixture
async def as_prescriber(
    new_client: Callable[..., httpx2.AsyncClient], db: Database, settings: Settings, patient: Person
) -> httpx2.AsyncClient:
    """The browser of a prescriber who looks after the patient."""
    clinic = await db.get_one(Clinic, patient.membership.clinic_id)
    prescriber = await factories.a_member_of_staff(db, settings, clinic, patients=(patient,))
    return new_client(prescriber.token)


@pytest.fixture
def history(db: Database, patient: Person, as_patient: httpx2.AsyncClient) -> History:
    """What the patient has behind them."""
    return History(db, patient, as_patient)
