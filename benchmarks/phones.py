"""What a phone asks each time it is opened, beside a route that lets the same caller in and then does nothing.

What is due in 14 days, and what has changed (nothing): the whole answer, and 304 to who has it already. Each pair is
sent in turn to the same server, on PostgreSQL and on SQLite. `make bench` adds these rows to its page;
`python -m benchmarks.phones` prints them alone.
"""

import asyncio
import itertools
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Response

from app.check_in_plans.models import CheckInPlanning, DueCheckIn
from app.core import clock
from app.core.db import EVERY_CLINIC, Database, create_engine, new_session
from app.core.ids import new_id
from app.core.settings import Settings
from app.identity.access import PatientAccess, me
from app.identity.models import Membership
from app.identity.permissions import Permission
from app.main import create_app
from benchmarks import world as worlds
from benchmarks.load import drive, middle, request
from benchmarks.servers import Running, serve
from benchmarks.world import World
from tests.databases import WIDE_ENVIRONMENT
from tests.postgresql import APPLICATION, Server, address

GOAL = 1.5
ROUNDS, SECONDS, CONNECTIONS = 9, 0.4, 8
DAYS, A_DAY = 30, 2
AROUND_A_DOSE = (-1440, 40, 120, 240, 1440, 4320, 10_080, 20_160)
NOTHING = "/v1/me/nothing"


def create_with_nothing() -> FastAPI:
    """The application, and before its routes one that only lets the caller in."""
    router = APIRouter()

    @router.get(NOTHING)
    async def read_nothing(_: Annotated[PatientAccess, me(Permission.DUE_CHECK_INS_READ)]) -> Response:
        return Response(b"{}", media_type="application/json")

    app = create_app()
    app.include_router(router)
    app.router.routes.insert(0, app.router.routes.pop())
    return app


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked over and over, by each patient in turn: what they were told, and what they have already."""

    whole: list[bytes]
    unchanged: list[bytes]


async def make(settings: Settings) -> None:
    """Plan two check-ins a day, 30 days ahead and back, and what is asked around one dose, for all with a phone."""
    engine = create_engine(settings)
    db = new_session(engine, EVERY_CLINIC)
    who = sa.select(Membership.clinic_id, Membership.patient_id).where(Membership.patient_id.is_not(None))
    found = (await db.execute(who)).all()
    for clinic_id, patient_id in found:
        _plan(db, {"clinic_id": clinic_id, "patient_id": patient_id})
    await db.finish()
    await db.close()
    await engine.dispose()


def _plan(db: Database, whose: dict[str, Any]) -> None:
    now, session_id = clock.now(), new_id()
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    planning = {"planned_until": noon + timedelta(days=DAYS), "time_zone": "Europe/Berlin"}
    versions = {"plan_version": None, "template_key": "default", "template_version": 1}
    db.stage(CheckInPlanning, whose | planning | versions)
    fixed = [
        (None, noon + timedelta(days=day, hours=hour), timedelta(hours=2))
        for day, hour in itertools.product(range(-DAYS, DAYS), (-4, 8))
    ]
    dose = noon - timedelta(days=5)
    around = [(minutes, dose + timedelta(minutes=minutes), timedelta(minutes=20)) for minutes in AROUND_A_DOSE]
    for minutes, due_at, half in fixed + around:
        over = due_at + half < now
        row = whose | dict.fromkeys(column.name for column in DueCheckIn.__table__.c if column.nullable) | {
            "id": new_id(),
            "dosing_session_id": None if minutes is None else session_id,
            "time_point": "morning" if minutes is None else f"plus_{abs(minutes)}m",
            "minutes_from_dose": minutes,
            "opens_at": due_at - half,
            "due_at": due_at,
            "closes_at": due_at + half,
            "instruments": ["craving_nrs", "mood_nrs"],
            "instrument_versions": {"craving_nrs": "1", "mood_nrs": "1"},
            "state": "answered" if over else "waiting",
            "check_in_id": new_id() if over else None,
            "answered_at": due_at if over else None,
            "revision": 0,
            "template_version": 1,
            "local_day": due_at.date(),
            "local_time": "09:00",
            "time_zone": "Europe/Berlin",
            "shifted": False,
            "reminders": [0, 30],
        }  # fmt: skip
        db.stage(DueCheckIn, row)


async def _answer(port: int, path: str, token: str) -> tuple[dict[str, str], Any]:
    """The headers of an answer, and its JSON."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("GET", path, token=token))
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    if not head.startswith("HTTP/1.1 200"):
        msg = f"{path}: {head}"
        raise RuntimeError(msg)
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.splitlines()[1:])}
    body = await reader.readexactly(int(headers["content-length"]))
    writer.close()
    return headers, json.loads(body)


