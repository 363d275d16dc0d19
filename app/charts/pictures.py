"""What a chart is made from: plain frozen values, already computed, in the reader's language where they are words."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Literal
from zoneinfo import ZoneInfo

HigherIs = Literal["better", "worse", "neutral"]
Bucket = Literal["raw", "hour", "day", "week"]
ThemeName = Literal["light", "dark"]

LEAST_WIDTH = 280
LEAST_HEIGHT = 260


def _finite(*values: float | None) -> None:
    if not all(value is None or isfinite(value) for value in values):
        raise ValueError("a chart shows finite numbers; leave out what is missing")


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in CSS pixels; at least 280 x 260, below which no label is legible."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < LEAST_WIDTH or self.height < LEAST_HEIGHT:
            raise ValueError(f"a chart needs at least {LEAST_WIDTH} x {LEAST_HEIGHT} pixels")


PHONE = Size(390, 360)
DESKTOP = Size(960, 420)


@dataclass(frozen=True, slots=True)
class Measure:
    """The number that is drawn.

    `name` and `unit` are words for the reader ("Craving, alcohol", "points"; the unit may be empty). `low` and `high`
    are the ends of the scale, not of the values. `higher_is` says which direction is better, worse or neither.
    """

    name: str
    unit: str
    low: float
    high: float
    higher_is: HigherIs

    def __post_init__(self) -> None:
        _finite(self.low, self.high)
        if self.low >= self.high:
            raise ValueError("a scale rises from low to high")


@dataclass(frozen=True, slots=True)
class Point:
    """One value, or the mean of one bucket with its smallest (`low`) and largest (`high`) value.

    `at` of a bucket is the instant at which it is to be drawn, best the middle of the day or week.
    """

    at: datetime
    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        _finite(self.value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without values that the line must not bridge, from its last value before to the first one after."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose that was given: when it started, how much (None: not recorded), and until when to shade the plot."""

    at: datetime
    amount: float | None = None
    unit: str = "mg"
    shade_until: datetime | None = None

    def __post_init__(self) -> None:
        _finite(self.amount)


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment; `kind` picks the glyph, `label` names it in the legend, `attended=False` draws it hollow."""

    at: datetime
    kind: str
    label: str = ""
    attended: bool | None = None


@dataclass(frozen=True, slots=True)
class TrendPicture:
    """Everything a calendar-aligned chart shows.

    `start` and `end` bound the x axis; what lies outside is left out. `insufficient` names the statistics for which
    there were too few values. `caption` is a sentence for below the plot, in the reader's language. `locale` is a tag
    such as `de-DE`: German and English words, dates in the order of the place; any other language gets English words.
    """

    measure: Measure
    zone: ZoneInfo
    start: datetime
    end: datetime
    points: tuple[Point, ...] = ()
    bucket: Bucket = "raw"
    gaps: tuple[Gap, ...] = ()
    doses: tuple[Dose, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    baseline: float | None = None
    insufficient: tuple[str, ...] = ()
    caption: str = ""
    locale: str = "en-GB"
    theme: ThemeName = "light"
    size: Size = DESKTOP

    def __post_init__(self) -> None:
        _finite(self.baseline)
        if self.start >= self.end:
            raise ValueError("a period starts before it ends")


@dataclass(frozen=True, slots=True)
class AlignedPoint:
    """One value, `minutes` after the dose started; negative before it."""

    minutes: float
    value: float

    def __post_init__(self) -> None:
        _finite(self.minutes, self.value)


@dataclass(frozen=True, slots=True)
class AlignedAppointment:
    """An appointment that began so many minutes after the dose."""

    minutes: float
    appointment: Appointment

    def __post_init__(self) -> None:
        _finite(self.minutes)


@dataclass(frozen=True, slots=True)
class DoseCurve:
    """The values around one dose, and what was found in them; times in minutes since the dose started.

    `relief_at` is the value at which relief counts as begun (baseline minus the change rule; plus, where higher is
    better). `return_minutes` None with an onset means that relief was still there at `censored_minutes`, the last
    value or the next dose: that end is drawn open.
    """

    dose: Dose
    points: tuple[AlignedPoint, ...] = ()
    baseline: float | None = None
    relief_at: float | None = None
    onset_minutes: float | None = None
    return_minutes: float | None = None
    censored_minutes: float | None = None

    readings: tuple[AlignedPoint, ...] = ()
    """How strongly the patient was dissociated in the session, 0 to 16."""
    therapies: tuple[AlignedAppointment, ...] = ()

    def __post_init__(self) -> None:
        _finite(self.baseline, self.relief_at, self.onset_minutes, self.return_minutes, self.censored_minutes)


@dataclass(frozen=True, slots=True)
class Relief:
    """Kaplan-Meier summary over doses: the median in minutes (None: not reached), and how many doses it rests on."""

    median_minutes: float | None
    n: int
    n_censored: int = 0
    n_without_onset: int = 0


@dataclass(frozen=True, slots=True)
class PooledStretch:
    """All doses in one span of time since a dose: `median` None without a value; quartiles None where too few doses."""

    start_minutes: float
    end_minutes: float
    n: int
    n_followed: int
    median: float | None = None
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        _finite(self.start_minutes, self.end_minutes, self.median, self.lower, self.upper)
        if self.start_minutes >= self.end_minutes:
            raise ValueError("a stretch of time starts before it ends")


@dataclass(frozen=True, slots=True)
class Pooled:
    """All doses laid on one another; `baseline` is the median of their baselines, quartiles need `least` doses."""

    stretches: tuple[PooledStretch, ...]
    n: int
    baseline: float | None = None
    least: int = 3

    def __post_init__(self) -> None:
        _finite(self.baseline)


@dataclass(frozen=True, slots=True)
class DoseAlignedPicture:
    """Everything a dose-aligned chart shows.

    The x axis runs from `before_minutes` before a dose to `after_minutes` after it. Values of one dose further apart
    than `gap_minutes` are not joined. All three come from the clinic's protocol. The curve of the latest dose is drawn
    strongest, and baseline and relief line are its own. `pooled` is what `pooled_chart` draws.
    """

    measure: Measure
    zone: ZoneInfo
    before_minutes: float
    after_minutes: float
    gap_minutes: float
    curves: tuple[DoseCurve, ...] = ()
    relief: Relief | None = None
    pooled: Pooled | None = None
    insufficient: tuple[str, ...] = ()
    caption: str = ""
    locale: str = "en-GB"
    theme: ThemeName = "light"
    size: Size = DESKTOP

    def __post_init__(self) -> None:
        _finite(self.before_minutes, self.after_minutes, self.gap_minutes)
        if self.before_minutes < 0 or self.after_minutes <= 0 or self.gap_minutes <= 0:
            raise ValueError("the time around a dose is given in positive minutes")
