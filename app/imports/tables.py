"""CSV files, read row by row: a file may be larger than the memory."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.imports.errors import FileRefused
from app.imports.maps import Lookup, Map
from app.imports.rules import Fault, Row, decimal

ENCODING = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the file: its number, counted from 1 below the header, and its cells, or why it has none."""

    number: int
    row: Row | None
    fault: Fault | None = None


class Table:
    """A CSV file with a header. Iterating reads it once; `position` of `size` bytes were read so far."""

    def __init__(self, path: Path, *, delimiter: str = ",", missing: tuple[str, ...] = ("",)) -> None:
        self._path = path
        self._delimiter = delimiter
        self._missing = frozenset(missing)
        self._file: BinaryIO | None = None
        try:
            self.size = path.stat().st_size
        except OSError as error:
            raise FileRefused(f"{path.name} cannot be read: {error.strerror}.") from error
        self.header = self._header()

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._file.tell() if self._file and not self._file.closed else self.size

    def must_have(self, columns: set[str]) -> None:
        """Raise `FileRefused` unless every one of these columns is there."""
        lacking = sorted(columns - set(self.header))
        if lacking:
            raise FileRefused(f"{self._path.name} has no column {', '.join(lacking)}.")

    def __iter__(self) -> Iterator[Line]:
        number = 0
        for cells in self._cells():
            if number and cells:  # the header is number 0, and a blank line is no row
                yield self._line(number, cells)
            number += bool(cells)

    def _line(self, number: int, cells: list[str]) -> Line:
        if len(cells) != len(self.header):
            return Line(number, None, Fault("wrong_number_of_cells"))
        stripped = (cell.strip() for cell in cells)
        return Line(number, dict(zip(self.header, ("" if c in self._missing else c for c in stripped), strict=True)))

    def _header(self) -> list[str]:
        header = [name.strip() for name in next(self._cells(), [])]
        if not any(header) or len(set(header)) < len(header):
            raise FileRefused(f"{self._path.name} needs a header in which every column has a name of its own.")
        return header

    def _cells(self) -> Iterator[list[str]]:
        """The cells of every line. The file is closed when the reader is done, or gone."""
        with self._path.open("rb") as self._file:
            reader = csv.reader(
                io.TextIOWrapper(self._file, ENCODING, newline=""), delimiter=self._delimiter, strict=True
            )
            try:
                yield from reader
            except UnicodeDecodeError:
                raise FileRefused(f"{self._path.name} is not UTF-8 text near line {reader.line_num + 1}.") from None
            except csv.Error as error:
                raise FileRefused(f"{self._path.name}, line {reader.line_num}: {error}.") from None


def table_of(path: Path, mapping: Map) -> Table:
    """The file as the map reads it; refused unless it has the columns that the map names."""
    table = Table(path, delimiter=mapping.delimiter, missing=tuple(mapping.missing))
    table.must_have(mapping.columns)
    twice = sorted(mapping.lookup.keys() & set(table.header))
    if twice:
        raise FileRefused(f"{path.name} has a column {twice[0]} already; give the lookup another name.")
    return table


def look_up(folder: Path, mapping: Map) -> dict[str, Mapping[str, str]]:
    """What the other files of the source say of each person, under the names that the map gives."""
    return {name: _of_persons(folder, rule, mapping) for name, rule in mapping.lookup.items()}


def _of_persons(folder: Path, rule: Lookup, mapping: Map) -> Mapping[str, str]:
    table = Table(folder / rule.file, delimiter=mapping.delimiter, missing=tuple(mapping.missing))
    table.must_have({rule.person, rule.column, *rule.where})
    found: dict[str, str] = {}
    for line in table:
        row = line.row
        if row is None or not row[rule.column] or any(row[name] != text for name, text in rule.where.items()):
            continue
        person, value = row[rule.person], row[rule.column]
        if person not in found or _is_before(value, found[person], rule):
            found[person] = value
    return found


def _is_before(value: str, other: str, rule: Lookup) -> bool:
    if rule.take == "first":
        return False
    try:
        one, two = decimal(value, rule.column), decimal(other, rule.column)
    except Fault:
        raise FileRefused(f"{rule.file}: {rule.column} must hold numbers to take the {rule.take} of them.") from None
    return (one or 0) < (two or 0) if rule.take == "smallest" else (one or 0) > (two or 0)
