"""A patient with a phone, and those who look after them."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.sync.phones import Phone


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def as_patient(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


@pytest.fixture
def phone(as_patient: httpx2.AsyncClient) -> Phone:
    return Phone(as_patient)
