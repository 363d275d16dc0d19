"""The overview of a course: the main measures, the doses, the check-ins and the therapy on one page.

All of it stands over one axis of dates, and the doses run down through all of it, so that what happened together is
seen together. Each panel spans the whole scale of its measure; measures are never laid on one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.charts import course_spoken, frame, glyphs, kept, series, spoken
from app.charts.calendar import Period, draw_dates
from app.charts.course_pictures import CoursePicture, Kept, Panel
from app.charts.course_spoken import is_yes
from app.charts.course_words import CourseLanguage, course_words_for, tally
from app.charts.doses import DoseLane, dose_lane, draw_doses, draw_windows, legend_entries
from app.charts.frame import PAD, SMALL, Entry
from app.charts.labels import Box
from app.charts.pictures import LEAST_HEIGHT, Point, Size
from app.charts.series import BASELINE_DASH, Series
from app.charts.svg import XY, Linear, line, rectangle, shorten, text, width_of, wrap
from app.charts.theme import THEMES, Theme
from app.charts.visits import VisitLane, draw_visits, visit_entries, visit_lane
from app.charts.words import Words

_PANEL = 66
_YES_NO = 20
_NAME = 24
_STUB = 4
_BARS = 6.0
_AIR = 12
_WEEKS = 40
_THERAPY_ROWS = 3
_EMPTY = 60
_SYMBOL = 12


@dataclass(frozen=True, slots=True)
class _Page:
    """The picture with all that is needed to draw on it."""

    picture: CoursePicture
    say: CourseLanguage
    words: Words
    theme: Theme
    period: Period
    x: Linear
    top: float
    """Where the first panel's name stands, below the doses."""
    lane: DoseLane
    visits: VisitLane

    def plot(self, number: int) -> Box:
        """The plot of a panel."""
        above = sum(_NAME + _height(panel) + _AIR for panel in self.picture.panels[:number])
        top = self.top + _NAME + above
        return Box(self.edges[0], top, self.edges[1], top + _height(self.picture.panels[number]))

    @property
    def edges(self) -> tuple[float, float]:
        """Left and right of all plots."""
        return self.x.pixels

    @property
    def below_panels(self) -> float:
        """Where what stands below the panels begins."""
        return self.top + (sum(_NAME + _height(panel) + _AIR for panel in self.picture.panels) or _EMPTY)

    @property
    def weeks(self) -> Box:
        """The strip of check-ins by week; flat where none were asked for."""
        high = _WEEKS if self.picture.kept else 0
        top = self.below_panels + (_NAME if high else 0)
        return Box(self.edges[0], top, self.edges[1], top + high)

    @property
    def therapy_top(self) -> float:
        """Where the glyphs of therapy begin."""
        return self.weeks.bottom + (_AIR if self.picture.kept else 0) + (_NAME if self.visits.visits else 0)

    @property
    def foot(self) -> float:
        """Below everything that stands over the axis."""
        return self.therapy_top + self.visits.height + 4


def _height(panel: Panel) -> float:
    return _YES_NO if panel.yes_no else _PANEL


def course_chart(picture: CoursePicture) -> str:
    """Draw the overview of a course; returns an SVG document, as high as it needs to be."""
    (say, words), theme = course_words_for(picture.locale), THEMES[picture.theme]
    period = Period(picture.start, picture.end, picture.zone)
    wide = Size(picture.width, LEAST_HEIGHT)
    details = [words.period(period.first_day, period.last_day), words.say.buckets[picture.bucket]]
    top, y = frame.heading(say.course, details, wide, theme)
    x = Linear((picture.start.timestamp(), picture.end.timestamp()), _edges(picture, period, words))
    lane = dose_lane(picture.doses, period, x, words)
    visits = visit_lane(picture.appointments, period, x, words, _THERAPY_ROWS)
    page = _Page(picture, say, words, theme, period, x, y + lane.height, lane, visits)
    drawn = [_series(page, panel, page.plot(number)) for number, panel in enumerate(picture.panels)]
    found = frame.below(_legend(page, drawn), _notes(picture, say, words), wide, float("inf"))
    size = Size(picture.width, max(LEAST_HEIGHT, round(page.foot + frame.DATES + found.height + 8)))
    whole = Box(page.edges[0], page.top + 2, page.edges[1], page.foot)
    parts = [
        top,
        *(draw_windows(picture.doses, period, x, one.plot, theme) for one in drawn),
        *(series.draw_gaps(one) for one in drawn),
        *(_grid(panel, one) for panel, one in zip(picture.panels, drawn, strict=True)),
        draw_doses(lane, whole, theme),
        *(series.name_gaps(one) for panel, one in zip(picture.panels, drawn, strict=True) if not panel.yes_no),
        *(_values(panel, one) for panel, one in zip(picture.panels, drawn, strict=True)),
        *(_name(page, panel, one) for panel, one in zip(picture.panels, drawn, strict=True)),
        _nothing(page) if not drawn else "",
        _weeks(page) if picture.kept else "",
        _therapy(page) if visits.visits else "",
        line((whole.left, page.foot), (whole.right, page.foot), theme.axis),
        draw_dates(period, x, Box(whole.left, page.top, whole.right, page.foot), 0, words, theme, size),
        frame.draw_below(found, page.foot + frame.DATES, size, theme),
    ]
    summary = course_spoken.course(picture, period, [one.points for one in drawn], say, words)
    return frame.document(size, theme, say.course, summary, language=words.say.tag, parts=parts)


