import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.dosing.sessions import Clients, Sessions


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def sessions(new_client: Clients, cast: Cast) -> Sessions:
    return Sessions(new_client, cast)
