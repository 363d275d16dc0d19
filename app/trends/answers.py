"""Trends as JSON, in the shapes of `schemas.py`.

They are written by hand, since building and checking a model for each of 900 points takes longer than everything else
in the request. The tests compare every answer with the schemas.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import to_json

from app.core.fields import instant_text
from app.instruments.definitions import Measure
from app.trends.asked import Asked
from app.trends.buckets import LocalHour, instant, start_of
from app.trends.pooled import Pooled
from app.trends.queries import OUTCOMES
from app.trends.relief import HOUR_IN_MINUTES, RELIEF_RULE, Curve, whole_minutes
from app.trends.rules import ChangeLabel, Rule, Shortfall
from app.trends.service import AlignedReading, Points, Raw, Reading


def trend(reading: Reading) -> bytes:
    """Write a `schemas.Trend`."""
    return to_json(
        _series(reading.asked, reading.substance, reading.protocol_version)
        | {
            "bucket": reading.bucket,
            "n": reading.n,
            "downsampled": isinstance(reading.points, Raw) and len(reading.points.times) < reading.n,
            "points": _points(reading.points, reading.asked.zone),
            "gaps": [{"from": gap.first_day, "to": gap.last_day, "days": gap.days} for gap in reading.gaps],
            "baseline": _baseline(reading),
            "change": _change(reading),
            "slope": _slope(reading),
            "trend": _test(reading),
            "adherence": {
                "days_with_values": len(reading.days),
                "days": reading.asked.days_begun,
                **_due(reading),
            },
            "abstinence": _abstinence(reading),
            "markers": [_marker(row, reading) for row in reading.markers],
            "insufficient_data": _missing(reading.missing),
        }
    )


def dose_aligned(reading: AlignedReading) -> bytes:
    """Write a `schemas.DoseAlignedTrend`."""
    summary = reading.summary
    return to_json(
        _series(reading.asked, reading.substance, reading.protocol_version)
        | _rule(RELIEF_RULE)
        | {
            "sessions": [
                _curve(dose, curve, reading) for dose, curve in zip(reading.doses, reading.curves, strict=True)
            ],
            "summary": {
                "median_relief_minutes": summary.median_relief_minutes,
                "method": summary.method,
                "n": summary.n,
                "n_censored": summary.n_censored,
                "n_without_onset": summary.n_without_onset,
            },
            "pooled": _pooled(reading.pooled),
        }
    )


def number(value: float | None) -> float | None:
    """Write 7 instead of 7.0: the scales are whole numbers, and 900 points are two bytes each."""
    return int(value) if value is not None and value.is_integer() else value


def _series(asked: Asked, substance: str | None, protocol_version: int) -> dict[str, Any]:
    measure: Measure = asked.measure
    return {
        "measure": measure.key,
        "substance": substance,
        "title": measure.title,
        "unit": measure.unit,
        "minimum": measure.minimum,
        "maximum": measure.maximum,
        "higher_is": measure.higher_is,
        "time_zone": asked.zone.key,
        "from": asked.first_day,
        "to": asked.last_day,
        "protocol_version": protocol_version,
    }


def _rule(rule: Rule) -> dict[str, str]:
    return {"rule": rule.name, "rule_version": rule.version}


def _missing(missing: Sequence[Shortfall]) -> list[dict[str, Any]]:
    return [{"statistic": one.statistic, "needed": one.needed, "have": one.have} for one in missing]


def _points(points: Points, zone: ZoneInfo) -> list[dict[str, Any]]:
    if isinstance(points, Raw):
        return [
            {"at": at, "value": int(value) if value.is_integer() else value}
            for at, value in zip(points.written, points.values, strict=True)
        ]
    return [
        {
            "at": _at(point.at) if isinstance(point, LocalHour) else _start_of(point.day, zone),
            "local_day": instant(point.at).astimezone(zone).date() if isinstance(point, LocalHour) else point.day,
            "mean": number(point.mean),
            "min": number(point.lowest),
            "max": number(point.highest),
            "n": point.n,
        }
        for point in points
    ]


@lru_cache(maxsize=8192)
def _start_of(day: date, zone: ZoneInfo) -> str:
    """Write the first instant of a local day: the same few days are asked for by everyone all day."""
    return instant_text(start_of(day, zone))


def _at(microseconds: int | None) -> str | None:
    return None if microseconds is None else instant_text(instant(microseconds))


def _baseline(reading: Reading) -> dict[str, Any]:
    baseline = reading.baseline
    return {
        "status": "sufficient" if baseline.sufficient else "insufficient",
        "value": number(baseline.value),
        "n": baseline.n,
        "from": _at(baseline.starts_at),
        "to": _at(baseline.ends_at),
        "method": "median",
    } | _rule(baseline.rule)


def _change(reading: Reading) -> dict[str, Any]:
    change, published = reading.change, reading.asked.measure.change
    mcid = reliable = None
    if published:
        mcid = _published(change.mcid_label, published.mcid_points, published.mcid_source)
        reliable = _published(
            change.reliable_label, published.reliable_change_points_gte, published.reliable_change_source
        )
    return {
        "label": change.label,
        "threshold": number(change.threshold),
        "difference": number(change.difference),
        "percent": number(change.percent),
        "current": number(change.current),
        "current_n": change.current_n,
        "current_from": reading.latest.first_day,
        "current_to": reading.latest.last_day,
        "mcid": mcid,
        "reliable_change": reliable,
        "responder": change.responder,
        "remission": change.remission,
    } | _rule(change.rule)


def _published(label: ChangeLabel | None, points: float | None, source: str | None) -> dict[str, Any] | None:
    return None if points is None else {"label": label, "points": points, "source": source}


def _slope(reading: Reading) -> dict[str, Any] | None:
    slope = reading.course.slope
    if slope is None:
        return None
    return {
        "per_day": slope.per_unit,
        "ci_low": slope.ci_low,
        "ci_high": slope.ci_high,
        "n": slope.n,
        "method": slope.method,
    }


def _test(reading: Reading) -> dict[str, Any] | None:
    course, test = reading.course, reading.course.test
    if test is None:
        return None
    return {
        "label": course.label,
        "s": test.s,
        "z": test.z,
        "p_value": test.p_value,
        "n": test.n,
        "span_days": course.span_days,
        "method": "mann_kendall",
        "caution": "autocorrelated",
    } | _rule(course.rule)


def _due(reading: Reading) -> dict[str, int | None]:
    counts: dict[str, int | None] = dict.fromkeys(("due", *OUTCOMES))
    if reading.due:
        counts["due"] = sum(reading.due.values())
        counts |= {outcome: reading.due.get(outcome, 0) for outcome in OUTCOMES}
    return counts


def _abstinence(reading: Reading) -> dict[str, Any] | None:
    found, first_use = reading.abstinence, reading.first_use
    if found is None:
        return None
    return {
        "abstinent_days": found.abstinent_days,
        "days_with_values": found.days_with_values,
        "days": found.days,
        "percent": number(found.percent),
        "worst_case_percent": number(found.worst_case_percent),
        "days_to_first_use": first_use.days if first_use else None,
        "first_use_censored": first_use.censored if first_use else None,
    }


def _marker(row: Any, reading: Reading) -> dict[str, Any]:  # noqa: ANN401  a row
    after = reading.therapy.get(row.id)
    return {
        "kind": row.kind,
        "id": row.id,
        "at": _at(row.at),
        "status": row.status,
        "dose_given": bool(row.dose_given),
        "dose_mg": number(row.dose_mg),
        "substance": row.substance,
        "route": row.route,
        "appointment_kind": row.appointment_kind,
        "attendance": row.attendance,
        "therapy": None
        if after is None
        else [
            {
                "window": window.key,
                "from_hours": window.from_hours,
                "until_hours": window.until_hours,
                "offered": count.offered,
                "attended": count.attended,
                "not_recorded": count.not_recorded,
            }
            for window, count in after
        ],
    }


def _curve(dose: Any, curve: Curve, reading: AlignedReading) -> dict[str, Any]:  # noqa: ANN401  a row
    at, previous, baseline = curve.spacing.dose_at, curve.spacing.previous_at, curve.baseline
    relief, nadir, series, extras = curve.relief, curve.nadir, reading.series, reading.extras[dose.id]
    return {
        "dosing_session_id": dose.id,
        "dose_started_at": _at(dose.at),
        "dose_mg": number(dose.dose_mg),
        "dose_substance": dose.substance,
        "dose_route": dose.route,
        "minutes_since_previous_dose": None if previous is None else whole_minutes(at - previous),
        "baseline": number(baseline.value),
        "baseline_n": baseline.n,
        "baseline_hours": curve.baseline_minutes // HOUR_IN_MINUTES,
        "baseline_overlaps_previous_dose": curve.overlaps,
        "threshold": number(curve.threshold),
        "relief_at": number(curve.relief_at),
        "relief_reachable": curve.reachable,
        "points": [
            {"minutes_from_dose": whole_minutes(series.times[index] - at), "value": number(series.values[index])}
            for index in range(curve.first, curve.last)
        ],
        "onset_minutes": relief.onset_minutes if relief else None,
        "nadir": {"value": number(nadir.value), "minutes_from_dose": nadir.minutes_from_dose} if nadir else None,
        "return_minutes": relief.return_minutes if relief else None,
        "duration_minutes": relief.duration_minutes if relief else None,
        "censored": relief.censored if relief else False,
        "censored_by": relief.censored_by if relief else None,
        "interrupted": relief.interrupted if relief else False,
        "auc": number(curve.auc),
        "mean_reduction": curve.mean_reduction,
        "coverage": number(curve.coverage),
        "readings": [
            {"minutes_from_dose": one.minutes_from_dose, "dissociation": one.dissociation} for one in extras.readings
        ],
        "therapies": [
            {
                "appointment_id": one.id,
                "minutes_from_dose": one.minutes_from_dose,
                "kind": one.kind,
                "window": one.window,
                "attended": one.attended,
            }
            for one in extras.therapies
        ],
        "insufficient_data": _missing(curve.missing),
    }


def _pooled(pooled: Pooled) -> dict[str, Any]:
    return {
        "n_sessions": pooled.n_sessions,
        "n_overlapping": pooled.n_overlapping,
        "min_sessions": pooled.min_sessions,
        "baseline": number(pooled.baseline),
        "baseline_n": pooled.baseline_n,
        "stretches": [
            {
                "from_minutes": one.from_minutes,
                "until_minutes": one.until_minutes,
                "n": one.n,
                "n_followed": one.n_followed,
                "n_values": one.n_values,
                "median": number(one.median),
                "lower_quartile": number(one.lower_quartile),
                "upper_quartile": number(one.upper_quartile),
            }
            for one in pooled.stretches
        ],
    } | _rule(pooled.rule)
