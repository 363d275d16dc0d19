"""The calendar-aligned chart: a measure over days, with doses, appointments, gaps and the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from app.charts import frame, glyphs, spoken
from app.charts.calendar import Period, ticks
from app.charts.doses import DoseLane, dose_lane, draw_doses, draw_windows, legend_entries
from app.charts.frame import PAD, SMALL, Entry
from app.charts.labels import Box, along, first_free, merged
from app.charts.pictures import Gap, Point, TrendPicture
from app.charts.svg import (
    XY,
    Linear,
    band,
    circle,
    element,
    escape,
    hatch,
    line,
    path,
    rectangle,
    text,
    width_of,
)
from app.charts.theme import THEMES, Theme
from app.charts.visits import VisitLane, draw_visits, visit_entries, visit_lane
from app.charts.words import Words, words_for

_ROOMY = 9.0
_SNUG = 5.0
_VALUE = 14
_NEAR = 90
_MOST_TIPS = 120
_BASELINE_DASH = "7 4"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The picture with all that is needed to draw on it: words, colours, the plot and its two scales."""

    picture: TrendPicture
    words: Words
    theme: Theme
    period: Period
    points: tuple[Point, ...]
    plot: Box
    x: Linear
    y: Linear

    def place(self, point: Point, value: float | None = None) -> XY:
        """Where a value of a point stands, its own value unless another is given."""
        return self.x(point.at.timestamp()), self.y(point.value if value is None else value)

    @property
    def spacing(self) -> float:
        """Pixels between a point and the next, the median of all."""
        places = [self.x(point.at.timestamp()) for point in self.points]
        return median(b - a for a, b in pairwise(places)) if len(places) > 1 else self.plot.width


def trend_chart(picture: TrendPicture) -> str:
    """Draw one measure over the days of a period; returns an SVG document.

    The y axis spans the whole scale, the line breaks at every gap, single values stand as dots, buckets show their
    smallest and largest value as a band, and nothing is drawn where nothing was reported.
    """
    words, theme = words_for(picture.locale), THEMES[picture.theme]
    period = Period(picture.start, picture.end, picture.zone)
    points = tuple(sorted((p for p in picture.points if period.holds(p.at.timestamp())), key=lambda point: point.at))
    top, y = frame.heading(picture.measure.name, _details(picture, period, words), picture.size, theme)
    ends = frame.span(picture.measure, [v for p in points for v in (p.value, p.low, p.high) if v is not None])
    left, right = frame.axis_room(picture.measure, ends, words), picture.size.width - _right_room(points, words)
    x = Linear((picture.start.timestamp(), picture.end.timestamp()), (left, right))
    doses, visits = dose_lane(picture.doses, period, x, words), visit_lane(picture.appointments, period, x, words)
    foot = visits.height + frame.DATES
    room = picture.size.height - y - doses.height - foot - frame.LEAST_PLOT - 8
    legend = _legend(picture, points, doses, visits, x)
    found = frame.below(legend, _notes(picture, words), picture.size, room)
    foot_top = picture.size.height - 8 - found.height
    plot = Box(left, y + doses.height, right, foot_top - foot)
    sheet = _Sheet(picture, words, theme, period, points, plot, x, Linear(ends, (plot.bottom, plot.top)))
    stretches = runs(points, picture.gaps)
    parts = [
        top,
        draw_windows(picture.doses, period, x, plot, theme),
        _gaps(sheet),
        frame.draw_scale(picture.measure, sheet.y, plot, theme, words),
        _dates(sheet, visits),
        *(_band(sheet, run) for run in stretches),
        draw_doses(doses, plot, theme),
        _baseline(sheet),
        *(_line(sheet, run) for run in stretches),
        _dots(sheet, stretches),
        _last_value(sheet, stretches) if points else frame.notice(words.say.no_values, plot, theme),
        draw_visits(visits, plot.bottom, theme),
        frame.draw_below(found, foot_top, picture.size, theme),
    ]
    summary = spoken.trend(picture, period, points, words)
    return frame.document(picture.size, theme, picture.measure.name, summary, language=words.say.tag, parts=parts)


