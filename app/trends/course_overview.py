"""The course of one patient on one page: their main measures, doses, check-ins and appointments over one period.

Three statements, however many measures: which series there are, the series with what stands on their axis, and what
became of check-ins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.core.db import Database
from app.identity.access import PatientAccess
from app.instruments.catalogue import definition
from app.instruments.definitions import Measure
from app.instruments.measures import MEASURES
from app.integration.rules import longest
from app.trends import calendar_days, comparison_queries, days, rules
from app.trends.asked import Asked, Bucket, Days
from app.trends.buckets import by_week
from app.trends.calendar_days import DueDays
from app.trends.days import Gap, LocalDay
from app.trends.queries import IN_DAYS, OBSERVATIONS, SPAN, Period, Whose, of_patient
from app.trends.rules import DAY, Baseline

MAIN: Final = (
    "craving", "craving_vas", "mood", "used", "withdrawal", "phq9_total", "gad7_total", "who5_total", "pacs_total",
    "cows_total", "ciwa_ar_total", "sows_total", "phq2_total", "bam_use", "bam_risk", "bam_protective",
    "audit_c_total", "affect_valence", "ctn_withdrawal",
)  # fmt: skip
"""The measures of a course, those first that a page shows first. Readings of a session are not among them."""
USUAL_PANELS: Final = 6
MOST_DAYS_BY_DAY: Final = 184
"""Of a longer period the means of weeks are drawn: days would be narrower than a pixel on a phone."""

_SERIES = (
    sa.select(OBSERVATIONS.measure, OBSERVATIONS.substance)
    .where(
        *of_patient(OBSERVATIONS), OBSERVATIONS.measure.in_(sa.bindparam("measures", expanding=True)), *SPAN, IN_DAYS
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class OfMeasure:
    """One measure of the course."""

    measure: Measure
    substance: str
    points: Sequence[LocalDay]
    """Days, or weeks by their Mondays."""
    gaps: Sequence[Gap]
    baseline: Baseline


@dataclass(frozen=True, slots=True)
class CourseReading:
    """A course before it is drawn."""

    days: Days
    bucket: Bucket
    measures: Sequence[OfMeasure]
    left_out: Sequence[tuple[Measure, str]]
    """Measures that have values in the period, and their substance, but no place on the page."""
    markers: Sequence[Any]
    therapy_within: timedelta
    """How long after a dose therapy is meant to make use of it."""
    kept: DueDays


async def read(db: Database, access: PatientAccess, wanted: Days, named: Sequence[str], most: int) -> CourseReading:
    """Read a course: of the measures named, or of the main ones, as many series as have a place on the page."""
    protocol, asked = access.protocol.trends, Asked(MEASURES[MAIN[0]], None, *wanted)
    period = Period(wanted.first, wanted.last, *asked.span, longest(access.protocol.integration))
    found = await _series(db, access, period, list(dict.fromkeys(named)) or MAIN, are_named=bool(named))
    every = [Whose(access.patient, key, substance) for key, substance in found[:most]]
    asked_for = every or [Whose(access.patient, MAIN[0])]  # the axis is read with the series, also where there is none
    axis, read_days = await comparison_queries.several(db, asked_for, period, protocol.baseline_days * DAY)
    window = None if axis.first_dose is None else rules.first_dose_window(axis.first_dose, protocol)
    bucket: Bucket = "day" if (wanted.last - wanted.first).days < MOST_DAYS_BY_DAY else "week"
    measures = []
    for whose, of_measure in zip(every, read_days, strict=bool(every)):
        measure = MEASURES[whose.measure]
        interval = definition(measure.instrument).recommended_interval_days
        gaps = days.gaps(
            [day.day for day in of_measure.days],
            until=replace(asked, measure=measure).last_full_day,
            shortest=rules.shortest_gap(interval, protocol),
        )
        measures.append(
            OfMeasure(
                measure,
                whose.substance,
                by_week(of_measure.days) if bucket == "week" else of_measure.days,
                days.whole_weeks(gaps) if bucket == "week" else gaps,
                rules.first_dose_baseline(window, of_measure.before, protocol),
            )
        )
    return CourseReading(
        days=wanted,
        bucket=bucket,
        measures=measures,
        left_out=[(MEASURES[key], substance) for key, substance in found[most:]],
        markers=axis.markers,
        therapy_within=timedelta(hours=access.protocol.integration.therapy_within_hours),
        kept=await calendar_days.read(db, access, wanted),
    )


async def _series(
    db: Database, access: PatientAccess, period: Period, measures: Sequence[str], *, are_named: bool
) -> list[tuple[str, str]]:
    """The series with values in the period, in the order of their measures; one that was named is there without any."""
    whose = {"clinic_id": access.patient.clinic_id, "patient_id": access.patient.id, "measures": list(measures)}
    found: dict[str, list[str]] = {key: [] for key in measures}
    for row in (await db.read(_SERIES, whose | period.parameters)).all():
        found[row.measure].append(row.substance)
    nothing = [""] if are_named else []
    return [(key, substance) for key, substances in found.items() for substance in sorted(substances) or nothing]
