"""Which migration this release needs, read from the names of the files without importing Alembic (200 ms)."""

import re
from functools import lru_cache
from pathlib import Path

MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"
_REVISION = re.compile(r'^revision(?:: str)? = "([^"]+)"', re.MULTILINE)
_BEFORE = re.compile(r'^down_revision(?:: [^=]+)? = (?:"([^"]+)"|None)', re.MULTILINE)


@lru_cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """All revisions of this release, and those that another one builds on."""
    revisions, built_on = set(), set()
    for file in MIGRATIONS.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        if found := _REVISION.search(text):
            revisions.add(found[1])
        if (before := _BEFORE.search(text)) and before[1]:
            built_on.add(before[1])
    return frozenset(revisions), frozenset(built_on)


def newest_revision() -> str | None:
    """The one revision that no other builds on; None before the first migration."""
    revisions, built_on = _revisions()
    heads = revisions - built_on
    if len(heads) > 1:
        msg = f"migrations have {len(heads)} heads"
        raise RuntimeError(msg)
    return next(iter(heads), None)


def is_too_old(revision: str | None) -> bool:
    """Whether a database at this migration lacks something that this release needs.

    A migration that this release does not know is a later release's: it was written to be safe for this one.
    """
    revisions, built_on = _revisions()
    return revision is None or revision in (revisions & built_on)
