"""A small clinic whose people sign in."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A patient and those who look after them."""
    return await a_cast(db, settings)


@pytest.fixture
def as_patient(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The patient's phone."""
    return new_client(cast.patient.token)


@pytest.fixture
def as_coordinator(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The coordinator's browser."""
    return new_client(cast.coordinator.token)
