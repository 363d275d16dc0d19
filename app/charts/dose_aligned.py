"""The dose-aligned chart: the same measure around every dose, over the time since that dose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from app.charts import frame, glyphs, spoken
from app.charts.frame import PAD, SMALL, Entry
from app.charts.labels import Box, along, fan, first_free
from app.charts.pictures import AlignedPoint, DoseAlignedPicture, DoseCurve
from app.charts.runs import stretches
from app.charts.since_dose import SinceDose, draw_dose, draw_times
from app.charts.strips import Strips, strips
from app.charts.svg import XY, Linear, circle, element, escape, line, path, rectangle, shorten, text, width_of
from app.charts.theme import THEMES, Theme
from app.charts.words import Words, words_for

_LABEL_LINE = 15
_MARGIN_SHARE = 0.3
_EDGE = 40
_ROOMY = 600
_LANE = 32
_BASELINE_DASH, _RELIEF_DASH = "7 4", "2 4"
_DASHES = (None, "9 3", "4 3", "1.5 3", "9 3 1.5 3")
"""Lines of different doses differ in their dashes too, so that colour is not needed; the latest is unbroken."""
_HALF = 4.2


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One curve with its colour, its unbroken stretches in pixels, and its label; the latest dose is `strong`."""

    curve: DoseCurve
    colour: str
    label: str
    dash: str | None
    strong: bool
    runs: tuple[tuple[XY, ...], ...]

    @property
    def end(self) -> XY | None:
        return self.runs[-1][-1] if self.runs else None


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The picture with all that is needed to draw on it."""

    picture: DoseAlignedPicture
    words: Words
    theme: Theme
    plot: Box
    x: SinceDose
    y: Linear


def dose_aligned_chart(picture: DoseAlignedPicture) -> str:
    """Draw a measure around every dose; returns an SVG document.

    One line per dose, labelled with its day and amount, the latest drawn strongest; filled marks where relief begins
    and ends, an open one where it was still there when last seen. The y axis spans the whole scale; lines break at
    gaps; nothing is drawn beyond the last value.
    """
    words, theme = words_for(picture.locale), THEMES[picture.theme]
    curves = sorted(picture.curves, key=lambda curve: curve.dose.at)
    details = [words.say.since_dose, words.say.stretched, ", ".join(spoken.about(picture.measure, words))]
    top, y = frame.heading(picture.measure.name, details, picture.size, theme)
    ends = frame.span(picture.measure, [point.value for curve in curves for point in within(curve, picture)])
    left = frame.axis_room(picture.measure, ends, words)
    names = [_label(curve, picture, words) for curve in curves]
    named = [(curve, name) for curve, name in zip(curves, names, strict=True) if within(curve, picture)]
    right = picture.size.width - _margin(named[-len(theme.curves) :], picture)
    room = picture.size.height - y - _LANE - frame.DATES - frame.LEAST_PLOT - 8
    x = SinceDose(picture.before_minutes, picture.after_minutes, left, right)
    strip = fitting(picture, curves, x, room - 2 * frame.LEGEND_LINE, words, theme)
    legend = _legend(picture, curves, theme, words) + strip.entries()
    found = frame.below(legend, notes(picture, words), picture.size, room - strip.height)
    foot_top = picture.size.height - 8 - found.height
    plot = Box(left, y + _LANE, right, foot_top - frame.DATES - strip.height)
    sheet = _Sheet(picture, words, theme, plot, x, Linear(ends, (plot.bottom, plot.top)))
    drawn = _drawn(sheet, curves, names)
    empty = words.say.no_values if curves else words.say.no_doses
    parts = [
        top,
        frame.draw_scale(picture.measure, sheet.y, plot, theme, words),
        draw_dose(x, plot, plot.bottom + strip.height, words, theme),
        draw_times(x, plot.bottom + strip.height, picture.size.width, words, theme),
        _levels(sheet, curves[-1]) if curves else "",
        *(_line(one) for one in drawn),
        *(_marks(sheet, one) for one in drawn),
        _labels(sheet, drawn) if any(one.runs for one in drawn) else frame.notice(empty, plot, theme),
        strip.draw(plot, [(one.curve, one.colour) for one in drawn]),
        frame.draw_below(found, foot_top, picture.size, theme),
    ]
    summary = spoken.aligned(picture, curves, words)
    return frame.document(picture.size, theme, picture.measure.name, summary, language=words.say.tag, parts=parts)


def within(curve: DoseCurve, picture: DoseAlignedPicture) -> list[AlignedPoint]:
    """The values of a dose that lie on the axis, in order of time."""
    found = [point for point in curve.points if -picture.before_minutes <= point.minutes <= picture.after_minutes]
    return sorted(found, key=lambda point: point.minutes)


def _label(curve: DoseCurve, picture: DoseAlignedPicture, words: Words) -> str:
    day = words.day(curve.dose.at.astimezone(picture.zone))
    amount = words.amount(curve.dose.amount, curve.dose.unit)
    return f"{day}, {amount}" if amount and picture.size.width >= _ROOMY else day


def _margin(named: Sequence[tuple[DoseCurve, str]], picture: DoseAlignedPicture) -> float:
    """Room for labels to the right of the plot; a single line that ends early carries its label in the plot."""
    if not named or (len(named) == 1 and within(named[0][0], picture)[-1].minutes < picture.after_minutes / 2):
        return PAD
    widest = max(width_of(name, SMALL, bold=True) for _, name in named)
    return min(widest + 10, picture.size.width * _MARGIN_SHARE) + PAD / 2


def fitting(
    picture: DoseAlignedPicture, curves: Sequence[DoseCurve], x: SinceDose, room: float, words: Words, theme: Theme
) -> Strips:
    """What stands below the plot, as far as the plot does not become too low: the therapies stay longest."""
    for shown in (curves, [replace(curve, readings=()) for curve in curves]):
        found = strips(picture, shown, x, words, theme)
        if found.height <= room:
            return found
    return strips(picture, (), x, words, theme)


def notes(picture: DoseAlignedPicture, words: Words) -> list[str]:
    """The sentences below the plot."""
    lacking = words.say.insufficient.format(words.names(picture.insufficient)) if picture.insufficient else ""
    relief = spoken.relief(picture.relief, words) if picture.relief else ""
    return [note for note in (relief, lacking, picture.caption) if note]


def _legend(picture: DoseAlignedPicture, curves: Sequence[DoseCurve], theme: Theme, words: Words) -> list[Entry]:
    say = words.say
    found: list[Entry] = []
    begun = [curve for curve in curves if curve.onset_minutes is not None]
    if begun:
        found.append(Entry(say.relief_begins, lambda at: _onset(at, theme.muted, theme), 10))
    if any(curve.return_minutes is not None for curve in begun):
        found.append(Entry(say.relief_ends, lambda at: _return(at, theme.muted, theme), 10))
    if any(curve.return_minutes is None for curve in begun):
        found.append(Entry(say.relief_open, lambda at: _open(at, theme.muted, theme), 10))
    latest = curves[-1] if curves else None
    if latest and _drawable(latest.baseline, picture):
        label = say.baseline.format(words.number(latest.baseline))
        if len(curves) > 1:
            label += f" ({words.day(latest.dose.at.astimezone(picture.zone))})"
        found.append(Entry(label, lambda at: glyphs.dashes(at, theme.ink, _BASELINE_DASH)))
    if latest and _drawable(latest.relief_at, picture):
        level = say.relief_above if picture.measure.higher_is == "better" else say.relief_below
        label = level.format(words.number(latest.relief_at))
        found.append(Entry(label, lambda at: glyphs.dashes(at, theme.muted, _RELIEF_DASH)))
    if len(curves) > len(theme.curves):
        found.append(Entry(say.older, lambda at: glyphs.stroke(at, theme.older)))
    return found


def _drawable(level: float | None, picture: DoseAlignedPicture) -> TypeGuard[float]:
    """A level off the scale, which no value can reach, is not drawn."""
    return level is not None and picture.measure.low <= level <= picture.measure.high


def _drawn(sheet: _Sheet, curves: Sequence[DoseCurve], names: Sequence[str]) -> list[_Drawn]:
    colours = sheet.theme.curves
    found: list[_Drawn] = []
    for age, (curve, name) in enumerate(zip(reversed(curves), reversed(names), strict=True)):
        named = age < len(colours)
        runs = tuple(
            tuple((sheet.x(point.minutes), sheet.y(point.value)) for point in run)
            for run in stretches(within(curve, sheet.picture), sheet.picture.gap_minutes)
        )
        colour = colours[age] if named else sheet.theme.older
        dash = _DASHES[age % len(_DASHES)] if named else None
        found.append(_Drawn(curve, colour, name if named else "", dash, strong=age == 0, runs=runs))
    return found[::-1]


def _levels(sheet: _Sheet, latest: DoseCurve) -> str:
    parts: list[str] = []
    levels = (
        (latest.baseline, sheet.theme.ink, _BASELINE_DASH, "baseline"),
        (latest.relief_at, sheet.theme.muted, _RELIEF_DASH, "relief"),
    )
    for value, colour, dash, name in levels:
        if _drawable(value, sheet.picture):
            ends = (sheet.plot.left, sheet.y(value)), (sheet.plot.right, sheet.y(value))
            parts.append(line(*ends, colour, stroke_width=1.2, stroke_dasharray=dash, class_=name))
    return "".join(parts)


def _line(one: _Drawn) -> str:
    width, radius = (2.6, 3.0) if one.strong else (1.5, 1.9)
    lines = [path(run, stroke_dasharray=one.dash, class_="run") for run in one.runs if len(run) > 1]
    dots = [circle(at, radius, fill=one.colour, stroke="none") for run in one.runs for at in run]
    if not dots:
        return ""
    return element(
        "g",
        element("title", escape(one.label)) if one.label else "",
        *lines,
        *dots,
        stroke=one.colour,
        stroke_width=width,
        stroke_linejoin="round",
        stroke_linecap="round",
        class_="curve",
    )


def _marks(sheet: _Sheet, one: _Drawn) -> str:
    curve = one.curve
    if curve.onset_minutes is None:
        return ""
    found = [(curve.onset_minutes, _onset)]
    if curve.return_minutes is not None:
        found.append((curve.return_minutes, _return))
    elif curve.censored_minutes is not None:
        found.append((curve.censored_minutes, _open))
    places = [(_last_before(sheet, curve, minutes), draw) for minutes, draw in found]
    return "".join(draw(at, one.colour, sheet.theme) for at, draw in places if at is not None)


def _last_before(sheet: _Sheet, curve: DoseCurve, minutes: float) -> XY | None:
    """Marks stand on values: on the last one at or before the time, never where nothing was reported."""
    known = [point for point in within(curve, sheet.picture) if point.minutes <= minutes]
    return (sheet.x(known[-1].minutes), sheet.y(known[-1].value)) if known else None


def _onset(at: XY, colour: str, theme: Theme) -> str:
    return circle(at, _HALF + 0.6, fill=colour, stroke=theme.background, stroke_width=1.4, class_="onset")


def _return(at: XY, colour: str, theme: Theme) -> str:
    return _box(at, fill=colour, stroke=theme.background, stroke_width=1.4, class_="return")


def _open(at: XY, colour: str, theme: Theme) -> str:
    return _box(at, fill=theme.background, stroke=colour, stroke_width=2, class_="open")


def _box(at: XY, **more: str | float) -> str:
    return rectangle((at[0] - _HALF, at[1] - _HALF), (at[0] + _HALF, at[1] + _HALF), **more)


def _labels(sheet: _Sheet, drawn: Sequence[_Drawn]) -> str:
    """The name of each dose beside the end of its line: in the plot where that is free, else in the margin."""
    obstacles = [box for one in drawn for run in one.runs for box in along(run, 3)]
    inside = Box(sheet.plot.left, sheet.plot.top, sheet.plot.right, sheet.plot.bottom)
    margin: list[_Drawn] = []
    parts: list[str] = []
    for one in reversed(drawn):
        if not one.label or one.end is None:
            continue
        ends_early = one.end[0] < sheet.plot.right - _EDGE
        box = first_free(_beside(one, sheet), obstacles, inside) if ends_early or not _has_margin(sheet) else None
        if box is None:
            margin.append(one)
            continue
        obstacles.append(box)
        at = (box.left, box.bottom - 4)
        parts.append(text(one.label, at, fill=one.colour, bold=one.strong, halo=sheet.theme.background))
    return "".join(parts) + _in_margin(sheet, margin)


def _beside(one: _Drawn, sheet: _Sheet) -> list[Box]:
    """Places near the end of a line, and in the corners where no margin is kept for labels."""
    x, y = one.end or (0, 0)
    width = width_of(one.label, SMALL, bold=True)
    places = [(x + 9, y), (x - width / 2, y - 15), (x - width / 2, y + 15), (x + 6, y - 13), (x + 6, y + 13)]
    if not _has_margin(sheet):
        right = sheet.plot.right - width
        places += [(right, sheet.plot.top + 10), (right, sheet.plot.bottom - 10)]
    return [Box(left, middle - 8, left + width, middle + 8) for left, middle in places]


def _has_margin(sheet: _Sheet) -> bool:
    return sheet.picture.size.width - sheet.plot.right > PAD


def _in_margin(sheet: _Sheet, ones: Sequence[_Drawn]) -> str:
    plot, picture = sheet.plot, sheet.picture
    if not _has_margin(sheet):
        return ""
    named = [(one.end, one) for one in ones if one.end is not None][: max(1, int((plot.height + 8) / _LABEL_LINE))]
    named.sort(key=lambda pair: pair[0][1])
    wanted, sizes = [end[1] for end, _ in named], [float(_LABEL_LINE)] * len(named)
    heights = fan(wanted, sizes, 0, plot.top - 4, plot.bottom + 4)
    left = plot.right + 10
    parts: list[str] = []
    for (end, one), height in zip(named, heights, strict=True):
        if end[0] >= plot.right - _EDGE:
            start = (max(end[0] + 5, plot.right), end[1])
            parts.append(line(start, (left - 2, height), one.colour, stroke_width=0.8, stroke_opacity=0.7))
        label = shorten(one.label, SMALL, picture.size.width - left - 2, bold=one.strong)
        parts.append(text(label, (left, height + 4), fill=one.colour, bold=one.strong))
    return "".join(parts)
