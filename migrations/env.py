"""Runs migrations, on either database, through the one driver that the application uses.

What every migration gets, without asking:

* PostgreSQL: one runner at a time (an advisory lock), and a short wait for table locks, so that a migration that cannot
  get its lock fails and is run again instead of queueing every request behind it. Each migration is a transaction.
* SQLite: each migration is a transaction there too, tables are rebuilt where SQLite cannot alter them, and foreign keys
  are checked as a whole at the end instead of row by row during a rebuild.
"""

import asyncio
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import app
from app.core import columns
from app.core.db import Base, create_engine
from app.core.settings import Settings, get_settings

RUNNER_LOCK = 0x0AF7E461  # any number, as long as it stays the same
RUNNER_WAIT_SECONDS = 60
TABLE_LOCK_WAIT = "2s"
LONGEST_STATEMENT_SECONDS = 24 * 60 * 60


def every_model() -> sa.MetaData:
    """The tables of all packages."""
    for path in sorted(Path(app.__file__).parent.glob("*/models.py")):
        import_module(f"app.{path.parent.name}.models")
    return Base.metadata


def _render(kind: str, value: Any, autogen: AutogenContext) -> str | Literal[False]:  # noqa: ANN401
    """Write our column types into a new migration as they are written in the models."""
    if kind != "type":
        return False
    if value is columns.Json:
        autogen.imports.add("from app.core import columns")
        return "columns.Json"
    if type(value).__module__ == columns.__name__:
        autogen.imports.add("from app.core import columns")
        place = f'"{value.place}"' if hasattr(value, "place") else ""
        return f"columns.{type(value).__name__}({place})"
    return False


def _configure(**options: Any) -> None:  # noqa: ANN401  Alembic's own
    context.configure(
        target_metadata=every_model(),
        render_as_batch=True,
        render_item=_render,
        transactional_ddl=True,
        transaction_per_migration=True,
        compare_server_default=True,
        **options,
    )


def _engine(settings: Settings) -> AsyncEngine:
    engine = create_engine(settings.model_copy(update={"statement_timeout_seconds": LONGEST_STATEMENT_SECONDS}))
    if settings.is_sqlite:

        @event.listens_for(engine.sync_engine, "connect")
        def _let_tables_be_rebuilt(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's connection
            connection.execute("PRAGMA foreign_keys = OFF")

    return engine


async def _run_alone(connection: AsyncConnection) -> None:
    """Wait for another runner to finish; the lock goes with the connection.

    It asks again and again instead of waiting inside the database: an index that the other builds beside the running
    service would wait for our statement, and our statement for the other.
    """
    give_up_at = time.monotonic() + RUNNER_WAIT_SECONDS
    while not await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(RUNNER_LOCK))):
        await connection.commit()
        if time.monotonic() > give_up_at:
            msg = f"another migration has been running for {RUNNER_WAIT_SECONDS} s"
            raise TimeoutError(msg)
        await asyncio.sleep(0.1)
    await connection.execute(sa.text(f"SET lock_timeout = '{TABLE_LOCK_WAIT}'"))
    await connection.execute(sa.text("SET idle_in_transaction_session_timeout = 0"))
    await connection.commit()


def _run(connection: sa.Connection) -> None:
    def no_orphans(**_: object) -> None:
        """SQLite's foreign keys are off during a rebuild; a migration that breaks one is undone."""
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            msg = f"{len(broken)} rows point at rows that are not there, first in the table {broken[0][0]}"
            raise RuntimeError(msg)

    _configure(connection=connection, on_version_apply=no_orphans if connection.dialect.name == "sqlite" else None)
    with context.begin_transaction():
        context.run_migrations()


async def _run_online(settings: Settings) -> None:
    engine = _engine(settings)
    try:
        async with engine.connect() as connection:
            if not settings.is_sqlite:
                await _run_alone(connection)
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


def main() -> None:
    """Run what Alembic was asked for: `--sql` prints, everything else acts."""
    settings: Settings = context.config.attributes.get("settings") or get_settings().as_owner
    if context.is_offline_mode():
        _configure(url=settings.async_database_url, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
    else:
        asyncio.run(_run_online(settings))


main()
