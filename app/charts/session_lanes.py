"""The lanes above a session's panels: what was done when, and the signs of danger. Only as high as they need to be."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.charts import session_marks, session_spoken
from app.charts.frame import PAD, SMALL
from app.charts.labels import Box, first_free
from app.charts.session_pictures import SessionPicture
from app.charts.session_words import SessionLanguage
from app.charts.svg import Linear, shorten, text, width_of
from app.charts.theme import Theme
from app.charts.words import Words

ROW: Final = 16
STEP_ROWS: Final = 3
ALERT_ROWS: Final = 4
_BY_WEIGHT: Final = ("aborted", "transferred", "held", "discharged", "monitoring", "discharge_ready")
_GRAVITY: Final = ("critical", "urgent", "routine")
_AIR: Final = 3
_AROUND: Final = session_marks.DIAMOND + 2


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of a lane. `top` is how far above the lane's foot its thread begins; `box` where its words stand."""

    x: float
    label: str
    colour: str
    box: Box | None
    top: float | None
    diamond: float | None = None
    """How far above the lane's foot its diamond stands, for a sign of danger."""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """Marks in rows that are counted upwards from the lane's foot."""

    marks: tuple[Mark, ...]
    rows: int
    dash: str | None

    @property
    def height(self) -> float:
        """How much room it takes."""
        return self.rows * ROW + (2 if self.rows else 0)

    def drawn(self, foot: float, theme: Theme) -> str:
        """The words and the signs, over everything else."""
        parts: list[str] = []
        for mark in self.marks:
            if mark.diamond is not None:
                parts.append(session_marks.diamond((mark.x, foot - mark.diamond), mark.colour, theme, mark.tip))
            if mark.box is not None:
                at = (mark.box.left + _AIR, foot + mark.box.bottom - 4)
                parts.append(text(mark.label, at, fill=mark.colour, size=SMALL, bold=True, halo=theme.background))
        return "".join(parts)


def step_lane(picture: SessionPicture, x: Linear, say: SessionLanguage, theme: Theme) -> Lane:
    """The dose and the steps of the session, named as far as there is room, the weightiest first."""
    wanted = [(0.0, say.dose, theme.dose)] if picture.given else []
    if picture.given and picture.given.until is not None:
        wanted.append((picture.given.until, say.dose_end, theme.dose))
    weight = {stage: number for number, stage in enumerate(_BY_WEIGHT)}
    steps = sorted(picture.steps, key=lambda step: (weight.get(step.stage, len(weight)), step.minutes))
    wanted += [(step.minutes, say.stages.get(step.stage, step.stage), theme.muted) for step in steps]
    within, taken, marks = Box(0, -STEP_ROWS * ROW, picture.size.width, 0), list[Box](), list[Mark]()
    for minutes, label, colour in (one for one in wanted if picture.holds(one[0])):
        shown = shorten(label, SMALL, picture.size.width / 2, bold=True)
        box = first_free(_around(x(minutes), shown, picture), taken, within)
        if box is not None:
            taken.append(box)
        marks.append(Mark(x(minutes), shown, colour, box, 0.0 if box is None else -box.bottom))
    return Lane(tuple(marks), _rows(taken), "2 3")


def _around(x: float, label: str, picture: SessionPicture) -> Iterable[Box]:
    """Places for words around a moment, the lowest row first, on the page."""
    width = width_of(label, SMALL, bold=True) + 2 * _AIR
    left = min(max(x - width / 2, PAD / 2), picture.size.width - PAD / 2 - width)
    for row in range(STEP_ROWS):
        yield Box(left, -(row + 1) * ROW, left + width, -row * ROW)


def alert_lane(picture: SessionPicture, x: Linear, say: SessionLanguage, words: Words, theme: Theme) -> Lane:
    """Signs of danger where they were found, the gravest first; those of one moment stand one above the other."""
    shown = [alert for alert in picture.alerts if picture.holds(alert.minutes)]
    within, taken, marks = Box(0, -ALERT_ROWS * ROW, picture.size.width, 0), list[Box](), list[Mark]()
    for alert in sorted(shown, key=lambda alert: (_GRAVITY.index(alert.severity), alert.minutes)):
        at, colour = x(alert.minutes), session_marks.colour_of(alert.severity, theme)
        minute = session_spoken.minute(alert.minutes, say, words)
        tip = f"{minute}: {alert.rule}, {say.severities[alert.severity]}"
        both = first_free(_beside(at, alert.rule), taken, within)
        if both is None:  # as many as have room are named; the others are there, and are spoken
            marks.append(Mark(at, alert.rule, colour, None, 0.0, ROW / 2, tip))
            taken.append(Box(at - _AROUND, -ROW, at + _AROUND, 0))
            continue
        taken.append(both)
        on_the_right = both.right - at > at - both.left
        left, right = (at + _AROUND - _AIR, both.right) if on_the_right else (both.left, at - _AROUND + _AIR)
        marks.append(
            Mark(at, alert.rule, colour, Box(left, both.top, right, both.bottom), 0.0, -both.bottom + ROW / 2, tip)
        )
    return Lane(tuple(marks), _rows(taken), None)


def _beside(x: float, label: str) -> Iterable[Box]:
    """Places for a diamond and its words, to its right or to its left."""
    width = width_of(label, SMALL, bold=True) + _AIR
    for row in range(ALERT_ROWS):
        top, bottom = -(row + 1) * ROW, -row * ROW
        yield Box(x - _AROUND, top, x + _AROUND + width, bottom)
        yield Box(x - _AROUND - width, top, x + _AROUND, bottom)


def _rows(taken: list[Box]) -> int:
    return max((round(-box.top / ROW) for box in taken), default=0)
