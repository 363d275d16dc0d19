"""What a plan asks for and when, as occurrences with ids that stay the same. Pure: no clock, no database.

The id of an occurrence follows from what it is (whose, which item, which local day and time, or which session), never
from when it was planned, by which version of the plan or in which zone. So planning again finds the same ones: a phone
keeps its reminders, and whoever answered this morning and then flew west is not asked for the same morning twice.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from app.check_in_plans.plan_items import (
    CalendarItem,
    PlanContent,
    RandomItem,
    RelativeItem,
    Window,
    clock_time,
)
from app.check_in_plans.rules import INSTRUMENTS
from app.core.fields import zone
from app.core.local_times import Resolved, left_out, resolve
from app.protocols.day_figures import Asking
from app.protocols.session_figures import TimePoint

MINUTE: Final = timedelta(minutes=1)
ONE_DAY: Final = timedelta(days=1)
_VERSION_8, _VARIANT = 8 << 76, 2 << 62
_KEPT_BITS: Final = ~(0xF << 76 | 3 << 62)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One moment at which a patient is asked."""

    id: UUID
    item: str
    opens_at: datetime
    due_at: datetime
    closes_at: datetime
    instruments: tuple[str, ...]
    reminders: tuple[int, ...]
    local_day: date
    local_time: str
    """`HH:MM` as it was asked for."""
    time_zone: str
    shifted: bool
    minutes_from_dose: int | None = None


@dataclass(frozen=True, slots=True)
class AroundDose:
    """A moment that is asked for around every dose: of the protocol, or an item of the plan."""

    key: str
    minutes: int
    opens_before: timedelta
    closes_after: timedelta
    instruments: tuple[str, ...]
    reminders: tuple[int, ...]


def stable_id(*what: object) -> UUID:
    """An id (UUIDv8) that follows from what it is of."""
    digest = hashlib.blake2b("\x1f".join(map(str, what)).encode(), digest_size=16, person=b"due-check-in").digest()
    return UUID(int=int.from_bytes(digest) & _KEPT_BITS | _VERSION_8 | _VARIANT)


def by_the_calendar(
    content: PlanContent, patient_id: UUID, time_zone: str, first: date, last: date, figures: Asking
) -> list[Occurrence]:
    """What is asked for on these local days, both included, in the order in which it is due."""
    found: list[Occurrence] = []
    items = list(content.by_the_calendar())
    for offset in range((last - first).days + 1):
        day = first + offset * ONE_DAY
        on_this_day = [item for item in items if item.holds(day)]
        for item in on_this_day:
            if not isinstance(item, RandomItem):
                found.extend(_at_times(item, patient_id, day, time_zone, figures))
        found.extend(
            _at_random(
                [item for item in on_this_day if isinstance(item, RandomItem)], patient_id, day, time_zone, figures
            )
        )
    return sorted(found, key=lambda each: (each.due_at, each.id))


def _at_times(item: CalendarItem, patient_id: UUID, day: date, time_zone: str, figures: Asking) -> Iterator[Occurrence]:
    if isinstance(item, RandomItem):
        return
    times = (item.local_time,) if item.kind == "every_n_days" else item.local_times
    for local_time in times:
        resolved = resolve(day, clock_time(local_time), time_zone)
        if left_out(day, resolved):
            continue
        yield _occurrence(
            item,
            stable_id(patient_id, item.key, day, local_time),
            figures,
            resolved.at,
            opens_before=item.opens_minutes_before * MINUTE,
            local=(day, local_time, time_zone),
            shifted=resolved.shifted,
        )


