"""Several workers share the work, a lost one's is done by another, and each endpoint is called as it said."""

import asyncio
from datetime import timedelta

import time_machine
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.webhooks.delivering import Deliverer
from app.webhooks.matching import match
from tests.cast import Cast
from tests.webhooks.receivers import answering, hanging, receiving, slow
from tests.webhooks.test_matching import recorded
from tests.webhooks.world import an_endpoint, attempts, deliveries, working


class TestWorkers:
    async def test_two_share_the_work_and_double_none(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
    ) -> None:
        async with receiving(slow(0.002)) as receiver:
            for _ in range(8):
                await an_endpoint(db, cast, receiver.url, max_per_second=1000)
            for _ in range(60):
                recorded(db, cast)
            await db.finish()
            async with working(engine, settings) as one, working(engine, settings) as two:
                await asyncio.gather(one.settle(), two.settle())
                await one.settle()

        assert len(receiver.requests) == 480
        assert {each.state for each in await deliveries(db)} == {"delivered"}
        assert [each.number for each in await attempts(db)] == [1] * 480

    async def test_what_a_lost_one_was_sending_is_sent_again(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
    ) -> None:
        async with receiving(hanging) as receiver:
            await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            async with working(engine, settings) as lost, working(engine, settings) as other:
                await match(engine)
                await lost.round()
                await receiver.arrive(1)
                receiver.behaviour = answering(204)
                await other.settle()
                before = len(receiver.requests)
                with time_machine.travel(clock.now() + timedelta(seconds=31)):
                    await other.settle()
                    await receiver.hang_up()  # the lost one wakes up, and is told nothing of it is its own any more

        first, second = receiver.requests
        assert before == 1
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert [each.outcome for each in await attempts(db)] == ["lost", "delivered"]
        assert [each.state for each in await deliveries(db)] == ["delivered"]

    async def test_one_that_ends_finishes_what_is_under_way_and_lets_others_go_on_at_once(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
    ) -> None:
        async with receiving(slow(0.2)) as receiver:
            await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            async with working(engine, settings) as ending:
                await match(engine)
                await ending.round()
            assert [each.state for each in await deliveries(db)] == ["delivered"]
            recorded(db, cast)
            await db.finish()
            async with working(engine, settings) as other:
                await other.settle()

        assert len(receiver.requests) == 2


class TestLanes:
    async def test_one_that_hangs_is_in_nobodys_way(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
    ) -> None:
        async with receiving(hanging) as stuck, receiving() as well:
            await an_endpoint(db, cast, stuck.url)
            await an_endpoint(db, cast, well.url, max_per_second=1000)
            for _ in range(100):
                recorded(db, cast)
            await db.finish()
            deliverer = Deliverer(engine, settings)
            await match(engine)
            stop = asyncio.Event()
            running = asyncio.create_task(deliverer.run(stop))
            await well.arrive(100, within=5)
            held = stuck.open
            stop.set()
            await stuck.hang_up()
            await running

        assert held == 4

    async def test_one_endpoint_never_has_more_connections_than_it_said(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving(slow(0.01)) as receiver:
            await an_endpoint(db, cast, receiver.url, max_concurrency=2, max_per_second=1000)
            for _ in range(60):
                recorded(db, cast)
            await db.finish()
            await deliverer.settle()

        assert len(receiver.requests) == 60
        assert receiver.connections <= 2

    async def test_one_endpoint_is_not_called_more_often_than_it_said(
        self, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
    ) -> None:
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url, max_per_second=20)
            for _ in range(60):
                recorded(db, cast)
            await db.finish()
            deliverer, stop = Deliverer(engine, settings), asyncio.Event()
            await match(engine)
            running = asyncio.create_task(deliverer.run(stop))
            await receiver.arrive(45)
            stop.set()
            await running

        first = receiver.requests[0].at
        assert sum(each.at - first < 1 for each in receiver.requests) <= 41
