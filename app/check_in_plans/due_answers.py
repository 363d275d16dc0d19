"""Due check-ins as JSON, in the shapes of `schemas.py`.

Written by hand as trends are: a phone asks for some dozens each time it is opened. The tests compare every answer with
the schemas.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from pydantic_core import to_json

from app.check_in_plans.due_rules import MICROSECOND
from app.check_in_plans.rules import state_at
from app.core.columns import EPOCH
from app.core.fields import zone
from app.instruments.catalogue import definition

MINUTE, DAY = 60_000_000, 86_400_000_000


def page(rows: Sequence[Any], now: datetime, *, time_zone: str, valid_until: int, planned_until: int | None) -> bytes:
    """Write a `schemas.DueCheckInPage` of rows with `due_queries.COLUMNS`."""
    at = microseconds(now)
    return to_json(
        {
            "items": [item(row, at, time_zone) for row in rows],
            "next_cursor": None,
            "valid_until": written(valid_until),
            "planned_until": _written(planned_until),
        }
    )


def item(row: Any, now: int, time_zone: str) -> dict[str, Any]:  # noqa: ANN401  a row
    """A `schemas.DueCheckIn` of a row with `due_queries.COLUMNS`, as it is `now` (microseconds since 1970).

    `time_zone` is the patient's, for what was planned before the zone was kept with it.
    """
    place = row.time_zone or time_zone
    return {
        "id": row.id,
        "dosing_session_id": row.dosing_session_id,
        "time_point": row.time_point,
        "minutes_from_dose": row.minutes_from_dose,
        "opens_at": written(row.opens_at),
        "due_at": written(row.due_at),
        "closes_at": written(row.closes_at),
        "local_time": _local_time(row, place),
        "time_zone": place,
        "shifted": bool(row.shifted),
        "reminder_at": [written(row.due_at + minutes * MINUTE) for minutes in row.reminders or (0,)],
        "instruments": row.instruments,
        "instrument_versions": row.instrument_versions or _current(tuple(row.instruments)),
        "state": state_at(
            row.state, row.opens_at, row.closes_at, row.answered_at, now, awaits_dose=row.awaits_dose
        ).value,
        "check_in_id": row.check_in_id,
        "answered_at": _written(row.answered_at),
        "delivered_at": _written(row.delivered_at),
        "shown_at": _written(row.shown_at),
        "plan_version": row.plan_version,
        "template_version": row.template_version,
    }


def microseconds(moment: datetime) -> int:
    """Microseconds from 1970 to a moment."""
    return (moment - EPOCH) // MICROSECOND


def written(at: int) -> str:
    """Write an instant as `fields.Moment` does."""
    day, rest = divmod(at, DAY)
    minute, rest = divmod(rest, MINUTE)
    return f"{_day(day)}T{_TIMES[minute]}:{rest // 1_000_000:02}.{rest // 1000 % 1000:03}Z"


_TIMES: Final = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in range(24 * 60))


@lru_cache(maxsize=1024)
def _day(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def _written(at: int | None) -> str | None:
    return None if at is None else written(at)


def _local_time(row: Any, place: str) -> str:  # noqa: ANN401  a row
    """When it is due on the wall clock; of what stands in relation to a dose, what the clock shows then."""
    if row.local_day is not None and row.local_time is not None:
        return f"{row.local_day}T{row.local_time}"
    local = (EPOCH + timedelta(microseconds=row.due_at)).astimezone(zone(place))
    return local.strftime("%Y-%m-%dT%H:%M")


@lru_cache(maxsize=1024)
def _current(instruments: tuple[str, ...]) -> dict[str, str]:
    """The versions that these have now: what was planned before this release does not name them."""
    return {key: definition(key).version for key in instruments}
