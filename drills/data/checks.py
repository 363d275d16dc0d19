"""What was expected, and what was seen."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


class DrillFailedError(Exception):
    """The drill cannot go on; the text is for the person at the terminal."""


@dataclass(slots=True)
class Checks:
    """Everything that was compared. Figures are equal, or the drill has failed."""

    rows: list[tuple[str, str, str, str, bool]] = field(default_factory=list)
    place: str = ""

    def equal(self, what: str, expected: object, seen: object) -> None:
        """Compare one thing, and show at once when it differs."""
        same = expected == seen
        self.rows.append((self.place, what, _shown(expected), _shown(seen), same))
        if not same:
            print(f"   differs: {what}: expected {_shown(expected)}, saw {_shown(seen)}", flush=True)

    @property
    def failed(self) -> int:
        """How many things differ."""
        return sum(not same for *_, same in self.rows)

    def show(self) -> None:
        """Print the table."""
        table = Table(box=None, pad_edge=False)
        for heading in ("database", "what", "expected", "seen", ""):
            table.add_column(heading, justify="right" if heading in {"expected", "seen"} else "left")
        for place, what, expected, seen, same in self.rows:
            table.add_row(place, what, expected, seen, "" if same else "DIFFERS")
        Console(width=150, highlight=False, markup=False).print(table)


def _shown(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) < 60 else f"{text[:57]}..."
