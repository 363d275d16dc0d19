"""`make bench`: every row of our performance goals with its floor, interleaved, in one run."""

import argparse
import asyncio
import itertools
import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.ids import new_id
from app.core.settings import Settings
from benchmarks import access, bedside, phones, webhooks
from benchmarks import world as worlds
from benchmarks.load import Measured, drive, middle, request
from benchmarks.servers import Running, serve
from benchmarks.world import World
from tests.databases import WIDE_ENVIRONMENT
from tests.postgresql import APPLICATION, Server, address

ROUNDS = 5
SECONDS = 2.0
USUAL_VALUES = 1_000_000
VALUES_OF_A_FILLER = 20_000
TAIL, GROWTH, IDLE_MB = 8, 1.5, 110
RESULTS = Path(__file__).parent / "results.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One goal: our requests against a floor's."""

    name: str
    work: str
    floor: str
    ours: Callable[[World], Iterator[bytes]]
    goal: float
    connections: int = 8
    sqlite: bool = False
    expected: tuple[int, ...] = (200, 201)


@dataclass(slots=True)
class Result:
    """What came out."""

    row: Row
    ratios: list[float]
    ours: list[Measured]
    floors: list[Measured]


def report(at: datetime) -> dict[str, object]:
    """A check-in as phones send it."""
    return {
        "recorded_at": at.isoformat(),
        "time_zone": "Europe/Berlin",
        "responses": [
            {
                "instrument": "craving_nrs",
                "version": "1",
                "substance": "alcohol",
                "answers": {"now": 5, "peak": 6, "resist": 4},
            },
            {"instrument": "mood_nrs", "version": "1", "answers": {"now": 4}},
            {
                "instrument": "dissociation_brief",
                "version": "1",
                "answers": {"unreal": 1, "detached": 0, "time": 2, "distress": 0},
            },
        ],
        "note": "after group",
    }


def submits(world: World) -> Iterator[bytes]:
    """One check-in after the other, each of another patient."""
    tokens = itertools.cycle(world.tokens)
    start = worlds.LAST_DAY - timedelta(days=30)
    for number in itertools.count():
        body = json.dumps(report(start + timedelta(minutes=number % 40_000))).encode()
        yield request("PUT", f"/v1/me/check-ins/{new_id()}", token=next(tokens), body=body)


def _batches(world: World) -> Iterator[bytes]:
    tokens = itertools.cycle(world.tokens)
    start = worlds.LAST_DAY - timedelta(days=30)
    for number in itertools.count():
        items = [
            report(start + timedelta(minutes=(number * 50 + item) % 40_000)) | {"id": str(new_id())}
            for item in range(50)
        ]
        body = json.dumps({"check_ins": items}).encode()
        yield request("POST", "/v1/me/check-ins/batch", token=next(tokens), body=body)


def _inserts() -> Iterator[bytes]:
    body = json.dumps(report(worlds.LAST_DAY)).encode()
    return itertools.repeat(request("POST", "/insert", body=body))


def _period(days: int) -> str:
    return f"from={(worlds.LAST_DAY - timedelta(days=days - 1)).date()}&to={worlds.LAST_DAY.date()}"


def _raw(world: World) -> Iterator[bytes]:
    path = f"/v1/me/trends?measure=craving&substance=alcohol&bucket=raw&points=900&{_period(112)}"
    return itertools.repeat(request("GET", path, token=world.short_token))


def _daily(world: World, token: str = "") -> Iterator[bytes]:
    path = f"/v1/me/trends?measure=craving&substance=alcohol&bucket=day&{_period(90)}"
    return itertools.repeat(request("GET", path, token=token or world.short_token))


def _sessions(world: World) -> Iterator[bytes]:
    day, after = worlds.LAST_DAY, worlds.LAST_DAY + timedelta(days=1)
    path = f"/v1/dosing-sessions?from={day:%Y-%m-%dT%H:%M:%SZ}&to={after:%Y-%m-%dT%H:%M:%SZ}&limit=50"
    return itertools.repeat(request("GET", path, token=world.nurse_token))


ROWS = (
    Row("P1", "one check-in, PostgreSQL, 8 connections", "/insert", submits, 10),
    Row("P2", "one check-in, SQLite, 1 connection", "/insert", submits, 8, connections=1, sqlite=True),
    Row("P3", "a batch of 50 check-ins", "/insert", _batches, 60),
    Row("P4", "900 raw points", "/raw", _raw, 4),
    Row("P5", "daily trend of 90 days with statistics", "/daily", _daily, 8),
    Row("P7", "today's 20 sessions of a clinic", "/sessions", _sessions, 8),
)


