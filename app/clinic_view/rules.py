"""Periods of a clinic, and which counts of them are shown. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Period:
    """Local days of the clinic, both included."""

    first_day: date
    last_day: date


def period_from(first_day: date, months: int) -> Period | None:
    """The period that begins on this day; None where none does. Periods are counted from January."""
    if first_day.day != 1 or (first_day.month - 1) % months:
        return None
    return Period(first_day, _months_later(first_day, months) - timedelta(days=1))


def latest_over(today: date, months: int) -> Period:
    """The last period that is over."""
    this = date(today.year, (today.month - 1) // months * months + 1, 1)
    return Period(_months_later(this, -months), this - timedelta(days=1))


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * MONTHS_A_YEAR + day.month - 1 + months, MONTHS_A_YEAR)
    return date(year, month + 1, 1)


@dataclass(frozen=True, slots=True)
class Cell:
    """How often something was counted, and of whom."""

    n: int = 0
    patients: frozenset[UUID] = frozenset()


class Tally:
    """The cells of a row while they are counted. Those that are never counted are 0."""

    def __init__(self, names: Iterable[str]) -> None:
        self._n = dict.fromkeys(names, 0)
        self._patients: dict[str, set[UUID]] = {name: set() for name in self._n}

    def count(self, name: str, patient_id: UUID, n: int = 1) -> None:
        """Count something of a patient."""
        self._n[name] += n
        self._patients[name].add(patient_id)

    def shown(self, smallest: int) -> "Row":
        """What is shown of the row."""
        return shown({name: Cell(n, frozenset(self._patients[name])) for name, n in self._n.items()}, smallest)


@dataclass(frozen=True, slots=True)
class Row:
    """What is shown of cells and their total. None is hidden."""

    total: int | None
    cells: Mapping[str, int | None]

    def share(self, name: str) -> float | None:
        """A cell of 100 of the total; None where one of them is hidden or there is nothing."""
        cell = self.cells[name]
        return 100 * cell / self.total if cell is not None and self.total else None

    def sum_of(self, *names: str) -> int | None:
        """Some of the cells together; None where one of them is hidden."""
        found = [cell for name in names if (cell := self.cells[name]) is not None]
        return sum(found) if len(found) == len(names) else None


def shown(cells: Mapping[str, Cell], smallest: int) -> Row:
    """Hide what is of too few patients, and what would give it away, also to a reader who knows these rules.

    1. A total of fewer than `smallest` patients hides the row. A total of nothing hides nothing.
    2. A cell of fewer is hidden; none (0) is not.
    3. The reader can subtract what is shown from the total. So what is hidden must be of `smallest` patients or more
       together, and too much for each hidden cell to be of fewer. As long as that does not hold, the next smallest cell
       is hidden as well, with all of its size, in the end with those that are 0.

    `tests/clinic_view` tries every small row: none has a hidden cell that could be one number only.
    """
    total = _sum(cells.values())
    if total.n and len(total.patients) < smallest:
        return Row(None, dict.fromkeys(cells))
    hidden = {name for name, cell in cells.items() if cell.n and len(cell.patients) < smallest}
    sizes = sorted({cell.n for name, cell in cells.items() if cell.n and name not in hidden})
    while hidden and len(hidden) < len(cells) and not _holds([cells[name] for name in hidden], smallest):
        next_size = sizes.pop(0) if sizes else 0
        hidden |= {name for name, cell in cells.items() if cell.n == next_size}
    return Row(total.n, {name: None if name in hidden else cell.n for name, cell in cells.items()})


def _holds(hidden: Sequence[Cell], smallest: int) -> bool:
    together = _sum(hidden)
    return len(together.patients) >= smallest and together.n > len(hidden) * (smallest - 1)


def _sum(cells: Iterable[Cell]) -> Cell:
    every = list(cells)
    return Cell(sum(cell.n for cell in every), frozenset().union(*(cell.patients for cell in every)))
