"""What the chart of a dosing session is made from: plain frozen values, already computed, in minutes from the begin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.charts.pictures import AlignedPoint, Size, ThemeName

Vital = Literal["systolic", "diastolic", "heart_rate", "spo2", "dissociation", "moaas"]
Sign = Literal["routine", "urgent", "critical"]
State = Literal["expected", "due", "recorded", "late", "missing"]
Began = Literal["dose", "planned_begin", "now"]

LEAST_WIDTH: Final = 320
LEAST_HEIGHT: Final = 560
SESSION_PHONE: Final = Size(390, 720)
SESSION_DESKTOP: Final = Size(960, 760)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A clinic's limits of one value; None where that side has none."""

    amber_below: float | None = None
    amber_above: float | None = None
    red_below: float | None = None
    red_above: float | None = None

    def level(self, value: float) -> Literal["amber", "red"] | None:
        """Which limit a value is beyond, the graver one."""
        if _beyond(value, self.red_below, self.red_above):
            return "red"
        return "amber" if _beyond(value, self.amber_below, self.amber_above) else None


def _beyond(value: float, below: float | None, above: float | None) -> bool:
    return (below is not None and value < below) or (above is not None and value > above)


@dataclass(frozen=True, slots=True)
class Given:
    """The dose: what and how much, until when it was given (None: not ended yet), and when it stood still."""

    substance: str | None = None
    amount: float | None = None
    route: str | None = None
    until: float | None = None
    pauses: tuple[tuple[float, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class StepMark:
    """A step of the session: the stage that it came to."""

    minutes: float
    stage: str


@dataclass(frozen=True, slots=True)
class AlertMark:
    """A sign of danger that was found: the rule and how severe."""

    minutes: float
    rule: str
    severity: Sign


@dataclass(frozen=True, slots=True)
class PlanMark:
    """A planned moment and where it stands."""

    minutes: float
    state: State


@dataclass(frozen=True, slots=True)
class SessionPicture:
    """Everything the chart of a session shows.

    `begins_at` is minute zero: the begin of the dose, or where there is none yet the planned one (`counted_from`).
    The x axis runs from `start` to `end`, in minutes; what lies outside is left out. Values further apart than
    `gap_minutes` are not joined. `now` (None: the session is over) is where the time that is still to come begins.
    """

    begins_at: datetime
    zone: ZoneInfo
    start: float
    end: float
    gap_minutes: float
    counted_from: Began = "dose"
    values: Mapping[Vital, tuple[AlignedPoint, ...]] = field(default_factory=dict)
    bounds: Mapping[Vital, Bounds] = field(default_factory=dict)
    given: Given | None = None
    steps: tuple[StepMark, ...] = ()
    alerts: tuple[AlertMark, ...] = ()
    planned: tuple[PlanMark, ...] = ()
    now: float | None = None
    locale: str = "en-GB"
    theme: ThemeName = "light"
    size: Size = SESSION_DESKTOP

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("a session starts before it ends")
        if self.gap_minutes <= 0:
            raise ValueError("a gap is longer than nothing")
        if self.size.width < LEAST_WIDTH or self.size.height < LEAST_HEIGHT:
            raise ValueError(f"the chart of a session needs at least {LEAST_WIDTH} x {LEAST_HEIGHT} pixels")

    def holds(self, minutes: float) -> bool:
        """Whether a moment lies on the x axis."""
        return self.start <= minutes <= self.end

    def shown(self, vital: Vital) -> list[AlignedPoint]:
        """The values of one kind that lie on the x axis, in order."""
        held = (point for point in self.values.get(vital, ()) if self.holds(point.minutes))
        return sorted(held, key=lambda point: point.minutes)
