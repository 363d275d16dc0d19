"""What is written of the rules is what they are."""

from pathlib import Path

from app.safety.catalogue import RULES
from app.safety.findings import Rule


def row(rule: Rule) -> str:
    """A rule as the page shows it. The first words of a severity and a recipient are those of the API."""
    within = ", ".join(f"{severity}: {time.replace('_', ' ')}" for severity, time in rule.within.items())
    first = ", ".join(whom.replace("_", " ") for whom in rule.notify)
    card = "yes" if rule.shows_crisis_card else ""
    return f"| {rule.id} | {rule.version} | {rule.title} | {within} | {first} | {card} |"


def test_the_page_lists_every_rule_in_its_version(root: Path) -> None:
    page = (root / "docs" / "safety.md").read_text(encoding="utf-8")

    listed = [line for line in page.splitlines() if line.startswith(tuple(f"| {rule} |" for rule in RULES))]
    assert listed == [row(rule) for rule in RULES.values()]
