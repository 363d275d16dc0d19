"""Where things stand on a session's chart: its panels one below the other, the lanes above and below, the time axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from app.charts.frame import PAD, SMALL
from app.charts.labels import Box
from app.charts.session_pictures import SessionPicture, Vital
from app.charts.svg import Linear, width_of
from app.charts.words import Words

PANEL_GAP: Final = 26
PLAN_LANE: Final = 20
TIMES: Final = 21
LEAST_PANELS: Final = 150
_TICK_ROOM: Final = 17
_TIME_STEPS: Final = (5, 10, 15, 20, 30, 60, 120, 240, 480, 720, 1440, 2880)


@dataclass(frozen=True, slots=True)
class PanelKind:
    """One panel: its name, what it shows, the ends of its scale, its steps from fine to coarse, its share of height."""

    key: str
    vitals: tuple[Vital, ...]
    low: float
    high: float
    steps: tuple[int, ...]
    weight: float


PANELS: Final = (
    PanelKind("pressure", ("systolic", "diastolic"), 40, 200, (20, 40, 80, 160), 3.4),
    PanelKind("heart_rate", ("heart_rate",), 40, 160, (20, 40, 60, 120), 1.6),
    PanelKind("spo2", ("spo2",), 85, 100, (5, 15), 1.4),
    PanelKind("dissociation", ("dissociation",), 0, 16, (4, 8, 16), 1.8),
    PanelKind("moaas", ("moaas",), 0, 5, (1, 5), 1.1),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel with its place and its scale."""

    kind: PanelKind
    plot: Box
    y: Linear

    def ticks(self) -> list[float]:
        """Where its grid lines are: the finest steps that leave room for their numbers, and both ends."""
        low, high = self.y.domain
        per_unit = self.plot.height / (high - low)
        step = next((step for step in self.kind.steps if step * per_unit >= _TICK_ROOM), self.kind.steps[-1])
        while step * per_unit < _TICK_ROOM and step < high - low:  # a scale that grew
            step *= 2
        first = ceil(low / step) * step
        found = [low, *(float(value) for value in range(first, floor(high) + 1, step)), high]
        room = _TICK_ROOM / per_unit
        inner = [value for value in found[1:-1] if low + room <= value <= high - room]
        return [low, *inner, high]


def scale_of(kind: PanelKind, picture: SessionPicture) -> tuple[float, float]:
    """The fixed ends of a scale, which only ever grow: for a value, or a limit of the clinic, that lies outside."""
    known = [kind.low, kind.high]
    for vital in kind.vitals:
        known += [point.value for point in picture.shown(vital)]
        bounds = picture.bounds.get(vital)
        if bounds is not None:
            every = (bounds.amber_below, bounds.amber_above, bounds.red_below, bounds.red_above)
            known += [limit for limit in every if limit is not None]
    step = kind.steps[0]
    low = kind.low if min(known) >= kind.low else floor(min(known) / step) * step
    high = kind.high if max(known) <= kind.high else ceil(max(known) / step) * step
    return low, high


def left_room(picture: SessionPicture, words: Words) -> float:
    """How far from the left edge the plots begin: as the widest number needs."""
    ends = [end for kind in PANELS for end in scale_of(kind, picture)]
    return PAD + max(width_of(words.number(end), SMALL) for end in ends) + 8


def right_room(picture: SessionPicture, words: Words) -> float:
    """Room to the right for the numbers of the limits."""
    limits = [
        limit
        for bounds in picture.bounds.values()
        for limit in (bounds.amber_below, bounds.amber_above, bounds.red_below, bounds.red_above)
        if limit is not None
    ]
    widest = max((width_of("≤" + words.number(floor(limit)), SMALL) for limit in limits), default=0)
    return PAD + (widest + 4 if limits else 0)


def place_panels(picture: SessionPicture, left: float, right: float, top: float, bottom: float) -> list[Panel]:
    """The panels one below the other, each with its share of the height."""
    room = bottom - top - PANEL_GAP * len(PANELS)
    whole = sum(kind.weight for kind in PANELS)
    found: list[Panel] = []
    y = top
    for kind in PANELS:
        y += PANEL_GAP
        plot = Box(left, y, right, y + room * kind.weight / whole)
        found.append(Panel(kind, plot, Linear(scale_of(kind, picture), (plot.bottom, plot.top))))
        y = plot.bottom
    return found


def time_ticks(x: Linear, words: Words) -> list[tuple[float, str]]:
    """Minutes that the axis names: the finest steps whose numbers stand apart."""
    low, high = x.domain
    start, end = x.pixels
    per_minute = (end - start) / (high - low)
    widest = max(width_of(words.number(edge, 0), SMALL) for edge in (low, high)) + 12
    step = next((step for step in _TIME_STEPS if step * per_minute >= widest), None)
    if step is None:
        return [(low, words.number(low, 0))]
    minutes = range(ceil(low / step) * step, floor(high) + 1, step)
    return [(float(minute), words.number(minute, 0)) for minute in minutes]


def limits_of(panel: Panel, picture: SessionPicture) -> Sequence[tuple[float, str]]:
    """The limits drawn in a panel, the graver ones first, each value once."""
    found: dict[float, str] = {}
    for colour in ("red", "amber"):
        for vital in panel.kind.vitals:
            bounds = picture.bounds.get(vital)
            if bounds is None:
                continue
            for side in ("below", "above"):
                limit = getattr(bounds, f"{colour}_{side}")
                if limit is not None:
                    found.setdefault(limit, colour)
    return list(found.items())
