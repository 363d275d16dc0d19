"""The measures of a record: a chart of each, what can honestly be said of it, and its months."""

import html
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import anyio.to_thread

from app.charts.dose_aligned import dose_aligned_chart
from app.charts.trend import trend_chart
from app.charts.words import Words, words_for
from app.core import clock
from app.exports import queries
from app.exports.blocks import Block, Cell, Chart, Facts, Section, Table
from app.exports.queries import Month
from app.exports.rows import NONE, counted, plain
from app.exports.service import Reader
from app.instruments.definitions import Measure
from app.instruments.measures import MEASURES
from app.trends import pictures, service
from app.trends.asked import MOST_DAYS, Asked, Bucket, Look, SeriesQuery, understand
from app.trends.rules import ChangeLabel
from app.trends.service import Reading

FIRST: Final = ("craving", "mood", "withdrawal", "dissociation", "used")
"""The measures that come first, in this order; all others follow by name."""
WITH_DOSES: Final = frozenset({"craving", "mood", "withdrawal"})
"""Measures that are also drawn by the time since a dose."""
MOST_RAW: Final = 60
MOST_BY_DAY: Final = 400
"""Up to so many values each is drawn; up to so many days the mean of each day, then the mean of each week."""
LOOK: Final = Look(width=720, height=360)

_CHANGES: Final = {
    ChangeLabel.IMPROVED: "better",
    ChangeLabel.WORSE: "worse",
    ChangeLabel.UNCHANGED: "about the same",
}
_DIRECTIONS: Final = {"better": "higher is better", "worse": "lower is better"}
_DESCRIPTION: Final = re.compile(r"<desc[^>]*>(.*?)</desc>", re.DOTALL)


async def sections(reader: Reader) -> list[Section]:
    """One section for each measure that the record has values of."""
    async with reader.step() as db:
        found = await queries.months(db, reader.access.patient)
    in_order = sorted(found, key=lambda key: (FIRST.index(key[0]) if key[0] in FIRST else len(FIRST), key))
    return [await _section(reader, key, substance, found[key, substance]) for key, substance in in_order]


async def _section(reader: Reader, key: str, substance: str, months: Sequence[Month]) -> Section:
    words = words_for(reader.access.clinic.locale)
    measure = MEASURES.get(key)
    if measure is None:  # of an instrument that is no longer known
        return Section(plain(key), (_by_month(plain(key), months, words),), level=3)
    title = f"{measure.title}, {plain(substance)}" if substance else measure.title
    asked = _question(reader, key, substance, months)
    n = sum(month.n for month in months)
    async with reader.step() as db:
        reading = await service.trend(db, reader.access, asked, _bucket(asked, n), MOST_RAW)
    picture = pictures.trend(reading, reader.access.clinic, LOOK)
    blocks: list[Block] = [Facts(_facts(reading, n, words)), await _chart(partial(trend_chart, picture))]
    if key in WITH_DOSES:
        async with reader.step() as db:
            aligned = await service.dose_aligned(db, reader.access, asked)
        if any(curve.n_after for curve in aligned.curves):
            drawn = pictures.dose_aligned(aligned, reader.access.clinic, LOOK)
            blocks.append(await _chart(partial(dose_aligned_chart, drawn)))
    return Section(title, (*blocks, _by_month(title, months, words, measure)), level=3)


def _question(reader: Reader, key: str, substance: str, months: Sequence[Month]) -> Asked:
    """The days from the first to the last value, at most ten years of them."""
    last = months[-1].last_day
    first = max(months[0].first_day, last - timedelta(days=MOST_DAYS - 1))
    query = SeriesQuery.model_validate({"measure": key, "substance": substance or None, "from": first, "to": last})
    return understand(query, reader.access.patient, clock.now())


def _bucket(asked: Asked, n: int) -> Bucket:
    if n <= MOST_RAW:
        return "raw"
    return "day" if (asked.last_day - asked.first_day).days < MOST_BY_DAY else "week"


async def _chart(draw: Callable[[], str]) -> Chart:
    """Draw in a thread, as the charts of the API are drawn."""
    svg = await anyio.to_thread.run_sync(draw)
    described = _DESCRIPTION.search(svg)
    return Chart(svg, html.unescape(described[1]) if described else "")


def _facts(reading: Reading, n: int, words: Words) -> tuple[tuple[str, str], ...]:
    asked, measure = reading.asked, reading.asked.measure
    days = words.period(asked.first_day, asked.last_day)
    facts = [("Values", f"{words.number(n)}, {days}")]
    if measure.unit == "yes_no":
        return tuple(facts)
    ends = f"{words.number(measure.minimum)} to {words.number(measure.maximum)}"
    facts.append(("Scale", ", ".join(filter(None, (ends, _DIRECTIONS.get(measure.higher_is))))))
    facts.append(("Baseline", _baseline(reading, words)))
    latest = reading.latest
    if latest.mean is not None and latest.first_day is not None and latest.last_day is not None:
        of = f"mean of {counted(latest.n, 'value')}, {words.period(latest.first_day, latest.last_day)}"
        facts.append(("Latest", f"{words.number(latest.mean)} ({of})"))
    facts.append(("Change", _change(reading, words)))
    return tuple(facts)


def _baseline(reading: Reading, words: Words) -> str:
    baseline = reading.baseline
    if baseline.value is not None:
        return f"{words.number(baseline.value)} (the middle of {counted(baseline.n, 'value')} before the first dose)"
    if baseline.starts_at is None:
        return "none, since there is no dose yet"
    return f"not enough values before the first dose ({baseline.n})"


def _change(reading: Reading, words: Words) -> str:
    change = reading.change
    if change.difference is None:
        return "cannot be said"
    size = words.number(abs(change.difference))
    side = "higher" if change.difference > 0 else "lower"
    said = "no difference from the baseline" if size == "0" else f"{size} {side} than the baseline"
    return f"{said}: {_CHANGES[change.label]}" if change.label is not None else said


def _by_month(title: str, months: Sequence[Month], words: Words, measure: Measure | None = None) -> Table:
    """The newest month first, since that is what is looked for."""
    name = f"{title}, by month"
    if measure is not None and measure.unit == "yes_no":
        counted: list[tuple[Cell, ...]] = [
            (_month(month, words), str(month.n), words.number(month.total)) for month in reversed(months)
        ]
        return Table(name, ("Month", "Answers", "Yes"), tuple(counted), (2, 1, 1), frozenset({1, 2}))
    rows: list[tuple[Cell, ...]] = [
        (
            _month(month, words),
            str(month.n),
            words.number(month.lowest),
            words.number(month.mean),
            words.number(month.highest),
        )
        for month in reversed(months)
    ]
    head = ("Month", "Values", "Lowest", "Mean", "Highest")
    return Table(name, head, tuple(rows), (2, 1, 1, 1, 1), frozenset({1, 2, 3, 4}))


def _month(month: Month, words: Words) -> str:
    return f"{words.say.months[month.month - 1]} {month.year}" if month.n else NONE
