"""One process, several workers, several processes, a replica: `python -m benchmarks.scaling`.

All run at once on one durable PostgreSQL that a replica follows, and are asked in turn, so that the ratios hold on a
busy machine too. Client, servers and both databases share its cores: what a second machine brings cannot be seen here,
but what each way costs can, and how much of the reading leaves the primary.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

import asyncpg

from app.core.settings import Settings
from benchmarks import world as worlds
from benchmarks.load import drive
from benchmarks.rows import daily, submits
from benchmarks.servers import ROOT, wait
from benchmarks.world import World
from tests.databases import WIDE_ENVIRONMENT
from tests.postgresql import APPLICATION, Server, address
from tests.serving import a_free_port

SECONDS, CONNECTIONS = 1.5, 16
METRICS_TOKEN = "a-token-of-the-benchmark-alone"  # noqa: S105  nobody else has this server
READ_ROWS = "SELECT sum(tup_returned + tup_fetched)::bigint FROM pg_stat_database WHERE datname = 'bench'"


@dataclass(frozen=True)
class Way:
    """A way to run the service: so many processes, each with so many workers, with a replica or without."""

    name: str
    processes: int = 1
    workers: int = 1
    replica: bool = False


WAYS = (
    Way("one process"),
    Way("2 workers", workers=2),
    Way("3 workers", workers=3),
    Way("2 processes behind a balancer", processes=2),
    Way("one process and a replica", replica=True),
    Way("2 workers and a replica", workers=2, replica=True),
)


@contextmanager
def served(way: Way, environment: Mapping[str, str]) -> Iterator[list[int]]:
    """Run it, as an operator does; the ports."""
    running, ports = [], []
    try:
        for _ in range(way.processes):
            ports.append(a_free_port())
            command = [sys.executable, "-P", "-m", "app.cli", "serve", "--port", str(ports[-1])]
            command += ["--workers", str(way.workers)]
            more = {"PYTHONPATH": str(ROOT), "AFTERGLOW_WORKER": "apart"}
            running.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | more | dict(environment)))
            wait(running[-1], ports[-1], "/readyz", seconds=180)
        yield ports
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=60)


async def per_second(ports: list[int], requests: Callable[[], Iterator[bytes]]) -> tuple[float, float]:
    """Requests a second, and the time that 99 of 100 stay below, in milliseconds."""
    share = CONNECTIONS // len(ports)
    seen = await asyncio.gather(*(drive(port, requests(), connections=share, seconds=SECONDS) for port in ports))
    return sum(each.per_second for each in seen), max(each.quantile(0.99) for each in seen) * 1000


def outcomes(port: int) -> dict[str, int]:
    """What became of the reads that may go to a replica."""
    page = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    )
    text = urllib.request.urlopen(page, timeout=5).read().decode()
    return {
        outcome: int(float(count))
        for outcome, count in re.findall(r'afterglow_replica_reads_total\{outcome="(\w+)"\} (\S+)', text)
    }


def mixed(world: World) -> Iterator[bytes]:
    """A check-in, then a trend, and so on."""
    for write, read in zip(submits(world), daily(world.short_token), strict=False):
        yield write
        yield read


async def measure(world: World, up: Mapping[Way, list[int]], hosts: tuple[str, str], rounds: int) -> None:
    """Ask each way in turn and print what was seen."""
    loads: dict[str, Callable[[], Iterator[bytes]]] = {
        "check-ins": lambda: submits(world),
        "trends of 90 days": lambda: daily(world.short_token),
        "one of each in turn": lambda: mixed(world),
    }
    databases = [await asyncpg.connect(address(host, "bench")) for host in hosts]
    seen: dict[tuple[str, str], list[tuple[float, float]]] = {}
    rows: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        for load, requests in loads.items():
            for way, ports in up.items():
                before = [await database.fetchval(READ_ROWS) for database in databases]
                answered = await per_second(ports, requests)
                await asyncio.sleep(1.1)  # backends tell their counts once a second
                after = [await database.fetchval(READ_ROWS) for database in databases]
                if number:
                    seen.setdefault((load, way.name), []).append(answered)
                    rows[load, way.name] = [
                        (b - a) / (answered[0] * SECONDS) for a, b in zip(before, after, strict=True)
                    ]
    print(
        "| load | way | a second | of one process | p99 ms | rows read a request: primary, replica |\n"
        "|---|---|---|---|---|---|"
    )
    for (load, name), each in seen.items():
        rate = median(rate for rate, _ in each)
        one = median(rate for rate, _ in seen[load, WAYS[0].name])
        primary, replica = rows[load, name]
        tail = median(tail for _, tail in each)
        print(f"| {load} | {name} | {rate:.0f} | {rate / one:.2f} | {tail:.0f} | {primary:.0f}, {replica:.0f} |")
    for way, ports in up.items():
        if way.replica:
            print(f"{way.name}: {outcomes(ports[0])}")
    for database in databases:
        await database.close()


async def run(rounds: int) -> None:
    """Everything."""
    primary = Server(durable=True, followed=True)
    try:
        await worlds.make_database(primary)
        world = await worlds.make(Settings(database_url=address(primary.host, "bench")), filler_patients=5)
        replica = Server(durable=True, follows=primary)
        try:
            environment = WIDE_ENVIRONMENT | {
                "AFTERGLOW_DATABASE_URL": address(primary.host, "bench", APPLICATION),
                "AFTERGLOW_LOG_LEVEL": "WARNING",
                "AFTERGLOW_METRICS_TOKEN": METRICS_TOKEN,
            }
            reading = {"AFTERGLOW_READ_DATABASE_URL": address(replica.host, "bench", APPLICATION)}
            with ExitStack() as stack:
                up = {
                    way: stack.enter_context(served(way, environment | (reading if way.replica else {})))
                    for way in WAYS
                }
                await measure(world, up, (primary.host, replica.host), rounds)
        finally:
            replica.stop()
    finally:
        primary.stop()


def main() -> None:
    """Read how many rounds, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
