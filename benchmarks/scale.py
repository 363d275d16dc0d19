"""`make bench-scale`: the same requests with one million values stored and with twenty (P10), on PostgreSQL."""

import argparse
import asyncio
import time

import asyncpg

from benchmarks import report
from benchmarks import world as worlds
from benchmarks.load import middle
from benchmarks.report import Result
from benchmarks.rows import PANEL, SUBMIT, TREND
from benchmarks.run import (
    GROWTH_FIRST,
    GROWTH_THEN,
    RESULTS,
    Page,
    Place,
    compare,
    environment,
    floor_environment,
    placed,
)
from benchmarks.servers import compile_all, serve

SMALL, LARGE = 1_000_000, 20_000_000
ROWS = (SUBMIT, TREND, PANEL)
NAMES = {SUBMIT: "P10", TREND: "G2", PANEL: "G3"}
ABOUT = "What `make bench-scale` saw: growth of the tables that hold what patients said."
SIZES = """
SELECT relname, pg_table_size(oid) AS rows, pg_indexes_size(oid) AS indexes FROM pg_class
WHERE relname IN ('check_ins', 'timeline_moments', 'observations') ORDER BY relname
"""


async def _measured(place: Place) -> list[Result]:
    with (
        serve("benchmarks.floors:app", "/hello", floor_environment(place.world)) as floor,
        serve("app.main:create_app", "/healthz", environment(place.as_application), factory=True) as ours,
    ):
        return [await compare(row, ours, floor, place.world) for row in ROWS]


async def _sizes(place: Place) -> str:
    connection = await asyncpg.connect(place.world.dsn)
    found = await connection.fetch(SIZES)
    await connection.close()
    told = [f"{name} {rows / 2**30:.1f} + {indexes / 2**30:.1f} GB of indexes" for name, rows, indexes in found]
    return "; ".join(told)


async def run(small: int, large: int) -> Page:
    """Measure, grow, measure again."""
    page = Page()
    compile_all()
    async with placed(small // worlds.VALUES_OF_A_FILLER) as place:
        before = await _measured(place)
        began = time.perf_counter()
        await worlds.grow(place.world, (large - small) // worlds.VALUES_OF_A_FILLER)
        grown_in = time.perf_counter() - began
        after = await _measured(place)
        for then, now in zip(before, after, strict=True):
            for result, stored in ((then, small), (now, large)):
                told = report.line(result).replace(result.row.work, f"{result.row.work}, {stored:,} values stored")
                page.add(page.floored, told)
            figure = middle([one / other for one, other in zip(now.ratios, then.ratios, strict=True)])
            work = f"{now.row.name} with {large:,} values stored / with {small:,}, each against its floor"
            seen = f"{figure:.2f}"
            page.add(page.plain, report.plain(NAMES[now.row], work, seen, figure, GROWTH_FIRST, GROWTH_THEN))
        stored = await worlds.values_stored(place.on_postgresql)
        page.add(page.others, report.other("M2", "values stored at the end", f"{stored:,}", "told", kept=True))
        page.add(page.others, report.other("M3", "tables", await _sizes(place), "told", kept=True))
        page.add(page.others, report.other("M4", "time to store the rest", f"{grown_in:.0f} s", "told", kept=True))
    return page


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=SMALL, help="values stored at first")
    parser.add_argument("--large", type=int, default=LARGE, help="values stored in the end")
    wanted = parser.parse_args()
    page = asyncio.run(run(wanted.small, wanted.large))
    text = report.page("Growth", ABOUT, page.floored, page.plain, page.others)
    print(text)
    if (wanted.small, wanted.large) == (SMALL, LARGE):
        RESULTS.with_name("results-scale.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
