"""What is done with accounts, where no route shows it by itself."""

import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity import service
from tests.factories import a_clinic, a_member_of_staff

pytestmark = pytest.mark.anyio


class TestIsTaken:
    async def test_an_address_is_once_somebody_has_it(self, db: Database, settings: Settings) -> None:
        person = await a_member_of_staff(db, settings, await a_clinic(db))

        assert await service.is_taken(db, person.email)
        assert not await service.is_taken(db, "nobody@example.org")
