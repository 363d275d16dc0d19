"""The appointments of a calendar-aligned chart: a lane of glyphs below the plot, one shape for each kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.charts import glyphs
from app.charts.calendar import Period
from app.charts.frame import Entry
from app.charts.labels import in_rows
from app.charts.pictures import Appointment
from app.charts.svg import Linear, element, escape, line
from app.charts.theme import Theme
from app.charts.words import Words

_ROW = 12
_ROWS = 2
_HALF = 5.0


@dataclass(frozen=True, slots=True)
class VisitLane:
    """The appointments of the period with their x and row; `crowded` ones are drawn as fine strokes."""

    visits: tuple[tuple[Appointment, float, int], ...]
    rows: int
    crowded: bool
    tips: tuple[str, ...]

    @property
    def height(self) -> float:
        """Room needed below the plot."""
        return self.rows * _ROW + 4 if self.visits else 0


def visit_lane(
    appointments: Sequence[Appointment], period: Period, x: Linear, words: Words, most: int = _ROWS
) -> VisitLane:
    """The appointments of a period over the calendar."""
    shown = sorted((one for one in appointments if period.holds(one.at.timestamp())), key=lambda one: one.at)
    tips = [f"{words.day(one.at.astimezone(period.zone))}: {label_of(one, words)}" for one in shown]
    return in_lane([(one, x(one.at.timestamp()), tip) for one, tip in zip(shown, tips, strict=True)], most)


def in_lane(visits: Sequence[tuple[Appointment, float, str]], most: int = _ROWS) -> VisitLane:
    """Place glyphs (from left to right) in one row, in more where they touch, or as strokes where those are too few."""
    rows = in_rows([(place - _HALF, place + _HALF) for _, place, _ in visits], most, 0)
    crowded = None in rows
    placed = tuple((one, place, 0 if crowded else row or 0) for (one, place, _), row in zip(visits, rows, strict=True))
    return VisitLane(placed, 1 + max((row for _, _, row in placed), default=0), crowded, tuple(t for *_, t in visits))


def label_of(appointment: Appointment, words: Words) -> str:
    """Its label, or else the name of its kind."""
    return appointment.label or words.kind(appointment.kind)


def draw_visits(lane: VisitLane, top: float, theme: Theme) -> str:
    """The glyphs, below the plot."""
    parts: list[str] = []
    for (one, x, row), tip in zip(lane.visits, lane.tips, strict=True):
        y = top + 4 + row * _ROW + _HALF
        title = element("title", escape(tip))
        if lane.crowded:
            ends = ((x, y - _HALF), (x, y + _HALF))
            faint = 0.4 if one.attended is False else None
            parts.append(line(*ends, theme.appointment, stroke_width=1.2, stroke_opacity=faint, class_="appointment"))
        else:
            parts.append(glyphs.appointment(one.kind, (x, y), theme, title, hollow=one.attended is False))
    return "".join(parts)


def visit_entries(lane: VisitLane, theme: Theme, words: Words) -> list[Entry]:
    """The legend of the lane: each kind once, and what a hollow glyph means."""
    if not lane.visits:
        return []
    if lane.crowded:
        return [Entry(words.say.appointments, lambda at: glyphs.bar(at, theme.appointment), 10)]
    kinds = {one.kind: label_of(one, words) for one, _, _ in reversed(lane.visits)}
    found = [
        Entry(label, lambda at, kind=kind: glyphs.appointment(kind, at, theme), 10)  # type: ignore[misc]
        for kind, label in sorted(kinds.items(), key=lambda item: item[1].lower())
    ]
    missed = next((one.kind for one, _, _ in lane.visits if one.attended is False), None)
    if missed is not None:
        found.append(Entry(words.say.missed, lambda at: glyphs.appointment(missed, at, theme, hollow=True), 10))
    return found
