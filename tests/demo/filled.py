"""A demo clinic that is filled once for all tests and workers."""

import fcntl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from app.demo import filling

NewClient = Callable[..., httpx2.AsyncClient]
SignedIn = Callable[[str], httpx2.AsyncClient]
NOW = datetime(2026, 6, 21, 14, tzinfo=UTC)
"""A Sunday in summer; the first of the twelve weeks begins with a change of the clocks."""
TODAY = {"from": "2026-06-20T22:00:00Z", "to": "2026-06-21T22:00:00Z"}


def demo_clinic(folder: Path) -> Path:
    """The file, made by whichever worker comes first."""
    path = folder / "demo.db"
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            filling.fill(path, 1, NOW, lambda _done, _total: None)
    return path


def patient_id(key: str, sign_ins: dict[str, Any]) -> str:
    """Of the patient whose address begins so."""
    return next(str(who["id"]) for who in sign_ins["patients"] if who["email"] == f"{key}@example.org")
