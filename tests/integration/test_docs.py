"""What is written of therapy after a dose is what counts."""

from pathlib import Path

from app.integration.rules import COUNTS


def test_the_page_lists_what_counts_as_therapy(root: Path) -> None:
    page = (root / "docs" / "therapy-after-a-dose.md").read_text(encoding="utf-8")

    listed = [line for line in page.splitlines() if line.startswith(tuple(f"| {kind} |" for kind in COUNTS))]
    assert listed == [f"| {kind} | {'yes' if counts else 'no'} | {why} |" for kind, (counts, why) in COUNTS.items()]
