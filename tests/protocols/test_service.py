"""Versions of a protocol: read once, never changed."""

import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.protocols import service
from app.protocols.rules import Linking, Protocol
from tests.factories import a_clinic, an_id


class TestAtVersion:
    async def test_gives_each_version_as_it_was(self, db: Database, settings: Settings) -> None:
        clinic = await a_clinic(db)
        stricter = Protocol(linking=Linking(before_hours=24))
        service.add_version(db, clinic.id, 2, stricter, reason="Stricter.")
        await db.flush()

        assert await service.at_version(db, clinic.id, 1) == Protocol()
        assert await service.at_version(db, clinic.id, 2) == stricter

    async def test_asks_the_database_once(self, db: Database, settings: Settings, queries: list[str]) -> None:
        clinic = await a_clinic(db)
        await service.at_version(db, clinic.id, 1)
        queries.clear()

        await service.at_version(db, clinic.id, 1)

        assert queries == []

    async def test_leaves_out_figures_that_only_a_newer_release_knows(self, db: Database, settings: Settings) -> None:
        clinic = await a_clinic(db)
        made = service.add_version(db, clinic.id, 2, Protocol(linking=Linking(before_hours=24)), reason="Newer.")
        made.figures = made.figures | {"linking": made.figures["linking"] | {"of_later": 1}, "later": {"on": True}}
        await db.flush()

        assert await service.at_version(db, clinic.id, 2) == Protocol(linking=Linking(before_hours=24))

    async def test_remembers_no_more_than_it_should(
        self, db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "_known", {})
        monkeypatch.setattr(service, "_KNOWN_LIMIT", 2)
        for _ in range(5):
            await service.at_version(db, (await a_clinic(db)).id, 1)

        assert len(service._known) <= 2


class TestRow:
    async def test_tells_who_signed(self, db: Database, settings: Settings) -> None:
        clinic = await a_clinic(db)

        found = await service.row(db, clinic.id, 1)

        assert (found.signed_off_by, found.signed_off_at) == (None, None)
        assert "signed" in found.reason

    async def test_a_clinic_without_one_is_a_fault(self, db: Database, settings: Settings) -> None:
        with pytest.raises(LookupError):
            await service.row(db, an_id(), 1)
