"""Where the dates stand below a calendar-aligned chart: on the patient's own midnights, as many as fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.charts.frame import PAD, SMALL
from app.charts.labels import Box
from app.charts.pictures import Size
from app.charts.svg import Linear, line, text, width_of
from app.charts.theme import Theme
from app.charts.words import Words

_GAP = 7
_DAY = 86_400
_MONTH = 30.4 * _DAY
_YEAR = 12 * _MONTH
_MOST = 60
_HOURS = (1, 3, 6, 12)
_DAYS = (1, 2)
_WEEKS = (1, 2, 4)
_MONTHS = (1, 2, 3, 6)
_YEARS = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True, slots=True)
class Tick:
    """A date or an hour below the axis: where it stands (POSIX time), its label, and the label's middle in pixels."""

    at: float
    label: str
    centre: float = 0


@dataclass(frozen=True, slots=True)
class Period:
    """The stretch of time that an axis shows, in the patient's zone."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    @property
    def first_day(self) -> date:
        """The patient's day on which the period starts."""
        return self.start.astimezone(self.zone).date()

    @property
    def last_day(self) -> date:
        """The patient's last day in the period: one that ends at midnight does not reach into the next day."""
        last = (self.end - timedelta(microseconds=1)).astimezone(self.zone)
        return max(last.date(), self.first_day)

    @property
    def seconds(self) -> float:
        """How long the period is."""
        return (self.end - self.start).total_seconds()

    def holds(self, instant: float) -> bool:
        """Whether a POSIX time lies in the period, its ends included."""
        return self.start.timestamp() <= instant <= self.end.timestamp()

    def instant(self, day: date, hour: int = 0) -> float:
        """The POSIX time at which an hour of the patient's day begins."""
        return datetime.combine(day, time(hour), tzinfo=self.zone).timestamp()


def ticks(period: Period, x: Linear, size: float, words: Words, page: tuple[float, float]) -> list[Tick]:
    """The finest row of dates whose labels do not touch; labels stay within the page."""
    for found in _rows(period, words):
        shown = [_placed(tick, x, size, page) for tick in found if period.holds(tick.at)]
        if shown and _fit(shown, size):
            return shown
    return []


def draw_dates(period: Period, x: Linear, plot: Box, below: float, words: Words, theme: Theme, size: Size) -> str:
    """The dates, so far below the plot, each with a tick at the plot's foot."""
    parts: list[str] = []
    y = plot.bottom + below + 18
    for tick in ticks(period, x, SMALL, words, (PAD / 2, size.width - PAD / 2)):
        at = x(tick.at)
        parts.append(line((at, plot.bottom), (at, plot.bottom + 4), theme.axis))
        parts.append(text(tick.label, (tick.centre, y), fill=theme.muted, size=SMALL, anchor="middle"))
    return "".join(parts)


def _placed(tick: Tick, x: Linear, size: float, page: tuple[float, float]) -> Tick:
    half = width_of(tick.label, size) / 2
    return Tick(tick.at, tick.label, min(max(x(tick.at), page[0] + half), page[1] - half))


def _fit(found: list[Tick], size: float) -> bool:
    halves = [width_of(tick.label, size) / 2 for tick in found]
    ends = [(tick.centre - half, tick.centre + half) for tick, half in zip(found, halves, strict=True)]
    return all(right + _GAP <= left for (_, right), (left, _) in pairwise(ends))


def _rows(period: Period, words: Words) -> Iterator[list[Tick]]:
    most = _MOST
    if period.seconds / _DAY * 24 <= 4 * most:
        for step in _HOURS:
            yield _hours(period, step, words)
    if period.seconds / _DAY <= 2 * most:
        for step in _DAYS:
            yield [Tick(period.instant(day), words.day(day)) for day in _days(period)[::step]]
    if period.seconds / _DAY <= 7 * 4 * most:
        mondays = [day for day in _days(period) if day.weekday() == 0]
        for step in _WEEKS:
            yield [Tick(period.instant(day), words.day(day)) for day in mondays[::step]]
    years = range(period.first_day.year, period.last_day.year + 1)
    if period.seconds <= 6 * most * _MONTH:
        for step in _MONTHS:
            firsts = [date(year, month, 1) for year in years for month in range(1, 13, step)]
            yield [Tick(period.instant(day), words.month(day)) for day in firsts]
    for step in _YEARS:
        yield [Tick(period.instant(date(year, 1, 1)), str(year)) for year in years if year % step == 0]


def _days(period: Period) -> list[date]:
    count = (period.last_day - period.first_day).days + 1
    return [period.first_day + timedelta(days=index) for index in range(count)]


def _hours(period: Period, step: int, words: Words) -> list[Tick]:
    found: dict[float, str] = {}
    for day in _days(period):
        for hour in range(0, 24, step):
            label = words.clock(datetime.combine(day, time(hour))) if hour else words.day(day)
            found.setdefault(period.instant(day, hour), label)
    return [Tick(at, label) for at, label in sorted(found.items())]
