"""How much of what was assigned was practised. Counts, never a share of nothing.

An assignment says how many times in each window of so many days. The windows follow each other from its first day.
Only windows that are over count, and only as long as nobody changed the assignment in them: nobody is measured against
what they had not been told, or could not finish. More than was assigned is shown beside, and makes up for nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Assigned:
    """One assignment as one version of the plan has it. Both days are inclusive, by the patient's clock."""

    id: UUID
    times: int
    window_days: int
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class InForce:
    """An assignment, and the days on which it stood like this: from `since` to before `until` (None: to this day)."""

    assigned: Assigned
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Window:
    """Days in which an assignment is due, both inclusive."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Adherence:
    """`done` of `assigned` times were practised in `windows` windows that are over; `beside` came on top."""

    windows: int = 0
    assigned: int = 0
    done: int = 0
    beside: int = 0

    @property
    def share(self) -> float | None:
        """`done` of `assigned`; None when nothing was."""
        return self.done / self.assigned if self.assigned else None

    def __add__(self, other: "Adherence") -> "Adherence":
        return Adherence(
            self.windows + other.windows,
            self.assigned + other.assigned,
            self.done + other.done,
            self.beside + other.beside,
        )


def in_force(versions: Sequence[tuple[date, Sequence[Assigned]]]) -> dict[UUID, list[InForce]]:
    """Return how each assignment stood when, from the plan's versions and the local days on which they were made.

    The oldest first. Of several versions of one day the last one counts; a version that leaves an assignment as it was
    does not interrupt it.
    """
    last_of_day = {day: {each.id: each for each in assigned} for day, assigned in versions}
    found: dict[UUID, list[InForce]] = {}
    standing: dict[UUID, InForce] = {}
    for day, assigned in sorted(last_of_day.items()):
        for id_, open_since in list(standing.items()):
            if assigned.get(id_) != open_since.assigned:
                found.setdefault(id_, []).append(InForce(open_since.assigned, open_since.since, day))
                del standing[id_]
        for id_, each in assigned.items():
            standing.setdefault(id_, InForce(each, day, None))
    for id_, open_since in standing.items():
        found.setdefault(id_, []).append(open_since)
    return found


def windows(stood: InForce, since: date, before: date) -> Iterator[Window]:
    """Give the windows that lie wholly on days from `since` to before `before`, while the assignment stood."""
    assigned = stood.assigned
    length = timedelta(days=assigned.window_days)
    earliest, end = max(since, stood.since), min(before, stood.until or before)
    if assigned.ends_on is not None:
        end = min(end, assigned.ends_on + _DAY)
    passed = max(0, -((assigned.starts_on - earliest).days // assigned.window_days))
    first = assigned.starts_on + passed * length
    while first + length <= end:
        yield Window(first, first + length - _DAY)
        first += length


def current_window(stood: InForce, today: date) -> Window | None:
    """Return the window that a day lies in, as far as the assignment stands; None when it asks for nothing then."""
    assigned = stood.assigned
    if stood.until is not None or today < assigned.starts_on:
        return None
    passed = (today - assigned.starts_on).days // assigned.window_days
    first = assigned.starts_on + timedelta(days=passed * assigned.window_days)
    last = first + timedelta(days=assigned.window_days - 1)
    return None if assigned.ends_on is not None and last > assigned.ends_on else Window(first, last)


def adherence(stood: Sequence[InForce], done_on: Sequence[date], since: date, before: date) -> Adherence:
    """Count one assignment's practice in the windows that lie wholly from `since` to before `before`."""
    by_day = Counter(done_on)
    total = Adherence()
    for each in stood:
        for window in windows(each, since, before):
            done = done_in(by_day, window)
            times = each.assigned.times
            total += Adherence(1, times, min(done, times), max(0, done - times))
    return total


def done_in(by_day: Mapping[date, int], window: Window) -> int:
    """Count the practice of a window."""
    days = (window.last - window.first).days + 1
    return sum(by_day.get(window.first + timedelta(days=number), 0) for number in range(days))
