"""Kill the server and the workers again and again while phones send check-ins, and look at what arrives.

`python -m drills.crashes [--database sqlite|postgresql]`. On SQLite the worker is inside the server; on PostgreSQL
there are two apart. Every event must arrive at least once, copies of it under the same `webhook-id`, and nothing of
what was refused or rolled back. A lane whose worker was killed waits for the end of its lease (`delivering.LEASE`).
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import crypto
from app.core.db import EVERY_CLINIC, create_engine, unit_of_work
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.databases import migrate
from tests.factories import Person, a_patient
from tests.postgresql import APPLICATION, LET_IN, Server, address
from tests.webhooks.crashing import (
    SERVER,
    Books,
    Consumer,
    Journal,
    Phone,
    Processes,
    everything_delivered,
    faults,
    undo,
)
from tests.webhooks.receivers import receiving
from tests.webhooks.world import agrees, an_endpoint, forget_events

ROOT = Path(__file__).parents[1]
DATABASES = ("sqlite", "postgresql")
PATIENTS, CHECK_INS, KILLS, ENDPOINTS = 5, 500, 20, 6
PAUSE_SECONDS = 0.4
"""Between two check-ins of a patient, on average: some forty seconds in all, and what is lost to restarts."""
SLOWEST_ANSWER_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 90


def main() -> int:
    """Drill; 0 when everything is as it should be."""
    parser = argparse.ArgumentParser(prog="drills.crashes", description="Kill processes and count what arrives.")
    parser.add_argument("--database", choices=DATABASES, help="one database; without it, both")
    parser.add_argument("--seed", type=int, help="the moments and victims of an earlier run, as far as they go")
    asked = parser.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    random.seed(seed)
    print(f"seed {seed}")
    return max(asyncio.run(_drill(database)) for database in ([asked.database] if asked.database else DATABASES))


@asynccontextmanager
async def _database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address of a migrated database, as the application reaches it."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'crashes.db'}"
        await migrate(url)
        yield url
        return
    server = Server(durable=True)
    try:
        admin = await asyncpg.connect(address(server.host, "postgres"))
        await admin.execute("CREATE DATABASE crashes")
        await migrate(address(server.host, "crashes"))
        await admin.execute(LET_IN)
        await admin.close()
        yield address(server.host, "crashes", APPLICATION)
    finally:
        server.stop()


async def _people(engine: AsyncEngine, settings: Settings, url: str) -> tuple[Cast, list[Person], dict[str, UUID]]:
    """A clinic, patients who agree, and endpoints that are told everything, by their paths."""
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        cast = await a_cast(db, settings)
        more = [await a_patient(db, settings, cast.clinic) for _ in range(PATIENTS - 2)]
        patients = [cast.patient, cast.other_patient, *more]
        for patient in patients:
            await agrees(db, patient)
        endpoints = {f"/hook/{n}": (await an_endpoint(db, cast, f"{url}/{n}")).id for n in range(ENDPOINTS)}
        await forget_events(db)
    return cast, patients, endpoints


async def _drill(kind: str) -> int:
    consumer, journal, began = Consumer(SLOWEST_ANSWER_SECONDS), Journal(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="afterglow-crashes-") as name:
        folder = Path(name)
        async with _database(kind, folder) as database_url, receiving(consumer) as receiver:
            settings = Settings(database_url=database_url)
            crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
            engine = create_engine(settings)
            try:
                cast, patients, endpoints = await _people(engine, settings, receiver.url)
                processes = Processes(ROOT, database_url, folder, workers=0 if kind == "sqlite" else 2)
                async with processes.running():
                    async with asyncio.TaskGroup() as sending:
                        for patient in patients:
                            phone = Phone(processes.address, patient, journal)
                            sending.create_task(phone.send(CHECK_INS // PATIENTS, PAUSE_SECONDS))
                        sending.create_task(_kill(processes, journal, engine, cast.patient))
                    sent_in = time.monotonic() - began
                    await everything_delivered(engine, within=LONGEST_WAIT_SECONDS)
                books = await Books.read(engine)
            finally:
                await engine.dispose()
    wrong = faults(books, consumer, journal, endpoints)
    if processes.kills.total() < KILLS or not books.lost:
        wrong.append("nothing was interrupted")
    victims = ", ".join(f"{name} {count}" for name, count in sorted(processes.kills.items()))
    print(
        f"-- {kind}: {processes.kills.total()} kills ({victims}) in {sent_in:.0f} s, all delivered after "
        f"{time.monotonic() - began:.0f} s\n"
        f"   {len(books.stored)} check-ins stored of {journal.done} sent ({len(journal.acknowledged)} acknowledged, "
        f"{journal.resent} sent again), {len(journal.refused)} refused, {len(journal.undone)} rolled back\n"
        f"   {consumer.count} arrivals at {len(endpoints)} endpoints, {consumer.duplicates} of them copies; "
        f"{books.lost} attempts lost; {len(wrong)} faults"
    )
    for fault in wrong:
        print(f"   {fault}", file=sys.stderr)
    return int(bool(wrong))


async def _kill(processes: Processes, journal: Journal, engine: AsyncEngine, person: Person) -> None:
    """Kill somebody at each of so many random moments, and start them again."""
    names = [SERVER, *processes.workers]
    for moment in sorted(random.sample(range(5, CHECK_INS - 5), KILLS)):
        while journal.done < moment:  # noqa: ASYNC110  phones set no event
            await asyncio.sleep(0.01)
        await undo(engine, person, journal)
        await asyncio.sleep(random.uniform(0, 0.1))
        victim = random.choice(names)
        await processes.kill(victim)
        await processes.start(victim)


if __name__ == "__main__":
    sys.exit(main())
