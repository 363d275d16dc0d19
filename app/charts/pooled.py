"""All doses laid on one another: their median and the middle half of them, over the time since a dose.

Each span of time is drawn as wide as it is, so that nobody reads a course into one number. Where a span has too few
doses for quartiles there is no band, and its median is dashed; where it has no value nothing is drawn, and the line
does not cross it. The number of doses stands below each span.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.charts import frame, glyphs, spoken
from app.charts.dose_aligned import fitting, notes, within
from app.charts.frame import PAD, SMALL, Entry
from app.charts.labels import Box
from app.charts.pictures import DoseAlignedPicture, DoseCurve, Pooled, PooledStretch
from app.charts.since_dose import SinceDose, draw_dose, draw_times
from app.charts.svg import Linear, circle, element, escape, line, rectangle, text, width_of
from app.charts.theme import THEMES, Theme
from app.charts.words import Words, words_for

_LANE = 32
_COUNTS = 18
_BASELINE_DASH, _FEW_DASH = "7 4", "4 3"
_GAP = 5


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The picture with all that is needed to draw on it."""

    picture: DoseAlignedPicture
    pooled: Pooled
    shown: tuple[PooledStretch, ...]
    words: Words
    theme: Theme
    plot: Box
    x: SinceDose
    y: Linear

    def edges(self, one: PooledStretch) -> tuple[float, float]:
        """Where a span begins and ends, in pixels."""
        return self.x(one.start_minutes), self.x(one.end_minutes)


def pooled_chart(picture: DoseAlignedPicture) -> str:
    """Draw all doses of a measure as one; returns an SVG document. Without `pooled` it says that it is empty."""
    words, theme = words_for(picture.locale), THEMES[picture.theme]
    pooled = picture.pooled or Pooled((), 0)
    curves = sorted(picture.curves, key=lambda curve: curve.dose.at)
    details = [words.say.since_dose, words.say.stretched, ", ".join(spoken.about(picture.measure, words))]
    top, y = frame.heading(picture.measure.name, details, picture.size, theme)
    shown = tuple(one for one in pooled.stretches if _is_on_axis(one, picture) and one.median is not None)
    values = [value for one in shown for value in (one.median, one.lower, one.upper) if value is not None]
    dots = [point.value for curve in curves for point in within(curve, picture)]
    ends = frame.span(picture.measure, [*values, *dots])
    left, right = frame.axis_room(picture.measure, ends, words), picture.size.width - PAD
    room = picture.size.height - y - _LANE - frame.DATES - frame.LEAST_PLOT - _COUNTS - 8
    x = SinceDose(picture.before_minutes, picture.after_minutes, left, right)
    strip = fitting(picture, curves, x, room - 2 * frame.LEGEND_LINE, words, theme)
    legend = _legend(picture, pooled, shown, theme, words) + strip.entries()
    found = frame.below(legend, _notes(picture, pooled, words), picture.size, room - strip.height)
    foot_top = picture.size.height - 8 - found.height
    plot = Box(left, y + _LANE, right, foot_top - frame.DATES - _COUNTS - strip.height)
    sheet = _Sheet(picture, pooled, shown, words, theme, plot, x, Linear(ends, (plot.bottom, plot.top)))
    foot = plot.bottom + strip.height
    parts = [
        top,
        *(_band(sheet, one) for one in shown),
        frame.draw_scale(picture.measure, sheet.y, plot, theme, words),
        draw_dose(x, plot, foot, words, theme),
        _baseline(sheet),
        *(_dots(sheet, curve) for curve in curves),
        _medians(sheet) if shown else frame.notice(_empty(curves, words), plot, theme),
        strip.draw(plot, [(curve, theme.curves[2]) for curve in curves]),
        draw_times(x, foot, picture.size.width, words, theme),
        _counts(sheet, foot + frame.DATES),
        frame.draw_below(found, foot_top, picture.size, theme),
    ]
    summary = spoken.pooled(picture, pooled, shown, words)
    return frame.document(picture.size, theme, picture.measure.name, summary, language=words.say.tag, parts=parts)


def _is_on_axis(one: PooledStretch, picture: DoseAlignedPicture) -> bool:
    """A span that the axis cuts is left out: its median would stand for more than is shown."""
    return -picture.before_minutes <= one.start_minutes and one.end_minutes <= picture.after_minutes


def _empty(curves: Sequence[DoseCurve], words: Words) -> str:
    return words.say.no_values if curves else words.say.no_doses


