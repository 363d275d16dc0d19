"""How fast webhooks go out, with signing, the guard, consents and records on: `afterglow worker` against receivers.

One worker process and receivers in another, on PostgreSQL. `make bench` adds these rows to its page;
`python -m benchmarks.webhooks` prints them alone.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import asyncpg
import httpcore2
import sqlalchemy as sa
import uvloop

from app.core import crypto
from app.core.bells import Bell
from app.core.db import EVERY_CLINIC, create_engine, unit_of_work
from app.core.settings import Settings
from app.events import service as events
from app.events.models import OutboxEvent
from app.events.types import EventType
from app.webhooks.models import WebhookEndpoint
from benchmarks import world as worlds
from benchmarks.servers import ROOT
from tests.cast import Cast, a_cast
from tests.factories import an_id
from tests.postgresql import APPLICATION, LET_IN, Server, address
from tests.webhooks.receivers import receiving
from tests.webhooks.world import agrees, an_endpoint

ENDPOINTS, EVENTS, ROUNDS = 100, 60, 3
HANGING = ["/hang"] * 5
ALL_KINDS = ["/hang", "/drip", "/flood", "/close", "/redirect", "/410", "/429", "/500"]
LATENCIES = 150
LOOPBACK = '["127.0.0.0/8"]'
PER_SECOND, MILLISECONDS, SHARE_OF_BAD = 1000, 50, 0.5
SHARE_FIRST, SHARE_THEN = 0.8, 0.95


@dataclass(frozen=True, slots=True)
class Stage:
    """A clinic with a database, and receivers."""

    settings: Settings
    cast: Cast
    receivers: int

    def counts(self) -> dict[str, Any]:
        """What arrived since it was asked last."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.receivers}/counts", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def _free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port: int = finder.getsockname()[1]
    return port


