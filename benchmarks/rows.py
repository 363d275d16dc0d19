"""The goals that have a floor: what is asked of us, what is asked of the floor, and how often faster it should be."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.ids import new_id
from benchmarks import world as worlds
from benchmarks.load import request
from benchmarks.world import World


@dataclass(frozen=True, slots=True)
class Row:
    """One goal: our requests against a floor's. `first` and `then` are the bounds of the ratio, `then` the better one.

    `tag`: our requests carry the entity tag of their answer.
    """

    name: str
    work: str
    floor: str
    ours: Callable[[World], Iterator[bytes]]
    first: float
    then: float
    connections: int = 8
    sqlite: bool = False
    tag: bool = False
    expected: tuple[int, ...] = (200, 201)


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


A_DAY, BATCH = 5, 50


def submits(world: World) -> Iterator[bytes]:
    """One check-in after the other, each of another patient."""
    return submits_of(world.tokens)


def submits_of(whose: list[str]) -> Iterator[bytes]:
    """One check-in after the other, by these in turn."""
    for number in itertools.count():
        body = json.dumps(report(_asked_at(number // len(whose), days=28))).encode()
        yield request("PUT", f"/v1/me/check-ins/{new_id()}", token=whose[number % len(whose)], body=body)


def _batches(world: World) -> Iterator[bytes]:
    """What a phone sends that was offline for ten days, each of another patient."""
    for number in itertools.count():
        done = number // len(world.tokens) * BATCH
        items = [report(_asked_at(done + item, days=120)) | {"id": str(new_id())} for item in range(BATCH)]
        body = json.dumps({"check_ins": items}).encode()
        yield request("POST", "/v1/me/check-ins/batch", token=world.tokens[number % len(world.tokens)], body=body)


def _asked_at(number: int, *, days: int) -> datetime:
    """When a patient who is asked five times a day gives their check-in of this number; so many days go around."""
    return worlds.LAST_DAY - timedelta(days=days + 2) + timedelta(hours=24 / A_DAY) * (number % (days * A_DAY))


def inserts() -> Iterator[bytes]:
    """What the floor of writes is asked."""
    return itertools.repeat(request("POST", "/insert", body=json.dumps(report(worlds.LAST_DAY)).encode()))


def period(days: int) -> str:
    """The last so many days, as parameters."""
    return f"from={(worlds.LAST_DAY - timedelta(days=days - 1)).date()}&to={worlds.LAST_DAY.date()}"


def _raw(world: World) -> Iterator[bytes]:
    path = f"/v1/me/trends?measure=craving&substance=alcohol&bucket=raw&points=900&{period(112)}"
    return itertools.repeat(request("GET", path, token=world.short_token))


def daily(token: str) -> Iterator[bytes]:
    """The trend of a patient over ninety days."""
    path = f"/v1/me/trends?measure=craving&substance=alcohol&bucket=day&{period(90)}"
    return itertools.repeat(request("GET", path, token=token))


def _sessions(world: World) -> Iterator[bytes]:
    day, after = worlds.LAST_DAY, worlds.LAST_DAY + timedelta(days=1)
    path = f"/v1/dosing-sessions?from={day:%Y-%m-%dT%H:%M:%SZ}&to={after:%Y-%m-%dT%H:%M:%SZ}&limit=50"
    return itertools.repeat(request("GET", path, token=world.nurse_token))


def _panel(world: World) -> Iterator[bytes]:
    return itertools.repeat(request("GET", "/v1/panel", token=world.panel_token))


def _trend(world: World) -> Iterator[bytes]:
    return daily(world.short_token)


SUBMIT = Row("P1", "one check-in, PostgreSQL, 8 connections", "/insert", submits, 10, 5)
TREND = Row("P5", "daily trend of 90 days with statistics", "/daily", _trend, 8, 4)
PANEL = Row("P8", f"panel page of 50 of {worlds.OF_PANEL:,}", "/panel", _panel, 8, 4)
ROWS = (
    SUBMIT,
    Row("P2", "one check-in, SQLite, 1 connection", "/insert", submits, 8, 5, connections=1, sqlite=True),
    Row("P3", "a batch of 50 check-ins", "/insert", _batches, 60, 30),
    Row("P4", "900 raw points", "/raw", _raw, 4, 2),
    TREND,
    Row("P6", "304 on an unchanged trend", "/hello", _trend, 8, 4, tag=True, expected=(304,)),
    Row("P7", "today's 20 sessions of a clinic", "/sessions", _sessions, 8, 4),
    PANEL,
)
