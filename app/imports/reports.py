"""What became of each row, and of the file as a whole."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from app.imports.errors import FileRefused

COLUMNS = ("row", "outcome", "reason", "column", "remarks")


class Outcome(StrEnum):
    """What became of a row: `stored`; `known` from an earlier run; `skipped` by a rule; `refused` for a fault."""

    STORED = "stored"
    KNOWN = "known"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one row, counted from 1 below the header. Never what the row says."""

    row: int
    outcome: Outcome
    reason: str | None = None
    column: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Summary:
    """What became of the file. Every row is counted under exactly one outcome."""

    rehearsal: bool = False
    rows: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    patients: int = 0
    new_patients: int = 0
    seconds: float = 0.0

    def count(self, verdict: Verdict) -> None:
        """Count one row."""
        self.rows += 1
        self.outcomes[verdict.outcome] += 1
        if verdict.reason and verdict.outcome is Outcome.SKIPPED:
            self.skipped[verdict.reason] += 1
        if verdict.reason and verdict.outcome is Outcome.REFUSED:
            self.refused[verdict.reason] += 1
        self.remarks.update(verdict.remarks)

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {
            "dry_run": self.rehearsal,
            "rows": self.rows,
            **{outcome.value: self.outcomes[outcome] for outcome in Outcome},
            "skipped_because": dict(self.skipped.most_common()),
            "refused_because": dict(self.refused.most_common()),
            "remarks": dict(self.remarks.most_common()),
            "patients": self.patients,
            "new_patients": self.new_patients,
            "seconds": round(self.seconds, 3),
        }


class Report(Protocol):
    """Takes what became of each row."""

    def add(self, verdict: Verdict) -> None:
        """Take one more, in the order of the file."""


class _Nothing:
    def add(self, verdict: Verdict) -> None:
        """Nobody asked for a report."""


class _Csv:
    def __init__(self, file: Any) -> None:  # noqa: ANN401  a text file
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def add(self, verdict: Verdict) -> None:
        remarks = " ".join(verdict.remarks)
        self._rows.writerow([verdict.row, verdict.outcome.value, verdict.reason, verdict.column, remarks])


class _JsonLines:
    def __init__(self, file: Any) -> None:  # noqa: ANN401  a text file
        self._file = file

    def add(self, verdict: Verdict) -> None:
        row = {name: getattr(verdict, name) for name in COLUMNS}
        self._file.write(json.dumps(row | {"remarks": list(verdict.remarks)}) + "\n")


@contextmanager
def report_to(path: Path | None) -> Iterator[Report]:
    """A report file: JSON lines when its name ends in .jsonl or .ndjson, CSV otherwise; nothing without a name."""
    if path is None:
        yield _Nothing()
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise FileRefused(f"The report {path.name} cannot be written: {error.strerror}.") from error
    with file:
        yield _JsonLines(file) if path.suffix in {".jsonl", ".ndjson"} else _Csv(file)
