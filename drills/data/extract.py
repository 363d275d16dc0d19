"""The committed extract of CTN-0027 and CTN-0030: written here, and compared with the whole by the drill.

    python -m drills.data.extract DATA

The rule: of all who have a withdrawal score before *and* after the first dose, ordered by trial and then by number,
every 29th from the first on. Nobody was picked for how they fared.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SOURCE = "ctn0094_ctn0027_ctn0030"
EXTRACT = Path(__file__).parents[2] / "app/imports/data/ctn_extract"
FILES = (
    "everybody.csv",
    "randomization.csv",
    "treatment.csv",
    "visit.csv",
    "withdrawal.csv",
    "withdrawal_pre_post.csv",
)
EVERY = 29


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, as text."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def chosen(source: Path) -> set[str]:
    """Whom the rule chooses."""
    scores: dict[str, set[str]] = defaultdict(set)
    for row in rows_of(source / "withdrawal_pre_post.csv"):
        scores[row["who"]].add(row["what"])
    ordered = sorted((int(row["project"]), int(row["who"])) for row in rows_of(source / "everybody.csv"))
    paired = [str(who) for _, who in ordered if scores[str(who)] == {"pre", "post"}]
    return set(paired[::EVERY])


def extract(source: Path, name: str, people: set[str]) -> str:
    """All rows of these people in one file, unchanged and in their order, under the header."""
    with (source / name).open(encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()
    kept = [line for line in lines[1:] if line.partition(",")[0] in people]
    return "\n".join([lines[0], *kept]) + "\n"


def main(folder: Path) -> None:
    """Write the extract anew."""
    source = folder / SOURCE
    people = chosen(source)
    for name in FILES:
        (EXTRACT / name).write_text(extract(source, name, people), encoding="utf-8", newline="")
    size = sum((EXTRACT / name).stat().st_size for name in FILES)
    print(f"{len(people)} people, {size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
