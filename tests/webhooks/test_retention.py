"""What is older than it is kept goes, in small pieces, and nothing else."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.core.ids import first_id_of, new_id
from app.core.settings import Settings
from app.events.models import EventFeed, OutboxEvent
from app.webhooks import matching, retention
from app.webhooks.models import WebhookAttempt, WebhookDelivery
from tests.cast import Cast, a_cast
from tests.webhooks.rows import a_delivery, ago, an_attempt, an_event
from tests.webhooks.world import an_endpoint, forget_events

URL = "https://hooks.ehr.example/afterglow"


async def kept(db: Database, table: Any) -> set[Any]:
    await db.finish()
    found = set(await db.scalars(sa.select(table.id)))
    await db.finish()
    return found


async def apply(db: Database, engine: AsyncEngine, settings: Settings, stop: asyncio.Event | None = None) -> int:
    await db.finish()
    return await retention.apply(engine, settings, stop)


class TestDeliveries:
    async def test_old_ones_go_with_their_attempts(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL)
        elsewhere = await an_endpoint(db, await a_cast(db, settings), URL)
        await forget_events(db)
        old = [await a_delivery(db, each, created_at=ago(days=30, minutes=1)) for each in (endpoint, elsewhere)]
        young = await a_delivery(db, endpoint, created_at=ago(days=29, hours=23))
        attempts = [await an_attempt(db, delivery) for delivery in (*old, *old, young)]

        assert await apply(db, engine, settings) == 2

        assert await kept(db, WebhookDelivery) == {young.id}
        assert await kept(db, WebhookAttempt) == {attempts[-1].id}

    @pytest.mark.parametrize("state", ["pending", "delivered", "failed", "withheld", "parked"])
    async def test_whatever_became_of_them(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings, state: str
    ) -> None:
        await a_delivery(db, await an_endpoint(db, cast, URL), created_at=ago(days=31), state=state)

        assert await apply(db, engine, settings) == 1

    async def test_but_not_one_that_is_being_sent(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        sent = await a_delivery(db, await an_endpoint(db, cast, URL), created_at=ago(days=31), state="sending")

        assert await apply(db, engine, settings) == 0
        assert await kept(db, WebhookDelivery) == {sent.id}

    @pytest.mark.postgresql
    async def test_nor_one_that_somebody_is_at_work_on(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL)
        held, free = [await a_delivery(db, endpoint, created_at=ago(days=31)) for _ in range(2)]
        await db.finish()
        await db.execute(sa.select(WebhookDelivery.id).where(WebhookDelivery.id == held.id).with_for_update())

        assert await retention.apply(engine, settings) == 1

        assert await kept(db, WebhookDelivery) == {held.id}
        assert free.id != held.id

    async def test_the_operator_says_how_old(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        await a_delivery(db, await an_endpoint(db, cast, URL), created_at=ago(days=8))

        assert await apply(db, engine, settings) == 0
        assert await apply(db, engine, settings.model_copy(update={"event_retention_days": 7})) == 1


class TestEvents:
    async def test_old_ones_go_once_they_were_numbered(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        clinic_id = cast.clinic.id
        await an_event(db, clinic_id, ago(days=40), position=1)
        unnumbered = await an_event(db, clinic_id, ago(days=40), position=None)
        await an_event(db, clinic_id, ago(days=30, minutes=1), position=2)
        young = await an_event(db, clinic_id, ago(days=29, hours=23), position=3)

        assert await apply(db, engine, settings) == 2

        assert await kept(db, OutboxEvent) == {unnumbered, young}

    async def test_never_from_the_middle_of_a_feed(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        """A transaction that took long recorded its event early, and had it numbered late."""
        elsewhere = (await a_cast(db, settings)).clinic.id
        await forget_events(db)
        await an_event(db, cast.clinic.id, ago(days=31), position=1)
        young = await an_event(db, cast.clinic.id, ago(days=29), position=2)
        slow = await an_event(db, cast.clinic.id, ago(days=31), position=3)
        await an_event(db, elsewhere, ago(days=31), position=1)

        assert await apply(db, engine, settings) == 2

        assert await kept(db, OutboxEvent) == {young, slow}

    async def test_no_position_is_given_twice(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        clinic_id = cast.clinic.id
        for position in (1, 2, 3):
            await an_event(db, clinic_id, ago(days=31), position=position)
        db.add(EventFeed(clinic_id=clinic_id, last_position=3))
        await apply(db, engine, settings)
        await an_event(db, clinic_id, ago(seconds=1), position=None)
        await db.finish()

        assert await matching.match(engine) == 1

        assert list(await db.scalars(sa.select(OutboxEvent.position))) == [4]


class TestPieces:
    async def test_each_transaction_is_small(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "BATCH", 3)
        endpoint, at_once = await an_endpoint(db, cast, URL), list[int]()
        for position in range(1, 8):
            await a_delivery(db, endpoint, created_at=ago(days=31))
            await an_event(db, cast.clinic.id, ago(days=31), position=position)
        for name in ("_deliveries", "_events"):
            monkeypatch.setattr(retention, name, noting(getattr(retention, name), at_once))

        assert await apply(db, engine, settings) == 14

        assert at_once == [3, 3, 1, 3, 3, 1]
        assert (await kept(db, WebhookDelivery), await kept(db, OutboxEvent)) == (set(), set())

    async def test_it_stops_when_it_is_told_to(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings
    ) -> None:
        await a_delivery(db, await an_endpoint(db, cast, URL), created_at=ago(days=31))
        stop = asyncio.Event()
        stop.set()

        assert await apply(db, engine, settings, stop) == 0

    async def test_two_at_once_do_it_once(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "BATCH", 5)
        endpoint = await an_endpoint(db, cast, URL)
        for _ in range(30):
            await a_delivery(db, endpoint, created_at=ago(days=31))
        await db.finish()

        gone = await asyncio.gather(*(retention.apply(engine, settings) for _ in range(2)))

        assert sum(gone) == 30
        assert await apply(db, engine, settings) == 0

    async def test_nothing_to_do_costs_two_statements(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Settings, queries: list[str]
    ) -> None:
        await a_delivery(db, await an_endpoint(db, cast, URL))
        await db.finish()
        queries.clear()

        assert await retention.apply(engine, settings) == 0
        assert len(queries) == 2


def noting(forget: retention.Forget, noted: list[int]) -> retention.Forget:
    async def also_note(db: Database, before: datetime) -> int:
        noted.append(await forget(db, before))
        return noted[-1]

    return also_note


class TestFirstIdOf:
    def test_is_between_the_ids_of_before_and_after(self) -> None:
        assert first_id_of(ago(seconds=1)) < new_id() < first_id_of(ago(seconds=-1))

    def test_is_a_uuid_of_version_7(self) -> None:
        first = first_id_of(datetime(2026, 5, 1, tzinfo=UTC))

        assert (first.version, first.variant) == (7, new_id().variant)
