import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.dosing.models import DosingSession
from tests.cast import Cast, a_cast
from tests.dosing.sessions import Clients, Sessions
from tests.dosing.watching import dosed


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def sessions(new_client: Clients, cast: Cast) -> Sessions:
    return Sessions(new_client, cast)


@pytest.fixture
async def session(db: Database, sessions: Sessions) -> DosingSession:
    """A dose of this moment."""
    found = await dosed(db, sessions, status="discharged", dose_started=0, dose_ended=0)
    await db.finish()
    return found