def runs(points: Sequence[Point], gaps: Sequence[Gap]) -> list[tuple[Point, ...]]:
    """Points (rising in time) in stretches; two neighbours with a gap between them are never in the same one."""
    found: list[list[Point]] = []
    for point in points:
        last = found[-1][-1] if found else None
        if last is None or any(gap.start < point.at and gap.end > last.at for gap in gaps):
            found.append([point])
        else:
            found[-1].append(point)
    return [tuple(run) for run in found]


def _right_room(points: Sequence[Point], words: Words) -> float:
    """Room to the right of the plot for the last value."""
    return max(PAD, width_of(words.number(points[-1].value), _VALUE, bold=True) + 14) if points else PAD


def _details(picture: TrendPicture, period: Period, words: Words) -> list[str]:
    days = words.period(period.first_day, period.last_day)
    return [days, words.say.buckets[picture.bucket], ", ".join(spoken.about(picture.measure, words))]


def _notes(picture: TrendPicture, words: Words) -> list[str]:
    lacking = words.say.insufficient.format(words.names(picture.insufficient)) if picture.insufficient else ""
    return [note for note in (lacking, picture.caption) if note]


def _legend(
    picture: TrendPicture, points: Sequence[Point], doses: DoseLane, visits: VisitLane, x: Linear
) -> list[Entry]:
    words, theme = words_for(picture.locale), THEMES[picture.theme]
    period = Period(picture.start, picture.end, picture.zone)
    found = legend_entries(doses, picture.doses, period, theme, words)
    if picture.baseline is not None:
        label = words.say.baseline.format(words.number(picture.baseline))
        found.append(Entry(label, lambda at: glyphs.dashes(at, theme.ink, _BASELINE_DASH)))
    found += visit_entries(visits, theme, words)
    spans = _spans(picture.gaps, x)
    if spans and not (points and any(_labelled(span, words) for span in spans)):
        found.append(Entry(words.say.gap, lambda at: _hatched((at[0] - 9, at[1] - 6), (at[0] + 9, at[1] + 6), theme)))
    if any(point.low is not None for point in points):
        found.append(Entry(words.say.spread, lambda at: glyphs.patch(at, theme.band)))
    return found


def _spans(gaps: Sequence[Gap], x: Linear) -> list[tuple[float, float]]:
    """The gaps in pixels; two that overlap become one."""
    return merged((x(gap.start.timestamp()), x(gap.end.timestamp())) for gap in gaps)


def _labelled(span: tuple[float, float], words: Words) -> bool:
    return span[1] - span[0] > width_of(words.say.gap, SMALL) + 10