def _at_random(
    items: Sequence[RandomItem], patient_id: UUID, day: date, time_zone: str, figures: Asking
) -> Iterator[Occurrence]:
    """Random moments of one day, each at least so far from the one before as the clinic wants.

    They are drawn in real minutes, so that none falls into an hour that the day does not have. In a window that a
    change of the clocks made too short there are as many as fit.
    """
    place, apart = zone(time_zone), figures.random_apart_minutes
    previous: datetime | None = None
    windows = sorted(((window, item) for item in items for window in item.windows), key=lambda each: each[0].from_time)
    for window, item in windows:
        start, end = (resolve(day, clock_time(text), time_zone) for text in (window.from_time, window.until_time))
        if left_out(day, start):
            return
        begins = start.at if previous is None else max(start.at, previous + apart * MINUTE)
        for number, minutes in enumerate(_drawn(item.key, patient_id, day, window, (end.at - begins) // MINUTE, apart)):
            due_at = previous = begins + minutes * MINUTE
            local = due_at.astimezone(place)
            yield _occurrence(
                item,
                stable_id(patient_id, item.key, day, window.from_time, number),
                figures,
                due_at,
                opens_before=timedelta(),
                local=(day, local.strftime("%H:%M"), time_zone),
                shifted=False,
            )


def _drawn(key: str, patient_id: UUID, day: date, window: Window, length: int, apart: int) -> list[int]:
    """Minutes from the begin of a window, in order; evenly spread, and the same whenever they are asked for."""
    prompts = min(window.prompts, length // apart + 1) if length >= 0 else 0
    room = length - (prompts - 1) * apart
    drawn = sorted(
        int.from_bytes(
            hashlib.blake2b(
                f"{key}\x1f{day}\x1f{window.from_time}\x1f{number}".encode(), digest_size=8, key=patient_id.bytes
            ).digest()
        )
        % (room + 1)
        for number in range(prompts)
    )
    return [minutes + number * apart for number, minutes in enumerate(drawn)]


def _occurrence(
    item: CalendarItem,
    occurrence_id: UUID,
    figures: Asking,
    due_at: datetime,
    *,
    opens_before: timedelta,
    local: tuple[date, str, str],
    shifted: bool,
) -> Occurrence:
    return Occurrence(
        id=occurrence_id,
        item=item.key,
        opens_at=due_at - opens_before,
        due_at=due_at,
        closes_at=due_at + item.closes_minutes_after * MINUTE,
        instruments=item.instruments,
        reminders=_reminders(item.reminder_minutes, figures),
        local_day=local[0],
        local_time=local[1],
        time_zone=local[2],
        shifted=shifted,
    )


def moments_around(content: PlanContent, points: Iterable[TimePoint], figures: Asking) -> list[AroundDose]:
    """What is asked for around every dose. An item of the plan takes the place of the time point with its key."""
    moments: dict[str, AroundDose] = {}
    for point in points if content.around_doses else ():
        instruments = tuple(INSTRUMENTS[wanted] for wanted in point.wants if wanted in INSTRUMENTS)
        if point.by == "patient" and instruments:
            around = point.tolerance_minutes * MINUTE
            usual = figures.reminder_minutes
            moments.setdefault(point.key, AroundDose(point.key, point.minutes, around, around, instruments, usual))
    for item in content.relative():
        moments[item.key] = _around_dose(item, figures)
    return sorted(moments.values(), key=lambda each: (each.minutes, each.key))


def _around_dose(item: RelativeItem, figures: Asking) -> AroundDose:
    return AroundDose(
        item.key,
        item.minutes,
        item.opens_minutes_before * MINUTE,
        item.closes_minutes_after * MINUTE,
        item.instruments,
        _reminders(item.reminder_minutes, figures),
    )


def around(
    moments: Iterable[AroundDose], patient_id: UUID, session_id: UUID, begins_at: datetime, time_zone: str
) -> list[Occurrence]:
    """What is asked for around one dose that begins then. Before a dose is before it, and after it is after it."""
    place = zone(time_zone)
    found = []
    for moment in moments:
        due_at = begins_at + moment.minutes * MINUTE
        opens_at, closes_at = due_at - moment.opens_before, due_at + moment.closes_after
        local = due_at.astimezone(place)
        found.append(
            Occurrence(
                id=stable_id(patient_id, session_id, moment.key),
                item=moment.key,
                opens_at=opens_at if moment.minutes < 0 else max(opens_at, begins_at),
                due_at=due_at,
                closes_at=min(closes_at, begins_at) if moment.minutes < 0 else closes_at,
                instruments=moment.instruments,
                reminders=moment.reminders,
                local_day=local.date(),
                local_time=local.strftime("%H:%M"),
                time_zone=time_zone,
                shifted=False,
                minutes_from_dose=moment.minutes,
            )
        )
    return found


def last_planned_day(now: datetime, time_zone: str, figures: Asking) -> date:
    """The last local day that is planned now."""
    return now.astimezone(zone(time_zone)).date() + figures.planned_days * ONE_DAY


def end_of(day: date, time_zone: str) -> datetime:
    """The first instant after a local day."""
    following: Resolved = resolve(day + ONE_DAY, clock_time("00:00"), time_zone)
    return following.at


def _reminders(own: tuple[int, ...] | None, figures: Asking) -> tuple[int, ...]:
    return figures.reminder_minutes if own is None else own
