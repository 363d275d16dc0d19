"""The small shapes of a session's chart, and the legend that names them."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from app.charts import glyphs
from app.charts.frame import Entry
from app.charts.session_pictures import Sign, State, Vital
from app.charts.session_words import SessionLanguage
from app.charts.svg import XY, area, circle, corners_of, element, escape, hatched
from app.charts.theme import Theme

AMBER_DASH: Final = "6 4"
DIAMOND: Final = 6.0
_TRIANGLE: Final = 8.5
_DOT: Final = 3.4
_PLAN: Final = 3.8
STATES: Final[tuple[State, ...]] = ("recorded", "late", "missing", "due", "expected")


def _title(tip: str) -> list[str]:
    return [element("title", escape(tip))] if tip else []


def value(vital: Vital, at: XY, fill: str, theme: Theme, tip: str = "") -> str:
    """A value: pressures as triangles whose tips point at it, everything else as a dot."""
    x, y = at
    if vital == "systolic":
        corners = [(x, y), (x - _TRIANGLE / 2, y - _TRIANGLE + 1), (x + _TRIANGLE / 2, y - _TRIANGLE + 1)]
    elif vital == "diastolic":
        corners = [(x, y), (x + _TRIANGLE / 2, y + _TRIANGLE - 1), (x - _TRIANGLE / 2, y + _TRIANGLE - 1)]
    else:
        return circle(at, _DOT, *_title(tip), fill=fill, stroke=theme.background, stroke_width=0.8, class_="value")
    return area(corners, *_title(tip), fill=fill, class_="value")


def diamond(at: XY, fill: str, theme: Theme, tip: str = "") -> str:
    """A sign of danger."""
    corners = corners_of(at, DIAMOND, 4)
    return area(corners, *_title(tip), fill=fill, stroke=theme.background, stroke_width=0.8, class_="alert")


def colour_of(severity: Sign, theme: Theme) -> str:
    """The colour of a sign of danger."""
    return {"critical": theme.red, "urgent": theme.amber}.get(severity, theme.muted)


def planned(at: XY, state: State, theme: Theme, tip: str = "") -> str:
    """A planned moment: filled when it was recorded, hollow when it is missing or due, a dot when it is to come."""
    inner = _title(tip)
    match state:
        case "recorded":
            return circle(at, _PLAN, *inner, fill=theme.muted, class_=state)
        case "late":
            return circle(at, _PLAN, *inner, fill=theme.amber, class_=state)
        case "missing":
            return circle(at, _PLAN, *inner, fill=theme.background, stroke=theme.red, stroke_width=1.6, class_=state)
        case "due":
            return circle(at, _PLAN, *inner, fill=theme.background, stroke=theme.dose, stroke_width=2.4, class_=state)
        case "expected":
            return circle(at, 1.8, *inner, fill=theme.older, class_=state)


def paused(start: XY, end: XY, theme: Theme) -> str:
    """Strokes over the time in which the dose stood still."""
    return hatched(start, end, stroke=theme.older, stroke_opacity=0.6, class_="paused")


def legend(
    say: SessionLanguage,
    theme: Theme,
    *,
    given: bool,
    paused: bool,
    limits: bool,
    gravest: Sign | None,
    states: Sequence[State],
) -> list[Entry]:
    """What is on this picture, named."""
    found = [
        Entry(say.vitals["systolic"], lambda at: value("systolic", (at[0], at[1] + 4), theme.value, theme), 10),
        Entry(say.vitals["diastolic"], lambda at: value("diastolic", (at[0], at[1] - 4), theme.value, theme), 10),
    ]
    if given:
        found.append(Entry(say.given, lambda at: glyphs.patch(at, theme.window, stroke=theme.axis)))
    if paused:
        found.append(Entry(say.paused, lambda at: glyphs.strokes(at, theme.older, stroke_opacity=0.6, class_="paused")))
    if limits:
        found.append(Entry(say.amber, lambda at: glyphs.dashes(at, theme.amber, AMBER_DASH, 1.4)))
        found.append(Entry(say.red, lambda at: glyphs.dashes(at, theme.red, None, 1.4)))
    if gravest is not None:
        fill = colour_of(gravest, theme)
        found.append(Entry(say.alert, lambda at: diamond(at, fill, theme), 12))
    found += [Entry(say.states[state], partial(planned, state=state, theme=theme), 9) for state in states]
    return found
