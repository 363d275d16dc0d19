"""Made-up patients for relief after doses, by the hour."""

from dataclasses import dataclass

from app.protocols.rules import Trends
from app.trends import relief
from app.trends.relief import Curve, Series
from app.trends.rules import HOUR, Scale

PROTOCOL = Trends()
UNTIL = 1000 * HOUR
NEVER = 10**9 * HOUR
CRAVING = Scale(0, 10, "worse")
MOOD = Scale(0, 10, "better")
AROUSAL = Scale(-4, 4, "neutral")
EXAMPLE = dict(
    zip(
        (-60, -48, -30, -12, -1, 1, 4, 24, 48, 72, 120, 168, 240, 336),
        (7, 8, 7, 6, 7, 6, 4, 3, 2, 3, 4, 5, 6, 7),
        strict=True,
    )
)


def series_of(hours: dict[int, int], until: int = UNTIL) -> Series:
    ordered = sorted(hours.items())
    return Series([hour * HOUR for hour, _ in ordered], [float(value) for _, value in ordered], until)


@dataclass(frozen=True)
class Case:
    """A made-up patient: values by the hour, and doses."""

    hours: dict[int, int]
    doses: list[int]

    def curves(self, scale: Scale = CRAVING, protocol: Trends = PROTOCOL) -> list[Curve]:
        return relief.curves_of(series_of(self.hours, NEVER), [dose * HOUR for dose in self.doses], scale, protocol)

    def but(self, turn: int, up: int, scale: Scale, later: int = 0) -> list[Curve]:
        """Read the same patient on another scale, at another time."""
        hours = {hour + later: turn * value + up for hour, value in self.hours.items()}
        return Case(hours, [dose + later for dose in self.doses]).curves(scale)
