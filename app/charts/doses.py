"""The doses of a calendar-aligned chart: triangles above the plot with their amounts, and the shading after them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.charts import glyphs
from app.charts.calendar import Period
from app.charts.frame import SMALL, Entry
from app.charts.labels import Box, fan, in_rows, merged
from app.charts.pictures import Dose
from app.charts.svg import XY, Linear, element, escape, line, rectangle, shorten, text, triangle, width_of
from app.charts.theme import Theme
from app.charts.words import Words

_GAP = 6
_ROW = 14
_TRIANGLE = (11, 9)
_LIFT = 3
_FEW = 8
_UNKNOWN = "?"
_WIDEST = 90


@dataclass(frozen=True, slots=True)
class DoseMark:
    """One triangle: where it stands, its label (may be empty), the label's centre and row, and the spoken words."""

    x: float
    label: str
    centre: float
    row: int
    tip: str


@dataclass(frozen=True, slots=True)
class DoseLane:
    """The doses of the period, laid out; `unit` is set when the labels leave it to the legend."""

    marks: tuple[DoseMark, ...]
    rows: int
    unit: str

    @property
    def height(self) -> float:
        """Room needed above the plot."""
        return 10 + (self.rows * _ROW + _TRIANGLE[1] + _LIFT if self.marks else 0)


def dose_lane(doses: Sequence[Dose], period: Period, x: Linear, words: Words) -> DoseLane:
    """Place the labels so that none touch.

    First side by side, each near its triangle; then without the unit; then in two rows; and where even that is too
    narrow, only as many labels as fit. Every dose keeps its triangle.
    """
    shown = sorted((dose for dose in doses if period.holds(dose.at.timestamp())), key=lambda dose: dose.at)
    places = [x(dose.at.timestamp()) for dose in shown]
    full = [_short(words.amount(dose.amount, dose.unit)) for dose in shown]
    units = {dose.unit for dose in shown}
    bare = [_short(words.amount(dose.amount, "")) for dose in shown] if len(units) == 1 else full
    unit = units.pop() if len(units) == 1 else ""
    low, high = x.pixels[0] - 6, x.pixels[1] + 6
    for labels, rows in ((full, 1), (bare, 1), (full, 2), (bare, 2)):
        found = _fanned(places, labels, low, high) if rows == 1 else _in_two_rows(places, labels, low, high)
        if found:
            break
    else:
        labels, rows, found = bare, 1, _thinned(places, bare, low, high)
    marks = tuple(
        DoseMark(place, label if row is not None else "", centre, row or 0, _tip(dose, period, words))
        for dose, place, label, (centre, row) in zip(shown, places, labels, found, strict=True)
    )
    return DoseLane(marks, rows if any(labels) else 0, unit if labels is bare and bare is not full else "")


def _short(label: str) -> str:
    return shorten(label, SMALL, _WIDEST, bold=True) or _UNKNOWN


def _tip(dose: Dose, period: Period, words: Words) -> str:
    local = dose.at.astimezone(period.zone)
    return f"{words.day(local)} {words.clock(local)}: {words.amount(dose.amount, dose.unit) or words.say.unknown_dose}"


_Placed = list[tuple[float, int | None]]


def _fanned(places: list[float], labels: list[str], low: float, high: float) -> _Placed | None:
    widths = [width_of(label, SMALL, bold=True) for label in labels]
    centres = fan(places, widths, _GAP, low, high)
    far = any(abs(c - p) > w / 2 + 3 for c, p, w in zip(centres, places, widths, strict=True) if w)
    fits = not centres or (centres[0] - widths[0] / 2 >= low - 1 and centres[-1] + widths[-1] / 2 <= high + 1)
    return None if far or not fits else [(centre, 0) for centre in centres]


def _spans(places: list[float], labels: list[str], low: float, high: float) -> list[tuple[float, float]]:
    halves = [width_of(label, SMALL, bold=True) / 2 for label in labels]
    centres = [min(max(place, low + half), high - half) for place, half in zip(places, halves, strict=True)]
    return [(centre - half, centre + half) for centre, half in zip(centres, halves, strict=True)]


def _in_two_rows(places: list[float], labels: list[str], low: float, high: float) -> _Placed | None:
    spans = _spans(places, labels, low, high)
    rows = in_rows(spans, 2, _GAP)
    if None in rows:
        return None
    return [((start + end) / 2, row) for (start, end), row in zip(spans, rows, strict=True)]


def _thinned(places: list[float], labels: list[str], low: float, high: float) -> _Placed:
    spans = _spans(places, labels, low, high)
    return [((start + end) / 2, row) for (start, end), row in zip(spans, in_rows(spans, 1, _GAP), strict=True)]


def draw_doses(lane: DoseLane, plot: Box, theme: Theme) -> str:
    """Triangles that stand on the top of the plot, a fine line down from each, and the amounts above."""
    parts: list[str] = []
    tip = plot.top - _LIFT
    for mark in lane.marks:
        opacity = 0.5 if len(lane.marks) <= _FEW else 0.2
        parts.append(
            line((mark.x, tip), (mark.x, plot.bottom), theme.dose, stroke_opacity=opacity, stroke_dasharray="2 3")
        )
        parts.append(
            triangle(
                (mark.x, tip),
                *_TRIANGLE,
                element("title", escape(mark.tip)),
                fill=theme.dose,
                stroke=theme.background,
                stroke_width=1,
                class_="dose",
            )
        )
        if mark.label:
            at = (mark.centre, tip - _TRIANGLE[1] - 4 - mark.row * _ROW)
            parts.append(text(mark.label, at, fill=theme.dose, size=SMALL, anchor="middle", bold=True))
    return "".join(parts)


def windows(doses: Sequence[Dose], period: Period) -> list[tuple[float, float]]:
    """The shaded stretches within the period, as POSIX times; where two overlap they become one."""
    first, last = period.start.timestamp(), period.end.timestamp()
    shaded = [(dose.at.timestamp(), dose.shade_until.timestamp()) for dose in doses if dose.shade_until is not None]
    return merged((max(start, first), min(end, last)) for start, end in shaded)


def draw_windows(doses: Sequence[Dose], period: Period, x: Linear, plot: Box, theme: Theme) -> str:
    """Shade the time after each dose."""
    return "".join(
        rectangle((x(start), plot.top), (x(end), plot.bottom), fill=theme.window, class_="window")
        for start, end in windows(doses, period)
    )


def legend_entries(lane: DoseLane, doses: Sequence[Dose], period: Period, theme: Theme, words: Words) -> list[Entry]:
    """The legend of doses and shading: one entry for both where both are shown."""
    say = words.say
    label = say.dose_in.format(lane.unit) if lane.unit else say.dose
    if not windows(doses, period):
        return [Entry(label, lambda at: _triangle(at, theme), 12)] if lane.marks else []
    if not lane.marks:
        return [Entry(say.after_dose, lambda at: glyphs.patch(at, theme.window))]
    lengths = {(dose.shade_until - dose.at).total_seconds() / 60 for dose in doses if dose.shade_until}
    length = words.duration(lengths.pop()) if len(lengths) == 1 else say.shaded_time
    return [Entry(say.shaded.format(label, length), lambda at: glyphs.patch(at, theme.window) + _triangle(at, theme))]


def _triangle(at: XY, theme: Theme) -> str:
    return triangle((at[0], at[1] + 5), *_TRIANGLE, fill=theme.dose)
