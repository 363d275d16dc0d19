"""What was removed is told for a while; after that a phone reads all anew, and never misses a removal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import PatientRevision, Tombstone
from app.safety.models import Alert
from app.sync import retention
from tests.factories import an_id
from tests.sync.phones import Phone

pytestmark = pytest.mark.anyio
ENTRY: dict[str, Any] = {"text": "The river.", "written_at": "2026-11-22T18:30:12.000Z", "time_zone": "Europe/Berlin"}


async def an_entry(client: httpx2.AsyncClient) -> str:
    entry_id = str(an_id())
    assert (await client.put(f"/v1/me/journal-entries/{entry_id}", json=ENTRY)).status_code == 201
    return entry_id


async def removed(client: httpx2.AsyncClient, entry_id: str) -> None:
    assert (await client.delete(f"/v1/me/journal-entries/{entry_id}")).status_code == 204


async def clean(engine: AsyncEngine, settings: Settings, *, days: int, times: int = 1) -> int:
    """The worker's hour, so many days from now."""
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True):
        return sum([await retention.apply(engine, settings) for _ in range(times)])


async def asked_with(phone: Phone) -> httpx2.Response:
    return await phone.client.get("/v1/me/changes", params={"cursor": phone.cursor or ""})


class TestRemovals:
    async def test_are_told_with_the_id_alone(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        entry_id = await an_entry(as_patient)
        await phone.sync()

        await removed(as_patient, entry_id)
        page = await phone.ask()

        (item,) = page["items"]
        assert item == {"type": "journal_entry", "id": entry_id, "version": None, "deleted": True, "data": None}
        assert phone.things == {}

    async def test_are_not_told_to_who_never_had_the_thing(self, phone: Phone, as_patient: httpx2.AsyncClient) -> None:
        await removed(as_patient, await an_entry(as_patient))

        assert await phone.sync() == []

    async def test_between_two_pages_of_a_first_reading_are_told(
        self, phone: Phone, as_patient: httpx2.AsyncClient
    ) -> None:
        ids = [await an_entry(as_patient) for _ in range(3)]
        phone.limit = 2
        await phone.ask()

        await removed(as_patient, ids[0])
        await phone.sync()

        assert {key[1] for key in phone.things} == {*ids[1:]}


class TestForgetting:
    async def test_keeps_what_is_young(
        self, phone: Phone, as_patient: httpx2.AsyncClient, engine: AsyncEngine, settings: Settings, db: Database
    ) -> None:
        entry_id = await an_entry(as_patient)
        await phone.sync()
        await removed(as_patient, entry_id)

        gone = await clean(engine, settings, days=89, times=2)

        assert gone == 0
        await phone.sync()
        assert phone.things == {}

    async def test_turns_an_old_cursor_away_before_anything_is_forgotten(
        self, phone: Phone, as_patient: httpx2.AsyncClient, engine: AsyncEngine, settings: Settings, db: Database
    ) -> None:
        entry_id = await an_entry(as_patient)
        await phone.sync()
        await removed(as_patient, entry_id)

        gone = await clean(engine, settings, days=91)
        answer = await asked_with(phone)

        assert gone == 0
        assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired")
        assert await clean(engine, settings, days=91) == 1
        assert await db.scalar(sa.select(sa.func.count()).select_from(Tombstone)) == 0
        assert (await asked_with(phone)).status_code == 410

    async def test_leaves_a_newer_cursor_alone(
        self, phone: Phone, as_patient: httpx2.AsyncClient, engine: AsyncEngine, settings: Settings, db: Database
    ) -> None:
        await removed(as_patient, await an_entry(as_patient))
        await phone.sync()

        await clean(engine, settings, days=91, times=2)
        kept = await an_entry(as_patient)

        assert await phone.sync() == [("journal_entry", kept)]
        revision = await db.scalar(sa.select(PatientRevision.tombstones_from).where(PatientRevision.revision > 2))
        assert revision == 2

    async def test_holds_up_no_first_reading_of_many_pages(
        self, phone: Phone, as_patient: httpx2.AsyncClient, engine: AsyncEngine, settings: Settings
    ) -> None:
        ids = [await an_entry(as_patient) for _ in range(5)]
        await removed(as_patient, ids[-1])
        await clean(engine, settings, days=91, times=2)
        phone.limit = 1

        await phone.sync()

        assert {key[1] for key in phone.things} == {*ids[:-1]}

    async def test_a_cursor_of_a_later_state_of_the_record_is_turned_away(
        self, phone: Phone, as_patient: httpx2.AsyncClient, db: Database
    ) -> None:
        await an_entry(as_patient)
        await phone.sync()
        await db.execute(sa.update(PatientRevision).values(revision=0))  # a backup was restored

        assert (await asked_with(phone)).status_code == 410


class TestAlertsOfAnEarlierRelease:
    async def test_are_counted_so_that_phones_learn_of_them(
        self, phone: Phone, as_patient: httpx2.AsyncClient, engine: AsyncEngine, settings: Settings, db: Database
    ) -> None:
        assert (await as_patient.post("/v1/me/help-requests")).status_code == 201
        await db.execute(sa.update(Alert).values(revision=None))
        assert await phone.sync() == []

        await clean(engine, settings, days=0)

        assert [kind for kind, _ in await phone.sync()] == ["alert"]
