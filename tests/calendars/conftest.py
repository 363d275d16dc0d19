from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.calendars.feeds import Diary
from tests.cast import Cast, a_cast

Clients = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def diary(db: Database, cast: Cast) -> Diary:
    return Diary(db, cast)


@pytest.fixture
def me(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.patient.token)


@pytest.fixture
def therapist(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.therapist.token)