def _notes(picture: DoseAlignedPicture, pooled: Pooled, words: Words) -> list[str]:
    after = [one.n_followed for one in pooled.stretches if one.start_minutes >= 0]
    fewer = [words.say.fewer_later] if after and after[-1] < after[0] else []
    return fewer + notes(picture, words)


def _legend(
    picture: DoseAlignedPicture, pooled: Pooled, shown: Sequence[PooledStretch], theme: Theme, words: Words
) -> list[Entry]:
    say, found = words.say, list[Entry]()
    if not shown:
        return found
    label = say.pooled.format(spoken.count(pooled.n, words))
    if any(one.lower is not None for one in shown):
        found.append(Entry(label, lambda at: glyphs.dashes(at, theme.value, None, 3)))
        found.append(Entry(say.quartiles, lambda at: glyphs.patch(at, theme.band)))
    if any(one.lower is None for one in shown):
        few = say.pooled_few.format(pooled.least)
        found.append(Entry(few, lambda at: glyphs.dashes(at, theme.value, _FEW_DASH, 3)))
    found.append(Entry(say.each_value, lambda at: circle(at, 1.8, fill=theme.older), 6))
    if pooled.baseline is not None and picture.measure.low <= pooled.baseline <= picture.measure.high:
        level = say.baseline.format(words.number(pooled.baseline))
        found.append(Entry(level, lambda at: glyphs.dashes(at, theme.ink, _BASELINE_DASH)))
    return found


def _band(sheet: _Sheet, one: PooledStretch) -> str:
    if one.lower is None or one.upper is None:
        return ""
    left, right = sheet.edges(one)
    middle = (sheet.y(one.lower) + sheet.y(one.upper)) / 2
    half = max(abs(sheet.y(one.lower) - sheet.y(one.upper)) / 2, 2)  # quartiles that are equal can be seen as well
    return rectangle(
        (left, max(middle - half, sheet.plot.top)),
        (right, min(middle + half, sheet.plot.bottom)),
        fill=sheet.theme.band,
        class_="band",
    )


def _dots(sheet: _Sheet, curve: DoseCurve) -> str:
    points = within(curve, sheet.picture)
    dots = [circle((sheet.x(point.minutes), sheet.y(point.value)), 1.8) for point in points]
    return element("g", *dots, fill=sheet.theme.older, class_="dots") if dots else ""


def _baseline(sheet: _Sheet) -> str:
    baseline, measure = sheet.pooled.baseline, sheet.picture.measure
    if baseline is None or not measure.low <= baseline <= measure.high:
        return ""
    ends = (sheet.plot.left, sheet.y(baseline)), (sheet.plot.right, sheet.y(baseline))
    return line(*ends, sheet.theme.ink, stroke_width=1.2, stroke_dasharray=_BASELINE_DASH, class_="baseline")


def _medians(sheet: _Sheet) -> str:
    """A stroke over each span, and fine lines between spans that follow one another."""
    theme, parts = sheet.theme, list[str]()
    for one, following in pairwise(sheet.shown):
        if one.end_minutes == following.start_minutes and one.median is not None and following.median is not None:
            x = sheet.edges(one)[1]
            parts.append(line((x, sheet.y(one.median)), (x, sheet.y(following.median)), theme.value, stroke_width=1.2))
    for one in sheet.shown:
        if one.median is None:
            continue
        (left, right), y = sheet.edges(one), sheet.y(one.median)
        dash = _FEW_DASH if one.lower is None else None
        tip = element("title", escape(spoken.stretch(one, sheet.words)))
        parts.append(
            element("line", tip, x1=left, y1=y, x2=right, y2=y, stroke_width=3, stroke_dasharray=dash, class_="median")
        )
    return element("g", *parts, stroke=theme.value)


def _counts(sheet: _Sheet, top: float) -> str:
    """Below each span how many doses have a value in it, as far as the numbers stand apart."""
    words, theme = sheet.words, sheet.theme
    reach, parts = PAD + width_of(words.say.doses_each, SMALL), list[str]()
    if not sheet.shown:
        return ""
    for one in sheet.shown:
        left, right = sheet.edges(one)
        label = words.number(one.n)
        centre, half = (left + right) / 2, width_of(label, SMALL) / 2
        if centre - half < reach + _GAP:
            continue
        reach = centre + half
        parts.append(text(label, (centre, top + 11), fill=theme.muted, size=SMALL, anchor="middle"))
    name = text(words.say.doses_each, (PAD, top + 11), fill=theme.muted, size=SMALL)
    return element("g", name, *parts, class_="counts")
