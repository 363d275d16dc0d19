"""The SQL that makes summaries: set by set, the same for one patient who was written to and for all.

It is text, since it is the same on both databases but for a few words. A recursive query steps from one measure of a
patient to the next by the index, and what is read of each reaches back no further than two weeks from its latest
value: it takes as long after ten years as after one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from app.check_in_plans.rules import Kept
from app.core.columns import Instant, Json
from app.core.hot import Hot
from app.dosing.rules import BEFORE_DOSE
from app.panel.models import PatientSummary
from app.panel.rules import (
    ADHERENCE_DAYS,
    CHANGE_DAYS,
    LONGEST_SECONDS,
    MOST_OVERDUE,
    RELIEF_MEASURE,
    SEVERITIES,
    ReliefState,
)

SUMMARY: Final = PatientSummary.__table__.c
KEY: Final = ("clinic_id", "patient_id")
RELIEF: Final = ("relief", "relief_since", "relief_substance")
"""Columns that SQL does not make: `rules.relief_after` looks at the values one by one."""
ALERTS, DUE, OBSERVATIONS, PROTOCOLS = "alerts", "due_check_ins", "observations", "protocol_versions"
PARTS: Final = frozenset({ALERTS, DUE, OBSERVATIONS, PROTOCOLS})
"""What can be made anew without the rest, by the table that was written to."""
FARTHEST_DAYS: Final = 2 * CHANGE_DAYS + 2
"""No value of the last fourteen local days is longer ago, wherever it was given."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What the two databases say differently."""

    several: str
    day: str
    day_back: str
    seconds: str
    micros: str
    smaller: str
    array: str
    arrays: str
    array_of_nothing: str
    objects: str
    objects_of_nothing: str
    merged: str
    each: str
    name: str
    second: str
    span: str
    last: str


_POSTGRESQL: Final = _Words(
    several="SELECT :clinic_id, one FROM unnest(:patients) AS one",
    day="interval '24 hours'",
    day_back="{} - {}",
    seconds="floor(extract(epoch FROM {}))::bigint",
    micros="(extract(epoch FROM {}) * 1000000)::bigint",
    smaller="least",
    array="jsonb_build_array",
    arrays="jsonb_agg",
    array_of_nothing="'[]'::jsonb",
    objects="jsonb_object_agg",
    objects_of_nothing="'{}'::jsonb",
    merged="{} || {}",
    each="jsonb_each({}) AS e(key, value)",
    name='key COLLATE "C"',
    second="(value->>1)::bigint",
    span="{} * interval '1 microsecond'",
    last="""
figures AS (
    SELECT s.patient_id, s.measure || '/' || s.substance AS name, e.value AS v, {micros} AS t,
        round((now - before)::numeric, 3)::float8 AS c
    FROM series s
    CROSS JOIN LATERAL (
        SELECT o.recorded_at, o.value, o.local_day AS day FROM observations o
        WHERE {of_series} ORDER BY o.recorded_at DESC, o.check_in_id DESC LIMIT 1
    ) e
    CROSS JOIN LATERAL (
        SELECT avg(o.value) FILTER (WHERE o.local_day > {week}) AS now,
            avg(o.value) FILTER (WHERE o.local_day <= {week} AND o.local_day > {fortnight}) AS before
        FROM observations o WHERE {of_series} AND o.recorded_at >= e.recorded_at - {farthest}
    ) m
)""",
)
_SQLITE: Final = _Words(
    several="SELECT :clinic_id, value FROM json_each(:patients)",
    day="86400000000",
    day_back="date({}, '-{} days')",
    seconds="{} / 1000000",
    micros="{}",
    smaller="min",
    array="json_array",
    arrays="json_group_array",
    array_of_nothing="'[]'",
    objects="json_group_object",
    objects_of_nothing="'{}'",
    merged="json_patch({}, {})",
    each="json_each({})",
    name="key",
    second="json_extract(value, '$[1]')",
    span="{}",
    last="""
ends AS MATERIALIZED (
    SELECT clinic_id, patient_id, measure, substance, (
        SELECT max(o.recorded_at) FROM observations o WHERE {of_series}
    ) AS recorded_at, (
        SELECT o.local_day FROM observations o WHERE {of_series} ORDER BY o.recorded_at DESC, o.check_in_id DESC LIMIT 1
    ) AS day FROM series s
),
weeks AS MATERIALIZED (SELECT *, {week} AS week, {fortnight} AS fortnight FROM ends),
figures AS (
    SELECT s.patient_id, s.measure || '/' || s.substance AS name, s.recorded_at AS t, (
        SELECT o.value FROM observations o WHERE {of_series} ORDER BY o.recorded_at DESC, o.check_in_id DESC LIMIT 1
    ) AS v, (
        SELECT round(
            avg(o.value) FILTER (WHERE o.local_day > s.week)
            - avg(o.value) FILTER (WHERE o.local_day <= s.week AND o.local_day > s.fortnight), 3)
        FROM observations o WHERE {of_series} AND o.recorded_at >= s.recorded_at - {farthest}
    ) AS c FROM weeks s
)""",
)


