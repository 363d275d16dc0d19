"""The chart of one dosing session: vital signs, session effects and alertness over minutes from the dose.

Blood pressure is drawn as on an anaesthesia chart, a triangle standing on its tip for the upper value and one standing
on its base for the lower. The clinic's limits are lines; a value beyond one has its colour. Hollow marks below are
planned readings that nobody took. Nothing is drawn where nothing was measured, and lines end where values are long
apart.
"""

from dataclasses import dataclass
from math import floor
from typing import Final

from app.charts import frame, session_marks, session_spoken
from app.charts.frame import PAD, SMALL, Entry
from app.charts.labels import Box, fan
from app.charts.pictures import AlignedPoint
from app.charts.runs import stretches
from app.charts.session_lanes import Lane, alert_lane, step_lane
from app.charts.session_layout import (
    LEAST_PANELS,
    PANEL_GAP,
    PANELS,
    PLAN_LANE,
    TIMES,
    Panel,
    left_room,
    limits_of,
    place_panels,
    right_room,
    time_ticks,
)
from app.charts.session_pictures import SessionPicture, Vital
from app.charts.session_words import SessionLanguage, session_words_for
from app.charts.svg import Linear, element, line, path, rectangle, shorten, text, width_of
from app.charts.theme import THEMES, Theme
from app.charts.words import Words

