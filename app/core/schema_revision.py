"""Which migration this release needs, read from the names of the files without importing Alembic (200 ms)."""

import re
from functools import lru_cache
from pathlib import Path

MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"
_REVISION = re.compile(r'^revision(?:: str)? = "([^"]+)"', re.MULTILINE)
_BEFORE = re.compile(r'^down_revision(?:: [^=]+)? = (?:"([^"]+)"|None)', re.MULTILINE)


@lru_cache
def newest_revision() -> str | None:
    """The one revision that no other builds on; None before the first migration."""
    revisions, built_on = set(), set()
    for file in MIGRATIONS.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        if found := _REVISION.search(text):
            revisions.add(found[1])
        if (before := _BEFORE.search(text)) and before[1]:
            built_on.add(before[1])
    heads = revisions - built_on
    if len(heads) > 1:
        msg = f"migrations have {len(heads)} heads"
        raise RuntimeError(msg)
    return heads.pop() if heads else None
