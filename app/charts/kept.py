"""How it is drawn what became of check-ins, on a day or in a week: a box that fills up.

Filled is answered in time, strokes are answered late, empty is missed, and a cross is all missed. So the shape says it
without any colour.
"""

from app.charts.frame import Entry
from app.charts.labels import Box
from app.charts.svg import XY, circle, element, escape, hatched, line, rectangle
from app.charts.theme import Theme

_CROSS = 0.24
"""How far from the edges a cross keeps, as a share of the box."""
_SYMBOL = 12


def draw_kept(box: Box, counts: tuple[int, int, int], theme: Theme, tip: str = "", *, crossed: bool = True) -> str:
    """One box for so many answered in time, answered late, and missed; at least one of them is not zero."""
    completed, late, missed = counts
    due = completed + late + missed
    full = box.bottom - box.height * completed / due
    some = full - box.height * late / due
    parts = [element("title", escape(tip))] if tip else []
    parts.append(rectangle((box.left, box.top), (box.right, box.bottom), fill=theme.background))
    if late:
        parts.append(hatched((box.left, some), (box.right, full), stroke=theme.value, class_="late"))
    if completed:
        parts.append(rectangle((box.left, full), (box.right, box.bottom), fill=theme.value, class_="completed"))
    edge = (box.left, box.top), (box.right, box.bottom)
    parts.append(rectangle(*edge, fill="none", stroke=theme.value, stroke_width=1.1, class_="due"))
    if crossed and missed == due:
        parts.append(_cross(box, theme))
    return element("g", *parts, class_="kept" if tip else None)


def _cross(box: Box, theme: Theme) -> str:
    dx, dy = box.width * _CROSS, box.height * _CROSS
    corners = (box.left + dx, box.top + dy), (box.right - dx, box.bottom - dy)
    back = (box.left + dx, box.bottom - dy), (box.right - dx, box.top + dy)
    return line(*corners, theme.value, stroke_width=1.2, class_="missed") + line(*back, theme.value, stroke_width=1.2)


def nothing_due(at: XY, theme: Theme) -> str:
    """A day on which nothing was asked for."""
    return circle(at, 1.5, fill=theme.older, class_="none")


def entry(label: str, counts: tuple[int, int, int], theme: Theme, *, crossed: bool = True) -> Entry:
    """An entry of the legend for a box with such counts."""

    def symbol(at: XY) -> str:
        half = _SYMBOL / 2
        box = Box(at[0] - half, at[1] - half, at[0] + half, at[1] + half)
        return draw_kept(box, counts, theme, crossed=crossed)

    return Entry(label, symbol, _SYMBOL)
