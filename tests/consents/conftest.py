import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.consents.papers import Clients, Papers
from tests.dosing.sessions import Sessions
from tests.factories import a_member_of_staff


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
async def papers(new_client: Clients, cast: Cast, db: Database, settings: Settings) -> Papers:
    return Papers(new_client, cast, await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN))


@pytest.fixture
def sessions(new_client: Clients, cast: Cast) -> Sessions:
    return Sessions(new_client, cast)
