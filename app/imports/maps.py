"""Maps: what the columns of a source mean. Read from TOML, strictly: an unknown key is a typing error, and refused."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from app.core.fields import TimeZoneName
from app.imports.cells import (
    AnyCell,
    AttendanceCell,
    Cell,
    ChannelCell,
    ClockCell,
    FormatCell,
    KindCell,
    ReasonCell,
    RouteCell,
    SubstanceCell,
)
from app.imports.errors import MapRefused
from app.instruments import catalogue

CODE: Final = r"^[a-z][a-z0-9_]{0,39}$"
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,39}$"


class Kind(StrEnum):
    """What can be imported; the name of the command, and of the set of records unless the map gives another."""

    CHECK_INS = "check-ins"
    APPOINTMENTS = "appointments"
    DOSING_SESSIONS = "dosing-sessions"


class Section(BaseModel):
    """A table of a map; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, str_min_length=1)


class Person(Section):
    """Who a row is about. `name` is the pseudonym shown; `{person}` stands for what the column says."""

    column: str
    name: str

    @model_validator(mode="after")
    def _name_can_be_made(self) -> Self:
        try:
            made = self.name.format(person="7")
        except (KeyError, IndexError, ValueError):
            made = self.name
        if made == self.name:
            code = "name"
            raise PydanticCustomError(code, "must contain {person}, as in 'Riverside {person:0>3}'")
        return self


class Lookup(Section):
    """A second file of the source, beside the first: one value for each person, under a name used like a column."""

    file: str
    person: str
    column: str
    take: Literal["first", "smallest", "largest"] = "first"
    where: dict[str, str] = {}


class Time(Section):
    """When it happened, where the source says so.

    `reads`: `wall_clock` (the clock on the wall in `zone`, whatever letters follow), `utc`, or `offset` (the text has
    its own, read by `%z`). `zone` is where the person was, which decides on which day it counts.
    """

    column: str
    format: str
    reads: Literal["wall_clock", "utc", "offset"]
    zone: TimeZoneName
    end_column: str | None = None

    @model_validator(mode="after")
    def _format_fits(self) -> Self:
        if ("%z" in self.format) != (self.reads == "offset"):
            code = "format"
            raise PydanticCustomError(code, '%z belongs to reads = "offset"; a false Z is written as the letter Z')
        return self


class Planned(Section):
    """The day on which something was to happen, where the source has none: day `starts` plus a number times `days`."""

    column: str
    pattern: str
    days: int
    starts: str

    @model_validator(mode="after")
    def _pattern_finds_a_number(self) -> Self:
        try:
            groups = re.compile(self.pattern).groups
        except re.error:
            groups = 0
        if groups != 1:
            code = "pattern"
            raise PydanticCustomError(code, "pattern must be a regular expression with one group, the number")
        return self


class InventedTime(Section):
    """When it happened, where the source only counts days: date and time of day are made up, and every record says so.

    `day`: columns with the number of the day; the first that is filled counts. `anchor`: the date of day 0. `clock`:
    the time of day in `zone`.
    """

    day: list[str] = Field(min_length=1)
    anchor: date
    clock: ClockCell
    zone: TimeZoneName
    planned: Planned | None = None


class Skip(Section):
    """Rows to leave out: `column` says one of `equals`, is `empty`, or says what the first filled of `same_as` does."""

    column: str
    reason: Annotated[str, Field(pattern=CODE)]
    equals: list[str] | None = None
    empty: bool | None = None
    same_as: list[str] | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if sum(condition is not None for condition in (self.equals, self.empty, self.same_as)) != 1:
            code = "skip"
            raise PydanticCustomError(code, "needs exactly one of equals, empty and same_as")
        return self


class Map(Section):
    """What every map has."""

    source: Annotated[str, Field(pattern=NAME)]
    records: Annotated[str, Field(pattern=NAME)] = ""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    missing: list[Annotated[str, Field(min_length=0)]] = [""]
    row: list[str] = []
    person: Person
    time: Time | None = None
    invented_time: InventedTime | None = None
    lookup: dict[str, Lookup] = {}
    skip: list[Skip] = []

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.time is None) == (self.invented_time is None):
            code = "time"
            raise PydanticCustomError(code, "needs exactly one of [time] and [invented_time]")
        return self

    @property
    def when(self) -> Time | InventedTime:
        """The one rule about time that there is."""
        return self.time or self.invented_time  # type: ignore[return-value]  # one of them is there

    @property
    def zone(self) -> str:
        """Where the people were."""
        return self.when.zone

    def cells(self) -> Iterable[Cell]:
        """Everything that is taken from a row, beside person and time."""
        return ()

    @property
    def columns(self) -> set[str]:
        """The columns that the file must have."""
        named = {self.person.column, *self.row}
        for rule in self.skip:
            named |= {rule.column, *(rule.same_as or ())}
        if self.time:
            named |= {self.time.column} | ({self.time.end_column} if self.time.end_column else set())
        if self.invented_time:
            named |= {*self.invented_time.day, *self.invented_time.clock.columns}
            if self.invented_time.planned:
                named |= {self.invented_time.planned.column, self.invented_time.planned.starts}
        for cell in self.cells():
            named |= set(cell.columns)
        return named - self.lookup.keys()


