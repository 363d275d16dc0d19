"""Cells: what a map takes from a row.

Each is written as one of these:

"craving"                                                   the column of that name
{ is = "alcohol" }                                          the same for every row
{ column = "what", values = { pre = "09:30" } }             the column, translated; "" stands for nothing
{ first_of = { is_in_jail = "jail", ... }, yes = ["1"] }    what stands beside the first column that says yes
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from app.appointments.rules import (
    AppointmentChannel,
    AppointmentFormat,
    AppointmentKind,
    Attendance,
    AttendanceReason,
)
from app.dosing.rules import DoseRoute, Substance

CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Cell:
    """What is taken from a row. Exactly one of `column`, `constant` and `flags` is set."""

    column: str | None = None
    constant: str | None = None
    values: Mapping[str, str] | None = None
    flags: Mapping[str, str] = field(default_factory=dict)
    yes: tuple[str, ...] = ("1",)

    @property
    def columns(self) -> list[str]:
        """The columns it looks at."""
        return [self.column] if self.column else list(self.flags)

    @property
    def outputs(self) -> list[str] | None:
        """Everything it can come to, where the map alone decides that."""
        if self.constant is not None:
            return [self.constant]
        if self.flags:
            return list(self.flags.values())
        return None if self.values is None else list(self.values.values())


_CELL_SHAPES: Final[tuple[dict[str, type], ...]] = (
    {"is": object},
    {"column": str},
    {"column": str, "values": dict},
    {"first_of": dict},
    {"first_of": dict, "yes": list},
)


def _cell(raw: Any) -> Cell:  # noqa: ANN401  whatever TOML held
    if isinstance(raw, str) and raw:
        return Cell(column=raw)
    if isinstance(raw, dict):
        for shape in _CELL_SHAPES:
            if raw.keys() == shape.keys() and all(isinstance(raw[key], kind) for key, kind in shape.items()):
                return Cell(
                    column=raw.get("column"),
                    constant=None if "is" not in raw else str(raw["is"]),
                    values=None if "values" not in raw else {key: str(value) for key, value in raw["values"].items()},
                    flags={key: str(value) for key, value in raw.get("first_of", {}).items()},
                    yes=tuple(str(value) for value in raw.get("yes", ("1",))),
                )
    code = "cell"
    raise PydanticCustomError(
        code,
        "must be the name of a column, {is = ...}, {column = ..., values = {...}} or {first_of = {...}, yes = [...]}",
    )


AnyCell = Annotated[Cell, BeforeValidator(_cell)]


def _one_of(kind: type[StrEnum]) -> Callable[[Cell], Cell]:
    """Check that a cell comes to one of these words, or to nothing, as far as the map decides it."""
    known = {member.value for member in kind}

    def check(cell: Cell) -> Cell:
        wrong = [word for word in cell.outputs or () if word and word not in known]
        if wrong:
            code = "choice"
            context = {"wrong": wrong[0], "known": ", ".join(sorted(known))}
            raise PydanticCustomError(code, "{wrong} is none of {known}", context)
        return cell

    return check


def _is_clock(cell: Cell) -> Cell:
    if cell.outputs is None or not all(CLOCK.fullmatch(text) for text in cell.outputs):
        code = "clock"
        raise PydanticCustomError(code, "must come to times of the day such as 09:30")
    return cell


ClockCell = Annotated[AnyCell, AfterValidator(_is_clock)]
SubstanceCell = Annotated[AnyCell, AfterValidator(_one_of(Substance))]
RouteCell = Annotated[AnyCell, AfterValidator(_one_of(DoseRoute))]
KindCell = Annotated[AnyCell, AfterValidator(_one_of(AppointmentKind))]
FormatCell = Annotated[AnyCell, AfterValidator(_one_of(AppointmentFormat))]
ChannelCell = Annotated[AnyCell, AfterValidator(_one_of(AppointmentChannel))]
AttendanceCell = Annotated[AnyCell, AfterValidator(_one_of(Attendance))]
ReasonCell = Annotated[AnyCell, AfterValidator(_one_of(AttendanceReason))]
