"""The page that a run writes."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.gains import NEXT
from benchmarks.load import Measured, middle
from benchmarks.rows import Row
from benchmarks.servers import ROOT

TAIL_FIRST, TAIL_THEN = 8, 4
HEADING = """# {title}

{about}

Measured on {at:%Y-%m-%d} at commit `{commit}`, Python {python}, {machine}, {processors} processors for client, server
and PostgreSQL together.
"""
FLOORED = """
A ratio compares the time that the whole machine takes for one request with what a bare ASGI application takes that does
the least the row could do, on the same server and database: measured in turn in one run, median (lowest-highest) of the
rounds; lower is better. *First* and *then* are the goals. Statements are all that is sent to PostgreSQL for one
request, BEGIN and COMMIT among them, then how often the server waited for an answer to them.

| # | work | ratio | first | then | reached | p50 ms | p99 ms | statements, trips | bytes | ours/s | floor/s |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""
PLAIN = """
| # | work | seen | first | then | reached |
|---|---|---|---|---|---|
"""
OTHERS = """
| # | work | seen | bound | kept |
|---|---|---|---|---|
"""


@dataclass(slots=True)
class Result:
    """What came out of a row; `sent` are its statements and round trips, where they can be counted."""

    row: Row
    ratios: list[float]
    ours: list[Measured]
    floors: list[Measured]
    sent: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        """The figure that counts."""
        return middle(self.ratios)

    def tail(self) -> float:
        """How far the slowest are from the usual: p99 / p50."""
        return middle([round_.quantile(0.99) / round_.quantile(0.5) for round_ in self.ours])


def spread(figures: Sequence[float]) -> str:
    """The median, and how far it can be trusted."""
    return f"{middle(figures):.2f} ({min(figures):.2f}-{max(figures):.2f})"


def verdict(figure: float, first: float, then: float) -> str:
    """Which of the goals is reached: the less the better, or the more where `then` is more than `first`."""
    sign = 1 if then <= first else -1
    if sign * figure <= sign * then:
        return "then"
    return "first" if sign * figure <= sign * first else f"**no**, {figure / first:.2f} x the first"


def line(result: Result) -> str:
    """One row with a floor."""
    row, times = result.row, [second for round_ in result.ours for second in round_.seconds]
    joined = Measured(times, sum(round_.elapsed for round_ in result.ours), result.ours[-1].body_bytes)
    sent = "" if result.sent is None else f"{result.sent[0]:g}, {result.sent[1]:g}"
    return (
        f"| {row.name} | {row.work} | {spread(result.ratios)} | {row.first:g} | {row.then:g} | "
        f"{verdict(result.ratio, row.first, row.then)} | {joined.quantile(0.5) * 1000:.2f} | "
        f"{joined.quantile(0.99) * 1000:.2f} | {sent} | {joined.body_bytes} | {joined.per_second:.0f} | "
        f"{middle([floor.per_second for floor in result.floors]):.0f} |"
    )


def plain(name: str, work: str, seen: str, figure: float, first: float, then: float) -> str:
    """One row without a floor."""
    return f"| {name} | {work} | {seen} | {first:g} | {then:g} | {verdict(figure, first, then)} |"


def other(name: str, work: str, seen: str, bound: str, kept: bool) -> str:
    """One row that only has a bound to keep."""
    return f"| {name} | {work} | {seen} | {bound} | {'yes' if kept else '**no**'} |"


def tail(result: Result) -> str:
    """P13."""
    figure = result.tail()
    work = f"p99 / p50 of {result.row.name} at {result.row.connections} connections"
    return plain("P13", work, f"{figure:.2f}", figure, TAIL_FIRST, TAIL_THEN)


def commit() -> str:
    """What the tree is at; told where it is not quite that."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], check=False, capture_output=True, text=True, cwd=ROOT).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--", "app", "benchmarks", "migrations") else ""
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + changed


def page(title: str, about: str, floored: Iterable[str], plains: Iterable[str], others: Iterable[str]) -> str:
    """All of it."""
    text = HEADING.format(
        title=title,
        about=about,
        at=datetime.now(UTC),
        commit=commit(),
        python=platform.python_version(),
        machine=platform.machine(),
        processors=os.cpu_count(),
    )
    for head, lines in ((FLOORED, floored), (PLAIN, plains), (OTHERS, others)):
        rows = "\n".join(lines)
        text += f"{head}{rows}\n" if rows else ""
    told = "".join(f"- **{name}** {cost}\n" for name, cost in NEXT.items())
    return f"{text}\n## What the next gain would cost\n\n{told}"