class InstrumentMap(Section):
    """One response of each check-in: items of an instrument, each from a cell."""

    instrument: str
    version: str = "1"
    substance: AnyCell | None = None
    answers: dict[str, AnyCell] = Field(min_length=1)

    @model_validator(mode="after")
    def _items_exist(self) -> Self:
        found = catalogue.find_definition(self.instrument, self.version)
        unknown = sorted(self.answers.keys() - found.items_by_key.keys()) if found else [self.instrument]
        if unknown:
            code = "instrument"
            raise PydanticCustomError(
                code,
                "{unknown} is no {what}",
                {
                    "unknown": unknown[0],
                    "what": f"item of {self.instrument}" if found else "instrument in this version",
                },
            )
        return self


class BelongsTo(Section):
    """The dosing session that a check-in belongs to by the word of the source, found by the id that its import makes.

    `records` and `row` are those of that import's map, `row` with the names that the columns have here.
    """

    records: str
    row: list[str] = Field(min_length=1)


class CheckInsMap(Map):
    """A map of check-ins. A row whose answers are all empty was not answered, and is skipped."""

    instruments: list[InstrumentMap] = Field(min_length=1)
    dosing_session: BelongsTo | None = None

    def cells(self) -> Iterable[Cell]:
        """Answers, substances, and what names a dosing session."""
        for found in self.instruments:
            yield from found.answers.values()
            if found.substance:
                yield found.substance
        yield from (Cell(column=name) for name in (self.dosing_session.row if self.dosing_session else ()))


class DosingSessionsMap(Map):
    """A map of dosing sessions. Each row is one session of the past, with the dose that was given."""

    substance: SubstanceCell
    route: RouteCell | None = None
    dose_mg: AnyCell | None = None

    def cells(self) -> Iterable[Cell]:
        """Substance, route and dose."""
        return (cell for cell in (self.substance, self.route, self.dose_mg) if cell)


class AppointmentsMap(Map):
    """A map of appointments. Attendance that comes to nothing was not recorded."""

    kind: KindCell
    format: FormatCell = Cell(constant="individual")
    channel: ChannelCell = Cell(constant="in_person")
    attendance: AttendanceCell | None = None
    reason: ReasonCell | None = None
    attended_minutes: AnyCell | None = None

    def cells(self) -> Iterable[Cell]:
        """Kind, form, attendance and its reason."""
        every = (self.kind, self.format, self.channel, self.attendance, self.reason, self.attended_minutes)
        return (cell for cell in every if cell)


MAPS: Final[dict[Kind, type[Map]]] = {
    Kind.CHECK_INS: CheckInsMap,
    Kind.APPOINTMENTS: AppointmentsMap,
    Kind.DOSING_SESSIONS: DosingSessionsMap,
}


def read_map(path: Path, kind: Kind) -> Map:
    """Read a map of this kind of records; `MapRefused` says what is wrong with it and where."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MapRefused(f"{path.name} cannot be read as TOML: {error}") from error
    return make_map(raw, kind, path.name)


def make_map(raw: Mapping[str, Any], kind: Kind, name: str = "the map") -> Map:
    """Check a map of this kind of records; `MapRefused` says what is wrong with it and where."""
    try:
        return MAPS[kind].model_validate({"records": kind.value, **raw})
    except ValidationError as error:
        faults = "\n".join(f"  {_place(fault['loc'])}: {_words(fault)}" for fault in error.errors())
        raise MapRefused(f"{name} is no map of {kind.value}:\n{faults}") from error


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the map"


def _words(fault: Any) -> str:  # noqa: ANN401  pydantic's own
    known = {"extra_forbidden": "there is no such key", "missing": "is missing"}
    return known.get(fault["type"]) or str(fault["msg"])
