"""The plan of observation: when readings are due, and which were taken for which moment.

The moments are the protocol's own, and regular vital signs between them. A reading serves at most one moment, and only
one for which it has all that is wanted. Pure: no clock, no database; the same readings in any order give the same plan.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.dosing.rules import LONGEST_DOSE
from app.protocols.session_figures import Readings, Wanted

A_MINUTE: Final = timedelta(minutes=1)
RECORDABLE: Final[frozenset[Wanted]] = frozenset({"vitals", "moaas", "dissociation", "aldrete"})
"""What a reading can hold. The rest (craving, mood, C-SSRS) is answered in a check-in, and not followed here."""
VITALS: Final = ("systolic", "diastolic", "heart_rate", "spo2")
"""What counts as vital signs: the pressure, the pulse and the oxygen. Breaths and temperature are welcome."""


class PointState(StrEnum):
    """Where a planned moment stands.

    `expected`: still to come. `due`: now. `recorded`: in time. `late`: after its tolerance, but before the next one was
    due. `missing`: its time has passed.
    """

    EXPECTED = "expected"
    DUE = "due"
    RECORDED = "recorded"
    LATE = "late"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned moment: minutes from the begin, how far off a reading may be, and what is wanted then."""

    key: str
    minutes: int
    tolerance: int
    wants: tuple[Wanted, ...]
    regular: bool

    @property
    def recordable(self) -> frozenset[Wanted]:
        """What a reading has to hold to serve it."""
        return RECORDABLE.intersection(self.wants)


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading as the plan knows it."""

    id: UUID
    at: datetime
    holds: frozenset[Wanted]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Taken":
        """A stored reading."""
        holds: set[Wanted] = set()
        if all(row[name] is not None for name in VITALS):
            holds.add("vitals")
        holds |= {name for name in ("moaas", "dissociation", "aldrete") if row[name] is not None}
        return cls(row["id"], row["at"], frozenset(holds))


@dataclass(frozen=True, slots=True)
class PlanPoint:
    """A planned moment with where it stands, and the reading that was taken for it."""

    planned: Planned
    due_at: datetime
    state: PointState
    reading_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The moments in their order, and the readings that were taken besides."""

    points: tuple[PlanPoint, ...]
    unplanned: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a session begins for the plan, and when it is over; None: not yet.

    `begins_at` is the begin of the dose once it has begun (`has_begun`); until then the planned begin, or now when that
    has passed: a dose does not begin in the past. `gone_at` is when the patient went home or was transferred: what was
    due after it is no longer asked for.
    """

    begins_at: datetime
    has_begun: bool
    ended_at: datetime | None = None
    gone_at: datetime | None = None


def plan(span: Span, figures: Readings, readings: Iterable[Taken], now: datetime) -> Plan:
    """Say of every planned moment where it stands, and which readings were not planned."""
    points = [point for point in planned(span, figures, now) if _is_asked_for(point, span)]
    ordered = sorted(readings, key=lambda reading: (reading.at, reading.id))
    served = _served(points, ordered, span)
    known = [
        PlanPoint(point, _due(point, span), *_standing(point, span, served.get(index), now))
        for index, point in enumerate(points)
    ]
    taken = {reading.id for reading, _ in served.values()}
    return Plan(tuple(known), tuple(reading.id for reading in ordered if reading.id not in taken))


def planned(span: Span, figures: Readings, now: datetime) -> list[Planned]:
    """Every moment that is planned, in order: those that the protocol names, and regular vital signs between them.

    Until the dose has ended the regular ones are known up to the next one. One that comes as good as together with a
    named moment that wants vital signs as well is left out: nobody measures twice.
    """
    named = [
        Planned(point.key, point.minutes, point.tolerance_minutes, point.wants, regular=False)
        for point in figures.time_points
        if point.by == "staff"
    ]
    tolerance = figures.regular_tolerance_minutes
    regular = [
        Planned(f"vitals_{minutes}", minutes, tolerance, ("vitals",), regular=True)
        for minutes in _regular_minutes(span, figures, now)
        if not any("vitals" in point.wants and abs(point.minutes - minutes) <= tolerance for point in named)
    ]
    return sorted([*named, *regular], key=lambda point: (point.minutes, point.key))


def _regular_minutes(span: Span, figures: Readings, now: datetime) -> list[int]:
    if not span.has_begun:
        return []
    every = figures.every_minutes_while_dosing
    lasted = min((span.ended_at or now) - span.begins_at, LONGEST_DOSE) // A_MINUTE
    while_dosing = list(range(every, lasted + 1, every))
    if span.ended_at is None:
        return [*while_dosing, (lasted // every + 1) * every] if lasted >= 0 else [every]
    after = figures.every_minutes_afterwards
    afterwards = [lasted + minutes for minutes in range(after, figures.afterwards_minutes + 1, after)]
    return [*while_dosing, *afterwards]


def _due(point: Planned, span: Span) -> datetime:
    return span.begins_at + point.minutes * A_MINUTE


def _is_asked_for(point: Planned, span: Span) -> bool:
    return bool(point.recordable) and (span.gone_at is None or _due(point, span) <= span.gone_at)


def _standing(
    point: Planned, span: Span, served: tuple[Taken, bool] | None, now: datetime
) -> tuple[PointState, tuple[UUID, ...]]:
    if served is not None:
        reading, in_time = served
        return PointState.RECORDED if in_time else PointState.LATE, (reading.id,)
    due, tolerance = _due(point, span), point.tolerance * A_MINUTE
    if now < due - tolerance:
        return PointState.EXPECTED, ()
    return PointState.DUE if now <= due + tolerance else PointState.MISSING, ()


def _served(points: Sequence[Planned], readings: Sequence[Taken], span: Span) -> dict[int, tuple[Taken, bool]]:
    """The reading for each moment by its place, and whether it was in time: as many as can be, then the nearest."""
    in_time = _matched(_pairs(points, readings, span, [_window(point, span) for point in points], set()))
    used = {reading.id for reading in in_time.values()}
    rest = [reading for reading in readings if reading.id not in used]
    late = _matched(_pairs(points, rest, span, _late_windows(points, span), set(in_time)))
    return {index: (reading, True) for index, reading in in_time.items()} | {
        index: (reading, False) for index, reading in late.items()
    }


_Pair = tuple[timedelta, int, Taken]


def _pairs(
    points: Sequence[Planned],
    readings: Sequence[Taken],
    span: Span,
    windows: Sequence[tuple[datetime, datetime]],
    without: set[int],
) -> Iterable[_Pair]:
    """Every moment with each reading of its window that holds what it wants, both ends of a window included."""
    times = [reading.at for reading in readings]
    for index, (point, (first, last)) in enumerate(zip(points, windows, strict=True)):
        if index in without:
            continue
        due = _due(point, span)
        for reading in readings[bisect_left(times, first) : bisect_right(times, last)]:
            if point.recordable <= reading.holds:
                yield abs(reading.at - due), index, reading


def _window(point: Planned, span: Span) -> tuple[datetime, datetime]:
    due, tolerance = _due(point, span), point.tolerance * A_MINUTE
    return due - tolerance, due + tolerance


def _late_windows(points: Sequence[Planned], span: Span) -> list[tuple[datetime, datetime]]:
    """When a reading still counts for each moment: until the next one is due, and never past the begin."""
    found: list[tuple[datetime, datetime]] = []
    following = later = datetime.max.replace(tzinfo=span.begins_at.tzinfo)
    for point in reversed(points):
        due = _due(point, span)
        if due < later:
            following, later = later, due
        until = min(following, span.begins_at) if point.minutes < 0 else following
        found.append((_window(point, span)[1] + timedelta.resolution, until - timedelta.resolution))
    return found[::-1]


def _matched(pairs: Iterable[_Pair]) -> dict[int, Taken]:
    """Pair moments with readings: the nearest first, then re-arranged while one more moment can be served so."""
    ordered = sorted(pairs, key=lambda pair: (pair[0], pair[1], pair[2].at, pair[2].id))
    wanted: dict[int, list[Taken]] = {}
    point_of: dict[UUID, int] = {}
    reading_of: dict[int, Taken] = {}
    for _, point, reading in ordered:
        wanted.setdefault(point, []).append(reading)
        if point not in reading_of and reading.id not in point_of:
            reading_of[point], point_of[reading.id] = reading, point
    for point in sorted(wanted):
        if point not in reading_of:
            _make_room(point, wanted, reading_of, point_of)
    return reading_of


def _make_room(
    point: int, wanted: Mapping[int, Sequence[Taken]], reading_of: dict[int, Taken], point_of: dict[UUID, int]
) -> None:
    """Find a reading for a moment by giving others another one, if that is possible (an augmenting path)."""
    asked_by: dict[UUID, int] = {}
    asking = deque([point])
    while asking:
        asker = asking.popleft()
        for reading in wanted[asker]:
            if reading.id in asked_by:
                continue
            asked_by[reading.id] = asker
            holder = point_of.get(reading.id)
            if holder is not None:
                asking.append(holder)
                continue
            free: Taken | None = reading
            while free is not None:
                taker = asked_by[free.id]
                given_up = reading_of.get(taker)
                reading_of[taker], point_of[free.id] = free, taker
                free = given_up
            return
