"""One series on a plot over the calendar: its line, band and dots, its gaps, its baseline and its last value.

Both the chart of one measure and the overview of the course draw their values with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from app.charts.calendar import Period
from app.charts.frame import SMALL
from app.charts.labels import Box, along, first_free, merged
from app.charts.pictures import Bucket, Gap, Point
from app.charts.runs import runs
from app.charts.svg import (
    XY,
    Linear,
    band,
    circle,
    element,
    escape,
    hatched,
    line,
    path,
    rectangle,
    text,
    width_of,
)
from app.charts.theme import Theme
from app.charts.words import Words

BASELINE_DASH = "7 4"
LAST_VALUE = 14
_ROOMY = 9.0
_SNUG = 5.0
_NEAR = 90
_MOST_TIPS = 120


@dataclass(frozen=True, slots=True)
class Series:
    """Points (in order of time) with all that is needed to draw them: words, colours, the plot and its two scales."""

    points: tuple[Point, ...]
    gaps: tuple[Gap, ...]
    baseline: float | None
    bucket: Bucket
    period: Period
    plot: Box
    x: Linear
    y: Linear
    right: float
    """How far to the right of the plot words may reach."""
    words: Words
    theme: Theme

    def place(self, point: Point, value: float | None = None) -> XY:
        """Where a value of a point stands, its own value unless another is given."""
        return self.x(point.at.timestamp()), self.y(point.value if value is None else value)

    @property
    def spacing(self) -> float:
        """Pixels between a point and the next, the median of all."""
        places = [self.x(point.at.timestamp()) for point in self.points]
        return median(b - a for a, b in pairwise(places)) if len(places) > 1 else self.plot.width

    @property
    def runs(self) -> list[tuple[Point, ...]]:
        """The points in unbroken stretches."""
        return runs(self.points, self.gaps)


def room_for_last(points: Sequence[Point], words: Words, least: float) -> float:
    """Room to the right of the plot for the last value."""
    return max(least, width_of(words.number(points[-1].value), LAST_VALUE, bold=True) + 14) if points else least


def gap_spans(gaps: Sequence[Gap], x: Linear) -> list[tuple[float, float]]:
    """The gaps in pixels; two that overlap become one."""
    return merged((x(gap.start.timestamp()), x(gap.end.timestamp())) for gap in gaps)


def is_named(span: tuple[float, float], words: Words) -> bool:
    """Whether a gap is wide enough to be named where it is."""
    return span[1] - span[0] > width_of(words.say.gap, SMALL) + 10


def draw_gaps(series: Series) -> str:
    """Strokes where nothing was reported."""
    plot = series.plot
    return "".join(
        hatched((left, plot.top), (right, plot.bottom), stroke=series.theme.hatch, class_="gap")
        for left, right in gap_spans(series.gaps, series.x)
    )


def name_gaps(series: Series) -> str:
    """The name of each gap in its middle where it fits, over the grid."""
    parts: list[str] = []
    plot, theme, label = series.plot, series.theme, series.words.say.gap
    for left, right in gap_spans(series.gaps, series.x) if series.points else ():
        if is_named((left, right), series.words):
            at = ((left + right) / 2, (plot.top + plot.bottom) / 2 + 4)
            parts.append(text(label, at, fill=theme.muted, size=SMALL, anchor="middle", halo=theme.background))
    return "".join(parts)


def draw_baseline(series: Series) -> str:
    """A dashed line at the baseline, where it lies on the scale."""
    baseline = series.baseline
    low, high = series.y.domain
    if baseline is None or not low <= baseline <= high:
        return ""
    y = series.y(baseline)
    ends = (series.plot.left, y), (series.plot.right, y)
    return line(*ends, series.theme.ink, stroke_width=1.2, stroke_dasharray=BASELINE_DASH, class_="baseline")


def draw_bands(series: Series) -> str:
    """From the smallest to the largest value of each bucket."""
    return "".join(_band(series, run) for run in series.runs)


def draw_values(series: Series) -> str:
    """The lines and the dots."""
    found = series.runs
    return "".join(_line(series, run) for run in found) + _dots(series, found)


def draw_last_value(series: Series) -> str:
    """A dot for the last value with its number beside it, where that is free."""
    last = series.points[-1]
    x, y = series.place(last)
    words = series.words.number(last.value)
    width = width_of(words, LAST_VALUE, bold=True)
    near = [[series.place(point) for point in run] for run in series.runs]
    obstacles = [box for run in near for box in along([at for at in run if x - at[0] < _NEAR], 3)]
    obstacles += _gap_labels(series)
    offsets = ((9, 5), (9, -3), (9, 13), (-width / 2, -9), (-width / 2, 20), (-width - 9, -5), (-width - 9, 15))
    boxes = [Box(x + dx, y + dy - LAST_VALUE + 3, x + dx + width, y + dy + 1) for dx, dy in offsets]
    inside = Box(series.plot.left, series.plot.top - 2, series.right, series.plot.bottom + 2)
    theme = series.theme
    dot = circle((x, y), 4.4, fill=theme.value, stroke=theme.background, stroke_width=1.6, class_="last")
    box = first_free(boxes, [*obstacles, *_at_baseline(series)], inside) or first_free(boxes, obstacles, inside)
    if box is None:
        return dot
    at = (box.left, box.bottom - 1)
    return dot + text(words, at, fill=theme.value, size=LAST_VALUE, bold=True, halo=theme.background)


def _at_baseline(series: Series) -> list[Box]:
    """Where the line of the baseline runs, for the last value to keep off if it can."""
    if series.baseline is None:
        return []
    y = series.y(series.baseline)
    return [Box(series.plot.left, y - 1, series.plot.right, y + 1)]


def _gap_labels(series: Series) -> list[Box]:
    """Where the gaps are named, for other labels to keep off."""
    middle, half = (series.plot.top + series.plot.bottom) / 2, width_of(series.words.say.gap, SMALL) / 2
    spans = gap_spans(series.gaps, series.x)
    centres = [(left + right) / 2 for left, right in spans if is_named((left, right), series.words)]
    return [Box(centre - half, middle - 8, centre + half, middle + 8) for centre in centres]


def _band(series: Series, run: Sequence[Point]) -> str:
    if all(point.low is None and point.high is None for point in run):
        return ""
    upper = [series.place(point, point.high) for point in run]
    lower = [series.place(point, point.low) for point in run]
    if len(run) == 1:
        (x, top), (_, bottom) = upper[0], lower[0]
        left, right = max(x - 3, series.plot.left), min(x + 3, series.plot.right)
        return rectangle((left, top), (right, max(top, bottom)), fill=series.theme.band, class_="band")
    return band(upper, lower, fill=series.theme.band, class_="band")


def _line(series: Series, run: Sequence[Point]) -> str:
    if len(run) == 1:
        return ""
    width = 2.2 if series.spacing >= _SNUG else 1.5
    return path(
        [series.place(point) for point in run],
        stroke=series.theme.value,
        stroke_width=width,
        stroke_linejoin="round",
        stroke_linecap="round",
        class_="run",
    )


def _dots(series: Series, stretches: Sequence[Sequence[Point]]) -> str:
    radius = 3.2 if series.spacing >= _ROOMY else 2.4 if series.spacing >= _SNUG else 0
    parts: list[str] = []
    for run in stretches:
        shown = radius or (2.4 if len(run) == 1 else 0)
        if shown:
            parts += [circle(series.place(point), shown, *_tip(series, point)) for point in run]
    return element("g", *parts, fill=series.theme.value, class_="dots") if parts else ""


def _tip(series: Series, point: Point) -> list[str]:
    if len(series.points) > _MOST_TIPS:
        return []
    local = point.at.astimezone(series.period.zone)
    clock = f" {series.words.clock(local)}" if series.bucket in {"raw", "hour"} else ""
    return [element("title", escape(f"{series.words.day(local)}{clock}: {series.words.number(point.value)}"))]
