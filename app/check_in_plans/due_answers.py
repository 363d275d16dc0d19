"""Due check-ins as JSON, in the shapes of `schemas.py`.

Written by hand, since a phone asks for some dozens of them each time it is opened: building a model or even a
dictionary of each takes longer than letting the caller in. The tests compare every answer with the schemas.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from app.check_in_plans import due_queries
from app.check_in_plans.due_rules import MICROSECOND, valid_until
from app.check_in_plans.rules import Kept, state_at
from app.core.columns import EPOCH
from app.core.fields import zone
from app.instruments.catalogue import definition

MINUTE, NULL = 60_000_000, "null"
_VALUES: Final = attrgetter(*(column.name for column in due_queries.COLUMNS))


@dataclass(frozen=True, slots=True)
class Page:
    """A list, and from when on it may be another one; microseconds since 1970."""

    body: bytes
    valid_until: int


def page(rows: Sequence[Any], now: datetime, *, time_zone: str, tomorrow: datetime, planned_until: int | None) -> Page:
    """Write a `schemas.DueCheckInPage` of rows with `due_queries.COLUMNS`."""
    at, waiting = microseconds(now), []
    items = []
    for row in rows:
        text, turns = _item(at, time_zone, *row)
        items.append(text)
        if turns is not None:
            waiting.append(turns)
    until = valid_until(waiting, at, microseconds(tomorrow))
    body = (
        f'{{"items":[{",".join(items)}],"next_cursor":null,"valid_until":{_instant(until)},'
        f'"planned_until":{_instant(planned_until)}}}'
    )
    return Page(body.encode(), until)


def item(row: Any, now: int, time_zone: str) -> dict[str, Any]:  # noqa: ANN401  a row
    """A `schemas.DueCheckIn` of a row with `due_queries.COLUMNS`, as it is `now` (microseconds since 1970).

    `time_zone` is the patient's, for what was planned before the zone was kept with it.
    """
    text, _ = _item(now, time_zone, *_VALUES(row))
    shown: dict[str, Any] = json.loads(text)
    return shown


def _item(
    now: int,
    zone_now: str,
    due_id: str,
    session_id: str | None,
    time_point: str,
    minutes: int | None,
    awaits_dose: bool | None,
    opens_at: int,
    due_at: int,
    closes_at: int,
    local_time: str | None,
    time_zone: str | None,
    shifted: bool | None,
    reminders: str | None,
    instruments: str,
    versions: str | None,
    kept: str,
    check_in_id: str | None,
    answered_at: int | None,
    delivered_at: int | None,
    shown_at: int | None,
) -> tuple[str, tuple[int, int] | None]:
    """Write one; and the moments at which it opens and closes, where it waits for them.

    Names of items and of zones were checked when they were stored, and hold nothing that JSON would have to escape.
    """
    place = time_zone or zone_now
    state = state_at(kept, opens_at, closes_at, answered_at, now, awaits_dose=awaits_dose)
    reminds = ",".join([_instant(due_at + minutes * MINUTE) for minutes in _reminders(reminders)])
    session = f'"{session_id}"' if session_id else NULL
    answer = f'"{check_in_id}"' if check_in_id else NULL
    text = (
        f'{{"id":"{due_id}","dosing_session_id":{session},"time_point":"{time_point}",'
        f'"minutes_from_dose":{NULL if minutes is None else minutes},"opens_at":{_instant(opens_at)},'
        f'"due_at":{_instant(due_at)},"closes_at":{_instant(closes_at)},'
        f'"local_time":"{local_time or _local_time(due_at, place)}","time_zone":"{place}",'
        f'"shifted":{"true" if shifted else "false"},"reminder_at":[{reminds}],"instruments":{instruments},'
        f'"instrument_versions":{versions or _current(instruments)},"state":"{state}","check_in_id":{answer},'
        f'"answered_at":{_instant(answered_at)},"delivered_at":{_instant(delivered_at)},'
        f'"shown_at":{_instant(shown_at)}}}'
    )
    return text, (opens_at, closes_at) if kept == Kept.WAITING and not awaits_dose else None


def microseconds(moment: datetime) -> int:
    """Microseconds from 1970 to a moment."""
    return (moment - EPOCH) // MICROSECOND


@lru_cache(maxsize=32_768)
def _instant(at: int | None) -> str:
    """Write an instant as `fields.Moment` does: many of them are the same nine o'clock, asked for by everyone."""
    if at is None:
        return "null"
    moment = EPOCH + timedelta(microseconds=at)
    return f'"{moment:%Y-%m-%dT%H:%M:%S}.{at // 1000 % 1000:03}Z"'


@lru_cache(maxsize=1024)
def _reminders(text: str | None) -> tuple[int, ...]:
    """Minutes from when it is due; what was planned before this release is reminded of then."""
    return (0,) if text is None else tuple(json.loads(text))


def _local_time(due_at: int, place: str) -> str:
    """When it is due on the wall clock, where that was not kept."""
    return f"{(EPOCH + timedelta(microseconds=due_at)).astimezone(zone(place)):%Y-%m-%dT%H:%M}"


@lru_cache(maxsize=1024)
def _current(instruments: str) -> str:
    """The versions that these have now: what was planned before this release does not name them."""
    return json.dumps({key: definition(key).version for key in json.loads(instruments)})
