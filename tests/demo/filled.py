"""A demo clinic that is filled once for all tests and workers."""

import fcntl
from datetime import UTC, datetime
from pathlib import Path

from app.demo import filling

NOW = datetime(2026, 6, 21, 14, tzinfo=UTC)
"""A Sunday in summer; the first of the twelve weeks begins with a change of the clocks."""


def demo_clinic(folder: Path) -> Path:
    """The file, made by whichever worker comes first."""
    path = folder / "demo.db"
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            filling.fill(path, 1, NOW, lambda _done, _total: None)
    return path
