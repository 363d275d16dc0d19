"""Processes die at the worst moment, and every event still arrives; what was rolled back never does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.bells import Bell
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.settings import Settings
from app.webhooks import delivering
from app.webhooks.delivering import LANES_AT_FIRST, Deliverer
from app.webhooks.matching import match
from app.webhooks.models import WebhookLane
from tests.cast import Cast
from tests.webhooks.crashing import (
    SERVER,
    Books,
    Consumer,
    Journal,
    Phone,
    Processes,
    end_leases,
    everything_delivered,
    faults,
    undo,
)
from tests.webhooks.receivers import receiving
from tests.webhooks.test_matching import recorded
from tests.webhooks.world import agrees, an_endpoint, attempts, deliveries, forget_events, soon, working

CHECK_INS = 20
"""Of each of two patients."""


async def endpoints_at(db: Database, cast: Cast, url: str, count: int) -> dict[str, UUID]:
    """So many endpoints, by their paths."""
    return {f"/hook/{n}": (await an_endpoint(db, cast, f"{url}/{n}")).id for n in range(count)}


class TestKilled:
    async def test_three_times_every_event_arrives_under_one_id_and_nothing_that_was_rolled_back(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings, root: Path, tmp_path: Path
    ) -> None:
        people, consumer, journal = (cast.patient, cast.other_patient), Consumer(), Journal()
        await agrees(db, cast.other_patient)
        victims = [SERVER] * 3 if settings.is_sqlite else ["worker-1", SERVER, "worker-1"]
        processes = Processes(root, settings.database_url, tmp_path, workers=0 if settings.is_sqlite else 1)
        async with receiving(consumer) as receiver:
            endpoints = await endpoints_at(db, cast, receiver.url, 2)
            await forget_events(db)
            async with asyncio.timeout(40), processes.running():
                async with asyncio.TaskGroup() as sending:
                    for person in people:
                        sending.create_task(Phone(processes.address, person, journal).send(CHECK_INS, 0.05))
                    for number, victim in enumerate(victims, 1):
                        consumer.goes_on.clear()
                        while journal.done < number * CHECK_INS // 3:  # noqa: ASYNC110  phones set no event
                            await asyncio.sleep(0.01)
                        await undo(engine, cast.patient, journal)
                        await consumer.busy.wait()
                        await processes.kill(victim)
                        consumer.goes_on.set()
                        if victim != SERVER:
                            await end_leases(engine)
                        await processes.start(victim)
                await everything_delivered(engine, within=20)
            books = await Books.read(engine)

        assert faults(books, consumer, journal, endpoints) == []
        assert processes.kills.total() == 3
        assert len(books.stored) >= len(journal.acknowledged) >= 2 * CHECK_INS - 4
        assert (len(journal.refused), len(journal.undone)) == (12, 3)
        assert 2 <= consumer.duplicates <= books.lost


class TestRounds:
    async def test_one_that_was_committed_and_then_cut_off_keeps_nothing_for_itself(
        self, cast: Cast, db: Database, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await match(deliverer._engine)
            with monkeypatch.context() as patch:
                patch.setattr(delivering, "unit_of_work", committed_and_cut_off)
                with pytest.raises(ConnectionResetError):
                    await deliverer.round()
            taken = [each.state for each in await deliveries(db)]
            await deliverer.settle()

        assert (taken, len(receiver.requests)) == (["sending"], 1)
        assert [each.outcome for each in await attempts(db)] == ["lost", "delivered"]

    async def test_one_that_fails_leaves_the_lane_its_room(
        self, cast: Cast, db: Database, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url, max_concurrency=1)
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()
            recorded(db, cast)
            await db.finish()
            await match(deliverer._engine)
            with monkeypatch.context() as patch:
                patch.setattr(delivering, "unit_of_work", undone)
                for _ in range(9):
                    with pytest.raises(ConnectionResetError):
                        await deliverer.round()
            await deliverer.settle()

        assert [each.outcome for each in await attempts(db)] == ["delivered", "delivered"]

    async def test_what_cannot_even_be_signed_is_tried_again_later_and_holds_up_nobody(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving() as receiver:
            broken = await an_endpoint(db, cast, receiver.url, secrets=("whsec_no base64",))
            whole = await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()

        assert [each.state for each in await deliveries(db, broken.id)] == ["pending"]
        assert [each.state for each in await deliveries(db, whole.id)] == ["delivered"]

    @pytest.mark.postgresql
    async def test_of_several_workers_leave_each_other_some_lanes(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
    ) -> None:
        async with receiving() as receiver:
            await endpoints_at(db, cast, receiver.url, 2 * LANES_AT_FIRST)
            recorded(db, cast)
            await db.finish()
            await match(engine)
            async with working(engine, settings) as one, working(engine, settings) as two:
                taken = [await one.round(), await two.round()]

        assert taken == [LANES_AT_FIRST, LANES_AT_FIRST]
        assert len(receiver.requests) == 2 * LANES_AT_FIRST


@asynccontextmanager
async def committed_and_cut_off(engine: AsyncEngine, clinic_id: UUID) -> AsyncIterator[Database]:
    """The connection breaks before the answer to the commit is there."""
    async with unit_of_work(engine, clinic_id) as db:
        yield db
    raise ConnectionResetError


@asynccontextmanager
async def undone(engine: AsyncEngine, clinic_id: UUID) -> AsyncIterator[Database]:
    """The connection breaks before the commit."""
    async with unit_of_work(engine, clinic_id) as db:
        yield db
        raise ConnectionResetError


@pytest.mark.postgresql
class TestTwoWorkers:
    async def test_share_hundreds_of_deliveries_and_double_none(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings, root: Path, tmp_path: Path
    ) -> None:
        consumer, owners, events = Consumer(0.02), set[UUID](), 0
        processes = Processes(root, settings.database_url, tmp_path, workers=2, server=False)
        async with receiving(consumer) as receiver, asyncio.timeout(60):
            endpoints = await endpoints_at(db, cast, receiver.url, 10)
            await db.finish()
            async with processes.running():
                await soon(lambda: listeners(engine, 2), within=10)
                bell = Bell(engine, aloud=True)
                while events < 30 or len(owners) < 2:  # who came too late for one burst has its share of the next
                    for _ in range(15):
                        recorded(db, cast)
                        await db.finish()
                        bell.ring()
                    events += 15
                    while consumer.count < 10 * events:
                        owners |= await holders(engine)
                await everything_delivered(engine, within=10)
            books = await Books.read(engine)

        assert (consumer.count, consumer.duplicates, consumer.faults) == (10 * events, 0, [])
        assert {path: len(messages) for path, messages in consumer.arrived.items()} == dict.fromkeys(endpoints, events)
        assert [(each.number, each.outcome) for each in books.attempts] == [(1, "delivered")] * 10 * events
        assert len(owners) == 2


async def listeners(engine: AsyncEngine, count: int) -> bool:
    """Whether so many workers hear the bell."""
    listening = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'afterglow listener'"
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        return int((await db.execute(sa.text(listening))).scalar_one()) == count


async def holders(engine: AsyncEngine) -> set[UUID]:
    """Who holds a lane now."""
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        return set((await db.scalars(sa.select(WebhookLane.owner).where(WebhookLane.owner.is_not(None)))).all())  # type: ignore[arg-type]
