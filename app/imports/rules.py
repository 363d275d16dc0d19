"""Reading one row: pure functions of a map and the row. No database, no clock.

What cannot be read is a `Fault` with the code of a reason and the name of a column, never with what the column says.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid5

from app.core.fields import EARLIEST, LATEST, zone
from app.imports.cells import Cell
from app.imports.maps import InventedTime, Map, Skip, Time

Row = Mapping[str, str]
"""The cells of one row by column, stripped; what the map calls missing is empty."""

WHOLE: Final = re.compile(r"[+-]?\d{1,9}(\.0*)?", re.ASCII)
NUMBER: Final = re.compile(r"[+-]?\d{1,9}(\.\d{1,9})?", re.ASCII)
SEPARATOR: Final = "\x1f"


class Fault(Exception):  # noqa: N818  the fault of a row, which stops nothing
    """Why a row is not taken: left out by a rule (`skips`), or refused."""

    def __init__(self, reason: str, column: str | None = None, *, skips: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
        self.skips = skips


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row lies in time. `remarks` are codes of what was decided on the way, `note` says the same in words."""

    at: datetime
    ends_at: datetime | None = None
    remarks: tuple[str, ...] = ()
    note: str | None = None


def patient_id(clinic_id: UUID, source: str, person: str) -> UUID:
    """The id of the patient whom a person of a source becomes at a clinic: always the same."""
    return uuid5(clinic_id, SEPARATOR.join(("patient", source, person)))


def record_id(patient: UUID, records: str, key: Sequence[str]) -> UUID:
    """The id of what a row becomes: always the same for the patient, the set of records and what identifies the row."""
    return uuid5(patient, SEPARATOR.join((records, *key)))


def key_of(mapping: Map, row: Row, number: int) -> tuple[str, ...]:
    """What tells a row from the others of its person: the columns that the map names, or else its number."""
    return tuple(row[name] for name in mapping.row) if mapping.row else (str(number),)


def person_of(mapping: Map, row: Row) -> str:
    """Who the row is about, as the source calls them."""
    person = row[mapping.person.column]
    if not person:
        raise Fault("no_person", mapping.person.column)
    return person


def taken(cell: Cell | None, row: Row) -> str:
    """What a cell comes to; empty for nothing."""
    if cell is None:
        return ""
    if cell.constant is not None:
        return cell.constant
    if cell.column is None:
        return next((word for name, word in cell.flags.items() if row[name] in cell.yes), "")
    text = row[cell.column]
    if cell.values is None:
        return text
    if text not in cell.values and text:
        raise Fault("unknown_value", cell.column)
    return cell.values.get(text, "")


def first_filled(names: Sequence[str], row: Row) -> str | None:
    """The first of these columns that says something."""
    return next((name for name in names if row[name]), None)


def whole(text: str, column: str | None) -> int | None:
    """A whole number, also when it is written as 7.0; None for nothing."""
    if not text:
        return None
    if WHOLE.fullmatch(text) is None:
        raise Fault("not_a_whole_number", column)
    return int(text.partition(".")[0])


def decimal(text: str, column: str | None) -> float | None:
    """A number with a decimal point; None for nothing."""
    if not text:
        return None
    if NUMBER.fullmatch(text) is None:
        raise Fault("not_a_number", column)
    return float(text)


def must_be_left_out(rules: Sequence[Skip], row: Row) -> None:
    """Raise a `Fault` that skips the row, by the first of the map's rules that applies."""
    for rule in rules:
        text = row[rule.column]
        if rule.equals is not None:
            applies = text in rule.equals
        elif rule.same_as is not None:
            named = first_filled(rule.same_as, row)
            applies = bool(text) and named is not None and row[named] == text
        else:
            applies = (not text) == rule.empty
        if applies:
            raise Fault(rule.reason, rule.column, skips=True)


