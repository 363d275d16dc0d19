"""The statistics of a trend as JSON, in the shapes of `statistic_schemas.py`."""

from collections.abc import Sequence
from typing import Any, Final

from app.core.fields import instant_text
from app.trends.abstinence import TimeTo
from app.trends.buckets import instant
from app.trends.criteria import RULES, Criterion, CriterionKey, Recovery
from app.trends.queries import OUTCOMES
from app.trends.rules import ChangeLabel, Rule, Shortfall
from app.trends.service import Reading
from app.trends.smoothing import Smoothed

_NOTHING_ASKED: Final = dict.fromkeys(("due", *OUTCOMES))


def number(value: float | None) -> float | None:
    """Write 7 instead of 7.0: the scales are whole numbers, and 900 points are two bytes each."""
    return int(value) if value is not None and value.is_integer() else value


def named(rule: Rule) -> dict[str, str]:
    """Name the rule that made a label, with its version."""
    return {"rule": rule.name, "rule_version": rule.version}


def left_out(missing: Sequence[Shortfall]) -> list[dict[str, Any]]:
    """Write what was left out, as `schemas.InsufficientData`."""
    return [{"statistic": one.statistic, "needed": one.needed, "have": one.have} for one in missing]


def written(microseconds: int | None) -> str | None:
    """Write an instant."""
    return None if microseconds is None else instant_text(instant(microseconds))


def statistics_of(reading: Reading) -> dict[str, Any]:
    """Write everything that was judged of one measure."""
    return {
        "baseline": _baseline(reading),
        "change": _change(reading),
        "slope": _slope(reading),
        "trend": _test(reading),
        "smoothed": _smoothed(reading.smoothed),
        "adherence": _adherence(reading),
        "abstinence": _abstinence(reading),
        "recovery": _recovery(reading.recovery),
        "insufficient_data": left_out(reading.missing),
    }


def criteria(found: Sequence[Criterion]) -> list[dict[str, Any]]:
    """Write published criteria as `statistic_schemas.PublishedCriterion`."""
    return [
        {
            "criterion": one.key,
            "met": one.met,
            "label": one.label,
            "figure": number(float(one.figure)),
            "unit": one.unit,
            "source": one.source,
        }
        | named(one.rule)
        for one in found
    ]


def _baseline(reading: Reading) -> dict[str, Any]:
    baseline = reading.baseline
    return {
        "status": "sufficient" if baseline.sufficient else "insufficient",
        "value": number(baseline.value),
        "n": baseline.n,
        "from": written(baseline.starts_at),
        "to": written(baseline.ends_at),
        "method": "median",
    } | named(baseline.rule)


def _change(reading: Reading) -> dict[str, Any]:
    change, published = reading.change, reading.asked.measure.change
    mcid = reliable = None
    if published:
        mcid = _published(CriterionKey.MCID, change.mcid_label, published.mcid_points, published.mcid_source)
        reliable = _published(
            CriterionKey.RELIABLE_CHANGE,
            change.reliable_label,
            published.reliable_change_points_gte,
            published.reliable_change_source,
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
        "criteria": criteria(reading.criteria),
    } | named(change.rule)


def _published(
    key: CriterionKey, label: ChangeLabel | None, points: float | None, source: str | None
) -> dict[str, Any] | None:
    return None if points is None else {"label": label, "points": points, "source": source} | named(RULES[key])


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
    } | named(course.rule)


def _smoothed(found: Smoothed | None) -> dict[str, Any] | None:
    if found is None:
        return None
    lines = [[{"local_day": day, "value": number(value)} for day, value in line] for line in found.lines]
    return {"method": found.method, "lines": lines} | named(found.rule)


def _adherence(reading: Reading) -> dict[str, Any]:
    counts: dict[str, int | None] = _NOTHING_ASKED
    if reading.due:
        counts = {outcome: reading.due.get(outcome, 0) for outcome in OUTCOMES}
        counts["due"] = sum(reading.due.values())
    return {
        "days_with_values": len(reading.days),
        "days": reading.asked.days_begun,
        **counts,
        "sessions_booked": reading.sessions.offered,
        "sessions_attended": reading.sessions.attended,
        "sessions_not_recorded": reading.sessions.not_recorded,
        "appointments_booked": reading.appointments.offered,
        "appointments_attended": reading.appointments.attended,
        "appointments_not_recorded": reading.appointments.not_recorded,
    }


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
        "times_to": None if reading.times_to is None else [_time_to(one) for one in reading.times_to],
    } | named(found.rule)


def _time_to(found: TimeTo) -> dict[str, Any]:
    return {
        "first": found.happening,
        "since": found.origin,
        "since_day": found.origin_day,
        "days": found.days,
        "censored": found.censored,
        "unreported_days": found.unreported_days,
    } | named(found.rule)


def _recovery(found: Recovery | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "recovered": found.recovered,
        "reliably": found.reliably,
        "was_case": found.was_case,
        "is_case": found.is_case,
        "scores": [
            {
                "measure": score.measure.key,
                "baseline": number(score.baseline),
                "current": number(score.current),
                "case_from": score.cut_off,
                "reliable_change": score.reliable,
            }
            for score in found.scores
        ],
    } | named(found.rule)
