"""What limits cost: a check-in with and without them, in turn, and the decision alone.

Three ways: with permits bought by the dozen, as shipped; with a purchase for each request, as a phone that calls once
an hour has it; and without limits. Many short rounds, since what is measured is smaller than a machine's moods.
`python -m benchmarks.limits` prints them.
"""

import asyncio
import gc
import itertools
import json
import time
from collections.abc import Hashable
from statistics import median
from unittest.mock import patch

import httpx2
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import limits
from app.core.ids import new_id
from app.core.limits import Headers, Limit, Limits
from app.core.settings import Settings
from app.main import create_app
from benchmarks import world as worlds
from benchmarks.access import check_in
from benchmarks.world import World
from tests.databases import WIDE_LIMITS
from tests.postgresql import APPLICATION, Server, address

ROUNDS, REQUESTS = 40, 64
DECISIONS = 100_000
NONE = "no limits"


class Unlimited(Limits):
    """Lets everybody through for nothing."""

    async def spend(self, limit: Limit, caller: Hashable) -> Headers:  # noqa: ARG002  as what it stands for
        """Nothing is asked and nothing told."""
        return ()


async def _time(app: FastAPI, world: World, requests: int, connections: int) -> float:
    """Microseconds of this process for one check-in, from the request to the answer, on average."""
    tokens, numbers = itertools.cycle(world.tokens), iter(range(requests))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://bench") as client:

        async def ask() -> None:
            for number in numbers:
                headers = {"Authorization": f"Bearer {next(tokens)}", "Content-Type": "application/json"}
                body = json.dumps(check_in(number))
                answer = await client.put(f"/v1/me/check-ins/{new_id()}", content=body, headers=headers)
                assert answer.status_code == 201, answer.text

        began = time.process_time()
        await asyncio.gather(*(ask() for _ in range(connections)))
        return (time.process_time() - began) / requests * 1e6


async def measure(settings: Settings, world: World, connections: int) -> dict[str, list[float]]:
    """Microseconds of a check-in in each round, for each way."""
    app = create_app(settings)
    engine: AsyncEngine = app.state.engine
    ways = {
        NONE: (Unlimited(settings, engine), 1),
        "permits by the dozen": (Limits(settings, engine), limits.DOZEN),
        "a purchase for each request": (Limits(settings, engine), 1),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(ROUNDS + 1):
        for name, (way, units) in ways.items():
            app.state.limits = way
            with patch.object(limits, "DOZEN", units):
                gc.collect()
                spent = await _time(app, world, REQUESTS, connections)
            if round_:
                took[name].append(spent)
    await engine.dispose()
    return took


async def decide(settings: Settings) -> float:
    """Microseconds of a decision that is made in memory."""
    app = create_app(settings)
    one = Limits(settings, app.state.engine)
    with patch.object(limits, "DOZEN", DECISIONS + 1):
        await one.spend(Limit.UPLOAD, "a phone")
    began = time.perf_counter()
    for _ in range(DECISIONS):
        await one.spend(Limit.UPLOAD, "a phone")
    took = (time.perf_counter() - began) / DECISIONS * 1e6
    await app.state.engine.dispose()
    return took


async def _main() -> None:
    server = Server(durable=True)
    try:
        await worlds.make_database(server)
        world = await worlds.make(Settings(database_url=address(server.host, "bench")), filler_patients=1)
        settings = Settings(database_url=address(server.host, "bench", APPLICATION), **WIDE_LIMITS)
        for connections in (1, 8):
            took = await measure(settings, world, connections)
            bare, best = median(took[NONE]), min(took[NONE])
            print(f"{connections} at once, {NONE}: {bare:.0f} us of this process (at best {best:.0f})")
            for name in took.keys() - {NONE}:
                middle, least = median(took[name]), min(took[name])
                print(f"  {name}: {middle / bare:.3f} x, {middle - bare:+.0f} us (at best {least - best:+.0f})")
        print(f"a decision in memory: {await decide(settings):.2f} us")
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(_main())
