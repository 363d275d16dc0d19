"""`make bench`: every row of our performance goals with its floor, interleaved, in one run."""

import argparse
import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from app.core.settings import Settings
from benchmarks import access, bedside, phones, processes, report, webhooks
from benchmarks import world as worlds
from benchmarks.load import drive, middle, request
from benchmarks.report import Result
from benchmarks.rows import ROWS, SUBMIT, Row, daily, inserts, period, submits, submits_of
from benchmarks.servers import Running, compile_all, serve
from benchmarks.wire import Counted, counting
from benchmarks.world import World
from tests.databases import WIDE_ENVIRONMENT
from tests.postgresql import APPLICATION, Server, address

ROUNDS = 5
SECONDS = 2.0
USUAL_VALUES = 1_000_000
GROWTH_FIRST, GROWTH_THEN = 1.5, 1.2
COUNTED = 9
AFTERWARDS = 0.02
"""Seconds in which what a request leaves for after its answer is done."""
RESULTS = Path(__file__).parent / "results.md"
OF_SERVER = {*(row.name for row in ROWS), "P9", "A", "B"}
ABOUT = "What `make bench` saw. `results-scale.md` is about growth to 20 million values (P10)."


@dataclass(slots=True)
class Page:
    """Lines of the report, printed as they come."""

    floored: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def add(self, to: list[str], line: str) -> None:
        """One more."""
        print(line, flush=True)
        to.append(line)

    def add_others(self, measured: list[tuple[str, str, str, str, bool]]) -> None:
        """Rows that only have a bound to keep."""
        for row in measured:
            self.add(self.others, report.other(*row))


@dataclass(frozen=True, slots=True)
class Place:
    """Where is measured: the databases, as whom they are reached, and what is in them."""

    server: Server
    on_postgresql: Settings
    as_application: Settings
    on_sqlite: Settings
    world: World
    small: World


async def compare(row: Row, ours: Running, floor: Running, world: World, rounds: int = ROUNDS) -> Result:
    """Floor and ours in turn, so that a machine that slows down slows both."""
    floor_requests = inserts() if row.floor == "/insert" else itertools.repeat(request("GET", row.floor))
    our_requests = await asked(row, ours.port, world)
    result = Result(row, [], [], [])
    for number in range(rounds + 1):
        below = await drive(floor.port, floor_requests, connections=row.connections, seconds=SECONDS)
        above = await drive(
            ours.port, our_requests, connections=row.connections, seconds=SECONDS, expected=row.expected
        )
        if number:  # the first round warms both up
            result.floors.append(below)
            result.ours.append(above)
            result.ratios.append(above.seconds_each / below.seconds_each)
    return result


async def asked(row: Row, port: int, world: World) -> Iterator[bytes]:
    """The requests of a row; those that ask whether something changed know what they have."""
    requests = row.ours(world)
    if not row.tag:
        return requests
    once = next(requests)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(once)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    tag = next(line.split(": ", 1)[1] for line in head.splitlines() if line.lower().startswith("etag:"))
    return itertools.repeat(once[:-2] + f"If-None-Match: {tag}\r\n\r\n".encode())


async def count(place: Place, rows: list[Row]) -> dict[str, tuple[float, float]]:
    """Statements and round trips of one request of each row, once all that is kept is warm."""
    found = {}
    async with counting(place.server.host) as wire:
        settings = Settings(database_url=address(wire.folder, "bench", APPLICATION))
        apart = environment(settings) | {"AFTERGLOW_WORKER": "apart"}
        with contextlib.ExitStack() as stack:  # in a thread: the server may ask the database before it answers
            server = await asyncio.to_thread(
                stack.enter_context, serve("app.main:create_app", "/healthz", apart, factory=True)
            )
            for row in rows:
                found[row.name] = await _sent(row, server, place.world, wire)
    return found


async def _sent(row: Row, server: Running, world: World, wire: Counted) -> tuple[float, float]:
    requests, seen = await asked(row, server.port, world), []
    for _ in range(2 * COUNTED):
        before = wire.statements, wire.trips
        one = itertools.islice(requests, 1)
        await drive(server.port, one, connections=1, seconds=SECONDS, expected=row.expected)
        await asyncio.sleep(AFTERWARDS)
        seen.append((wire.statements - before[0], wire.trips - before[1]))
    return middle([each[0] for each in seen[COUNTED:]]), middle([each[1] for each in seen[COUNTED:]])


async def growth(ours: Running, world: World) -> list[float]:
    """P9: the same trend of a patient with 36,500 check-ins and of one with 1,000."""
    whose = daily(world.long_token), daily(world.short_token)
    return await _against(ours, *whose, connections=8)


async def growth_of_writes(ours: Running, world: World) -> list[float]:
    """The same for their check-ins, one after the other."""
    whose = submits_of([world.long_token]), submits_of([world.short_token])
    return await _against(ours, *whose, connections=1)


async def _against(ours: Running, above: Iterator[bytes], below: Iterator[bytes], *, connections: int) -> list[float]:
    ratios = []
    for number in range(ROUNDS + 1):
        long = await drive(ours.port, above, connections=connections, seconds=SECONDS)
        short = await drive(ours.port, below, connections=connections, seconds=SECONDS)
        if number:
            ratios.append(long.seconds_each / short.seconds_each)
    return ratios


