"""What repeats: recurrence rules (RFC 5545, 3.3.10), read strictly and expanded on the wall clock of a place.

A rule speaks of days, and each of its days has one begin, at the time of the first one: nine stays nine when clocks
move, and the day names the instance. python-dateutil does the counting. It is never asked for more instances than
somebody wants, and never for those of a rule that may have none, for which it would look until the year 9999.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any, Final, Literal

from app.core.errors import FieldError, InvalidRequest
from app.core.fields import EARLIEST, LATEST, zone
from app.core.local_times import Resolved, left_out, resolve_local

LONGEST: Final = 500
"""Characters of a rule."""

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_TOO_OFTEN: Final = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_TIMES_OF_DAY: Final = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_NOT_READ: Final = frozenset({"BYWEEKNO", "BYYEARDAY"})
_DAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,3}", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_PART: Final = re.compile(r"([A-Z-]{1,20})=([A-Z0-9,+-]{1,400})", re.ASCII)
_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6}Z)?", re.ASCII)


class Frequency(StrEnum):
    """How often a rule repeats at most."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence rule that makes sense. `str()` writes it in one way, whichever way it was written."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    """The last day, or the last instant (UTC), on which an instance may begin."""
    by_day: tuple[tuple[int | None, int], ...] = ()
    """Days of the week (Monday is 0), each with which of them in the month or year, or None for all."""
    by_month_day: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    by_position: tuple[int, ...] = ()
    week_start: int | None = None

    @property
    def ends(self) -> bool:
        """Whether it says itself when it is over."""
        return self.count is not None or self.until is not None

    def __str__(self) -> str:
        parts: dict[str, object] = {"FREQ": self.frequency.value}
        parts |= {"INTERVAL": self.interval} if self.interval > 1 else {}
        parts |= {"COUNT": self.count} if self.count is not None else {}
        parts |= {"UNTIL": _until_text(self.until)} if self.until is not None else {}
        lists = {"BYMONTH": self.by_month, "BYMONTHDAY": self.by_month_day, "BYSETPOS": self.by_position}
        parts |= {"BYDAY": ",".join(f"{'' if n is None else n}{_DAYS[day]}" for n, day in self.by_day)}
        parts |= {name: ",".join(map(str, numbers)) for name, numbers in lists.items()}
        parts |= {"WKST": _DAYS[self.week_start]} if self.week_start is not None else {}
        return ";".join(f"{name}={value}" for name, value in parts.items() if value != "")


@dataclass(frozen=True, slots=True)
class Instance:
    """One begin that a rule gives. `local` is what the rule says, `resolved` the instant that it stands for there."""

    local: datetime
    resolved: Resolved

    @property
    def day(self) -> date:
        """The day of the rule, which names the instance."""
        return self.local.date()

    @property
    def at(self) -> datetime:
        """When it begins."""
        return self.resolved.at


def check(text: str, first_at: datetime, time_zone: str, most: int, *, pointer: str = "/rule") -> Rule:
    """Read a rule whose first instance is at `first_at` on the wall clock of a zone, with at most `most` instances.

    Raises `InvalidRequest`: for what is no rule by RFC 5545, repeats within a day, does not begin with its first
    instance, or has too many. A rule without an end has as many as are asked for, and is never refused for it.
    """
    rule = read(text, pointer)
    if not _begins_with(rule, first_at):
        raise _fault("/first_at", "not_in_rule", "The rule has to give the first one too: it begins on another day.")
    if rule.ends and more_than(rule, first_at, time_zone, most):
        raise _too_many(pointer, most)
    if not list(islice(expand(rule, first_at, time_zone), 1)):
        raise _fault(pointer, "ends_before_start", "It ends before the first one begins.")
    return rule


def read(text: str, pointer: str = "/rule") -> Rule:
    """Read a rule such as `FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12`, without `RRULE:`; raises `InvalidRequest`."""
    parts: dict[str, str] = {}
    for part in text.upper().split(";"):
        found = _PART.fullmatch(part)
        if len(text) > LONGEST or found is None or found[1] in parts:
            raise _illegal(pointer, "The parts of a rule look like `FREQ=WEEKLY;BYDAY=MO,TH`, each of them once.")
        parts[found[1]] = found[2]
    for name, value in parts.items():
        if name in _TIMES_OF_DAY or (name == "FREQ" and value in _TOO_OFTEN):
            raise _fault(pointer, "too_often", "What repeats here repeats once a day at most.")
        if name in _NOT_READ:
            raise _fault(pointer, "unsupported_part", "Weeks and days of a year are not counted here; use BYDAY.")
        if name not in _READ_BY and name != "FREQ":
            raise _illegal(pointer, "There is no such part of a rule.")
    if parts.get("FREQ") not in list(Frequency):
        raise _illegal(pointer, "FREQ has to be DAILY, WEEKLY, MONTHLY or YEARLY.")
    rule = Rule(Frequency(parts.pop("FREQ")), **{_READ_BY[n][0]: _READ_BY[n][1](t, pointer) for n, t in parts.items()})
    _check_together(rule, pointer)
    return rule


