"""The demo's database: filled in a file beside its place and put there whole, or kept from the last time."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import event

from app.core import crypto, migrating
from app.core.db import create_engine
from app.core.schema_revision import newest_revision
from app.core.settings import SAMPLE_SECRET, Environment, Settings
from app.demo.script import write
from app.demo.simulator import Simulator

DEFAULT_SEED = 1
MOST_SEED = 2**31 - 1
DAY_MINUTES = 24 * 60
SIDE_FILES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Kept:
    """A demo database that was filled before."""

    seed: int
    revision: str | None


def demo_settings(path: Path, base_url: str) -> Settings:
    """The settings of a demo on this file: its secret is known to everybody, and its access tokens live 12 hours."""
    return Settings(
        environment=Environment.DEVELOPMENT,
        database_url=f"sqlite:///{path}",
        secret_keys=[SecretStr(SAMPLE_SECRET)],
        public_url=base_url,
        access_token_minutes=DAY_MINUTES // 2,
        log_format="console",
    )


def kept(path: Path) -> Kept | None:
    """What is at this place; None when nothing is, or nothing that a demo made."""
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (seed,) = connection.execute("PRAGMA user_version").fetchone()
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return Kept(seed=0, revision=None)
    return Kept(seed, revision)


def is_current(found: Kept) -> bool:
    """Whether this release can serve it."""
    return found.revision is not None and found.revision == newest_revision()


def fill(path: Path, seed: int, now: datetime, done: Callable[[int, int], None]) -> None:
    """Make the demo clinic in a file of its own, then put it in its place. `done` hears acts done, acts in all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        settings = demo_settings(unfinished, "http://127.0.0.1:8000")
        migrating.upgrade(settings)
        asyncio.run(_live(settings, seed, now, done))
        with contextlib.closing(sqlite3.connect(unfinished)) as connection:
            connection.execute(f"PRAGMA user_version = {seed:d}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA optimize")
        for suffix in SIDE_FILES:  # of the file that is about to go
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        unfinished.replace(path)
    finally:
        for name in ("", *SIDE_FILES):
            unfinished.with_name(unfinished.name + name).unlink(missing_ok=True)


async def _live(settings: Settings, seed: int, now: datetime, done: Callable[[int, int], None]) -> None:
    crypto.install([SAMPLE_SECRET])
    script = write(now, seed)
    engine = create_engine(settings)

    @event.listens_for(engine.sync_engine, "connect")
    def _hurry(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's connection
        # Nothing is lost that would be missed: after a crash the unfinished file is thrown away.
        connection.execute("PRAGMA synchronous = OFF")

    so_far = 0

    def count(acts: int) -> None:
        nonlocal so_far
        so_far += acts
        done(so_far, len(script))

    try:
        await Simulator(engine, settings, seed).live(script, count)
    finally:
        await engine.dispose()
