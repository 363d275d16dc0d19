"""What came of treatment in a period: response, remission and change by published rules, and how long relief lasted.

Each patient counts once for a measure: the latest 7-day mean of the period against the median before the first dose,
by the rules that the patient's own trend uses. Patients without both are in none of the counts, so that every row of a
measure has the same total.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from app.clinic_view import queries
from app.clinic_view.queries import IMPORTED, Span
from app.clinic_view.rules import Tally
from app.core.db import Database
from app.core.fields import zone
from app.instruments.definitions import Measure
from app.instruments.measures import MEASURES
from app.protocols.rules import Trends
from app.trends import days, relief, rules
from app.trends.buckets import instant, microseconds
from app.trends.days import LocalDay
from app.trends.relief import IN_A_ROW, Curve, Series
from app.trends.rules import Change, ChangeLabel, Scale
from app.trends.statistics import kaplan_meier_median

CRAVING: Final = "craving"
RESPONSE: Final = ("responded", "not_responded", "baseline_too_low")
REMISSION: Final = ("in_remission", "not_in_remission")
CHANGE: Final = tuple(label.value for label in ChangeLabel)
RELIEF: Final = ("ended", "censored", "without_onset", "too_few_values")
MINUTES: Final = 60


async def read(db: Database, span: Span, figures: Trends, smallest: int) -> dict[str, Any]:
    """Judge every patient who was given a dose, and every dose of the period."""
    doses = _by_patient(await queries.doses(db, span))
    return {
        "outcomes": await _outcomes(db, span, doses, figures, smallest),
        "relief": await _relief(db, span, doses, figures, smallest),
    }


def judged() -> list[Measure]:
    """The measures for which somebody published what counts as response, remission or change."""
    return [
        measure
        for measure in MEASURES.values()
        if measure.response_pct or measure.remission_below or points_of(measure) is not None
    ]


def points_of(measure: Measure) -> tuple[str, float, str] | None:
    """The published change that patients are judged by: its name, points and source. Reliable change goes first."""
    change = measure.change
    if change and change.reliable_change_points_gte is not None:
        return "reliable_change", change.reliable_change_points_gte, change.reliable_change_source or ""
    if change and change.mcid_points is not None:
        return "mcid", change.mcid_points, change.mcid_source or ""
    return None


Doses = Mapping[UUID, Sequence[Any]]


def _by_patient(rows: Sequence[Any]) -> Doses:
    return {patient_id: list(doses) for patient_id, doses in groupby(rows, attrgetter("patient_id"))}


async def _outcomes(db: Database, span: Span, doses: Doses, figures: Trends, smallest: int) -> list[dict[str, Any]]:
    measures = {measure.key: measure for measure in judged()}
    before: dict[tuple[UUID, str], list[float]] = defaultdict(list)
    for row in await queries.before_first_doses(db, span, measures, timedelta(days=figures.baseline_days)):
        before[row.patient_id, row.measure].append(row.value)
    changes: dict[str, dict[UUID, Change]] = {key: {} for key in measures}
    rows = await queries.local_days(db, span, measures)
    for (patient_id, key), found in groupby(rows, attrgetter("patient_id", "measure")):
        first = doses[patient_id][0]
        window = rules.first_dose_window(first.at, figures)
        baseline = rules.first_dose_baseline(window, before[patient_id, key], figures)
        dose_day = instant(first.at).astimezone(zone(first.time_zone)).date()
        latest = days.latest_after(dose_day, [LocalDay(*row[2:]) for row in found], figures.latest_days)
        if baseline.value is not None and latest.mean is not None:
            changes[key][patient_id] = rules.change_from(baseline.value, latest, measures[key], figures)
    return [_outcome(measures[key], changes[key], smallest) for key in measures]


def _outcome(measure: Measure, changes: Mapping[UUID, Change], smallest: int) -> dict[str, Any]:
    response, remission, change = Tally(RESPONSE), Tally(REMISSION), Tally(CHANGE)
    everyone = Tally(("patients",))
    published = points_of(measure)
    for patient_id, found in changes.items():
        everyone.count("patients", patient_id)
        response.count(
            "baseline_too_low" if found.responder is None else "responded" if found.responder else "not_responded",
            patient_id,
        )
        remission.count("in_remission" if found.remission else "not_in_remission", patient_id)
        label = found.reliable_label or found.mcid_label
        if label is not None:
            change.count(label.value, patient_id)
    return {
        "measure": measure.key,
        "title": measure.title,
        "patients": everyone.shown(smallest).total,
        "response": None
        if measure.response_pct is None
        else {**response.shown(smallest).cells, "percent_reduction": measure.response_pct},
        "remission": None
        if measure.remission_below is None
        else {**remission.shown(smallest).cells, "below": measure.remission_below},
        "change": None
        if published is None
        else {
            **change.shown(smallest).cells,
            **dict(zip(("rule", "points", "source"), published, strict=True)),
        },
    }


async def _relief(db: Database, span: Span, doses: Doses, figures: Trends, smallest: int) -> list[dict[str, Any]]:
    """Relief of craving after the doses of the period, by substance; what came after the period is not looked at."""
    start, end = microseconds(span.start), microseconds(span.end)
    scale = Scale.of(MEASURES[CRAVING])
    tallies: dict[str, Tally] = defaultdict(lambda: Tally(RELIEF))
    curves: dict[str, list[Curve]] = defaultdict(list)
    back = timedelta(days=figures.dose_baseline_wide_days, hours=figures.dose_baseline_hours)
    rows = await queries.around_doses(db, span, CRAVING, back)
    for (patient_id, substance), found in groupby(rows, attrgetter("patient_id", "substance")):
        values = list(found)
        series = Series([row.at for row in values], [row.value for row in values], end)
        every = [dose.at for dose in doses[patient_id]]
        chosen = [dose.at for dose in doses[patient_id] if start <= dose.at and dose.origin != IMPORTED]
        for curve in relief.curves_of(series, chosen, scale, figures, every_dose=every):
            tallies[substance].count(_seen(curve), patient_id)
            curves[substance].append(curve)
    return [
        shown
        for substance in sorted(tallies)
        if (shown := _of_substance(substance, tallies[substance], curves[substance], smallest)) is not None
    ]


def _seen(curve: Curve) -> str:
    if not curve.baseline.sufficient or curve.n_after < IN_A_ROW:
        return "too_few_values"
    if curve.relief is None:
        return "without_onset"
    return "censored" if curve.relief.censored else "ended"


def _of_substance(substance: str, tally: Tally, curves: Sequence[Curve], smallest: int) -> dict[str, Any] | None:
    """A substance that few report is not named. The median is shown where it gives nothing away that is hidden."""
    row = tally.shown(smallest)
    if row.total is None:
        return None
    reliefs = [curve.relief for curve in curves if curve.relief is not None]
    median = None
    if row.sum_of("ended", "censored"):
        median = kaplan_meier_median(
            [each.duration_minutes for each in reliefs], [not each.censored for each in reliefs]
        )
    return {
        "measure": CRAVING,
        "substance": substance,
        "doses": row.total,
        **row.cells,
        "median_relief_hours": None if median is None else round(median / MINUTES),
    }
