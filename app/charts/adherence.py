"""The calendar of check-ins: a box for each day, weeks side by side from Monday to Sunday, and the days of doses.

A day fills up with what was answered. A day on which nothing was asked for is a dot, and days outside of the period are
left blank: neither is a missed day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import floor

from app.charts import frame, kept
from app.charts.course_pictures import AdherencePicture, Kept
from app.charts.course_words import CourseLanguage, course_words_for, tally
from app.charts.frame import PAD, SMALL, Entry
from app.charts.labels import Box, first_free
from app.charts.pictures import LEAST_HEIGHT, Size
from app.charts.spoken import sentence
from app.charts.svg import XY, element, escape, text, triangle, width_of
from app.charts.theme import THEMES, Theme
from app.charts.words import Words

_WEEK = 7
_NAMED_DAYS = (0, 2, 4, 6)
_WIDEST, _NARROWEST = 30.0, 18.0
_BETWEEN = 3
_MONTHS = 20
_AIR = 10


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the days stand: so many weeks side by side in a block, the blocks one below the other."""

    monday: date
    weeks: int
    per_block: int
    cell: float
    left: float
    top: float

    @property
    def block_height(self) -> float:
        return _MONTHS + _WEEK * self.cell + _AIR

    @property
    def height(self) -> float:
        """Of all blocks."""
        return -(-self.weeks // self.per_block) * self.block_height

    def corner(self, day: date) -> XY:
        """The upper left corner of a day."""
        week, row = divmod((day - self.monday).days, _WEEK)
        block, column = divmod(week, self.per_block)
        return (
            self.left + column * self.cell,
            self.top + block * self.block_height + _MONTHS + row * self.cell,
        )

    def box(self, day: date) -> Box:
        """The box of a day."""
        x, y = self.corner(day)
        return Box(x, y, x + self.cell - _BETWEEN, y + self.cell - _BETWEEN)


def adherence_chart(picture: AdherencePicture) -> str:
    """Draw the calendar of check-ins; returns an SVG document, as high as it needs to be."""
    (say, words), theme = course_words_for(picture.locale), THEMES[picture.theme]
    held = [day for day in picture.kept if picture.first_day <= day.day <= picture.last_day and day.due]
    doses = sorted({day for day in picture.doses if picture.first_day <= day <= picture.last_day})
    counts = tally(held, say, words)
    details = [words.period(picture.first_day, picture.last_day), *(counts or [say.none_in_period])]
    wide = Size(picture.width, LEAST_HEIGHT)
    top, y = frame.heading(say.check_ins, details, wide, theme)
    grid = _grid(picture, y + 4, words)
    found = frame.below(_legend(held, say, words, theme, doses=bool(doses)), [], wide, float("inf"))
    foot = grid.top + grid.height
    size = Size(picture.width, max(LEAST_HEIGHT, round(foot + found.height + 12)))
    by_day = {day.day: day for day in held}
    parts = [
        top,
        _names(grid, words, theme),
        _months(picture, grid, words, theme),
        *(_day(day, by_day.get(day), grid, say, words, theme) for day in _days(picture)),
        *(_dose(day, grid, words, theme) for day in doses),
        frame.draw_below(found, foot, size, theme),
    ]
    summary = _spoken(picture, held, doses, counts, say, words)
    return frame.document(size, theme, say.check_ins, summary, language=words.say.tag, parts=parts)


def _days(picture: AdherencePicture) -> list[date]:
    return [
        picture.first_day + timedelta(days=index) for index in range((picture.last_day - picture.first_day).days + 1)
    ]


def _grid(picture: AdherencePicture, top: float, words: Words) -> _Grid:
    monday = picture.first_day - timedelta(days=picture.first_day.weekday())
    weeks = (picture.last_day - monday).days // _WEEK + 1
    left = PAD + max(width_of(words.say.weekdays[row], SMALL) for row in _NAMED_DAYS) + 8
    room = picture.width - left - PAD + _BETWEEN
    per_block = min(weeks, floor(room / _NARROWEST))
    blocks = -(-weeks // per_block)
    per_block = -(-weeks // blocks)  # as many in each, so that the last is not a stub
    return _Grid(monday, weeks, per_block, min(_WIDEST, room / per_block), left, top)


def _names(grid: _Grid, words: Words, theme: Theme) -> str:
    """Every other weekday by name, left of each block."""
    parts: list[str] = []
    for week in range(0, grid.weeks, grid.per_block):
        for row in _NAMED_DAYS:
            box = grid.box(grid.monday + timedelta(days=week * _WEEK + row))
            at = (grid.left - 8, (box.top + box.bottom) / 2 + 4)
            parts.append(text(words.say.weekdays[row], at, fill=theme.muted, size=SMALL, anchor="end"))
    return "".join(parts)


def _months(picture: AdherencePicture, grid: _Grid, words: Words, theme: Theme) -> str:
    """Each month by name above the week in which it begins; the first one where there is room for it as well."""
    firsts = [day for day in _days(picture) if day.day == 1]
    wanted = firsts if picture.first_day.day == 1 else [*firsts, picture.first_day]
    taken: list[Box] = []
    parts: list[str] = []
    page = Box(0, 0, picture.width - 2, grid.top + grid.height)
    for day in wanted:
        label = words.month(day)
        x, y = grid.corner(day - timedelta(days=day.weekday()))
        width = width_of(label, SMALL)
        box = first_free([Box(x, y - 15, x + width + 6, y - 3)], taken, page)
        if box is not None:
            taken.append(box)
            parts.append(text(label, (x, y - 6), fill=theme.muted, size=SMALL))
    return "".join(parts)


def _day(day: date, found: Kept | None, grid: _Grid, say: CourseLanguage, words: Words, theme: Theme) -> str:
    box = grid.box(day)
    if found is None:
        return kept.nothing_due(((box.left + box.right) / 2, (box.top + box.bottom) / 2), theme)
    tip = f"{words.day(day)}: {', '.join(tally([found], say, words))}"
    return kept.draw_kept(box, (found.completed, found.late, found.missed), theme, tip)


def _dose(day: date, grid: _Grid, words: Words, theme: Theme) -> str:
    """A triangle in the upper half of the day, rimmed so that it is seen on a filled one."""
    box = grid.box(day)
    tip = ((box.left + box.right) / 2, box.top + 12)
    title = element("title", escape(f"{words.day(day)}: {words.say.dose}"))
    return triangle(tip, 12, 10, title, fill=theme.dose, stroke=theme.background, stroke_width=1.6, class_="dose")


def _legend(held: Sequence[Kept], say: CourseLanguage, words: Words, theme: Theme, *, doses: bool) -> list[Entry]:
    found: list[Entry] = []
    if any(day.completed == day.due for day in held):
        found.append(kept.entry(say.all_in_time, (1, 0, 0), theme))
    if any(0 < day.completed < day.due for day in held):
        found.append(kept.entry(say.part_in_time, (1, 0, 1), theme))
    if any(day.late for day in held):
        found.append(kept.entry(say.answered_late, (0, 1, 0), theme))
    if any(day.missed == day.due for day in held):
        found.append(kept.entry(say.not_answered, (0, 0, 1), theme))
    found.append(Entry(say.none_asked, lambda at: kept.nothing_due(at, theme), 6))
    if doses:
        found.append(Entry(words.say.dose, lambda at: triangle((at[0], at[1] + 5), 12, 10, fill=theme.dose), 12))
    return found


def _spoken(
    picture: AdherencePicture,
    held: Sequence[Kept],
    doses: Sequence[date],
    counts: Sequence[str],
    say: CourseLanguage,
    words: Words,
) -> str:
    ends = (words.day(day, year=True, long=True) for day in (picture.first_day, picture.last_day))
    sentences = [say.spoken_calendar.format(*ends), sentence(", ".join(counts) or say.none_in_period)]
    missed = [words.day(day.day, long=True) for day in sorted(held, key=lambda day: day.day) if day.missed == day.due]
    if missed:
        sentences.append(say.spoken_worst.format(words.listed(missed)))
    if doses:
        days = words.listed([words.day(day, long=True) for day in doses])
        sentences.append(sentence(f"{words.say.dose}: {days}"))
    return " ".join(sentences)