def on_the_wall(local: datetime, time_zone: str) -> tuple[datetime, str | None]:
    """The instant at which clocks on the wall showed this, and a remark where they showed it never, or twice.

    A time in the gap of a clock change moves forward by the length of the gap; of a time that came twice, the first is
    taken.
    """
    place = zone(time_zone)
    aware = local.replace(tzinfo=place, fold=0)
    instant = aware.astimezone(UTC)
    if instant.astimezone(place).replace(tzinfo=None) != local:
        return instant, "time_in_gap"
    if aware.utcoffset() != aware.replace(fold=1).utcoffset():
        return instant, "time_came_twice"
    return instant, None


def place_of(mapping: Map, row: Row) -> Place:
    """Where the row lies in time."""
    rule = mapping.when
    return _told(rule, row) if isinstance(rule, Time) else _invented(rule, row)


def _told(rule: Time, row: Row) -> Place:
    at, remark = _instant(rule, row, rule.column)
    remarks = [remark] if remark else []
    ends_at = None
    if rule.end_column and row[rule.end_column]:
        ends_at, end_remark = _instant(rule, row, rule.end_column)
        remarks += [end_remark] if end_remark else []
        if ends_at < at:
            raise Fault("ends_before_start", rule.end_column)
    return Place(at, ends_at, tuple(dict.fromkeys(remarks)))


def _instant(rule: Time, row: Row, column: str) -> tuple[datetime, str | None]:
    text = row[column]
    if not text:
        raise Fault("no_time", column)
    try:
        read = datetime.strptime(text, rule.format)  # noqa: DTZ007  the map says what it means
    except ValueError:
        raise Fault("time_format", column) from None
    return _in_our_days(read, column, rule.zone if rule.reads == "wall_clock" else None)


def _in_our_days(read: datetime, column: str, time_zone: str | None) -> tuple[datetime, str | None]:
    """The instant of what was read: on the wall of a zone, else by its own offset or in UTC; years of ours only."""
    if not EARLIEST.year - 1 <= read.year <= LATEST.year:  # beyond these the conversion itself could overflow
        raise Fault("time_range", column)
    if time_zone is not None:
        at, remark = on_the_wall(read, time_zone)
    else:
        at, remark = (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC), None
    if not EARLIEST <= at < LATEST:
        raise Fault("time_range", column)
    return at, remark


def _invented(rule: InventedTime, row: Row) -> Place:
    column = first_filled(rule.day, row)
    if column is not None:
        day = whole(row[column], column)
        remarks = ["time_invented"] if column == rule.day[0] else ["time_invented", f"day_from_{column}"]
        whence = "" if column == rule.day[0] else f" The source gives no day here: {column} stands in."
    else:
        column, day = _planned(rule, row)
        remarks = ["time_invented", "day_planned"]
        whence = " The source gives no day here: it is the planned one."
    clock_text = taken(rule.clock, row)
    if not clock_text:
        raise Fault("unknown_value", rule.clock.column)
    clock = time.fromisoformat(clock_text)
    try:
        local = datetime.combine(rule.anchor, clock) + timedelta(days=day or 0)
    except OverflowError:
        raise Fault("time_range", column) from None
    at, remark = _in_our_days(local, column, rule.zone)
    note = f"Date and time are invented: day {day} of the source, counted from {rule.anchor}, at {clock:%H:%M}.{whence}"
    return Place(at, None, tuple(remarks + ([remark] if remark else [])), note)


def _planned(rule: InventedTime, row: Row) -> tuple[str, int]:
    """The planned day, from the number in the name of the visit."""
    planned = rule.planned
    if planned is None:
        raise Fault("no_day", rule.day[0], skips=True)
    number = re.fullmatch(planned.pattern, row[planned.column])
    start = whole(row[planned.starts], planned.starts)
    if number is None or start is None or not number[1].isdecimal():
        raise Fault("no_day", rule.day[0], skips=True)
    return planned.column, start + int(number[1]) * planned.days