async def compare(row: Row, ours: Running, floor: Running, world: World, rounds: int) -> Result:
    """Floor and ours in turn, so that a machine that slows down slows both."""
    floor_requests = _inserts() if row.floor == "/insert" else itertools.repeat(request("GET", row.floor))
    our_requests = row.ours(world)
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


async def unchanged(ours: Running, floor: Running, world: World, rounds: int) -> Result:
    """P6: the tag of a trend, asked again."""
    path = f"/v1/me/trends?measure=craving&substance=alcohol&bucket=day&{_period(90)}"
    tag = await _tag(ours.port, path, world.short_token)

    def again(_: World) -> Iterator[bytes]:
        return itertools.repeat(request("GET", path, token=world.short_token, headers=[f"If-None-Match: {tag}"]))

    row = Row("P6", "304 on an unchanged trend", "/hello", again, 8, expected=(304,))
    return await compare(row, ours, floor, world, rounds)


async def _tag(port: int, path: str, token: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("GET", path, token=token))
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return next(line.split(": ", 1)[1] for line in head.decode().splitlines() if line.lower().startswith("etag:"))


async def growth(ours: Running, world: World, rounds: int) -> list[float]:
    """P9: the same trend of a patient with 36,500 check-ins and of one with 1,000."""
    ratios = []
    for number in range(rounds + 1):
        long = await drive(ours.port, _daily(world, world.long_token), connections=8, seconds=SECONDS)
        short = await drive(ours.port, _daily(world, world.short_token), connections=8, seconds=SECONDS)
        if number:
            ratios.append(long.seconds_each / short.seconds_each)
    return ratios


def line(result: Result) -> str:
    """One row of the table."""
    row, times = result.row, [second for round_ in result.ours for second in round_.seconds]
    joined = Measured(times, sum(round_.elapsed for round_ in result.ours), result.ours[-1].body_bytes)
    ratio = middle(result.ratios)
    verdict = "yes" if ratio <= row.goal else f"**no**, {ratio / row.goal:.2f} x the goal"
    return (
        f"| {row.name} | {row.work} | {ratio:.2f} ({min(result.ratios):.2f}-{max(result.ratios):.2f}) | {row.goal:g} | "
        f"{verdict} | {joined.per_second:.0f} | {middle([f.per_second for f in result.floors]):.0f} | "
        f"{joined.quantile(0.5) * 1000:.2f} | {joined.quantile(0.99) * 1000:.2f} | {joined.body_bytes} |"
    )


def plain(name: str, work: str, seen: str, goal: str, *, reached: bool) -> str:
    """One row without a floor."""
    return f"| {name} | {work} | {seen} | {goal} | {'yes' if reached else '**no**'} | | | | | |"


def tail(result: Result) -> str:
    """P13: how far the slowest are from the usual."""
    seen = middle([round_.quantile(0.99) / round_.quantile(0.5) for round_ in result.ours])
    return plain("P13", f"p99 / p50 of {result.row.name}", f"{seen:.2f}", f"{TAIL}", reached=seen <= TAIL)


def environment(settings: Settings) -> dict[str, str]:
    """What the server is told."""
    return WIDE_ENVIRONMENT | {
        "AFTERGLOW_DATABASE_URL": settings.database_url,
        "AFTERGLOW_LOG_LEVEL": "WARNING",
        "AFTERGLOW_POOL_SIZE": "8",
    }


def floor_environment(world: World) -> dict[str, str]:
    """What the floors are told: the same rows as ours."""
    period = dict(part.split("=") for part in _period(90).split("&"))
    return {
        "FLOOR_DSN": world.dsn,
        "FLOOR_CLINIC": str(world.clinic_id),
        "FLOOR_PATIENT": str(world.short_patient),
        "FLOOR_FROM": period["from"],
        "FLOOR_TO": period["to"],
        "FLOOR_DAY": worlds.LAST_DAY.isoformat(),
        "FLOOR_NEXT_DAY": (worlds.LAST_DAY + timedelta(days=1)).isoformat(),
    }


