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
from app.trends.relief import HOUR_IN_MINUTES, RELIEF_RULE, Curve, whole_minutes
from app.trends.service import AlignedReading, Points, Raw, Reading
from app.trends.statistic_answers import left_out, named, number, statistics_of, written


def trend(reading: Reading) -> bytes:
    """Write a `schemas.Trend`."""
    return to_json(series_of(reading) | {"markers": markers_of(reading)})


def series_of(reading: Reading) -> dict[str, Any]:
    """Write a `schemas.TrendSeries`: a trend without what else stands on its axis."""
    return {
        **head_of(reading.asked, reading.substance, reading.protocol_version),
        "bucket": reading.bucket,
        "n": reading.n,
        "downsampled": isinstance(reading.points, Raw) and len(reading.points.times) < reading.n,
        "points": _points(reading.points, reading.asked.zone),
        "gaps": [{"from": gap.first_day, "to": gap.last_day, "days": gap.days} for gap in reading.gaps],
        **statistics_of(reading),
    }


def markers_of(reading: Reading) -> list[dict[str, Any]]:
    """Write the markers of a period."""
    return [_marker(row, reading) for row in reading.markers]


def dose_aligned(reading: AlignedReading) -> bytes:
    """Write a `schemas.DoseAlignedTrend`."""
    summary = reading.summary
    return to_json(
        head_of(reading.asked, reading.substance, reading.protocol_version)
        | named(RELIEF_RULE)
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


def measure_of(asked: Asked, substance: str | None, protocol_version: int) -> dict[str, Any]:
    """Write a `schemas.MeasureAnswer`."""
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
        "protocol_version": protocol_version,
    }


def head_of(asked: Asked, substance: str | None, protocol_version: int) -> dict[str, Any]:
    """Write a `schemas.SeriesAnswer`."""
    return measure_of(asked, substance, protocol_version) | {"from": asked.first_day, "to": asked.last_day}


def _points(points: Points, zone: ZoneInfo) -> list[dict[str, Any]]:
    if isinstance(points, Raw):
        return [
            {"at": at, "value": int(value) if value.is_integer() else value}
            for at, value in zip(points.written, points.values, strict=True)
        ]
    if points and isinstance(points[0], LocalHour):
        return [_hour(point, zone) for point in points]
    local_days: Sequence[Any] = points
    return [
        {
            "at": _start_of(day, zone),
            "local_day": day,
            "mean": number(total / n),
            "min": number(lowest),
            "max": number(highest),
            "n": n,
        }
        for day, total, lowest, highest, n in local_days
    ]


def _hour(point: Any, zone: ZoneInfo) -> dict[str, Any]:  # noqa: ANN401  a `LocalHour`
    return {
        "at": written(point.at),
        "local_day": instant(point.at).astimezone(zone).date(),
        "mean": number(point.mean),
        "min": number(point.lowest),
        "max": number(point.highest),
        "n": point.n,
    }


@lru_cache(maxsize=8192)
def _start_of(day: date, zone: ZoneInfo) -> str:
    """Write the first instant of a local day: the same few days are asked for by everyone all day."""
    return instant_text(start_of(day, zone))


def _marker(row: Any, reading: Reading) -> dict[str, Any]:  # noqa: ANN401  a row
    after = reading.therapy.get(row.id)
    return {
        "kind": row.kind,
        "id": row.id,
        "at": written(row.at),
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
        "dose_started_at": written(dose.at),
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
        "insufficient_data": left_out(curve.missing),
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
    } | named(pooled.rule)
