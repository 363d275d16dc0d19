"""Trends as pictures: what was read, in the terms of `app.charts`."""

from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.charts import pictures
from app.charts.course_pictures import AdherencePicture, CoursePicture, Kept, Panel
from app.charts.pictures import DoseAlignedPicture, Size, TrendPicture
from app.identity.access import ClinicView
from app.instruments.definitions import Measure
from app.trends.asked import Bucket, Look
from app.trends.buckets import LocalHour, bounds, instant
from app.trends.calendar_days import DueDays
from app.trends.chart_asked import PageQuery
from app.trends.course_overview import CourseReading, OfMeasure
from app.trends.days import LocalDay
from app.trends.pooled import Pooled
from app.trends.relief import HOUR_IN_MINUTES, Curve, whole_minutes
from app.trends.service import AlignedReading, Raw, Reading

YES_NO: Final = "yes_no"
ATTENDED: Final = frozenset({"attended", "late", "left_early"})
NAMED: Final = frozenset({"baseline", "change", "slope"})
"""Statistics that a picture names when they are missing; the others go with them."""


def trend(reading: Reading, clinic: ClinicView, look: Look) -> TrendPicture:
    """Draw a trend by the calendar."""
    asked = reading.asked
    start, end = asked.span
    return TrendPicture(
        measure=_measure(asked.measure, reading.substance),
        zone=asked.zone,
        start=start,
        end=end,
        points=_points(reading),
        bucket=reading.bucket,
        gaps=tuple(pictures.Gap(*bounds(gap.first_day, gap.last_day, asked.zone)) for gap in reading.gaps),
        doses=tuple(_dose(row.at, row.dose_mg, reading.therapy_within) for row in reading.markers if row.dose_given),
        appointments=tuple(_appointment(row) for row in reading.markers if row.kind == "appointment"),
        baseline=reading.baseline.value,
        insufficient=tuple(one.statistic for one in reading.missing if one.statistic in NAMED),
        locale=clinic.locale,
        theme=look.theme,
        size=Size(look.width, look.height),
    )


def dose_aligned(reading: AlignedReading, clinic: ClinicView, look: Look) -> DoseAlignedPicture:
    """Draw a trend by the time since each dose."""
    asked, protocol, summary = reading.asked, reading.protocol, reading.summary
    longest_before = max((curve.baseline_minutes for curve in reading.curves), default=0)
    return DoseAlignedPicture(
        measure=_measure(asked.measure, reading.substance),
        zone=asked.zone,
        before_minutes=longest_before or protocol.dose_baseline_hours * HOUR_IN_MINUTES,
        after_minutes=protocol.horizon_days * 24 * HOUR_IN_MINUTES,
        gap_minutes=protocol.gap_break_hours * HOUR_IN_MINUTES,
        curves=tuple(_curve(dose, curve, reading) for dose, curve in zip(reading.doses, reading.curves, strict=True)),
        pooled=_pooled(reading.pooled),
        relief=pictures.Relief(summary.median_relief_minutes, summary.n, summary.n_censored, summary.n_without_onset),
        insufficient=("baseline",) if any(not curve.baseline.sufficient for curve in reading.curves) else (),
        locale=clinic.locale,
        theme=look.theme,
        size=Size(look.width, look.height),
    )


def name_of(measure: Measure, substance: str | None) -> str:
    """The name of a measure, with what it is about."""
    return f"{measure.title}, {substance.replace('_', ' ')}" if substance else measure.title


def _measure(measure: Measure, substance: str | None) -> pictures.Measure:
    unit = "" if measure.unit == YES_NO else measure.unit
    return pictures.Measure(name_of(measure, substance), unit, measure.minimum, measure.maximum, measure.higher_is)


def _points(reading: Reading) -> tuple[pictures.Point, ...]:
    points = reading.points
    if isinstance(points, Raw):
        return tuple(map(pictures.Point, map(instant, points.times), points.values))
    return tuple(_bucket(point, reading) for point in points)


def _bucket(point: LocalHour | LocalDay, reading: Reading) -> pictures.Point:
    """Place a bucket in its middle."""
    if isinstance(point, LocalHour):
        return pictures.Point(instant(point.at) + timedelta(minutes=30), point.mean, point.lowest, point.highest)
    asked = reading.asked
    return _days(point, reading.bucket, asked.first_day, asked.last_day, asked.zone)


