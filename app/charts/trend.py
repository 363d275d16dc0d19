"""The calendar-aligned chart: a measure over days, with doses, appointments, gaps and the baseline."""

from collections.abc import Sequence

from app.charts import frame, glyphs, series, spoken
from app.charts.calendar import Period, draw_dates
from app.charts.doses import DoseLane, dose_lane, draw_doses, draw_windows, legend_entries
from app.charts.frame import PAD, Entry
from app.charts.labels import Box
from app.charts.pictures import Point, TrendPicture
from app.charts.series import BASELINE_DASH, Series, gap_spans, is_named
from app.charts.svg import Linear
from app.charts.theme import THEMES
from app.charts.visits import VisitLane, draw_visits, visit_entries, visit_lane
from app.charts.words import Words, words_for


def trend_chart(picture: TrendPicture) -> str:
    """Draw one measure over the days of a period; returns an SVG document.

    The y axis spans the whole scale, the line breaks at every gap, single values stand as dots, buckets show their
    smallest and largest value as a band, and nothing is drawn where nothing was reported.
    """
    words, theme = words_for(picture.locale), THEMES[picture.theme]
    period = Period(picture.start, picture.end, picture.zone)
    points = tuple(sorted((p for p in picture.points if period.holds(p.at.timestamp())), key=lambda point: point.at))
    top, y = frame.heading(picture.measure.name, _details(picture, period, words), picture.size, theme)
    ends = frame.span(picture.measure, [v for p in points for v in (p.value, p.low, p.high) if v is not None])
    left, right = (
        frame.axis_room(picture.measure, ends, words),
        picture.size.width - series.room_for_last(points, words, PAD),
    )
    x = Linear((picture.start.timestamp(), picture.end.timestamp()), (left, right))
    doses, visits = dose_lane(picture.doses, period, x, words), visit_lane(picture.appointments, period, x, words)
    foot = visits.height + frame.DATES
    room = picture.size.height - y - doses.height - foot - frame.LEAST_PLOT - 8
    legend = _legend(picture, points, doses, visits, x)
    found = frame.below(legend, _notes(picture, words), picture.size, room)
    foot_top = picture.size.height - 8 - found.height
    plot = Box(left, y + doses.height, right, foot_top - foot)
    y_scale = Linear(ends, (plot.bottom, plot.top))
    drawn = Series(
        points,
        picture.gaps,
        picture.baseline,
        picture.bucket,
        period,
        plot,
        x,
        y_scale,
        picture.size.width - 2,
        words,
        theme,
    )
    parts = [
        top,
        draw_windows(picture.doses, period, x, plot, theme),
        series.draw_gaps(drawn),
        frame.draw_scale(picture.measure, y_scale, plot, theme, words),
        series.name_gaps(drawn),
        draw_dates(period, x, plot, visits.height, words, theme, picture.size),
        series.draw_bands(drawn),
        draw_doses(doses, plot, theme),
        series.draw_baseline(drawn),
        series.draw_values(drawn),
        series.draw_last_value(drawn) if points else frame.notice(words.say.no_values, plot, theme),
        draw_visits(visits, plot.bottom, theme),
        frame.draw_below(found, foot_top, picture.size, theme),
    ]
    summary = spoken.trend(picture, period, points, words)
    return frame.document(picture.size, theme, picture.measure.name, summary, language=words.say.tag, parts=parts)


def _details(picture: TrendPicture, period: Period, words: Words) -> list[str]:
    days = words.period(period.first_day, period.last_day)
    return [days, words.say.buckets[picture.bucket], ", ".join(spoken.about(picture.measure, words))]


def _notes(picture: TrendPicture, words: Words) -> list[str]:
    lacking = words.say.insufficient.format(words.names(picture.insufficient)) if picture.insufficient else ""
    return [note for note in (lacking, picture.caption) if note]


def _legend(
    picture: TrendPicture, points: Sequence[Point], doses: DoseLane, visits: VisitLane, x: Linear
) -> list[Entry]:
    words, theme = words_for(picture.locale), THEMES[picture.theme]
    period = Period(picture.start, picture.end, picture.zone)
    found = legend_entries(doses, picture.doses, period, theme, words)
    if picture.baseline is not None:
        label = words.say.baseline.format(words.number(picture.baseline))
        found.append(Entry(label, lambda at: glyphs.dashes(at, theme.ink, BASELINE_DASH)))
    found += visit_entries(visits, theme, words)
    spans = gap_spans(picture.gaps, x)
    if spans and not (points and any(is_named(span, words) for span in spans)):
        found.append(Entry(words.say.gap, lambda at: glyphs.strokes(at, theme.hatch, class_="gap")))
    if any(point.low is not None for point in points):
        found.append(Entry(words.say.spread, lambda at: glyphs.patch(at, theme.band)))
    return found