def _within(points: Sequence[Point], period: Period) -> tuple[Point, ...]:
    return tuple(sorted((one for one in points if period.holds(one.at.timestamp())), key=lambda point: point.at))


def _span(panel: Panel, points: Sequence[Point]) -> tuple[float, float]:
    return frame.span(panel.measure, [v for p in points for v in (p.value, p.low, p.high) if v is not None])


def _edges(picture: CoursePicture, period: Period, words: Words) -> tuple[float, float]:
    """Left and right of all plots: as the widest numbers need."""
    every = [(panel, _within(panel.points, period)) for panel in picture.panels]
    ends = [words.number(end) for panel, points in every for end in _span(panel, points)]
    widest = max((width_of(end, SMALL) for end in [*ends, *(["100"] if picture.kept else [])]), default=0)
    right = max((series.room_for_last(points, words, PAD) for _, points in every), default=PAD)
    return PAD + widest + 8, picture.width - right


def _series(page: _Page, panel: Panel, plot: Box) -> Series:
    points = _within(panel.points, page.period)
    return Series(
        points=points,
        gaps=panel.gaps,
        baseline=panel.baseline,
        bucket=page.picture.bucket,
        period=page.period,
        plot=plot,
        x=page.x,
        y=Linear(_span(panel, points), (plot.bottom, plot.top)),
        right=page.picture.width - 2,
        words=page.words,
        theme=page.theme,
    )


def _grid(panel: Panel, one: Series) -> str:
    if not panel.yes_no:
        return frame.draw_grid(one.y, one.plot, one.theme, one.words)
    return line((one.plot.left, one.plot.bottom), (one.plot.right, one.plot.bottom), one.theme.axis)


def _values(panel: Panel, one: Series) -> str:
    if panel.yes_no and one.points:
        return _yes_no(one)
    last = series.draw_last_value(one) if one.points else frame.notice(one.words.say.no_values, one.plot, one.theme)
    return series.draw_bands(one) + series.draw_baseline(one) + series.draw_values(one) + last


def _yes_no(one: Series) -> str:
    """A bar for each bucket with a yes, a stub for each without; nothing where nothing was reported."""
    half = min(max(one.spacing * 0.4, 0.6), _BARS) / 2
    parts: list[str] = []
    for point in one.points:
        x, bottom = one.x(point.at.timestamp()), one.plot.bottom
        left, right = max(x - half, one.plot.left), min(x + half, one.plot.right)
        high = one.plot.height if is_yes(point) else _STUB
        kind = "yes" if is_yes(point) else "no"
        parts.append(rectangle((left, bottom - high), (right, bottom), fill=one.theme.value, class_=kind))
    return "".join(parts)


def _name(page: _Page, panel: Panel, one: Series) -> str:
    """The name of a measure above its plot, and as much of what its scale means as there is room for."""
    words, theme = page.words, page.theme
    y, room = one.plot.top - 9, page.picture.width - 2 * PAD
    name = shorten(panel.measure.name, SMALL, room, bold=True)
    drawn = text(name, (PAD, y), fill=theme.ink, size=SMALL, bold=True, halo=theme.background)
    at = PAD + width_of(name, SMALL, bold=True) + 8
    if panel.yes_no:
        return drawn
    for about in (", ".join(spoken.about(panel.measure, words)), words.say.directions[panel.measure.higher_is]):
        if about and at + width_of(about, SMALL) <= page.picture.width - PAD:
            return drawn + text(about, (at, y), fill=theme.muted, size=SMALL, halo=theme.background)
    return drawn


def _nothing(page: _Page) -> str:
    plot = Box(page.edges[0], page.top, page.edges[1], page.below_panels)
    return frame.notice(page.words.say.no_values, plot, page.theme)


