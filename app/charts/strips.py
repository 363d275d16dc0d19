"""What stands below the plot of a chart around doses: therapy that followed, and readings of the sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.charts.frame import PAD, SMALL, Entry
from app.charts.labels import Box
from app.charts.pictures import AlignedPoint, DoseAlignedPicture, DoseCurve
from app.charts.since_dose import SinceDose
from app.charts.svg import Linear, circle, element, escape, line, path, shorten, text
from app.charts.theme import Theme
from app.charts.visits import VisitLane, draw_visits, in_lane, label_of, visit_entries
from app.charts.words import Words

READINGS_HIGH = 16
"""The high end of the scale of the readings."""
_NAME = 23
_STRIP = 32
_AIR = 6
_ROWS = 5


@dataclass(frozen=True, slots=True)
class Strips:
    """Both strips, as far as there is something to show and room to show it."""

    picture: DoseAlignedPicture
    x: SinceDose
    lane: VisitLane
    has_readings: bool
    words: Words
    theme: Theme

    @property
    def height(self) -> float:
        """How much room they take."""
        return self.lane.height + (_NAME + _STRIP + _AIR if self.has_readings else 0)

    def entries(self) -> list[Entry]:
        """The legend of the therapies."""
        return visit_entries(self.lane, self.theme, self.words)

    def draw(self, plot: Box, colours: Sequence[tuple[DoseCurve, str]]) -> str:
        """Both, below the plot; each dose's readings in its colour."""
        parts = [draw_visits(self.lane, plot.bottom, self.theme)]
        if self.has_readings:
            top = plot.bottom + self.lane.height + _NAME
            parts.append(self._readings(Box(plot.left, top, plot.right, top + _STRIP), colours))
        return "".join(parts)

    def _readings(self, plot: Box, colours: Sequence[tuple[DoseCurve, str]]) -> str:
        theme, y = self.theme, Linear((0, READINGS_HIGH), (plot.bottom, plot.top))
        name = shorten(self.words.say.readings, SMALL, plot.right - PAD)
        parts = [text(name, (PAD, plot.top - 6), fill=theme.muted, size=SMALL, halo=theme.background)]
        for value, colour in ((READINGS_HIGH, theme.grid), (0, theme.axis)):
            parts.append(line((plot.left, y(value)), (plot.right, y(value)), colour))
            at = (plot.left - 8, y(value) + 4 + (5 if value else 0))
            parts.append(text(self.words.number(value), at, fill=theme.muted, anchor="end"))
        parts += [self._curve(curve, colour, y) for curve, colour in colours if curve.readings]
        return element("g", *parts, class_="readings")

    def _curve(self, curve: DoseCurve, colour: str, y: Linear) -> str:
        found = readings_within(curve, self.picture)
        corners = [(self.x(point.minutes), y(point.value)) for point in found]
        parts = [path(corners, stroke=colour, stroke_width=1.2)] if len(corners) > 1 else []
        for at, point in zip(corners, found, strict=True):
            tip = element("title", escape(f"{self.words.duration(point.minutes)}: {self.words.number(point.value)}"))
            parts.append(circle(at, 2.2, tip, fill=colour))
        return "".join(parts)


def strips(
    picture: DoseAlignedPicture, curves: Sequence[DoseCurve], x: SinceDose, words: Words, theme: Theme
) -> Strips:
    """Lay out what stands below the plot; `x` need not have its final edges for the height to be right."""
    found = sorted(
        ((one.minutes, one.appointment, curve) for curve in curves for one in curve.therapies), key=lambda one: one[0]
    )
    visits = [
        (
            one,
            x(minutes),
            f"{_day(curve, picture, words)}, {words.since(minutes)}: {label_of(one, words)}",
        )
        for minutes, one, curve in found
        if -picture.before_minutes <= minutes <= picture.after_minutes
    ]
    has_readings = any(readings_within(curve, picture) for curve in curves)
    return Strips(picture, x, in_lane(visits, _ROWS), has_readings, words, theme)


def readings_within(curve: DoseCurve, picture: DoseAlignedPicture) -> list[AlignedPoint]:
    """The readings that lie on the axis and on their scale, in order of time."""
    held = (
        point
        for point in curve.readings
        if -picture.before_minutes <= point.minutes <= picture.after_minutes and 0 <= point.value <= READINGS_HIGH
    )
    return sorted(held, key=lambda point: point.minutes)


def _day(curve: DoseCurve, picture: DoseAlignedPicture, words: Words) -> str:
    return words.day(curve.dose.at.astimezone(picture.zone))