def _texts(names: Iterable[Any]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


_OF = "{0}.clinic_id = {1}.clinic_id AND {0}.patient_id = {1}.patient_id"

_RANKS: Final = " ".join(f"WHEN '{severity}' THEN {rank}" for rank, severity in enumerate(SEVERITIES))
_ALERTS = f"""
found_alerts AS (
    SELECT a.patient_id,
        count(*) FILTER (WHERE a.status = 'open') AS open_alerts,
        count(*) FILTER (WHERE a.status = 'acknowledged') AS acknowledged_alerts,
        min(CASE a.severity {_RANKS} END) AS worst,
        min(a.raised_at) FILTER (WHERE a.status = 'open') AS oldest
    FROM who JOIN alerts a ON {_OF.format("a", "who")}
    WHERE a.status <> 'resolved' GROUP BY a.patient_id
)"""  # noqa: S608  our own words, as in every statement of this file

_SETTLED = _texts([Kept.ANSWERED, Kept.MISSED])
_DUE = f"""
settled AS MATERIALIZED (
    SELECT who.clinic_id, who.patient_id, (
        SELECT d.due_at FROM due_check_ins d WHERE {_OF.format("d", "who")} AND d.state IN ({_SETTLED})
        ORDER BY d.due_at DESC LIMIT 1
    ) AS newest FROM who
),
outcomes AS (
    SELECT d.patient_id, d.due_at, d.state, CASE WHEN d.answered_at > d.closes_at THEN 1 ELSE 0 END AS late,
        max(CASE WHEN d.state = 'answered' THEN d.due_at END) OVER (PARTITION BY d.patient_id) AS answered
    FROM settled s JOIN due_check_ins d ON {_OF.format("d", "s")}
        AND d.due_at > s.newest - {ADHERENCE_DAYS} * {{day}} AND d.due_at <= s.newest
    WHERE d.state IN ({_SETTLED})
),
found_due AS (
    SELECT patient_id,
        count(*) FILTER (WHERE state = 'missed' AND (answered IS NULL OR due_at > answered)) AS overdue,
        count(*) FILTER (WHERE state = 'answered' AND late = 0) AS completed,
        count(*) FILTER (WHERE state = 'answered' AND late = 1) AS late,
        count(*) FILTER (WHERE state = 'missed') AS missed
    FROM outcomes GROUP BY patient_id
)"""  # noqa: S608

_BEFORE = _texts(stage.value for stage in BEFORE_DOSE)
_SESSIONS = f"""
sessions AS (
    SELECT s.patient_id, s.id, s.status, s.dose_started_at, s.scheduled_at,
        row_number() OVER (
            PARTITION BY s.patient_id ORDER BY s.dose_started_at DESC NULLS LAST, s.id DESC) AS back,
        row_number() OVER (
            PARTITION BY s.patient_id
            ORDER BY CASE WHEN s.status IN ({_BEFORE}) THEN 0 ELSE 1 END, s.scheduled_at, s.id) AS ahead
    FROM who JOIN dosing_sessions s ON {_OF.format("s", "who")}
)"""  # noqa: S608

_EVERY_SERIES = f"""
measures(clinic_id, patient_id, measure) AS (
    SELECT clinic_id, patient_id, (SELECT min(o.measure) FROM observations o WHERE {_OF.format("o", "who")}) FROM who
    UNION ALL
    SELECT clinic_id, patient_id, (
        SELECT min(o.measure) FROM observations o WHERE {_OF.format("o", "m")} AND o.measure > m.measure
    ) FROM measures m WHERE m.measure IS NOT NULL
),
steps(clinic_id, patient_id, measure, substance) AS (
    SELECT clinic_id, patient_id, measure, (
        SELECT min(o.substance) FROM observations o WHERE {_OF.format("o", "m")} AND o.measure = m.measure
    ) FROM measures m WHERE m.measure IS NOT NULL
    UNION ALL
    SELECT clinic_id, patient_id, measure, (
        SELECT min(o.substance) FROM observations o
        WHERE {_OF.format("o", "s")} AND o.measure = s.measure AND o.substance > s.substance
    ) FROM steps s WHERE s.substance IS NOT NULL
),
series AS (SELECT clinic_id, patient_id, measure, substance FROM steps WHERE substance IS NOT NULL)"""  # noqa: S608
_ONE: Final = "SELECT :clinic_id, :patient_id"


def _these_series(number: int) -> str:
    """Those that were written to, one parameter each: of a list PostgreSQL would plan the statement anew each time."""
    pairs = ", ".join(f"(:clinic_id, :patient_id, :measure_{n}, :substance_{n})" for n in range(number))
    return f"series(clinic_id, patient_id, measure, substance) AS (VALUES {pairs})"


_SAME = f"{_OF.format('o', 's')} AND o.measure = s.measure AND o.substance = s.substance"
_LATEST = """,
found_latest AS (SELECT patient_id, {objects}(name, {array}(v, t, c)) AS latest FROM figures GROUP BY patient_id)"""

_NOT_TOLD: Final = len(SEVERITIES)
_NEED = (
    f"((2 * coalesce({{worst}}, {_NOT_TOLD}) + CASE WHEN {{oldest}} IS NULL THEN 1 ELSE 0 END) "
    f"* {LONGEST_SECONDS + 1} + coalesce({{seconds}}, {LONGEST_SECONDS})) * {MOST_OVERDUE + 1} "
    f"+ {MOST_OVERDUE} - {{smaller}}({{overdue}}, {MOST_OVERDUE})"
)
_OF_ALERTS: Final = {
    "open_alerts": "coalesce(a.open_alerts, 0)",
    "acknowledged_alerts": "coalesce(a.acknowledged_alerts, 0)",
    "worst_alert_severity": "CASE a.worst "
    + " ".join(f"WHEN {rank} THEN '{severity}'" for rank, severity in enumerate(SEVERITIES))
    + " END",
    "oldest_open_alert_at": "a.oldest",
}
_OF_DUE: Final = {
    "overdue_check_ins": "coalesce(d.overdue, 0)",
    "completed_check_ins": "coalesce(d.completed, 0)",
    "late_check_ins": "coalesce(d.late, 0)",
    "missed_check_ins": "coalesce(d.missed, 0)",
}
_OF_THE_REST: Final = {
    "last_session_id": "b.id",
    "last_session_status": "b.status",
    "last_dose_at": "b.dose_started_at",
    "next_session_id": "n.id",
    "next_session_status": "n.status",
    "next_session_at": "n.scheduled_at",
    "phase": f"(SELECT p.phase FROM care_plans p WHERE {_OF.format('p', 'who')} ORDER BY p.version DESC LIMIT 1)",  # noqa: S608
}
_JOINED: Final = {
    ALERTS: "LEFT JOIN found_alerts a ON a.patient_id = who.patient_id",
    DUE: "LEFT JOIN found_due d ON d.patient_id = who.patient_id",
    OBSERVATIONS: "LEFT JOIN found_latest l ON l.patient_id = who.patient_id",
}
_JOINED_REST: Final = f"""
LEFT JOIN sessions b ON b.patient_id = who.patient_id AND b.back = 1 AND b.dose_started_at IS NOT NULL
LEFT JOIN sessions n ON n.patient_id = who.patient_id AND n.ahead = 1 AND n.status IN ({_BEFORE})"""

_SUBSTANCE = f"""(SELECT substr(key, {len(RELIEF_MEASURE) + 2}) FROM {{each}}
WHERE key LIKE '{RELIEF_MEASURE}/%' ORDER BY {{second}} DESC, {{name}} LIMIT 1)"""  # noqa: S608
_VALUES = f"""CASE WHEN :written_from <= last_dose_at + {{after}} AND ({{unsettled}}) THEN coalesce((
    SELECT {{arrays}}({{array}}(v.t, v.value)) FROM (
        SELECT {{micros}} AS t, o.value FROM observations o
        WHERE {_OF.format("o", "patient_summaries")} AND o.measure = '{RELIEF_MEASURE}' AND o.substance = {{substance}}
            AND o.recorded_at >= last_dose_at - {{before}} AND o.recorded_at <= last_dose_at + {{after}}
        ORDER BY o.recorded_at, o.check_in_id
    ) v
), {{nothing}}) END"""  # noqa: S608
_UNSETTLED = (
    "patient_summaries.relief IS NULL OR :written_from < last_dose_at "
    f"OR patient_summaries.relief NOT IN ({_texts([ReliefState.UNKNOWN, ReliefState.NO_ROOM])})"
)
"""What was usual before the dose does not change by what is told after it."""
_PROTOCOL = "(SELECT c.protocol_version FROM clinics c WHERE c.id = patient_summaries.clinic_id)"


def _returned(words: _Words) -> dict[str, str]:
    """What a statement gives back of each summary: what relief is made of, and what it was."""
    each = words.each.format("patient_summaries.latest")
    substance = _SUBSTANCE.format(each=each, second=words.second, name=words.name)
    values = _VALUES.format(
        substance=substance,
        before=words.span.format(":before"),
        after=words.span.format(":after"),
        micros=words.micros.format("o.recorded_at"),
        array=words.array,
        arrays=words.arrays,
        unsettled=_UNSETTLED,
        nothing=words.array_of_nothing,
    )
    own = {name: f"patient_summaries.{name}" for name in ("patient_id", "last_dose_at", *RELIEF)}
    return own | {"substance": substance, "around_dose": values, "protocol_version": _PROTOCOL}


def _need(words: _Words, worst: str, oldest: str, overdue: str) -> dict[str, str]:
    seconds = words.seconds.format(oldest)
    return {"need": _NEED.format(worst=worst, oldest=oldest, overdue=overdue, seconds=seconds, smaller=words.smaller)}


def _found_latest(words: _Words) -> str:
    week, fortnight = (words.day_back.format("day", CHANGE_DAYS * weeks) for weeks in (1, 2))
    figures = words.last.format(
        week=week,
        fortnight=fortnight,
        farthest=f"{FARTHEST_DAYS} * {words.day}",
        micros=words.micros.format("e.recorded_at"),
        of_series=_SAME,
    )
    return (figures + _LATEST.format(objects=words.objects, array=words.array)).strip()


def _whole(words: _Words, *, several: bool) -> str:
    """Make whole summaries, or bring them up to date."""
    parts = [_ALERTS, _DUE.format(day=words.day), _SESSIONS, _EVERY_SERIES, _found_latest(words)]
    columns = {
        "revision": "r.revision",
        "updated_at": ":now",
        **_need(words, "a.worst", "a.oldest", _OF_DUE["overdue_check_ins"]),
        **_OF_ALERTS,
        **_OF_DUE,
        **_OF_THE_REST,
        "latest": f"coalesce(l.latest, {words.objects_of_nothing})",
    }
    returned = ", ".join(f"{what} AS {name}" for name, what in _returned(words).items())
    return f"""
        WITH RECURSIVE who(clinic_id, patient_id) AS ({words.several if several else _ONE}), {", ".join(parts)}
        INSERT INTO patient_summaries ({", ".join([*KEY, *columns])})
        SELECT who.clinic_id, who.patient_id, {", ".join(columns.values())}
        FROM who JOIN patient_revisions r ON {_OF.format("r", "who")} {" ".join(_JOINED.values())} {_JOINED_REST}
        WHERE 1 = 1
        ON CONFLICT (clinic_id, patient_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in columns)}
        RETURNING {returned}
    """  # noqa: S608


def _in_part(words: _Words, written: frozenset[str], series: int) -> str:
    """Bring what depends on these tables up to date in a summary that is there, and leave the rest as it was."""
    this, parts, columns = "patient_summaries", [], {"revision": "r.revision", "updated_at": ":now"}
    worst, oldest = f"CASE {this}.worst_alert_severity {_RANKS} END", f"{this}.oldest_open_alert_at"
    overdue = f"{this}.overdue_check_ins"
    if ALERTS in written:
        parts.append(_ALERTS)
        columns |= _OF_ALERTS
        worst, oldest = "a.worst", "a.oldest"
    if DUE in written:
        parts.append(_DUE.format(day=words.day))
        columns |= _OF_DUE
        overdue = _OF_DUE["overdue_check_ins"]
    if written & {ALERTS, DUE}:
        columns |= _need(words, worst, oldest, overdue)
    if OBSERVATIONS in written:
        parts += [_these_series(series), _found_latest(words)]
        columns["latest"] = words.merged.format(f"{this}.latest", f"coalesce(l.latest, {words.objects_of_nothing})")
    returned = ", ".join(f"{what} AS {name}" for name, what in _returned(words).items())
    joined = " ".join(join for table, join in _JOINED.items() if table in written)
    return f"""
        WITH {", ".join([f"who(clinic_id, patient_id) AS ({_ONE})", *parts])}
        UPDATE patient_summaries SET {", ".join(f"{name} = {value}" for name, value in columns.items())}
        FROM who JOIN patient_revisions r ON {_OF.format("r", "who")} {joined}
        WHERE {_OF.format(this, "who")}
        RETURNING {returned}
    """  # noqa: S608


@lru_cache(maxsize=256)
def making(written: frozenset[str] | None = None, series: int = 0, *, several: bool = False, postgresql: bool) -> Hot:
    """The statement for what depends on these tables, or for all of it (None).

    Its parameters: `clinic_id`, `patient_id` or, for several, `patients`; `now`; `before` and `after` a dose, in
    microseconds, as far as relief is looked at; `written_from`, the earliest instant that a value of it was written
    at; `measure_0`, `substance_0` and so on for each series that was written to, if not all is made.
    """
    words = _POSTGRESQL if postgresql else _SQLITE
    text = _whole(words, several=several) if written is None else _in_part(words, written, series)
    bigint, names = sa.BigInteger(), sa.String()
    types: dict[str, Any] = {
        "clinic_id": sa.Uuid(),
        "now": Instant(),
        "before": bigint,
        "after": bigint,
        "written_from": Instant(),
        **{f"{what}_{number}": names for what in ("measure", "substance") for number in range(series)},
    }
    if several:
        types["patients"] = sa.ARRAY(sa.Uuid()) if postgresql else sa.String()
    else:
        types["patient_id"] = sa.Uuid()
    returned = {name: SUMMARY[name].type for name in ("patient_id", "last_dose_at", *RELIEF)}
    bound = sa.text(text).bindparams(*(sa.bindparam(name, type_=type_of) for name, type_of in types.items()))
    return Hot(bound.columns(**returned, substance=names, around_dose=Json, protocol_version=sa.Integer()))