def _title(page: _Page, name: str, details: Sequence[str], y: float) -> str:
    theme = page.theme
    drawn = text(name, (PAD, y), fill=theme.ink, size=SMALL, bold=True, halo=theme.background)
    at = PAD + width_of(name, SMALL, bold=True) + 8
    room = page.picture.width - PAD - at
    about = next(iter(wrap(details, SMALL, room, " · ")), "") if room > 0 else ""
    return drawn + (text(about, (at, y), fill=theme.muted, size=SMALL, halo=theme.background) if about else "")


def by_week(days: Sequence[Kept]) -> list[Kept]:
    """What became of check-ins week by week, each under its Monday."""
    weeks: dict[int, list[Kept]] = {}
    for day in days:
        weeks.setdefault(day.day.toordinal() - day.day.weekday(), []).append(day)
    return [
        Kept(
            of[0].day - timedelta(days=of[0].day.weekday()),
            sum(day.completed for day in of),
            sum(day.late for day in of),
            sum(day.missed for day in of),
        )
        for _, of in sorted(weeks.items())
    ]


def _held(page: _Page) -> list[Kept]:
    first, last = page.period.first_day, page.period.last_day
    return sorted((day for day in page.picture.kept if first <= day.day <= last and day.due), key=lambda day: day.day)


def _weeks(page: _Page) -> str:
    """A box for each week that fills up with what was answered in time, on a scale to all that were asked for."""
    say, words, theme, strip = page.say, page.words, page.theme, page.weeks
    days = _held(page)
    details = tally(days, say, words) or [say.none_in_period]
    parts = [_title(page, say.check_ins_short, [*details, say.by_week], strip.top - 9)]
    for share, y in ((0, strip.bottom), (100, strip.top)):
        parts.append(line((strip.left, y), (strip.right, y), theme.grid if share else theme.axis))
        parts.append(text(words.number(share), (strip.left - 8, y + 4), fill=theme.muted, anchor="end"))
    for week in by_week(days):
        ends = (page.period.instant(day) for day in (week.day, week.day + timedelta(days=7)))
        left, right = (page.x(end) for end in ends)
        if right - left > 1:
            gap = min(1.5, (right - left) / 4)
            box = Box(left + gap, strip.top, right - gap, strip.bottom)
            tip = f"{words.day(week.day)}: {', '.join(tally([week], say, words))}"
            counts = week.completed, week.late, week.missed
            parts.append(kept.draw_kept(box, counts, theme, tip, crossed=False))
    return "".join(parts)


def _therapy(page: _Page) -> str:
    known = [one for one, _, _ in page.visits.visits if one.attended is not None]
    attended = sum(one.attended is True for one in known)
    details = [page.say.attended.format(attended, len(known))] if known else []
    title = _title(page, page.say.appointments, details, page.therapy_top - 8)
    return title + draw_visits(page.visits, page.therapy_top, page.theme)


def _legend(page: _Page, drawn: Sequence[Series]) -> list[Entry]:
    words, theme, picture = page.words, page.theme, page.picture
    found = legend_entries(page.lane, picture.doses, page.period, theme, words) if drawn or page.lane.marks else []
    if any(one.baseline is not None for one in drawn):
        found.append(Entry(page.say.baseline, lambda at: glyphs.dashes(at, theme.ink, BASELINE_DASH)))
    if any(series.gap_spans(one.gaps, one.x) for one in drawn):
        found.append(Entry(words.say.gap, lambda at: glyphs.strokes(at, theme.hatch, class_="gap")))
    asked = list(zip(picture.panels, drawn, strict=True))
    if any(point.low is not None for panel, one in asked for point in one.points if not panel.yes_no):
        found.append(Entry(words.say.spread, lambda at: glyphs.patch(at, theme.band)))
    yes_no = [point for panel, one in asked if panel.yes_no for point in one.points]
    if any(is_yes(point) for point in yes_no):
        found.append(Entry(page.say.yes, lambda at: _bar(at, _SYMBOL, theme), 4))
    if not all(is_yes(point) for point in yes_no):
        found.append(Entry(page.say.no, lambda at: _bar(at, _STUB, theme), 4))
    if picture.kept:
        found.append(kept.entry(page.say.in_time, (1, 0, 0), theme))
        if any(day.late for day in _held(page)):
            found.append(kept.entry(page.say.answered_late, (0, 1, 0), theme))
        if any(day.missed for day in _held(page)):
            found.append(kept.entry(page.say.not_answered, (0, 0, 1), theme, crossed=False))
    return found + visit_entries(page.visits, theme, words)


def _bar(at: XY, high: float, theme: Theme) -> str:
    bottom = at[1] + _SYMBOL / 2
    return rectangle((at[0] - 1.5, bottom - high), (at[0] + 1.5, bottom), fill=theme.value)


def _notes(picture: CoursePicture, say: CourseLanguage, words: Words) -> list[str]:
    return [say.left_out.format(words.listed(picture.left_out))] if picture.left_out else []
