"""Permits: how many requests a caller may still make, decided by the database in one statement (GCRA).

The generic cell rate algorithm keeps one time for each caller, the *theoretical arrival time*: when all permits will be
back. A permit moves it on by the spacing of the policy; no permit is given that would move it further ahead than the
burst allows. So a caller gets the burst at once and then one permit each time the spacing has passed, and a row whose
time is past means the same as no row.

All that a process wants to know while one statement is under way is asked by the next one together, for whatever
callers and policies: under load the cost of a decision falls, and the decisions stay exact, between processes too.

Which clock: on PostgreSQL the database's, since workers on several machines must agree on the time to a permit. SQLite
serves one process, so that process's clock is the only one.
"""

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import asking, clock
from app.core.columns import EPOCH, MICROSECOND

SECOND = 1_000_000
SWEEP_SECONDS = 60
# A time further ahead than its policy can lead to comes from a clock that was set back or a quota that was raised, and
# counts as none. What a statement waited for a row may lie in between, which is seconds at the most.
LEEWAY = 60 * SECOND
WRITTEN = re.compile(r"(?P<quota>\d{1,7})/(?P<window>\d{1,6})(/(?P<burst>\d{1,7}))?")

_TAKE = """
INSERT INTO rate_limits AS held (key, arrival, spacing, burst, granted)
SELECT key, {now} + {least}(wanted, burst) * spacing, spacing, burst, {least}(wanted, burst) FROM {orders}
ON CONFLICT (key) DO UPDATE SET (arrival, spacing, burst, granted) = (
    SELECT start + units * excluded.spacing, excluded.spacing, excluded.burst, units FROM (
        SELECT start, {least}(
            excluded.granted, {most}(0, ({now} + excluded.burst * excluded.spacing - start) / excluded.spacing)
        ) AS units FROM (
            SELECT CASE WHEN held.arrival > {now} + excluded.burst * excluded.spacing + {leeway} THEN {now}
                ELSE {most}(held.arrival, {now}) END AS start
        ) AS from_when
    ) AS so_many
)
RETURNING key, granted, arrival - {now}
"""
_POSTGRESQL_NOW = "(extract(epoch FROM now()) * 1000000)::bigint"
_TAKE_ON_POSTGRESQL = _TAKE.format(
    now=_POSTGRESQL_NOW,
    least="least",
    most="greatest",
    leeway=LEEWAY,
    # In the order of their keys, so that two statements that want the same rows never wait for each other.
    orders="unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) AS told(key, wanted, spacing, burst) ORDER BY key",
)
_TAKE_ON_SQLITE = _TAKE.format(
    now="?2",
    least="min",
    most="max",
    leeway=LEEWAY,
    orders="(SELECT value ->> 0 AS key, value ->> 1 AS wanted, value ->> 2 AS spacing, value ->> 3 AS burst"
    " FROM json_each(?1)) WHERE true",
)
# A sweeper must not wait for a row while it holds others.
_SWEEP_POSTGRESQL = f"""
DELETE FROM rate_limits WHERE key IN (
    SELECT key FROM rate_limits WHERE arrival < {_POSTGRESQL_NOW} FOR UPDATE SKIP LOCKED
)
"""  # noqa: S608  a constant of ours
_SWEEP_SQLITE = "DELETE FROM rate_limits WHERE arrival < ?1"


