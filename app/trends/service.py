"""Reading trends: what the database holds, judged by the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

from app.core.db import Database
from app.core.errors import FieldError
from app.identity.access import PatientAccess
from app.instruments.catalogue import definition
from app.integration.rules import Count, longest
from app.protocols.rules import Trends
from app.trends import (
    abstinence,
    aligned_extras,
    attendance,
    courses,
    days,
    pooled,
    queries,
    relief,
    rules,
    smoothing,
)
from app.trends.abstinence import Abstinence, FirstUse, TimeTo
from app.trends.aligned_extras import Extras
from app.trends.asked import Asked, Bucket
from app.trends.buckets import LocalHour, by_day, by_hour, by_week, instant, microseconds, start_of
from app.trends.criteria import CASENESS, CaseScore, Criterion, Recovery, criteria_of
from app.trends.days import Gap, Latest, LocalDay
from app.trends.downsampling import lttb
from app.trends.errors import SubstanceRequired
from app.trends.pooled import Pooled
from app.trends.queries import Axis, Period, Whose
from app.trends.relief import Curve, Series, Summary
from app.trends.rules import DAY, HOUR, Baseline, Change, Course, Scale, Shortfall, Window
from app.trends.smoothing import Method, Smoothed
from app.trends.therapy import AfterDoses, after_doses

USE: Final = "used"


@dataclass(frozen=True, slots=True)
class Raw:
    """Each value: instants in microseconds since 1970, the same as text, and values."""

    times: Sequence[int]
    written: Sequence[str]
    values: Sequence[float]


Points = Raw | Sequence[LocalHour] | Sequence[LocalDay]
"""Values, or hours, or days; a week is named by its Monday."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A trend before it is written as JSON or drawn."""

    asked: Asked
    bucket: Bucket
    substance: str | None
    protocol_version: int
    points: Points
    n: int
    days: Sequence[LocalDay]
    gaps: Sequence[Gap]
    baseline: Baseline
    latest: Latest
    change: Change
    criteria: Sequence[Criterion]
    course: Course
    markers: Sequence[Any]
    therapy: AfterDoses
    """Of each marker of a dose, which therapy followed."""
    therapy_within: timedelta
    """How long after a dose therapy is meant to make use of it."""
    due: Mapping[str, int]
    """What became of the check-ins that asked for the measure, by `queries.OUTCOMES`."""
    sessions: Count
    """How many dosing sessions were booked, and to how many the patient came."""
    appointments: Count
    abstinence: Abstinence | None
    first_use: FirstUse | None
    missing: Sequence[Shortfall]
    smoothed: Smoothed | None = None
    times_to: Sequence[TimeTo] | None = None
    """Of the use diary, days to the first use and to the first heavy day; None where nobody looked for them."""
    recovery: Recovery | None = None
    """Of the two measures that recovery is defined by."""


@dataclass(frozen=True, slots=True)
class AlignedReading:
    """A dose-aligned trend before it is written as JSON or drawn."""

    asked: Asked
    substance: str | None
    protocol: Trends
    protocol_version: int
    series: Series
    doses: Sequence[Any]
    """Rows of the doses in the period."""
    curves: Sequence[Curve]
    summary: Summary
    pooled: Pooled
    extras: Mapping[UUID, Extras]
    """What stands beside the values of each dose, by the id of its session."""