def _hatched(start: XY, end: XY, theme: Theme) -> str:
    strokes = hatch(start, end, 6)
    steps = "".join(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" for (x0, y0), (x1, y1) in strokes)
    return element("path", d=steps, stroke=theme.hatch, fill="none", class_="gap")


def _gaps(sheet: _Sheet) -> str:
    parts: list[str] = []
    plot, theme, label = sheet.plot, sheet.theme, sheet.words.say.gap
    for left, right in _spans(sheet.picture.gaps, sheet.x):
        parts.append(_hatched((left, plot.top), (right, plot.bottom), theme))
        if sheet.points and _labelled((left, right), sheet.words):
            at = ((left + right) / 2, (plot.top + plot.bottom) / 2 + 4)
            parts.append(text(label, at, fill=theme.muted, size=SMALL, anchor="middle", halo=theme.background))
    return "".join(parts)


def _gap_labels(sheet: _Sheet) -> list[Box]:
    """Where the gaps are named, for other labels to keep off."""
    middle, half = (sheet.plot.top + sheet.plot.bottom) / 2, width_of(sheet.words.say.gap, SMALL) / 2
    spans = _spans(sheet.picture.gaps, sheet.x)
    centres = [(left + right) / 2 for left, right in spans if _labelled((left, right), sheet.words)]
    return [Box(centre - half, middle - 8, centre + half, middle + 8) for centre in centres]


def _dates(sheet: _Sheet, visits: VisitLane) -> str:
    parts: list[str] = []
    plot, theme = sheet.plot, sheet.theme
    y = plot.bottom + visits.height + 18
    page = PAD / 2, sheet.picture.size.width - PAD / 2
    for tick in ticks(sheet.period, sheet.x, SMALL, sheet.words, page):
        x = sheet.x(tick.at)
        parts.append(line((x, plot.bottom), (x, plot.bottom + 4), theme.axis))
        parts.append(text(tick.label, (tick.centre, y), fill=theme.muted, size=SMALL, anchor="middle"))
    return "".join(parts)


def _baseline(sheet: _Sheet) -> str:
    baseline = sheet.picture.baseline
    low, high = sheet.y.domain
    if baseline is None or not low <= baseline <= high:
        return ""
    y = sheet.y(baseline)
    ends = (sheet.plot.left, y), (sheet.plot.right, y)
    return line(*ends, sheet.theme.ink, stroke_width=1.2, stroke_dasharray=_BASELINE_DASH, class_="baseline")


def _band(sheet: _Sheet, run: Sequence[Point]) -> str:
    if all(point.low is None and point.high is None for point in run):
        return ""
    upper = [sheet.place(point, point.high) for point in run]
    lower = [sheet.place(point, point.low) for point in run]
    if len(run) == 1:
        (x, top), (_, bottom) = upper[0], lower[0]
        left, right = max(x - 3, sheet.plot.left), min(x + 3, sheet.plot.right)
        return rectangle((left, top), (right, max(top, bottom)), fill=sheet.theme.band, class_="band")
    return band(upper, lower, fill=sheet.theme.band, class_="band")


def _line(sheet: _Sheet, run: Sequence[Point]) -> str:
    if len(run) == 1:
        return ""
    width = 2.2 if sheet.spacing >= _SNUG else 1.5
    return path(
        [sheet.place(point) for point in run],
        stroke=sheet.theme.value,
        stroke_width=width,
        stroke_linejoin="round",
        stroke_linecap="round",
        class_="run",
    )


def _dots(sheet: _Sheet, stretches: Sequence[Sequence[Point]]) -> str:
    radius = 3.2 if sheet.spacing >= _ROOMY else 2.4 if sheet.spacing >= _SNUG else 0
    parts: list[str] = []
    for run in stretches:
        shown = radius or (2.4 if len(run) == 1 else 0)
        if shown:
            parts += [circle(sheet.place(point), shown, *_tip(sheet, point)) for point in run]
    return element("g", *parts, fill=sheet.theme.value, class_="dots") if parts else ""


def _tip(sheet: _Sheet, point: Point) -> list[str]:
    if len(sheet.points) > _MOST_TIPS:
        return []
    local = point.at.astimezone(sheet.period.zone)
    clock = f" {sheet.words.clock(local)}" if sheet.picture.bucket in {"raw", "hour"} else ""
    return [element("title", escape(f"{sheet.words.day(local)}{clock}: {sheet.words.number(point.value)}"))]


def _last_value(sheet: _Sheet, stretches: Sequence[Sequence[Point]]) -> str:
    last = sheet.points[-1]
    x, y = sheet.place(last)
    words = sheet.words.number(last.value)
    width = width_of(words, _VALUE, bold=True)
    near = [[sheet.place(point) for point in run] for run in stretches]
    obstacles = _gap_labels(sheet) + [box for run in near for box in along([at for at in run if x - at[0] < _NEAR], 3)]
    offsets = ((9, 5), (9, -3), (9, 13), (-width / 2, -9), (-width / 2, 20), (-width - 9, -5), (-width - 9, 15))
    boxes = [Box(x + dx, y + dy - _VALUE + 3, x + dx + width, y + dy + 1) for dx, dy in offsets]
    inside = Box(sheet.plot.left, sheet.plot.top - 2, sheet.picture.size.width - 2, sheet.plot.bottom + 2)
    theme = sheet.theme
    dot = circle((x, y), 4.4, fill=theme.value, stroke=theme.background, stroke_width=1.6, class_="last")
    box = first_free(boxes, obstacles, inside)
    if box is None:
        return dot
    at = (box.left, box.bottom - 1)
    return dot + text(words, at, fill=theme.value, size=_VALUE, bold=True, halo=theme.background)
