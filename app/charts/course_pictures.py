"""What the overview of a course and the calendar of check-ins are made from: plain frozen values, already computed."""

from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from zoneinfo import ZoneInfo

from app.charts.pictures import LEAST_WIDTH, Appointment, Bucket, Dose, Gap, Measure, Point, ThemeName

USUAL_WIDTH = 960
MOST_PANELS = 8
MOST_DAYS = 731


def _wide_enough(width: int) -> None:
    if width < LEAST_WIDTH:
        raise ValueError(f"a chart needs at least {LEAST_WIDTH} pixels")


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the check-ins that were due on one of the patient's days; a day without any is left out."""

    day: date
    completed: int
    late: int = 0
    missed: int = 0

    def __post_init__(self) -> None:
        if min(self.completed, self.late, self.missed) < 0:
            raise ValueError("nothing is counted below zero")

    @property
    def due(self) -> int:
        """All of them."""
        return self.completed + self.late + self.missed


@dataclass(frozen=True, slots=True)
class AdherencePicture:
    """Everything the calendar of check-ins shows: each day of a period, both ends included, and the days of doses.

    Its height follows from its width and the length of the period.
    """

    first_day: date
    last_day: date
    kept: tuple[Kept, ...] = ()
    doses: tuple[date, ...] = ()
    locale: str = "en-GB"
    theme: ThemeName = "light"
    width: int = USUAL_WIDTH

    def __post_init__(self) -> None:
        _wide_enough(self.width)
        if not 0 <= (self.last_day - self.first_day).days < MOST_DAYS:
            raise ValueError(f"a calendar has 1 to {MOST_DAYS} days")


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure of the course; of one that is asked as yes or no (1 or 0), each bucket with a yes counts as yes."""

    measure: Measure
    points: tuple[Point, ...] = ()
    gaps: tuple[Gap, ...] = ()
    baseline: float | None = None
    yes_no: bool = False

    def __post_init__(self) -> None:
        if self.baseline is not None and not isfinite(self.baseline):
            raise ValueError("a chart shows finite numbers; leave out what is missing")


@dataclass(frozen=True, slots=True)
class CoursePicture:
    """Everything the overview of a course shows, over one axis of dates.

    Its height follows from the number of panels. `bucket` is that of all points; `kept` are the days on which check-ins
    were due, drawn by week.
    """

    zone: ZoneInfo
    start: datetime
    end: datetime
    panels: tuple[Panel, ...] = ()
    bucket: Bucket = "day"
    doses: tuple[Dose, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    kept: tuple[Kept, ...] = ()
    left_out: tuple[str, ...] = ()
    """Names of measures that have values and no panel."""
    locale: str = "en-GB"
    theme: ThemeName = "light"
    width: int = USUAL_WIDTH

    def __post_init__(self) -> None:
        _wide_enough(self.width)
        if self.start >= self.end:
            raise ValueError("a period starts before it ends")
        if len(self.panels) > MOST_PANELS:
            raise ValueError(f"a page has at most {MOST_PANELS} panels")
