"""What the worker does beside delivering, and that it ends when it is told to."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.models import AuditEntry
from app.core import clock
from app.core.bells import Bell, listen
from app.core.db import Database, unit_of_work
from app.core.settings import Settings
from app.worker import every, work
from tests.cast import Cast, a_cast
from tests.webhooks.receivers import receiving, slow
from tests.webhooks.test_matching import recorded
from tests.webhooks.world import agrees, an_endpoint, deliveries, forget_events, soon


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    made = await a_cast(db, settings)
    await agrees(db, made.patient)
    await forget_events(db)
    return made


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook_allowed_networks": ["127.0.0.0/8"], "audit_seal_seconds": 0.05})


class TestWork:
    async def test_delivers_what_is_committed_elsewhere_and_seals_the_audit(
        self, db: Database, engine: AsyncEngine, settings: Settings, cast: Cast, new_client: object
    ) -> None:
        stop, bell = asyncio.Event(), Bell(engine)
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url)
            await db.finish()
            working = asyncio.create_task(work(engine, settings, bell, stop))
            async with unit_of_work(engine, cast.clinic.id) as other:
                recorded(other, cast)
            await receiver.arrive(1)

            async def all_is_sealed() -> bool:
                unsealed = await db.scalar(sa.select(sa.func.count()).where(AuditEntry.seq.is_(None)))
                await db.finish()
                return unsealed == 0

            await soon(all_is_sealed)
            stop.set()
            await asyncio.wait_for(working, 5)

    async def test_finishes_what_is_under_way_before_it_ends(
        self, db: Database, engine: AsyncEngine, settings: Settings, cast: Cast
    ) -> None:
        stop = asyncio.Event()
        async with receiving(slow(0.3)) as receiver:
            await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            working = asyncio.create_task(work(engine, settings, Bell(engine), stop))
            await receiver.arrive(1)
            stop.set()
            await asyncio.wait_for(working, 5)

        assert [each.state for each in await deliveries(db)] == ["delivered"]


class TestEvery:
    async def test_does_it_again_and_survives_its_failures(self) -> None:
        stop, done = asyncio.Event(), []

        async def job() -> None:
            done.append(clock.now())
            if len(done) == 3:
                stop.set()
            raise RuntimeError("not today")

        await asyncio.wait_for(every(0.02, job, stop), 2)

        assert len(done) == 3
        assert done[1] - done[0] >= timedelta(milliseconds=15)


@pytest.mark.postgresql
class TestBell:
    async def test_is_heard_in_another_process(self, engine: AsyncEngine, settings: Settings, cast: Cast) -> None:
        """Two bells of two engines, as two processes have them."""
        from app.core.db import create_engine

        elsewhere = create_engine(settings)
        stop, here, there = asyncio.Event(), Bell(engine, aloud=True), Bell(elsewhere)
        listening = asyncio.create_task(listen(settings, there, stop))
        await asyncio.wait_for(there.rung.wait(), 5)  # it listens from now on
        there.rung.clear()

        async with unit_of_work(engine, cast.clinic.id) as db:
            recorded(db, cast)

        await asyncio.wait_for(there.rung.wait(), 2)
        await here.close()
        stop.set()
        await asyncio.wait_for(listening, 5)
        await elsewhere.dispose()

    async def test_is_not_rung_for_what_was_undone(self, engine: AsyncEngine, cast: Cast) -> None:
        bell = Bell(engine)

        async def undone() -> None:
            async with unit_of_work(engine, cast.clinic.id) as db:
                recorded(db, cast)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await undone()

        assert not bell.rung.is_set()