async def run(only: set[str], rounds: int, fillers: int) -> list[str]:
    """Everything, as lines of the report."""
    server = Server(durable=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            return await _run(server, Path(folder), only, rounds, fillers)
        finally:
            server.stop()


def _walls(measured: list[tuple[str, str, list[float]]]) -> list[tuple[str, str, str, str, bool]]:
    return [
        (
            name,
            work,
            f"{middle(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
            f"{access.GOAL}",
            middle(ratios) <= access.GOAL,
        )
        for name, work, ratios in measured
    ]


def _shown(measured: list[tuple[str, str, str, str, bool]]) -> list[str]:
    found = [plain(name, work, seen, goal, reached=reached) for name, work, seen, goal, reached in measured]
    print("\n".join(found), flush=True)
    return found


async def _run(server: Server, folder: Path, only: set[str], rounds: int, fillers: int) -> list[str]:
    def wanted(name: str) -> bool:
        return not only or name in only

    await worlds.make_database(server)
    on_postgresql = Settings(database_url=address(server.host, "bench"))
    as_application = Settings(database_url=address(server.host, "bench", APPLICATION))
    on_sqlite = Settings(database_url=f"sqlite:///{folder}/bench.db")
    worlds.migrate(on_sqlite)
    world = await worlds.make(on_postgresql, filler_patients=fillers)
    small = await worlds.make(on_sqlite, filler_patients=0)
    lines: list[str] = []
    with (
        serve("benchmarks.floors:app", "/hello", floor_environment(world)) as floor,
        serve("app.main:create_app", "/healthz", environment(as_application), factory=True) as ours,
    ):
        idle = ours.resident_mb()
        for row in ROWS:
            if not wanted(row.name):
                continue
            if row.sqlite:
                with serve("app.main:create_app", "/healthz", environment(on_sqlite), factory=True) as embedded:
                    lines.append(line(result := await compare(row, embedded, floor, small, rounds)))
            else:
                lines.append(line(result := await compare(row, ours, floor, world, rounds)))
            print(lines[-1], flush=True)
            if row.name == "P1":
                lines.append(tail(result))
        if wanted("P6"):
            lines.append(line(await unchanged(ours, floor, world, rounds)))
            print(lines[-1], flush=True)
        if wanted("P9"):
            ratios = await growth(ours, world, rounds)
            seen = f"{middle(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
            work = "that trend, 36,500 check-ins against 1,000"
            lines.append(plain("P9", work, seen, f"{GROWTH}", reached=middle(ratios) <= GROWTH))
            print(lines[-1], flush=True)
        if wanted("B"):
            lines += _shown(await bedside.measure(on_postgresql, ours, world, submits(world), rounds))
        if wanted("A"):
            lines += _shown(_walls(await access.measure(as_application, on_postgresql, world)))
        loaded, started_in = ours.resident_mb(), ours.started_in
    whole = (on_postgresql, as_application, on_sqlite, world, small)
    lines += _shown(await phones.measure_both(*whole)) if wanted("D") else []
    lines += _shown(await webhooks.measure(server)) if wanted("P11") else []
    seen = f"{idle:.0f} MB; {loaded:.0f} MB"
    lines.append(plain("P12", "idle process; after the load above", seen, f"{IDLE_MB} MB", reached=idle <= IDLE_MB))
    stored = await worlds.values_stored(on_postgresql)
    lines.append("")
    lines.append(f"From start to first answer: {started_in:.2f} s. Values stored at the end: {stored:,}.")
    return lines


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", default="", help="only these rows, such as P1,P6; writes no report")
    parser.add_argument("--values", type=int, default=USUAL_VALUES, help="how many values to store first")
    wanted = parser.parse_args()
    only = set(filter(None, wanted.rows.split(",")))
    lines = asyncio.run(run(only, ROUNDS, wanted.values // VALUES_OF_A_FILLER))
    heading = (
        "# Benchmarks\n\nRatios to a bare ASGI floor on the same server and database, measured in turn in one run "
        "(median, lowest and highest of the rounds); lower is better. `make bench` writes this page.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}, client, server and "
        "PostgreSQL on the same cores.\n\n"
        "| # | work | ratio | goal | reached | ours/s | floor/s | p50 ms | p99 ms | bytes |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
    )
    text = heading + "\n".join(lines) + "\n"
    print(text)
    if not only:
        report = RESULTS if wanted.values == USUAL_VALUES else RESULTS.with_name("results-scale.md")
        report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