def expand(rule: Rule, first_at: datetime, time_zone: str) -> Iterator[Instance]:
    """Give the instances of a rule that was checked, in their order, as far as somebody asks for them.

    Days that the calendar of the place left out altogether are no instances. Nothing begins after the year 2099.
    """
    from dateutil import rrule  # noqa: PLC0415  half a megabyte, for who plans a series

    place = zone(time_zone)
    counted_by: dict[Frequency, Literal[0, 1, 2, 3]] = {
        Frequency.DAILY: rrule.DAILY,
        Frequency.WEEKLY: rrule.WEEKLY,
        Frequency.MONTHLY: rrule.MONTHLY,
        Frequency.YEARLY: rrule.YEARLY,
    }
    days = rrule.rrule(
        counted_by[rule.frequency],
        dtstart=first_at,
        interval=rule.interval,
        wkst=rule.week_start,
        bysetpos=rule.by_position or None,
        bymonth=rule.by_month or None,
        bymonthday=rule.by_month_day or None,
        byweekday=[rrule.weekday(day, n) for n, day in rule.by_day] or None,
        until=_last(rule, place),
    )
    for local in islice(days, rule.count):
        resolved = resolve_local(local, time_zone)
        if isinstance(rule.until, datetime) and resolved.at > rule.until:
            return
        if not left_out(local.date(), resolved):
            yield Instance(local, resolved)


def more_than(rule: Rule, first_at: datetime, time_zone: str, most: int) -> bool:
    """Whether a rule has more instances than `most`; what it counts itself is not counted again."""
    if rule.count is not None:
        return rule.count > most
    return len(list(islice(expand(rule, first_at, time_zone), most + 1))) > most


def instances(
    rule: Rule, first_at: datetime, time_zone: str, *, most: int, until: datetime | None = None
) -> tuple[list[Instance], bool]:
    """Give those that begin before `until`, at most `most` in all, and whether these are all that there will be."""
    first = list(islice(expand(rule, first_at, time_zone), most + 1))
    within = list(takewhile(lambda instance: until is None or instance.at < until, first[:most]))
    return within, len(within) == min(len(first), most)


def check_left_out(days: Collection[date], rule: Rule, first_at: datetime, time_zone: str, most: int) -> None:
    """Refuse days to leave out on which nothing would take place: somebody meant another one."""
    given = {instance.day for instance in islice(expand(rule, first_at, time_zone), most)} if days else set()
    faults = [
        FieldError(f"/left_out/{n}", "not_in_rule", "The rule gives nothing on this day.")
        for n, day in enumerate(days)
        if day not in given
    ]
    if faults:
        raise InvalidRequest(errors=faults)


def _last(rule: Rule, place: Any) -> datetime:  # noqa: ANN401  a zone
    """The last wall-clock time that may be an instance, no sooner than the rule's own end."""
    latest = LATEST.replace(tzinfo=None) - timedelta(days=1)
    if rule.until is None:
        return latest
    if isinstance(rule.until, datetime):  # a day more, since the clock may have been put back; the instant decides
        return min(latest, rule.until.astimezone(place).replace(tzinfo=None) + timedelta(days=1))
    return min(latest, datetime.combine(rule.until, time.max))


def _begins_with(rule: Rule, first_at: datetime) -> bool:
    """Whether the day of `first_at` is the first of the rule.

    It is told by looking at the days of its month or year: a rule that no day satisfies must not be expanded.
    """
    day = first_at.date()
    if not _gives(rule, day, day):
        return False
    if not rule.by_position:
        return True
    months = range(1, 13) if rule.frequency is Frequency.YEARLY else (day.month,)
    days = [date(day.year, month, 1) + timedelta(days=n) for month in months for n in range(_days_of(day.year, month))]
    chosen = [each for each in days if _gives(rule, each, day)]
    position = chosen.index(day)
    return bool({position + 1, position - len(chosen)} & set(rule.by_position))


def _gives(rule: Rule, day: date, first: date) -> bool:
    """Whether a day is one of a rule that begins on `first`, before positions are counted."""
    of_month = rule.by_month_day
    if not of_month and not rule.by_day and rule.frequency in {Frequency.MONTHLY, Frequency.YEARLY}:
        of_month = (first.day,)
    if rule.by_month and day.month not in rule.by_month:
        return False
    if of_month and not {day.day, day.day - _days_of(day.year, day.month) - 1} & set(of_month):
        return False
    return not rule.by_day or any(_is_nth(rule, day, n, weekday) for n, weekday in rule.by_day)


