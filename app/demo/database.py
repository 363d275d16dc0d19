"""The demo's database: where it is, which settings it is served with, and whether one can be kept."""

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.core.schema_revision import newest_revision
from app.core.settings import SAMPLE_SECRET, Environment, Settings

PATH = Path("var/demo.db")
HALF_A_DAY_MINUTES = 12 * 60


@dataclass(frozen=True, slots=True)
class Kept:
    """A demo database that was filled before."""

    seed: int
    revision: str | None

    @property
    def is_current(self) -> bool:
        """Whether this release can serve it."""
        return self.revision is not None and self.revision == newest_revision()


def demo_settings(path: Path, base_url: str) -> Settings:
    """The settings of a demo on this file: its secret is known to everybody, and its access tokens live 12 hours."""
    return Settings(
        environment=Environment.DEVELOPMENT,
        database_url=f"sqlite:///{path}",
        secret_keys=[SecretStr(SAMPLE_SECRET)],
        public_url=base_url,
        access_token_minutes=HALF_A_DAY_MINUTES,
        webhook_allowed_networks=["127.0.0.1/32"],  # a receiver on the same laptop
        log_format="console",
        log_level=os.environ.get("AFTERGLOW_LOG_LEVEL", "WARNING"),  # the guide should stay on the screen
    )


def kept(path: Path) -> Kept | None:
    """What is at this place; None when nothing is."""
    if not path.is_file():
        return None
    try:
        # Not read-only: such a connection would leave its side files behind.
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (seed,) = connection.execute("PRAGMA user_version").fetchone()
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError):  # no database, or one that no demo made
        return Kept(seed=0, revision=None)
    return Kept(seed, revision)