async def trend(
    db: Database, access: PatientAccess, asked: Asked, bucket: Bucket, points: int, smooth: Method | None = None
) -> Reading:
    """Read one measure by the calendar. Raises `SubstanceRequired`."""
    whose = await whose_is(db, access, asked)
    period, protocol = period_of(access, asked), access.protocol.trends
    if bucket in {"raw", "hour"}:
        axis = await queries.axis(db, whose, period)
        shown, local_days, before = await _one_by_one(db, whose, period, _window(axis, protocol), bucket)
    else:
        axis, local_days, before = await queries.by_day(db, whose, period, protocol.baseline_days * DAY)
        shown = by_week(local_days) if bucket == "week" else local_days
    reading = judged(access, asked, bucket, whose.substance, axis, Found(shown, local_days, before, axis.asked))
    if isinstance(shown, Raw):
        reading = replace(reading, points=_thinned(shown, points))
    if smooth is not None:
        line = smoothing.smooth(local_days, smooth, shortest_gap(asked, protocol), protocol)
        reading = replace(reading, smoothed=line)
    if asked.measure.key == USE:
        return replace(reading, times_to=await courses.times_to(db, access, whose, asked, axis.first_dose))
    if asked.measure.key in CASENESS:
        score = CaseScore(asked.measure, reading.baseline.value, reading.latest.mean)
        return replace(reading, recovery=await courses.recovery(db, whose, period, asked, protocol, score))
    return reading


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of one measure."""

    shown: Points
    days: list[LocalDay]
    before: Sequence[float]
    """Values before the first dose."""
    asked: Mapping[str, int]


def judged(access: PatientAccess, asked: Asked, bucket: Bucket, substance: str, axis: Axis, found: Found) -> Reading:
    """Judge what was read of one measure."""
    protocol, scale, figures = access.protocol.trends, Scale.of(asked.measure), access.protocol.integration
    local_days = found.days
    baseline = rules.first_dose_baseline(_window(axis, protocol), found.before, protocol)
    dose_day = None if axis.first_dose is None else instant(axis.first_dose).astimezone(asked.zone).date()
    latest = days.latest_after(dose_day, local_days, protocol.latest_days)
    course = rules.course(local_days, baseline.value, scale, protocol)
    change = rules.change_from(baseline.value, latest, asked.measure, protocol)
    is_use = asked.measure.key == USE
    today, end = microseconds(start_of(asked.today, asked.zone)), microseconds(asked.span[1])
    return Reading(
        asked=asked,
        bucket=bucket,
        substance=substance or None,
        protocol_version=access.clinic.protocol_version,
        points=found.shown,
        n=sum(day.n for day in local_days),
        days=local_days,
        gaps=_gaps(asked, local_days, bucket, protocol),
        baseline=baseline,
        latest=latest,
        change=change,
        criteria=criteria_of(asked.measure, baseline.value, latest.mean, change.percent),
        course=course,
        markers=axis.markers,
        therapy=after_doses(axis.markers, axis.visits, figures),
        therapy_within=timedelta(hours=figures.therapy_within_hours),
        due=found.asked,
        sessions=attendance.sessions(axis.sessions, today_starts=today),
        appointments=attendance.appointments(axis.visits, until=end, today_starts=today),
        abstinence=abstinence.abstinence(local_days, asked.days_begun) if is_use else None,
        first_use=abstinence.first_use_after(dose_day, local_days) if is_use and dose_day else None,
        missing=rules.shortfalls(
            {
                "baseline": (protocol.baseline_min_values, baseline.n),
                "change": (1, latest.n),
                "slope": (protocol.slope_min, course.n),
                "slope_interval": (protocol.kendall_min, course.n),
                "trend": (protocol.kendall_min, course.n),
            }
        ),
    )


def period_of(access: PatientAccess, asked: Asked) -> Period:
    """The period in the terms of the statements."""
    return Period(asked.first_day, asked.last_day, *asked.span, longest(access.protocol.integration))


async def dose_aligned(db: Database, access: PatientAccess, asked: Asked) -> AlignedReading:
    """Read one measure by the time since each dose of the period. Raises `SubstanceRequired`."""
    whose = await whose_is(db, access, asked)
    start, end = asked.span
    figures = access.protocol.integration
    rows = await aligned_extras.read(db, access.patient, asked, figures)
    every = aligned_extras.doses_of(rows)
    chosen = [dose for dose in every if microseconds(start) <= dose.at < microseconds(end)]
    protocol = access.protocol.trends
    series = await _around(db, whose, asked, chosen, protocol)
    curves = relief.curves_of(
        series,
        [dose.at for dose in chosen],
        Scale.of(asked.measure),
        protocol,
        every_dose=[dose.at for dose in every],
    )
    return AlignedReading(
        asked=asked,
        substance=whose.substance or None,
        protocol=protocol,
        protocol_version=access.clinic.protocol_version,
        series=series,
        doses=chosen,
        curves=curves,
        summary=relief.summary_of(curves),
        pooled=pooled.pooled_of(series, curves, protocol),
        extras=aligned_extras.extras_of(rows, chosen, every, figures),
    )


async def whose_is(db: Database, access: PatientAccess, asked: Asked) -> Whose:
    """Settle which substance is meant. Raises `SubstanceRequired`."""
    whose = Whose(access.patient, asked.measure.key, asked.substance or "")
    if not asked.measure.per_substance or asked.substance is not None:
        return whose
    only = await queries.only_substance(db, whose)
    return await several_substances(db, whose) if only is None else replace(whose, substance=only)


async def several_substances(db: Database, whose: Whose) -> NoReturn:
    """Refuse to choose among the substances that the patient reports a measure about."""
    reported = list(await queries.substances(db, whose))
    detail = "The patient reports this measure about several substances."
    raise SubstanceRequired(
        errors=[FieldError("/query/substance", SubstanceRequired.code, detail, {"substances": reported})]
    )


def _window(axis: Axis, protocol: Trends) -> Window | None:
    return None if axis.first_dose is None else rules.first_dose_window(axis.first_dose, protocol)


async def _one_by_one(
    db: Database, whose: Whose, period: Period, window: Window | None, bucket: Bucket
) -> tuple[Points, list[LocalDay], list[float]]:
    """Read each value of a period: the points, the local days for the statistics, the values before the first dose."""
    rows = await queries.raw(db, whose, period, with_offset=bucket == "hour")
    points: Points
    if bucket == "hour":
        points = by_hour((at, offset, value) for _, value, at, _, offset in rows)
    else:
        points = Raw([row[2] for row in rows], [row[3] for row in rows], [row[1] for row in rows])
    before: list[float] = []
    if window is not None and period.holds(*window):
        before = [row[1] for row in rows if window[0] <= row[2] < window[1]]
    elif window is not None:
        before = [value for _, value in await queries.values(db, whose, *window)]
    return points, by_day(rows), before


def _thinned(points: Raw, most: int) -> Raw:
    if len(points.times) <= most:
        return points
    kept = lttb(points.times, points.values, most)
    return Raw(
        times=[points.times[index] for index in kept],
        written=[points.written[index] for index in kept],
        values=[points.values[index] for index in kept],
    )


def shortest_gap(asked: Asked, protocol: Trends) -> int:
    """Days without a value that break the line of a measure."""
    return rules.shortest_gap(definition(asked.measure.instrument).recommended_interval_days, protocol)


def _gaps(asked: Asked, local_days: Sequence[LocalDay], bucket: Bucket, protocol: Trends) -> list[Gap]:
    shortest = shortest_gap(asked, protocol)
    found = days.gaps([day.day for day in local_days], until=asked.last_full_day, shortest=shortest)
    return days.whole_weeks(found) if bucket == "week" else found


async def _around(db: Database, whose: Whose, asked: Asked, chosen: Sequence[Any], protocol: Trends) -> Series:
    """Read every value that the curves of these doses may need."""
    until = microseconds(start_of(asked.today, asked.zone))
    if not chosen:
        return Series([], [], until)
    before = max(protocol.dose_baseline_wide_days * DAY, protocol.dose_baseline_hours * HOUR)
    after = protocol.horizon_days * DAY
    rows = await queries.values(db, whose, chosen[0].at - before, chosen[-1].at + after + 1)
    return Series([at for at, _ in rows], [value for _, value in rows], until)
