import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.groups.meetings import Clients, Meetings


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def group(new_client: Clients, cast: Cast) -> Meetings:
    return Meetings(new_client(cast.coordinator.token), cast)
