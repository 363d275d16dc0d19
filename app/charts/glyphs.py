"""The small shapes of charts: one for each kind of appointment, and the symbols of the legend."""

from collections.abc import Callable

from app.charts.svg import XY, Attribute, area, circle, corners_of, hatched, line, path, rectangle
from app.charts.theme import Theme

RADIUS = 4.0


def _shape(corners: int, size: float = 1.2, turn: float = 0, lower: float = 0) -> Callable[[XY], list[XY]]:
    return lambda at: corners_of((at[0], at[1] + lower), RADIUS * size, corners, turn)


# The same kind has the same shape on every chart; a kind that is not listed gets the pentagon. No corners: a disc.
_PENTAGON = _shape(5)
_HEXAGON = _shape(6, 1.15)
_TENT = _shape(3, 1.25, lower=0.8)
_KINDS: dict[str, Callable[[XY], list[XY]]] = {
    "cbt": _shape(4, turn=0.125),
    "mindfulness": lambda _: [],
    "integration": _shape(4, 1.25),
    "group": _HEXAGON,
    "support_group": _HEXAGON,
    "individual": _TENT,
    "counselling": _TENT,
}


def appointment(kind: str, at: XY, theme: Theme, *children: str, hollow: bool = False) -> str:
    """The glyph of a kind of appointment: filled, or hollow for one that was missed."""
    fill, rim = theme.background if hollow else theme.appointment, theme.appointment
    corners = _KINDS.get(kind, _PENTAGON)(at)
    if not corners:
        return circle(at, RADIUS * 0.9, *children, fill=fill, stroke=rim, stroke_width=1.4, class_="appointment")
    return area(corners, *children, fill=fill, stroke=rim, stroke_width=1.4, class_="appointment")


def dashes(at: XY, colour: str, dash: str | None, width: float = 1.6) -> str:
    """Legend symbol of a dashed, dotted or unbroken line."""
    return line((at[0] - 9, at[1]), (at[0] + 9, at[1]), colour, stroke_width=width, stroke_dasharray=dash)


def stroke(at: XY, colour: str) -> str:
    """Legend symbol of a line with a dot on it."""
    ends = [(at[0] - 9, at[1]), (at[0] + 9, at[1])]
    return path(ends, stroke=colour, stroke_width=2.2, stroke_linecap="round") + circle(at, 3, fill=colour)


def strokes(at: XY, colour: str, **more: Attribute) -> str:
    """Legend symbol of an area that is filled with strokes."""
    return hatched((at[0] - 9, at[1] - 6), (at[0] + 9, at[1] + 6), stroke=colour, **more)


def patch(at: XY, fill: str, **more: Attribute) -> str:
    """Legend symbol of an area."""
    return rectangle((at[0] - 9, at[1] - 6), (at[0] + 9, at[1] + 6), fill=fill, **more)


def bar(at: XY, colour: str) -> str:
    """Legend symbol of a fine stroke."""
    return line((at[0], at[1] - 5), (at[0], at[1] + 5), colour, stroke_width=1.4)