def _is_nth(rule: Rule, day: date, n: int | None, weekday: int) -> bool:
    """Whether a day is this day of the week, and the n-th of its month or year if one is named."""
    if day.weekday() != weekday or n is None:
        return day.weekday() == weekday
    if rule.frequency is Frequency.YEARLY and not rule.by_month:
        since, until = date(day.year, 1, 1), date(day.year, 12, 31)
    else:
        since, until = day.replace(day=1), day.replace(day=_days_of(day.year, day.month))
    return n in {(day - since).days // 7 + 1, -((until - day).days // 7) - 1}


def _days_of(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _check_together(rule: Rule, pointer: str) -> None:
    """Refuse parts that RFC 5545 does not allow beside each other, and those that no day can satisfy."""
    of_month = rule.frequency in {Frequency.MONTHLY, Frequency.YEARLY}
    if rule.count is not None and rule.until is not None:
        raise _illegal(pointer, "It ends by COUNT or by UNTIL, not by both.")
    if not of_month and any(n is not None for n, _ in rule.by_day):
        raise _illegal(pointer, "A numbered day such as 2MO needs MONTHLY or YEARLY.")
    if rule.frequency is Frequency.WEEKLY and rule.by_month_day:
        raise _illegal(pointer, "BYMONTHDAY cannot be used with WEEKLY.")
    others = rule.by_day or rule.by_month_day or rule.by_month
    if rule.by_position and not others:
        raise _illegal(pointer, "BYSETPOS needs another BY part to choose from.")
    if rule.by_position and not of_month:  # of a week python-dateutil counts only the days since the first one
        raise _fault(pointer, "unsupported_part", "BYSETPOS needs MONTHLY or YEARLY here.")


def _number(least: int, most: int, *, negative: bool) -> Callable[[str, str], tuple[int, ...]]:
    def numbers(text: str, pointer: str) -> tuple[int, ...]:
        found = []
        for word in text.split(","):
            if (
                _NUMBER.fullmatch(word) is None
                or not least <= abs(int(word)) <= most
                or (int(word) < 0 and not negative)
            ):
                raise _illegal(pointer, "A number of the rule lies outside what it can be.")
            found.append(int(word))
        return tuple(dict.fromkeys(found))

    return numbers


def _whole(text: str, pointer: str) -> int:
    if _COUNT.fullmatch(text) is None or int(text) < 1:
        raise _illegal(pointer, "COUNT and INTERVAL are whole numbers from 1.")
    return int(text)


def _interval(text: str, pointer: str) -> int:
    interval = _whole(text, pointer)
    if interval > MOST_APART:
        raise _illegal(pointer, f"INTERVAL is {MOST_APART} at most.")
    return interval


MOST_APART: Final = 366


def _by_day(text: str, pointer: str) -> tuple[tuple[int | None, int], ...]:
    days: list[tuple[int | None, int]] = []
    for word in text.split(","):
        found = _DAY.fullmatch(word)
        n = int(found[1]) if found and found[1] else None
        if found is None or (n is not None and not 1 <= abs(n) <= 53):  # noqa: PLR2004  weeks of a year
            raise _illegal(pointer, "BYDAY lists days such as MO, or 2MO and -1FR of a month.")
        days.append((n, _DAYS.index(found[2])))
    return tuple(dict.fromkeys(days))


def _week_start(text: str, pointer: str) -> int:
    if text not in _DAYS:
        raise _illegal(pointer, "WKST is a day such as MO.")
    return _DAYS.index(text)


def _until(text: str, pointer: str) -> date | datetime:
    if _UNTIL.fullmatch(text) is not None:
        try:
            if len(text) == len("YYYYMMDD"):
                until: date | datetime = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  a day
            else:
                until = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            until = date.min
        if EARLIEST.year <= until.year < LATEST.year:
            return until
    raise _illegal(
        pointer, "UNTIL is a day such as 20261231, or an instant in UTC such as 20261231T220000Z, before 2100."
    )


def _until_text(until: date | datetime) -> str:
    shape = "%04d%02d%02dT%02d%02d%02dZ" if isinstance(until, datetime) else "%04d%02d%02d"
    return shape % until.timetuple()[: 6 if isinstance(until, datetime) else 3]


_READ_BY: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "INTERVAL": ("interval", _interval),
    "COUNT": ("count", _whole),
    "UNTIL": ("until", _until),
    "BYDAY": ("by_day", _by_day),
    "BYMONTHDAY": ("by_month_day", _number(1, 31, negative=True)),
    "BYMONTH": ("by_month", _number(1, 12, negative=False)),
    "BYSETPOS": ("by_position", _number(1, 366, negative=True)),
    "WKST": ("week_start", _week_start),
}


def _illegal(pointer: str, detail: str) -> InvalidRequest:
    return _fault(pointer, "illegal_rule", detail)


def _too_many(pointer: str, most: int) -> InvalidRequest:
    fault = FieldError(pointer, "too_many_repetitions", f"It repeats more than {most} times.", {"max": most})
    return InvalidRequest(errors=[fault])


def _fault(pointer: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(pointer, code, detail)])
