"""Receivers that misbehave, each beside one that does not: the log says how it ended, and nobody else waits."""

import asyncio
import ssl

import pytest
import trustme
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.core.settings import Settings
from app.webhooks.delivering import Deliverer
from app.webhooks.matching import match
from app.webhooks.sending import Sender
from tests.cast import Cast
from tests.webhooks.receivers import (
    Behaviour,
    answering,
    breaking_off,
    closing,
    dripping,
    flooding,
    hanging,
    receiving,
)
from tests.webhooks.test_matching import recorded
from tests.webhooks.world import an_endpoint, attempts, deliveries, soon

EVENTS = 20
BAD: dict[str, tuple[Behaviour, str, str]] = {
    "hangs": (hanging, "timed_out", "pending"),
    "drips a byte a second": (dripping(), "timed_out", "pending"),
    "sends 1 GB": (flooding(), "delivered", "delivered"),
    "says it is gone": (answering(410), "gone", "failed"),
    "is busy": (answering(429, retry_after="3"), "refused", "pending"),
    "is broken": (answering(500), "refused", "pending"),
    "breaks off in the middle": (breaking_off, "broken_off", "pending"),
    "closes without a word": (closing, "broken_off", "pending"),
}


@pytest.mark.parametrize("how", BAD)
async def test_one_that(how: str, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings) -> None:
    behaviour, outcome, state = BAD[how]
    async with receiving(behaviour) as bad, receiving() as good:
        its = await an_endpoint(db, cast, bad.url)
        await an_endpoint(db, cast, good.url)
        await _deliver(db, engine, settings, cast, lambda: len(good.requests) == EVENTS)
        flooded = bad.sent

    ended = [each for each in await attempts(db) if each.outcome != "delivered" or outcome == "delivered"]
    assert ended
    assert {each.outcome for each in ended} == {outcome}
    assert state in {each.state for each in await deliveries(db, its.id)}
    assert flooded < 200 * 1024**2


async def test_one_that_leads_somewhere_else_is_not_followed(
    cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
) -> None:
    async with receiving() as canary, receiving(answering(302, location=canary.url)) as bad, receiving() as good:
        await an_endpoint(db, cast, bad.url)
        await an_endpoint(db, cast, good.url)
        await _deliver(db, engine, settings, cast, lambda: len(good.requests) == EVENTS)

    assert canary.connections == 0
    assert {each.outcome for each in await attempts(db)} == {"redirected", "delivered"}


async def test_one_whose_certificate_nobody_vouches_for_gets_nothing(
    cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with receiving(tls=context, host="localhost") as bad, receiving() as good:
        its = await an_endpoint(db, cast, bad.url)
        await an_endpoint(db, cast, good.url)
        await _deliver(db, engine, settings, cast, lambda: len(good.requests) == EVENTS)

    assert bad.requests == []
    assert {each.outcome for each in await attempts(db)} == {"untrusted", "delivered"}
    assert {each.state for each in await deliveries(db, its.id)} == {"pending"}


async def test_one_on_an_address_that_was_allowed_once_is_not_called(
    cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
) -> None:
    strict = settings.model_copy(update={"webhook_allowed_networks": []})
    async with receiving() as canary:
        await an_endpoint(db, cast, canary.url)
        await an_endpoint(db, cast, canary.url.replace("http://127.0.0.1", "https://localhost"))
        recorded(db, cast)
        await db.finish()
        deliverer = Deliverer(engine, strict)
        await deliverer.settle()
        await deliverer.close()

    assert canary.connections == 0
    assert [each.outcome for each in await attempts(db)] == ["blocked_address", "blocked_address"]


async def _deliver(db: Database, engine: AsyncEngine, settings: Settings, cast: Cast, done: object) -> None:
    """Run a worker until `done`, and until the receiver that misbehaves had its time."""
    for _ in range(EVENTS):
        recorded(db, cast)
    await db.finish()
    await match(engine)
    deliverer, stop = Deliverer(engine, settings, Sender(settings, seconds=0.4)), asyncio.Event()
    running = asyncio.create_task(deliverer.run(stop))

    async def all_is_there() -> bool:
        assert callable(done)
        return bool(done())

    await soon(all_is_there)
    stop.set()
    await running