@dataclass(frozen=True)
class Policy:
    """So many requests (`quota`) in so many seconds, in the long run; up to `burst` of them at one instant."""

    name: str
    quota: int
    window_seconds: int
    burst: int

    @classmethod
    def parse(cls, name: str, text: str) -> Self:
        """The policy written as `quota/seconds`, or `quota/seconds/burst` where the burst is not the whole quota."""
        found = WRITTEN.fullmatch(text)
        quota, window, burst = (int(found[part] or 0) for part in ("quota", "window", "burst")) if found else (0, 0, 0)
        if not quota or not window:
            raise ValueError(f"{name}: a limit is written as quota/seconds or quota/seconds/burst, such as 600/60")
        return cls(name, quota, window, burst or quota)

    @cached_property
    def spacing(self) -> int:
        """Microseconds from one permit to the next in the long run, rounded so that no permit too many is given."""
        return -(-self.window_seconds * SECOND // self.quota)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the database gave: `units` of what was asked for.

    `left` permits are there still. The next one is there in `next_in` seconds (0 when one is left), all of them in
    `full_in` seconds.
    """

    units: int
    left: int
    next_in: float
    full_in: float


@dataclass(slots=True)
class _Order:
    policy: Policy
    key: str
    units: int
    told: asyncio.Future[Grant] | None


class Counter:
    """Where a process asks for permits. It holds at most one connection, and none while nobody asks.

    Nobody may ask who holds a connection of the same pool: on SQLite there is only one.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._on_postgresql = engine.dialect.name == "postgresql"
        self._engine = engine
        self._orders: list[_Order] = []
        self._serving: asyncio.Task[None] | None = None
        self._swept_at = time.monotonic()

    async def take(self, *wanted: tuple[Policy, str], units: int = 1) -> Sequence[Grant]:
        """Ask for permits of each policy and key, in one statement; each is granted for itself, in part if need be."""
        loop = asyncio.get_running_loop()
        orders = [_Order(policy, key, units, loop.create_future()) for policy, key in wanted]
        self._place(orders)
        return await asyncio.gather(*(order.told for order in orders if order.told))

    def give_back(self, *given: tuple[Policy, str]) -> None:
        """Return one permit of each, some time soon and without waiting. If that fails, they are lost."""
        self._place([_Order(policy, key, -1, None) for policy, key in given])

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._serving is not None:
            await asyncio.wait([self._serving])

    def _place(self, orders: list[_Order]) -> None:
        self._orders += orders
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        try:
            while self._orders:
                orders, self._orders = self._orders, []
                try:
                    rows = await self._ask(orders)
                except Exception as fault:  # noqa: BLE001  it is for those who asked
                    _fail(orders, fault)
                else:
                    _tell(orders, rows)
        finally:
            self._serving = None

    async def _ask(self, orders: list[_Order]) -> dict[str, tuple[int, int]]:
        """How many permits each key got and how far ahead its time is then, in microseconds."""
        units: dict[str, int] = defaultdict(int)
        for order in orders:
            units[order.key] += order.units
        policies = {order.key: order.policy for order in orders}
        told = [(key, units[key], policy.spacing, policy.burst) for key, policy in policies.items()]
        if self._on_postgresql:
            rows = await self._ask_postgresql(told)
        else:
            rows = await self._ask_sqlite(told)
        return {key: (granted, ahead) for key, granted, ahead in rows}

    async def _ask_postgresql(self, told: list[tuple[str, int, int, int]]) -> Sequence[Any]:
        """Each statement is sent alone; and what changes only a table that is not logged waits for no disk."""
        rows = await asking.fetch(
            self._engine, _TAKE_ON_POSTGRESQL, [[row[number] for row in told] for number in range(4)]
        )
        if self._must_sweep():
            await asking.fetch(self._engine, _SWEEP_POSTGRESQL, ())
        return rows

    async def _ask_sqlite(self, told: list[tuple[str, int, int, int]]) -> Sequence[Any]:
        async with self._engine.begin() as connection:
            taken = await connection.exec_driver_sql(_TAKE_ON_SQLITE, (json.dumps(told), _now()))
            rows = taken.all()
            if self._must_sweep():
                await connection.exec_driver_sql(_SWEEP_SQLITE, (_now(),))
        return rows

    def _must_sweep(self) -> bool:
        """Whether it is time to forget those who have all their permits back."""
        if time.monotonic() - self._swept_at <= SWEEP_SECONDS:
            return False
        self._swept_at = time.monotonic()
        return True


def _now() -> int:
    return (clock.now() - EPOCH) // MICROSECOND


def _fail(orders: list[_Order], fault: Exception) -> None:
    for order in orders:
        if order.told is not None and not order.told.done():
            order.told.set_exception(fault)


def _tell(orders: list[_Order], rows: dict[str, tuple[int, int]]) -> None:
    """Hand out what was granted, first come first served. What came back serves those who asked with it."""
    there: dict[str, int] = defaultdict(int)
    for key, (granted, _) in rows.items():
        there[key] = granted
    for order in orders:
        if order.told is None:
            there[order.key] -= order.units
    for order in orders:
        if order.told is None:
            continue
        units = min(order.units, there[order.key])
        there[order.key] -= units
        if not order.told.done():
            order.told.set_result(_grant(order.policy, units, rows[order.key][1]))


def _grant(policy: Policy, units: int, ahead: int) -> Grant:
    room = policy.burst * policy.spacing - ahead
    return Grant(
        units=units,
        left=max(0, min(policy.burst, room // policy.spacing)),
        next_in=max(0, policy.spacing - room) / SECOND,
        full_in=max(0, ahead) / SECOND,
    )
