"""A clinic, those who let programs in, and a program."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.factories import Person, a_member_of_staff, an_api_client

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A patient and those who look after them."""
    return await a_cast(db, settings)


@pytest.fixture
async def admin(cast: Cast, db: Database, settings: Settings) -> Person:
    """Whoever administers the clinic."""
    return await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)


@pytest.fixture
def as_admin(new_client: NewClient, admin: Person) -> httpx2.AsyncClient:
    """Their browser."""
    return new_client(admin.token)


@pytest.fixture
async def program(cast: Cast, db: Database) -> tuple[str, str]:
    """Id and secret of a program that may read patients and keep appointments."""
    return await an_api_client(db, cast.clinic)
