"""A patient among those who look after them, with a past, and their copies."""

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.consents.papers import Clients, Papers
from tests.exports.copies import Copies
from tests.factories import a_member_of_staff
from tests.trends.history import History


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def phone(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


@pytest.fixture
def copies(phone: httpx2.AsyncClient) -> Copies:
    return Copies(phone)


@pytest.fixture
def history(db: Database, cast: Cast, phone: httpx2.AsyncClient) -> History:
    return History(db, cast.patient, phone)


@pytest.fixture
async def papers(new_client: Clients, cast: Cast, db: Database, settings: Settings) -> Papers:
    return Papers(new_client, cast, await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN))