def environment(settings: Settings) -> dict[str, str]:
    """What the server is told."""
    return WIDE_ENVIRONMENT | {
        "AFTERGLOW_DATABASE_URL": settings.database_url,
        "AFTERGLOW_LOG_LEVEL": "WARNING",
        "AFTERGLOW_POOL_SIZE": "8",
    }


def floor_environment(world: World) -> dict[str, str]:
    """What the floors are told: the same rows as ours."""
    days = dict(part.split("=") for part in period(90).split("&"))
    return {
        "FLOOR_DSN": world.dsn,
        "FLOOR_CLINIC": str(world.clinic_id),
        "FLOOR_PANEL": str(world.panel_clinic),
        "FLOOR_PATIENT": str(world.short_patient),
        "FLOOR_FROM": days["from"],
        "FLOOR_TO": days["to"],
        "FLOOR_DAY": worlds.LAST_DAY.isoformat(),
        "FLOOR_NEXT_DAY": (worlds.LAST_DAY + timedelta(days=1)).isoformat(),
    }


@contextlib.asynccontextmanager
async def placed(fillers: int) -> AsyncIterator[Place]:
    """Databases with what is measured in them."""
    server = Server(durable=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            await worlds.make_database(server)
            on_postgresql = Settings(database_url=address(server.host, "bench"))
            as_application = Settings(database_url=address(server.host, "bench", APPLICATION))
            on_sqlite = Settings(database_url=f"sqlite:///{folder}/bench.db")
            worlds.migrate(on_sqlite)
            world = await worlds.make(on_postgresql, filler_patients=fillers)
            small = await worlds.make(on_sqlite, filler_patients=0)
            yield Place(server, on_postgresql, as_application, on_sqlite, world, small)
        finally:
            server.stop()


async def run(only: set[str], fillers: int) -> Page:
    """Everything that was asked for."""
    page = Page()
    compile_all()
    async with placed(fillers) as place:
        if not only or only & OF_SERVER:
            await _of_server(place, only, page)
        if not only or "D" in only:
            whole = place.on_postgresql, place.as_application, place.on_sqlite, place.world, place.small
            page.add_others(await phones.measure_both(*whole))
        if not only or "P11" in only:
            share, others = await webhooks.measure(place.server)
            page.add(page.plain, report.plain(*share))
            page.add_others(others)
        if not only or "P12" in only:
            for row in processes.measure():
                page.add(page.plain, report.plain(*row))
    return page


async def _of_server(place: Place, only: set[str], page: Page) -> None:
    rows = [row for row in ROWS if not only or row.name in only]
    sent = await count(place, [row for row in rows if not row.sqlite])
    world = place.world
    with (
        serve("benchmarks.floors:app", "/hello", floor_environment(world)) as floor,
        serve("app.main:create_app", "/healthz", environment(place.as_application), factory=True) as ours,
    ):
        idle = ours.resident_mb()
        for row in rows:
            if row.sqlite:
                with serve("app.main:create_app", "/healthz", environment(place.on_sqlite), factory=True) as embedded:
                    result = await compare(row, embedded, floor, place.small)
            else:
                result = await compare(row, ours, floor, world)
                result.sent = sent[row.name]
            page.add(page.floored, report.line(result))
            if row is SUBMIT:
                page.add(page.plain, report.tail(result))
        if not only or "P9" in only:
            for name, work, ratios in (
                ("P9", "trend of 90 days, 36,500 check-ins against 1,000", await growth(ours, world)),
                ("G1", "a check-in of that patient against one of the other", await growth_of_writes(ours, world)),
            ):
                figure = middle(ratios)
                told = report.plain(name, work, report.spread(ratios), figure, GROWTH_FIRST, GROWTH_THEN)
                page.add(page.plain, told)
        if not only or "B" in only:
            page.add_others(await bedside.measure(place.on_postgresql, ours, world, submits(world), ROUNDS))
        if not only or "A" in only:
            measured = await access.measure(place.as_application, place.on_postgresql, world)
            page.add_others([_wall(*each) for each in measured])
        held = f"{idle:.0f} MB; {ours.resident_mb():.0f} MB"
    stored = await worlds.values_stored(place.on_postgresql)
    page.add(page.others, report.other("M1", "memory before and after the load above", held, "told", kept=True))
    page.add(page.others, report.other("M2", "values stored at the end", f"{stored:,}", "told", kept=True))


def _wall(name: str, work: str, ratios: list[float]) -> tuple[str, str, str, str, bool]:
    return name, work, report.spread(ratios), f"{access.GOAL}", middle(ratios) <= access.GOAL


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", default="", help="only these rows, such as P1,P6; writes no report")
    parser.add_argument("--values", type=int, default=USUAL_VALUES, help="how many values to store first")
    wanted = parser.parse_args()
    only = set(filter(None, wanted.rows.split(",")))
    page = asyncio.run(run(only, wanted.values // worlds.VALUES_OF_A_FILLER))
    text = report.page("Benchmarks", ABOUT, page.floored, page.plain, page.others)
    print(text)
    if not only:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