@contextmanager
def _receivers() -> Iterator[int]:
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.receivers", str(port)], cwd=ROOT)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def _worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`afterglow worker`, as operators start it."""
    environment = os.environ | {
        "AFTERGLOW_DATABASE_URL": settings.database_url,
        "AFTERGLOW_WEBHOOK_ALLOWED_NETWORKS": LOOPBACK,
        "AFTERGLOW_LOG_LEVEL": "WARNING",
    }
    process = subprocess.Popen([sys.executable, "-m", "app.cli", "worker"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


async def _arrange(stage: Stage, paths: list[str], count: int) -> None:
    """Endpoints at these paths, and events that wait for them; what was there before is no more."""
    engine = create_engine(stage.settings)
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        for table in ("webhook_attempts", "webhook_deliveries", "webhook_lanes", "webhook_secrets"):
            await db.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608  names of ours
        await db.execute(sa.delete(WebhookEndpoint))
        await db.execute(sa.delete(OutboxEvent))
        for path in paths:
            await an_endpoint(
                db,
                stage.cast,
                f"http://127.0.0.1:{stage.receivers}{path}",
                max_per_second=1000,
                event_types=["check_in.*"],
            )
    await _tell(engine, stage.cast, count)
    await engine.dispose()


async def _tell(engine: Any, cast: Cast, count: int) -> None:
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        for number in range(count):
            patient = (cast.patient, cast.other_patient)[number % 2]
            events.record(
                db,
                EventType.CHECK_IN_RECORDED,
                clinic_id=cast.clinic.id,
                subject_id=an_id(),
                patient_id=patient.membership.patient_id,
            )


async def _arrived(stage: Stage, count: int, within: float = 120) -> float:
    """Wait until so many arrived; how many there were in a second."""
    total, first, last = 0, 0.0, 0.0
    until = time.monotonic() + within
    while total < count and time.monotonic() < until:
        await asyncio.sleep(0.25)
        seen = stage.counts()
        total += seen["ok"]
        first = first or seen["first"] or 0.0
        last = seen["last"] or last
    if total != count:
        msg = f"{total} deliveries arrived, not {count}"
        raise RuntimeError(msg)
    return total / (last - first)


async def throughput(stage: Stage, others: Sequence[str] = ()) -> float:
    """Deliveries a second to the endpoints that answer, while the `others` do something else."""
    well = ENDPOINTS - len(others)
    await _arrange(stage, [*others, *["/ok"] * well], EVENTS)
    stage.counts()
    with _worker(stage.settings):
        return await _arrived(stage, EVENTS * well)


def _resident_mb(process: subprocess.Popen[bytes]) -> float:
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as told:  # noqa: PTH123  no file
        return next(int(line.split()[1]) / 1024 for line in told if line.startswith("VmRSS:"))


async def flood(stage: Stage) -> tuple[float, float, float]:
    """Memory of a worker before and after twenty answers of 1 GB, in MB, and how much of them was taken."""
    await _arrange(stage, ["/ok"] * 4, EVENTS)
    stage.counts()
    with _worker(stage.settings) as process:
        await _arrived(stage, EVENTS * 4)
        before = _resident_mb(process)
        engine = create_engine(stage.settings)
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            await an_endpoint(db, stage.cast, f"http://127.0.0.1:{stage.receivers}/flood")
        await _tell(engine, stage.cast, 20)
        await engine.dispose()
        taken = 0
        for _ in range(20):
            await asyncio.sleep(0.25)
            taken += stage.counts()["flooded"]
        return before, _resident_mb(process), taken / 1024**2


@asynccontextmanager
async def _listening(stage: Stage) -> AsyncIterator[Any]:
    async with receiving() as receiver:
        await _arrange(stage, [], 0)
        engine = create_engine(stage.settings)
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            await an_endpoint(db, stage.cast, receiver.url)
        try:
            yield receiver, engine
        finally:
            await engine.dispose()


async def latency(stage: Stage) -> tuple[list[float], list[float]]:
    """Milliseconds from the end of a commit to the arrival at a receiver, and of a bare POST of the same size."""
    found: list[float] = []
    async with _listening(stage) as (receiver, engine):
        bell = Bell(engine, aloud=True)
        with _worker(stage.settings):
            await _tell(engine, stage.cast, 1)
            await receiver.arrive(1)
            for number in range(LATENCIES):
                await asyncio.sleep(0.03)
                await _tell(engine, stage.cast, 1)
                committed = time.monotonic()
                await receiver.arrive(number + 2)
                found.append((receiver.requests[-1].at - committed) * 1000)
        await bell.close()
        body, bare = receiver.requests[0].body, []
        async with httpcore2.AsyncConnectionPool() as pool:
            for _ in range(LATENCIES):
                began = time.monotonic()
                await pool.request("POST", receiver.url, content=body)
                bare.append((receiver.requests[-1].at - began) * 1000)
    return found, bare


async def measure(
    server: Server,
) -> tuple[tuple[str, str, str, float, float, float], list[tuple[str, str, str, str, bool]]]:
    """P11: name, work, what was seen, the figure, both goals. Then what has a bound, and whether it is kept."""
    admin = await asyncpg.connect(address(server.host, "postgres"))
    await admin.execute("CREATE DATABASE webhooks")
    worlds.migrate(Settings(database_url=address(server.host, "webhooks")))
    await admin.execute(LET_IN)
    await admin.close()
    settings = Settings(database_url=address(server.host, "webhooks", APPLICATION))
    crypto.install([key.get_secret_value() for key in settings.secret_keys])
    engine = create_engine(settings)
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        cast = await a_cast(db, settings)
        for patient in (cast.patient, cast.other_patient):
            await agrees(db, patient)
    await engine.dispose()
    with _receivers() as port:
        stage = Stage(settings, cast, port)
        all_well, hanging, bad = [], [], []
        for _ in range(ROUNDS):
            all_well.append(await throughput(stage))
            hanging.append(await throughput(stage, HANGING) / all_well[-1])
            bad.append(await throughput(stage, ALL_KINDS) / all_well[-1])
        milliseconds, bare = await latency(stage)
        before, after, taken = await flood(stage)
    p50, p99 = median(milliseconds), quantiles(milliseconds, n=100)[98]
    share = (
        "P11",
        f"deliveries a second of one worker, {ENDPOINTS} endpoints, {len(HANGING)} of them hanging / none",
        f"{median(hanging):.2f} ({min(hanging):.2f}-{max(hanging):.2f})",
        median(hanging),
        SHARE_FIRST,
        SHARE_THEN,
    )
    return share, [
        (
            "W1",
            f"deliveries a second of one worker, {ENDPOINTS} endpoints",
            f"{median(all_well):.0f} ({min(all_well):.0f}-{max(all_well):.0f})",
            f"{PER_SECOND}",
            median(all_well) >= PER_SECOND,
        ),
        (
            "W4",
            f"the same with {len(ALL_KINDS)} that misbehave, each in another way / none",
            f"{median(bad):.2f} ({min(bad):.2f}-{max(bad):.2f})",
            f">= {SHARE_OF_BAD}",
            median(bad) >= SHARE_OF_BAD,
        ),
        (
            "W2",
            f"ms from commit to arrival, idle (a bare POST: {median(bare):.2f})",
            f"p50 {p50:.1f}, p99 {p99:.1f}",
            f"p50 < {MILLISECONDS}",
            p50 < MILLISECONDS,
        ),
        (
            "W3",
            "memory of the worker before and after 20 answers of 1 GB",
            f"{before:.0f} MB; {after:.0f} MB ({taken:.0f} MB were sent)",
            "flat",
            after - before < 8,
        ),
    ]


def main() -> None:
    """Measure and print."""
    server = Server(durable=True)
    try:
        share, others = uvloop.run(measure(server))
        print(*share)
        for name, work, seen, goal, reached in others:
            print(f"{name:4} {work}: {seen} (goal {goal}) {'' if reached else 'NOT REACHED'}")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
