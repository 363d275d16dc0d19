"""Filling the demo's database: in a file beside its place, which is put there whole."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app.core import clock, crypto, ids, migrating
from app.core.db import create_engine
from app.core.settings import SAMPLE_SECRET, Settings
from app.demo import inline_sqlite, trial
from app.demo.chance import Chance
from app.demo.database import demo_settings
from app.demo.script import write
from app.demo.simulator import Simulator

DEFAULT_SEED = 1
SIDE_FILES = ("-wal", "-shm", "-journal")


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
    inline_sqlite.install(engine)
    so_far = 0

    def count(acts: int) -> None:
        nonlocal so_far
        so_far += acts
        done(so_far, len(script))

    try:
        with ids.made_by(Chance(seed, "server").ids(clock.now)):
            await Simulator(engine, settings).live(script, count)
            with clock.told(now):
                await trial.bring_in(engine, settings)
    finally:
        await engine.dispose()
