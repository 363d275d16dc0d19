"""Comparisons as JSON, in the shapes of `comparison_schemas.py`."""

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from app.trends import missed
from app.trends.answers import head_of, markers_of, measure_of, series_of
from app.trends.comparison_service import DosesReading, MissedReading, PeriodsReading
from app.trends.comparisons import DOSES_RULE, DoseGroup, PeriodFigures
from app.trends.missed import Share
from app.trends.relief import Curve, Summary, whole_minutes
from app.trends.service import Reading
from app.trends.statistic_answers import criteria, left_out, named, number, written


def several(readings: Sequence[Reading]) -> bytes:
    """Write a `comparison_schemas.SeveralTrends`."""
    first = readings[0]
    return to_json(
        {
            "time_zone": first.asked.zone.key,
            "from": first.asked.first_day,
            "to": first.asked.last_day,
            "bucket": first.bucket,
            "series": [series_of(reading) for reading in readings],
            "markers": markers_of(first),
        }
    )


def periods(reading: PeriodsReading) -> bytes:
    """Write a `comparison_schemas.ComparedPeriods`."""
    change = reading.change
    return to_json(
        measure_of(reading.asked, reading.substance, reading.protocol_version)
        | {
            "first": _period(reading.first),
            "second": _period(reading.second),
            "change": {
                "difference": number(change.difference),
                "mean_difference": number(change.mean_difference),
                "percent": number(change.percent),
                "threshold": number(change.threshold),
                "label": change.label,
                "criteria": criteria(change.criteria),
            }
            | named(change.rule),
            "insufficient_data": left_out(change.missing),
        }
    )


def doses(reading: DosesReading) -> bytes:
    """Write a `comparison_schemas.ComparedDoses`."""
    aligned = reading.aligned
    return to_json(
        head_of(aligned.asked, aligned.substance, aligned.protocol_version)
        | {
            "doses": [_dose(dose, curve) for dose, curve in zip(aligned.doses, aligned.curves, strict=True)],
            "groups": [_group(group) for group in reading.groups],
        }
        | named(DOSES_RULE)
    )


def missed_after(reading: MissedReading) -> bytes:
    """Write a `comparison_schemas.MissedCheckIns`."""
    found = reading.missed
    return to_json(
        head_of(reading.asked, reading.substance, reading.protocol_version)
        | {
            "own_median": number(found.own_median),
            "after_worse": _share(found.after_worse),
            "after_others": _share(found.after_others),
            "without_value": found.without_value,
            "p_value": found.p_value,
            "label": found.label,
            "method": missed.TEST,
            "insufficient_data": left_out(found.missing),
        }
        | named(found.rule)
    )


def _period(figures: PeriodFigures) -> dict[str, Any]:
    return {
        "from": figures.first_day,
        "to": figures.last_day,
        "days": figures.days,
        "days_with_values": figures.days_with_values,
        "n": figures.n,
        "median": number(figures.median),
        "mean": number(figures.mean),
        "min": number(figures.lowest),
        "max": number(figures.highest),
    }


def _dose(dose: Any, curve: Curve) -> dict[str, Any]:  # noqa: ANN401  a row
    spacing, relief, nadir = curve.spacing, curve.relief, curve.nadir
    previous = spacing.previous_at
    return {
        "dosing_session_id": dose.id,
        "dose_started_at": written(dose.at),
        "dose_substance": dose.substance,
        "dose_route": dose.route,
        "dose_mg": number(dose.dose_mg),
        "minutes_since_previous_dose": None if previous is None else whole_minutes(spacing.dose_at - previous),
        "baseline": number(curve.baseline.value),
        "baseline_n": curve.baseline.n,
        "baseline_overlaps_previous_dose": curve.overlaps,
        "n_after": curve.n_after,
        "onset_minutes": relief.onset_minutes if relief else None,
        "nadir": {"value": number(nadir.value), "minutes_from_dose": nadir.minutes_from_dose} if nadir else None,
        "duration_minutes": relief.duration_minutes if relief else None,
        "censored": relief.censored if relief else False,
        "censored_by": relief.censored_by if relief else None,
        "auc": number(curve.auc),
        "mean_reduction": curve.mean_reduction,
        "coverage": number(curve.coverage),
        "insufficient_data": left_out(curve.missing),
    }


def _group(group: DoseGroup) -> dict[str, Any]:
    return {
        "dose_substance": group.substance,
        "dose_route": group.route,
        "dose_mg": number(group.mg),
        "n": len(group.session_ids),
        "dosing_session_ids": group.session_ids,
        "relief": _summary(group.relief),
        "median_minutes_since_previous_dose": group.median_minutes_since_previous,
        "median_onset_minutes": group.median_onset_minutes,
        "median_mean_reduction": group.median_mean_reduction,
        "insufficient_data": left_out(group.missing),
    }


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "median_relief_minutes": summary.median_relief_minutes,
        "method": summary.method,
        "n": summary.n,
        "n_censored": summary.n_censored,
        "n_without_onset": summary.n_without_onset,
    }


def _share(share: Share) -> dict[str, Any]:
    return {"n": share.n, "missed": share.missed, "percent": number(share.percent)}
