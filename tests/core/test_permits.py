"""Permits are counted exactly, by whoever asks from wherever, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import permits
from app.core.db import create_engine
from app.core.permits import LEEWAY, SECOND, Counter, Grant, Policy
from app.core.settings import Settings

TEN = Policy("ten", quota=10, window_seconds=300, burst=10)
HOUR = 3600 * SECOND


@pytest.fixture
async def counter(engine: AsyncEngine, anyio_backend: str) -> AsyncIterator[Counter]:
    made = Counter(engine)
    yield made
    await made.settle()


@pytest.fixture
async def workers(
    engine: AsyncEngine, settings: Settings, anyio_backend: str
) -> AsyncIterator[Callable[[int], list[Counter]]]:
    """Counters as several workers have them: with a connection each on PostgreSQL, with the only one on SQLite."""
    async with AsyncExitStack() as opened:

        def build(number: int) -> list[Counter]:
            engines = [engine] * number
            if not settings.is_sqlite:
                alone = settings.model_copy(update={"pool_size": 1})
                engines = [create_engine(alone) for _ in range(number)]
                for own in engines:
                    opened.push_async_callback(own.dispose)
            return [Counter(own) for own in engines]

        yield build


async def rows(engine: AsyncEngine) -> dict[str, int]:
    """What is remembered: the keys and their times."""
    async with engine.begin() as connection:
        found = await connection.execute(sa.text("SELECT key, arrival FROM rate_limits"))
        return {row.key: row.arrival for row in found}


async def set_back(engine: AsyncEngine, microseconds: int) -> None:
    """Let time pass: everything that was remembered happened earlier."""
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE rate_limits SET arrival = arrival - :by"), {"by": microseconds})


def granted(grants: list[Grant]) -> int:
    return sum(grant.units for grant in grants)


class TestPolicy:
    @pytest.mark.parametrize(
        ("text", "policy"),
        [
            ("600/60", Policy("p", 600, 60, 600)),
            ("10/300/3", Policy("p", 10, 300, 3)),
            ("1000000/1", Policy("p", 1_000_000, 1, 1_000_000)),
        ],
    )
    def test_is_written_as_quota_window_and_burst(self, text: str, policy: Policy) -> None:
        assert Policy.parse("p", text) == policy

    @pytest.mark.parametrize("text", ["", "600", "600/", "/60", "0/60", "600/0", "-1/60", "1.5/60", "600/60/", "a/b"])
    def test_refuses_anything_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="p: a limit is written as"):
            Policy.parse("p", text)

    def test_rounds_so_that_no_permit_too_many_is_given(self) -> None:
        assert Policy("p", quota=7, window_seconds=1, burst=7).spacing == 142_858


class TestTaking:
    async def test_gives_the_burst_and_then_nothing(self, counter: Counter) -> None:
        got = [(await counter.take((TEN, "a")))[0] for _ in range(12)]

        assert [grant.units for grant in got] == [1] * 10 + [0] * 2
        assert [grant.left for grant in got] == [*range(9, -1, -1), 0, 0]
        assert got[9].next_in == pytest.approx(30, abs=2)
        assert got[11].next_in == pytest.approx(30, abs=2)
        assert got[0].next_in == 0
        assert got[0].full_in == pytest.approx(30, abs=2)
        assert got[11].full_in == pytest.approx(300, abs=2)

    async def test_gives_one_more_each_time_the_spacing_has_passed(self, counter: Counter, engine: AsyncEngine) -> None:
        await counter.take((TEN, "a"), units=10)

        await set_back(engine, TEN.spacing + SECOND)
        after_one = [(await counter.take((TEN, "a")))[0].units for _ in range(2)]
        await set_back(engine, 3 * TEN.spacing)
        after_three = [(await counter.take((TEN, "a")))[0].units for _ in range(4)]

        assert after_one == [1, 0]
        assert after_three == [1, 1, 1, 0]

    async def test_saves_nothing_up_beyond_the_burst(self, counter: Counter, engine: AsyncEngine) -> None:
        await counter.take((TEN, "a"))
        await set_back(engine, 100 * HOUR)

        assert (await counter.take((TEN, "a"), units=50))[0].units == 10
        assert (await counter.take((TEN, "a"), units=50))[0].units == 0

    async def test_gives_a_part_when_there_is_not_enough(self, counter: Counter) -> None:
        await counter.take((TEN, "a"), units=7)

        assert (await counter.take((TEN, "a"), units=12))[0].units == 3
        assert (await counter.take((TEN, "a"), units=12))[0].units == 0

    async def test_keeps_callers_and_policies_apart(self, counter: Counter) -> None:
        five = Policy("five", 5, 60, 5)
        await counter.take((TEN, "a"), units=10)

        first, second, third = await counter.take((TEN, "a"), (TEN, "b"), (five, "c"), units=8)

        assert (first.units, second.units, third.units) == (0, 8, 5)

    async def test_takes_one_statement_for_all_who_ask_at_once(self, counter: Counter, asked: list[str]) -> None:
        await asyncio.gather(*(counter.take((TEN, f"caller {number % 7}")) for number in range(100)))

        assert len(asked) == 1
        assert asked[0].strip().startswith("INSERT INTO rate_limits")

    async def test_holds_after_the_quota_was_changed(self, counter: Counter) -> None:
        await counter.take((TEN, "a"), units=10)
        wider = Policy("ten", quota=20, window_seconds=300, burst=20)

        assert (await counter.take((wider, "a"), units=20))[0].units == 0

    async def test_a_clock_that_was_set_back_locks_nobody_out(self, counter: Counter, engine: AsyncEngine) -> None:
        await counter.take((TEN, "a"), units=10)
        await set_back(engine, -(LEEWAY - 5 * SECOND))
        soon = (await counter.take((TEN, "a")))[0]
        await set_back(engine, -24 * HOUR)

        assert soon.units == 0
        assert (await counter.take((TEN, "a")))[0].units == 1


class TestExactness:
    async def test_of_400_attempts_at_one_instant_exactly_ten_are_let_in(
        self, workers: Callable[[int], list[Counter]]
    ) -> None:
        counters = workers(8)
        for counter in counters:
            await counter.take((TEN, "to open the connection"))

        got = await asyncio.gather(*(counter.take((TEN, "a")) for counter in counters for _ in range(50)))

        assert granted([grant for (grant,) in got]) == 10

    async def test_statement_by_statement_too(self, workers: Callable[[int], list[Counter]]) -> None:
        async def one_after_another(counter: Counter) -> int:
            return granted([(await counter.take((TEN, "a")))[0] for _ in range(50)])

        got = await asyncio.gather(*(one_after_another(counter) for counter in workers(8)))

        assert sum(got) == 10

    async def test_workers_who_want_the_same_rows_do_not_wait_for_each_other_for_ever(
        self, workers: Callable[[int], list[Counter]]
    ) -> None:
        wide = Policy("wide", 1_000_000, 1, 1_000_000)
        keys = [(wide, f"caller {number}") for number in range(20)]

        async def ask(counter: Counter, wanted: list[tuple[Policy, str]]) -> None:
            for _ in range(20):
                await counter.take(*wanted)

        first, second = workers(2)
        async with asyncio.timeout(20):
            await asyncio.gather(ask(first, keys), ask(second, keys[::-1]))


class TestGivingBack:
    async def test_lets_another_in(self, counter: Counter) -> None:
        await counter.take((TEN, "a"), units=10)

        counter.give_back((TEN, "a"), (TEN, "a"))
        await counter.settle()

        assert [(await counter.take((TEN, "a")))[0].units for _ in range(3)] == [1, 1, 0]

    async def test_serves_those_who_ask_in_the_same_statement(self, counter: Counter, asked: list[str]) -> None:
        await counter.take((TEN, "a"), units=10)
        under_way = asyncio.create_task(counter.take((TEN, "b")))
        for _ in range(3):
            await asyncio.sleep(0)

        counter.give_back((TEN, "a"), (TEN, "a"))
        got = await asyncio.gather(*(counter.take((TEN, "a")) for _ in range(5)))

        assert [grant.units for (grant,) in got] == [1, 1, 0, 0, 0]
        assert len(asked) == 3
        await under_way

    async def test_more_than_was_taken_gives_no_more_than_the_burst(self, counter: Counter) -> None:
        counter.give_back(*[(TEN, "a")] * 5)
        await counter.settle()

        assert (await counter.take((TEN, "a"), units=50))[0].units == 10

    async def test_is_forgotten_when_the_database_is_away(self, settings: Settings, anyio_backend: str) -> None:
        away = create_engine(settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nowhere"}))
        counter = Counter(away)

        counter.give_back((TEN, "a"))
        await counter.settle()
        with pytest.raises(OperationalError):
            await counter.take((TEN, "a"), (TEN, "b"))

        await away.dispose()


class TestSweeping:
    async def test_forgets_those_who_have_all_their_permits_back(
        self, counter: Counter, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await counter.take((TEN, "long ago"), units=10)
        await set_back(engine, HOUR)
        await counter.take((TEN, "now"))
        assert set(await rows(engine)) == {"long ago", "now"}

        monkeypatch.setattr(permits, "SWEEP_SECONDS", 0)
        await counter.take((TEN, "now"))

        assert set(await rows(engine)) == {"now"}
        assert (await counter.take((TEN, "now"), units=50))[0].units == 8
