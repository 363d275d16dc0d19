"""When the clocks of a zone are changed, as a calendar file says it (RFC 5545, 3.6.5). Pure.

The library that writes the file has a function for this, which dates the change in spring an hour late: the standard
wants the time on the wall as it was until then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

STEP: Final = timedelta(days=1)
"""No zone changes its clocks twice within a day."""
PRECISION: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Onset:
    """From when on a zone has an offset. `local` is that moment on the clock as it was until then."""

    local: datetime
    before: timedelta
    offset: timedelta
    name: str
    is_daylight: bool


def onsets(place: ZoneInfo, since: datetime, until: datetime) -> list[Onset]:
    """The offset that holds at `since`, and each change of it up to `until`."""
    first = since.astimezone(UTC)
    found = [_onset(place, first, first)]
    at = first
    while at < until:
        after = at + STEP
        if _state(place, at) != _state(place, after):
            found += _changes(place, at, after)
        at = after
    return found


def _changes(place: ZoneInfo, before: datetime, after: datetime) -> Iterator[Onset]:
    """The first moment of a new offset between two others."""
    start = _state(place, before)
    while after - before > PRECISION:
        middle = before + (after - before) / 2
        if _state(place, middle) == start:
            before = middle
        else:
            after = middle
    moment = after.replace(microsecond=0)
    yield _onset(place, moment - PRECISION, moment)


def _state(place: ZoneInfo, at: datetime) -> tuple[timedelta | None, timedelta | None, str | None]:
    local = at.astimezone(place)
    return local.utcoffset(), local.dst(), local.tzname()


def _onset(place: ZoneInfo, before: datetime, at: datetime) -> Onset:
    then, now = before.astimezone(place), at.astimezone(place)
    offset = then.utcoffset() or timedelta()
    return Onset(
        local=(at + offset).replace(tzinfo=None),
        before=offset,
        offset=now.utcoffset() or timedelta(),
        name=now.tzname() or "",
        is_daylight=bool(now.dst()),
    )
