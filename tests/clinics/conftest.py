"""A small clinic and those who administer it."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.factories import a_member_of_staff


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A patient and those who look after them."""
    return await a_cast(db, settings)


@pytest.fixture
def as_coordinator(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The coordinator's browser."""
    return new_client(cast.coordinator.token)


@pytest.fixture
def as_prescriber(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The prescriber's browser."""
    return new_client(cast.prescriber.token)


@pytest.fixture
async def as_admin(
    new_client: Callable[..., httpx2.AsyncClient], cast: Cast, db: Database, settings: Settings
) -> httpx2.AsyncClient:
    """The browser of whoever administers the clinic."""
    return new_client((await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)).token)
