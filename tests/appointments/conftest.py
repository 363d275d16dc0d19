import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.appointments.bookings import Bookings, Clients
from tests.cast import Cast, a_cast


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def bookings(new_client: Clients, cast: Cast) -> Bookings:
    return Bookings(new_client, cast)