def _days(point: LocalDay, bucket: Bucket, first: date, last: date, zone: ZoneInfo) -> pictures.Point:
    """Place a day or a week in its middle, as far as it lies in the period."""
    until = point.day + timedelta(days=6) if bucket == "week" else point.day
    start, end = bounds(max(point.day, first), min(until, last), zone)
    return pictures.Point(start + (end - start) / 2, point.mean, point.lowest, point.highest)


def _dose(at: int, amount: float | None, therapy_within: timedelta) -> pictures.Dose:
    """The plot is shaded for the time in which therapy is meant to make use of the dose."""
    start = instant(at)
    return pictures.Dose(start, amount, shade_until=start + therapy_within)


def _appointment(row: Any) -> pictures.Appointment:  # noqa: ANN401  a row
    missed = row.status == "noshow" or (row.attendance is not None and row.attendance not in ATTENDED)
    attended = False if missed else None if row.attendance is None else True
    return pictures.Appointment(instant(row.at), row.appointment_kind, attended=attended)


def _curve(dose: Any, curve: Curve, reading: AlignedReading) -> pictures.DoseCurve:  # noqa: ANN401  a row
    at, relief, series = curve.spacing.dose_at, curve.relief, reading.series
    beside = reading.extras[dose.id]
    return pictures.DoseCurve(
        dose=pictures.Dose(instant(at), dose.dose_mg),
        points=tuple(
            pictures.AlignedPoint(whole_minutes(series.times[index] - at), series.values[index])
            for index in range(curve.first, curve.last)
        ),
        baseline=curve.baseline.value,
        relief_at=curve.relief_at if curve.reachable else None,
        onset_minutes=relief.onset_minutes if relief else None,
        return_minutes=relief.return_minutes if relief else None,
        censored_minutes=relief.until_minutes if relief and relief.censored else None,
        readings=tuple(pictures.AlignedPoint(one.minutes_from_dose, one.dissociation) for one in beside.readings),
        therapies=tuple(
            pictures.AlignedAppointment(
                one.minutes_from_dose,
                pictures.Appointment(
                    instant(at) + timedelta(minutes=one.minutes_from_dose), one.kind, attended=one.attended
                ),
            )
            for one in beside.therapies
        ),
    )


def _pooled(pooled: Pooled) -> pictures.Pooled:
    found = tuple(
        pictures.PooledStretch(
            one.from_minutes,
            one.until_minutes,
            one.n,
            one.n_followed,
            one.median,
            one.lower_quartile,
            one.upper_quartile,
        )
        for one in pooled.stretches
    )
    return pictures.Pooled(found, pooled.n_sessions, pooled.baseline, pooled.min_sessions)


def adherence(found: DueDays, clinic: ClinicView, query: PageQuery) -> AdherencePicture:
    """Draw what became of check-ins day by day."""
    return AdherencePicture(
        first_day=found.days.first,
        last_day=found.days.last,
        kept=_kept(found),
        doses=tuple(found.doses),
        locale=clinic.locale,
        theme=query.theme,
        width=query.width,
    )


def course(reading: CourseReading, clinic: ClinicView, query: PageQuery) -> CoursePicture:
    """Draw a course on one page."""
    first, last, _, zone = reading.days
    start, end = bounds(first, last, zone)
    return CoursePicture(
        zone=zone,
        start=start,
        end=end,
        panels=tuple(_panel(one, reading) for one in reading.measures),
        bucket=reading.bucket,
        doses=tuple(_dose(row.at, row.dose_mg, reading.therapy_within) for row in reading.markers if row.dose_given),
        appointments=tuple(_appointment(row) for row in reading.markers if row.kind == "appointment"),
        kept=_kept(reading.kept),
        left_out=tuple(name_of(measure, substance) for measure, substance in reading.left_out),
        locale=clinic.locale,
        theme=query.theme,
        width=query.width,
    )


def _panel(one: OfMeasure, reading: CourseReading) -> Panel:
    days = reading.days
    return Panel(
        measure=_measure(one.measure, one.substance),
        points=tuple(_days(point, reading.bucket, days.first, days.last, days.place) for point in one.points),
        gaps=tuple(pictures.Gap(*bounds(gap.first_day, gap.last_day, days.place)) for gap in one.gaps),
        baseline=one.baseline.value,
        yes_no=one.measure.unit == YES_NO,
    )


def _kept(found: DueDays) -> tuple[Kept, ...]:
    return tuple(Kept(day, of.completed, of.late, of.missed) for day, of in found.counts.items())
