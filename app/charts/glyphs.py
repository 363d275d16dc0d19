"""The small shapes of charts: one for each kind of appointment, and the symbols of the legend."""

from collections.abc import Callable

from app.charts.svg import XY, Attribute, area, circle, corners_of, hatched, line, path, rectangle
from app.charts.theme import Theme

RADIUS = 4.0


def _shape(corners: int, size: float = 1.2, turn: float = 0, lower: float = 0) -> Callable[[XY], list[XY]]:
    return lambda at: corners_of((at[0], at[1] + lower), RADIUS * size, corners, turn)


def _of(*corners: XY) -> Callable[[XY], list[XY]]:
    """A shape by its corners, in parts of the radius."""
    return lambda at: [(at[0] + x * RADIUS, at[1] + y * RADIUS) for x, y in corners]


def _star(points: int, waist: float, turn: float = 0) -> Callable[[XY], list[XY]]:
    def corners(at: XY) -> list[XY]:
        tips = corners_of(at, RADIUS * 1.45, points, turn)
        waists = corners_of(at, RADIUS * waist, points, turn + 0.5 / points)
        return [corner for pair in zip(tips, waists, strict=True) for corner in pair]

    return corners


# The same kind has the same shape on every chart; a kind that is not listed gets the pentagon. No corners: a disc. No
# shape is a triangle that stands on its tip: that is a dose.
_PENTAGON = _shape(5)
_ARM, _REACH = 0.4, 1.2
_PLUS = (
    (-_ARM, -_REACH), (_ARM, -_REACH), (_ARM, -_ARM), (_REACH, -_ARM), (_REACH, _ARM), (_ARM, _ARM),
    (_ARM, _REACH), (-_ARM, _REACH), (-_ARM, _ARM), (-_REACH, _ARM), (-_REACH, -_ARM), (-_ARM, -_ARM),
)  # fmt: skip
_KINDS: dict[str, Callable[[XY], list[XY]]] = {
    "cbt": _shape(4, turn=0.125),
    "mindfulness": lambda _: [],
    "mbrp": _of((-1.3, -0.55), (1.3, -0.55), (1.3, 0.55), (-1.3, 0.55)),
    "met": _of((-0.55, -1.3), (0.55, -1.3), (0.55, 1.3), (-0.55, 1.3)),
    "integration": _shape(4, 1.25),
    "relapse_prevention": _PENTAGON,
    "preparation": _shape(3, 1.25, lower=0.8),
    "support_group": _shape(6, 1.15),
    "peer_support": _star(6, 0.7),
    "family": _star(4, 0.55),
    "twelve_step": _star(5, 0.6),
    "contingency_management": _of((-0.6, -0.9), (0.6, -0.9), (1.3, 0.9), (-1.3, 0.9)),
    "medical_review": _of(*_PLUS),
    "ketamine_session": _of((-1.1, -1.1), (1.1, -1.1), (-1.1, 1.1), (1.1, 1.1)),
    "medication_for_sud": _of((-1.3, -1.0), (0.5, -1.0), (1.3, 0), (0.5, 1.0), (-1.3, 1.0)),
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
