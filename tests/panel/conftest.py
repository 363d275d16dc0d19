import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)