async def _due(port: int, tokens: list[str]) -> Asked:
    path = "/v1/me/due-check-ins?days=14"
    return await _asked(port, [(path, token) for token in tokens])


async def _changes(port: int, tokens: list[str]) -> Asked:
    """Ask from where each phone stands once it has everything."""
    asked = []
    for token in tokens:
        path = "/v1/me/changes"
        more = True
        while more:
            _, page = await _answer(port, path, token)
            path, more = f"/v1/me/changes?cursor={page['next_cursor']}", page["has_more"]
        asked.append((path, token))
    return await _asked(port, asked)


async def _asked(port: int, questions: list[tuple[str, str]]) -> Asked:
    unchanged = []
    for path, token in questions:
        headers, _ = await _answer(port, path, token)
        unchanged.append(request("GET", path, token=token, headers=[f"If-None-Match: {headers['etag']}"]))
    return Asked([request("GET", path, token=token) for path, token in questions], unchanged)


async def compare(
    server: Running, ours: list[bytes], tokens: list[str], *, expected: int, rounds: int, connections: int
) -> list[float]:
    """Ours and the route that does nothing in turn, so that a machine that slows down slows both."""
    nothing = itertools.cycle([request("GET", NOTHING, token=token) for token in tokens])
    asked, ratios = itertools.cycle(ours), []

    async def each(requests: Iterator[bytes], status: int) -> float:
        seen = await drive(server.port, requests, connections=connections, seconds=SECONDS, expected=(status,))
        return seen.seconds_each

    for number in range(rounds + 1):
        floor, above = await each(nothing, 200), await each(asked, expected)
        if number:  # the first round warms both up
            ratios.append(above / floor)
    return ratios


async def measure(
    environment: dict[str, str], tokens: list[str], where: str, rounds: int = ROUNDS, connections: int = CONNECTIONS
) -> list[tuple[str, str, str, str, bool]]:
    """Each row: its name, the work, what was seen, the goal, and whether it was reached."""
    rows = []
    with serve("benchmarks.phones:create_with_nothing", "/healthz", environment, factory=True) as server:
        for name, work, find in (("D1", "due-check-ins of 14 days", _due), ("D2", "changes, nothing new", _changes)):
            asked = await find(server.port, tokens)
            for sent, status in ((asked.whole, 200), (asked.unchanged, 304)):
                ratios = await compare(server, sent, tokens, expected=status, rounds=rounds, connections=connections)
                rows.append(
                    (
                        name,
                        f"{work}, {status}, {where}, against letting in alone",
                        f"{middle(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
                        f"{GOAL}",
                        middle(ratios) <= GOAL,
                    )
                )
    return rows


def environment(database_url: str) -> dict[str, str]:
    """What the server is told."""
    told = {"DATABASE_URL": database_url, "LOG_LEVEL": "WARNING", "POOL_SIZE": str(CONNECTIONS), "WORKER": "apart"}
    return WIDE_ENVIRONMENT | {f"AFTERGLOW_{name}": value for name, value in told.items()}


async def measure_both(
    on_postgresql: Settings,
    as_application: Settings,
    on_sqlite: Settings,
    world: World,
    small: World,
    rounds: int = ROUNDS,
) -> list[tuple[str, str, str, str, bool]]:
    """The rows of both databases. `on_postgresql` may do anything, `as_application` what the server may."""
    await make(on_postgresql)
    await make(on_sqlite)
    return [
        *await measure(environment(as_application.database_url), world.tokens, "PostgreSQL", rounds),
        *await measure(environment(on_sqlite.database_url), small.tokens, "SQLite", rounds),
    ]


async def _alone() -> None:
    server = Server(durable=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            await worlds.make_database(server)
            everything = Settings(database_url=address(server.host, "bench"))
            as_application = Settings(database_url=address(server.host, "bench", APPLICATION))
            on_sqlite = Settings(database_url=f"sqlite:///{folder}/bench.db")
            worlds.migrate(on_sqlite)
            world = await worlds.make(everything, filler_patients=1)
            small = await worlds.make(on_sqlite, filler_patients=0)
            for row in await measure_both(everything, as_application, on_sqlite, world, small):
                print(*row, sep=" | ")
        finally:
            server.stop()


if __name__ == "__main__":
    asyncio.run(_alone())