_NOTICE: Final = 15
_AIR: Final = 6


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The picture with all that is needed to draw on it."""

    picture: SessionPicture
    say: SessionLanguage
    words: Words
    theme: Theme
    panels: list[Panel]
    x: Linear

    @property
    def whole(self) -> Box:
        """From the top of the first panel to the bottom of the last."""
        first, last = self.panels[0].plot, self.panels[-1].plot
        return Box(first.left, first.top, first.right, last.bottom)

    def minute(self, minutes: float) -> str:
        """A moment in words."""
        return session_spoken.minute(minutes, self.say, self.words)


def session_chart(picture: SessionPicture) -> str:
    """Draw one session over the minutes from its dose; returns an SVG document."""
    (say, words), theme = session_words_for(picture.locale), THEMES[picture.theme]
    title = session_spoken.title(picture, say, words)
    details = [session_spoken.given(picture, say, words), session_spoken.counted(picture, say, words)]
    top, y = frame.heading(title, [detail for detail in details if detail], picture.size, theme)
    left, right = left_room(picture, words), picture.size.width - right_room(picture, words)
    x = Linear((picture.start, picture.end), (left, right))
    steps, alerts = step_lane(picture, x, say, theme), alert_lane(picture, x, say, words, theme)
    lanes, foot = y + steps.height + alerts.height, PLAN_LANE + TIMES
    room = picture.size.height - lanes - foot - 8 - LEAST_PANELS - PANEL_GAP * len(PANELS)
    found = frame.below(_legend(picture, say, theme), [say.not_a_monitor], picture.size, room)
    foot_top = picture.size.height - 8 - found.height
    panels = place_panels(picture, left, right, lanes, foot_top - foot)
    sheet = _Sheet(picture, say, words, theme, panels, x)
    parts = [
        top,
        _given(sheet),
        *(_grid(sheet, panel) for panel in panels),
        _threads(sheet, steps, y + steps.height),
        _threads(sheet, alerts, lanes),
        *(_limits(sheet, panel) for panel in panels),
        *(_values(sheet, panel, vital) for panel in panels for vital in panel.kind.vitals),
        *(_name(sheet, panel) for panel in panels),
        steps.drawn(y + steps.height, theme),
        alerts.drawn(lanes, theme),
        _planned(sheet),
        _times(sheet),
        _notice(sheet),
        frame.draw_below(found, foot_top, picture.size, theme),
    ]
    spoken = session_spoken.summary(picture, say, words)
    return frame.document(picture.size, theme, title, spoken, language=words.say.tag, parts=parts)


def _legend(picture: SessionPicture, say: SessionLanguage, theme: Theme) -> list[Entry]:
    states = {mark.state for mark in picture.planned}
    severities = {alert.severity for alert in picture.alerts}
    return session_marks.legend(
        say,
        theme,
        given=picture.given is not None,
        paused=bool(picture.given and picture.given.pauses),
        limits=bool(picture.bounds),
        gravest=next((one for one in ("critical", "urgent", "routine") if one in severities), None),
        states=[state for state in session_marks.STATES if state in states],
    )


def _given(sheet: _Sheet) -> str:
    """Shade the time in which the dose was given; where it stood still, with strokes."""
    given, picture, whole = sheet.picture.given, sheet.picture, sheet.whole
    if given is None:
        return ""
    known = picture.end if picture.now is None else picture.now
    until = min(known if given.until is None else given.until, picture.end)
    first = max(picture.start, 0.0)
    if until <= first:
        return ""
    ends = (sheet.x(first), whole.top), (sheet.x(until), whole.bottom)
    parts = [rectangle(*ends, fill=sheet.theme.window, class_="given")]
    for start, end in given.pauses:
        edges = sheet.x(max(start, first)), sheet.x(min(until if end is None else end, until))
        if edges[0] < edges[1]:
            parts.append(session_marks.paused((edges[0], whole.top), (edges[1], whole.bottom), sheet.theme))
    return "".join(parts)


def _grid(sheet: _Sheet, panel: Panel) -> str:
    plot, theme = panel.plot, sheet.theme
    parts: list[str] = []
    for value in panel.ticks():
        height = panel.y(value)
        edge = value == panel.y.domain[0]
        parts.append(line((plot.left, height), (plot.right, height), theme.axis if edge else theme.grid))
        parts.append(text(sheet.words.number(value), (plot.left - 8, height + 4), fill=theme.muted, anchor="end"))
    return "".join(parts)


def _name(sheet: _Sheet, panel: Panel) -> str:
    plot, theme = panel.plot, sheet.theme
    name = shorten(sheet.say.panels[panel.kind.key], SMALL, plot.right - PAD, bold=True)
    return text(name, (PAD, plot.top - 9), fill=theme.ink, size=SMALL, bold=True, halo=theme.background)


def _threads(sheet: _Sheet, lane: Lane, top: float) -> str:
    """Fine lines from the marks of a lane down through all panels."""
    return "".join(
        line(
            (mark.x, top if mark.top is None else top - mark.top),
            (mark.x, sheet.whole.bottom),
            mark.colour,
            stroke_opacity=0.55,
            stroke_dasharray=lane.dash,
            class_="thread",
        )
        for mark in lane.marks
    )


def _limits(sheet: _Sheet, panel: Panel) -> str:
    """The clinic's limits with their numbers in the right margin: amber dashed, red in one stroke."""
    plot, parts = panel.plot, []
    limits = limits_of(panel, sheet.picture)
    for limit, colour in limits:
        y, dash = panel.y(limit), session_marks.AMBER_DASH if colour == "amber" else None
        stroke = getattr(sheet.theme, colour)
        parts.append(
            line((plot.left, y), (plot.right, y), stroke, stroke_width=1.1, stroke_dasharray=dash, class_=colour)
        )
    most = max(1, int((plot.height + 8) // (SMALL + 1)))
    named = sorted(limits[:most], key=lambda pair: panel.y(pair[0]))
    wanted = [panel.y(limit) for limit, _ in named]
    heights = fan(wanted, [float(SMALL)] * len(named), 1, plot.top - 4, plot.bottom + 4)
    for (limit, colour), height in zip(named, heights, strict=True):
        label = sheet.words.number(limit) if limit == floor(limit) else f"≤{sheet.words.number(floor(limit))}"
        parts.append(text(label, (plot.right + 5, height + 4), fill=getattr(sheet.theme, colour), size=SMALL))
    return "".join(parts)


def _colour(vital: Vital, theme: Theme) -> str:
    return {"dissociation": theme.curves[2], "moaas": theme.appointment}.get(vital, theme.value)


def _values(sheet: _Sheet, panel: Panel, vital: Vital) -> str:
    """One line for each stretch of values, and a mark for each value."""
    points, colour, bounds = sheet.picture.shown(vital), _colour(vital, sheet.theme), sheet.picture.bounds.get(vital)
    parts: list[str] = []
    for run in stretches(points, sheet.picture.gap_minutes):
        if len(run) > 1:
            corners = [(sheet.x(point.minutes), panel.y(point.value)) for point in run]
            parts.append(path(corners, stroke=colour, stroke_width=1.6, stroke_linejoin="round", class_="run"))
    for point in points:
        level = bounds.level(point.value) if bounds else None
        fill = colour if level is None else getattr(sheet.theme, level)
        at = sheet.x(point.minutes), panel.y(point.value)
        parts.append(session_marks.value(vital, at, fill, sheet.theme, _tip(sheet, vital, point)))
    return element("g", *parts, class_=vital) if parts else ""


def _tip(sheet: _Sheet, vital: Vital, point: AlignedPoint) -> str:
    return f"{sheet.minute(point.minutes)}: {sheet.say.vitals[vital]} {sheet.words.number(point.value)}"


def _planned(sheet: _Sheet) -> str:
    """Planned moments in a row below the panels."""
    y = sheet.whole.bottom + PLAN_LANE / 2 + 2
    marks = [mark for mark in sheet.picture.planned if sheet.picture.holds(mark.minutes)]
    return "".join(
        session_marks.planned(
            (sheet.x(mark.minutes), y),
            mark.state,
            sheet.theme,
            f"{sheet.minute(mark.minutes)}: {sheet.say.states[mark.state]}",
        )
        for mark in sorted(marks, key=lambda mark: mark.minutes)
    )


def _times(sheet: _Sheet) -> str:
    y, theme, whole = sheet.whole.bottom + PLAN_LANE, sheet.theme, sheet.whole
    parts: list[str] = []
    for minutes, label in time_ticks(sheet.x, sheet.words):
        x, half = sheet.x(minutes), width_of(label, SMALL) / 2
        parts.append(line((x, whole.bottom), (x, whole.bottom + 4), theme.axis))
        if half + 2 <= x <= sheet.picture.size.width - half - 2:
            parts.append(text(label, (x, y + 13), fill=theme.muted, size=SMALL, anchor="middle"))
    return "".join(parts)


def _notice(sheet: _Sheet) -> str:
    """A sentence where nothing was measured yet, on a ground of its own, so that no limit runs through it."""
    if any(sheet.picture.shown(vital) for panel in sheet.panels for vital in panel.kind.vitals):
        return ""
    plot = sheet.panels[0].plot
    half = min(width_of(sheet.say.no_readings, _NOTICE, bold=True), plot.width - 8) / 2 + _AIR
    across, down = (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2
    ground = rectangle((across - half, down - 14), (across + half, down + 14), fill=sheet.theme.background)
    return ground + frame.notice(sheet.say.no_readings, plot, sheet.theme)
