"""What the walls cost: row-level security and the audit entry, as ratios of the time that a request's database takes.

Requests are made inside this process, in turn with and without what is measured, so that both meet the same machine.
`make bench` adds these rows to its page; `python -m benchmarks.access` prints them alone.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from statistics import median
from typing import Any
from unittest.mock import patch

import httpx2
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.clinic_wall import ClinicSession
from app.core.db import create_engine
from app.core.engines import ClinicConnection
from app.core.ids import new_id
from app.core.settings import Settings
from app.main import create_app
from benchmarks import world as worlds
from benchmarks.world import World
from tests.postgresql import APPLICATION, Server, address

ROUNDS, REQUESTS, WARM_UP = 9, 150, 60
GOAL = 1.1


class Stopwatch:
    """Adds up the time between sending a statement, or the commit, and its answer, which may be told of twice."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since: float | None = None

    def start(self, *_: object, **__: object) -> None:
        """A statement, or the commit, is sent."""
        self._since = time.perf_counter()

    def stop(self, *_: object, **__: object) -> None:
        """It was answered."""
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None


@contextmanager
def watched(engine: AsyncEngine) -> Iterator[Stopwatch]:
    """Watch what this engine's database takes, also for statements that are sent alone, whose end nobody is told of."""
    watch, sync, fetch = Stopwatch(), engine.sync_engine, ClinicConnection.fetch

    async def timed(connection: ClinicConnection, *arguments: Any, **options: Any) -> Any:
        watch.start()
        rows = await fetch(connection, *arguments, **options)
        watch.stop()
        return rows

    hooks = [
        (sync, "before_cursor_execute", watch.start),
        (sync, "after_cursor_execute", watch.stop),
        (ClinicSession, "before_commit", watch.start),
        (ClinicSession, "after_commit", watch.stop),
    ]
    for target, name, hook in hooks:
        event.listen(target, name, hook)
    with patch.object(ClinicConnection, "fetch", timed):
        yield watch
    for target, name, hook in hooks:
        event.remove(target, name, hook)


def check_in(number: int) -> dict[str, Any]:
    """What a phone sends, of so many minutes ago."""
    return {
        "recorded_at": (clock.now() - timedelta(minutes=number)).isoformat(),
        "time_zone": "Europe/Berlin",
        "responses": [
            {"instrument": "craving_nrs", "version": "1", "substance": "alcohol", "answers": {"now": 5, "peak": 6}},
            {"instrument": "mood_nrs", "version": "1", "answers": {"now": 4}},
        ],
    }


async def _time(app: FastAPI, engine: AsyncEngine, world: World, method: str, address: str, requests: int) -> float:
    """Microseconds of the database for one request: the median of many."""
    app.state.engine = engine
    tokens, taken = itertools.cycle(world.tokens), []
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://bench") as client:
        for number in range(requests):
            body = json.dumps(check_in(number)) if method == "PUT" else None
            headers = {"Authorization": f"Bearer {next(tokens)}", "Content-Type": "application/json"}
            with watched(engine) as watch:
                answer = await client.request(method, address.format(id=new_id()), content=body, headers=headers)
            assert answer.status_code in {200, 201}, answer.text
            taken.append(watch.seconds * 1e6)
    return median(taken)


@contextmanager
def _without_audit() -> Iterator[None]:
    """Leave out the audit entry."""
    with (
        patch("app.audit.service.record"),
        patch("app.identity.queries.entry", lambda _whose: None),
    ):
        yield


async def measure(as_application: Settings, as_superuser: Settings, world: World) -> list[tuple[str, str, list[float]]]:
    """Each measured pair: its name, the work, and the ratio of each round."""
    app = create_app(as_application)
    walled, open_ = create_engine(as_application), create_engine(as_superuser)
    write, read = ("PUT", "/v1/me/check-ins/{id}"), ("GET", "/v1/me/dosing-sessions")
    pairs = (
        ("A1", "row-level security, of a write's database time", write, open_, nullcontext),
        ("A2", "row-level security, of a read's database time", read, open_, nullcontext),
        ("A3", "the audit entry, of a write's database time", write, walled, _without_audit),
        ("A4", "the audit entry, of a read's database time", read, walled, _without_audit),
    )
    rows = []
    for name, work, request, engine, bare in pairs:
        ratios = []
        for round_ in range(ROUNDS + 1):
            requests = REQUESTS if round_ else WARM_UP
            full = await _time(app, walled, world, *request, requests)
            with bare():
                ratios.append(full / await _time(app, engine, world, *request, requests))
        rows.append((name, work, ratios[1:]))
    await walled.dispose()
    await open_.dispose()
    return rows


async def _alone() -> None:
    server = Server(durable=True)
    try:
        await worlds.make_database(server)
        superuser = Settings(database_url=address(server.host, "bench"))
        world = await worlds.make(superuser, filler_patients=10)
        application = Settings(database_url=address(server.host, "bench", APPLICATION))
        for name, work, ratios in await measure(application, superuser, world):
            print(f"{name} {work}: {median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), goal {GOAL}")
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(_alone())
