"""The panel as JSON, in the shapes of `schemas.py`: written by hand, since a page holds a thousand small things.

The tests compare every answer with the schemas.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from app.core.columns import EPOCH, MICROSECOND
from app.core.fields import instant_text
from app.panel.rules import percent, relief_now
from app.protocols.rules import Trends

DAY = timedelta(days=1)


def panel(rows: Sequence[Any], next_cursor: str | None, now: datetime, figures: Trends) -> bytes:
    """Write a `schemas.Panel`."""
    items = b",".join([_item(row, now, figures) for row in rows])
    return b'{"items":[%b],"next_cursor":%b}' % (items, to_json(next_cursor))


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else instant_text(moment)


def _number(value: float | None) -> float | None:
    """Write 7 instead of 7.0, whichever database it comes from."""
    return int(value) if value is not None and float(value).is_integer() else value


def _item(row: Any, now: datetime, figures: Trends) -> bytes:  # noqa: ANN401  a row
    dose_at = row.last_dose_at
    due = row.completed_check_ins + row.late_check_ins + row.missed_check_ins
    state = relief_now(row.relief, dose_at, now, figures)
    before = {
        "patient_id": row.patient_id,
        "display_name": row.display_name,
        "status": row.status,
        "phase": row.phase,
        "open_alerts": row.open_alerts,
        "acknowledged_alerts": row.acknowledged_alerts,
        "worst_alert_severity": row.worst_alert_severity,
        "oldest_open_alert_at": _at(row.oldest_open_alert_at),
    }
    after = {
        "overdue_check_ins": row.overdue_check_ins,
        "adherence": {
            "due": due,
            "completed": row.completed_check_ins,
            "late": row.late_check_ins,
            "missed": row.missed_check_ins,
            "percent": _number(percent(row.completed_check_ins, due)),
        },
        "last_session": None
        if dose_at is None
        else {"id": row.last_session_id, "status": row.last_session_status, "dose_started_at": _at(dose_at)},
        "next_session": None
        if row.next_session_at is None
        else {
            "id": row.next_session_id,
            "status": row.next_session_status,
            "scheduled_at": _at(row.next_session_at),
            "overdue": row.next_session_at < now,
        },
        "days_since_dose": None if dose_at is None else max(0, (now - dose_at) // DAY),
        "relief": None
        if state is None
        else {
            "state": state,
            "since": _at(row.relief_since) if state == row.relief else None,
            "substance": row.relief_substance,
        },
        "updated_at": _at(row.updated_at),
    }
    return b'%b,"latest":%b,%b' % (to_json(before)[:-1], _latest(row.latest), to_json(after)[1:])


@lru_cache(maxsize=2048)
def _latest(text: str) -> bytes:
    """Gather the series of each measure: first the substance reported about last, of several that in the alphabet.

    It is most of a page, and pages are read again and again while little of them changes.
    """
    kept: Mapping[str, Sequence[Any]] = from_json(text)
    told: dict[str, Any] = {}
    for name, (value, at, change) in sorted(kept.items(), key=_newest_first):
        measure, _, substance = name.partition("/")
        one = {
            "substance": substance or None,
            "value": _number(value),
            "at": instant_text(EPOCH + at * MICROSECOND),
            "change_7d": _number(change),
        }
        if measure in told:
            told[measure]["other_substances"].append(one)
        else:
            told[measure] = one | {"other_substances": []}
    return to_json(told)


def _newest_first(series: tuple[str, Sequence[Any]]) -> tuple[int, str]:
    name, (_, at, _) = series
    return -at, name
