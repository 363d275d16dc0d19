"""Entries to seal, and somebody whom no rule of the database binds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit import service
from app.audit.chain import Finding
from app.audit.checkpoints import Checkpoint
from app.audit.models import AuditEntry
from app.audit.sealing import Sealer
from app.audit.verification import Verification, page_by_page
from app.core.db import Database, create_engine, unit_of_work
from app.core.ids import new_id
from app.core.settings import Settings

Intruder = Callable[..., Awaitable[None]]
TABLE = AuditEntry.__table__


async def write(engine: AsyncEngine, number: int) -> None:
    """So many entries, in one transaction."""
    async with unit_of_work(engine) as db:
        for _ in range(number):
            an_entry(db)


def an_entry(db: Database, **but: Any) -> None:
    """What a request of a nurse leaves."""
    known: dict[str, Any] = {
        "operation": "read_patient",
        "permission": "patients:read",
        "clinic_id": new_id(),
        "actor_id": new_id(),
        "actor_role": "nurse",
        "device_id": new_id(),
        "patient_id": new_id(),
        "request_id": str(new_id()),
    }
    service.record(db, **(known | but))


async def stored(engine: AsyncEngine) -> list[dict[str, Any]]:
    """Every entry, in the order of the chain."""
    async with unit_of_work(engine) as db:
        return [dict(row) for row in (await db.read(sa.select(TABLE).order_by(TABLE.c.seq, TABLE.c.id))).mappings()]


async def verified(engine: AsyncEngine, kept: Iterable[Checkpoint] = ()) -> list[Finding]:
    """What a verification finds."""
    return [finding async for finding in Verification(page_by_page(engine), kept).run()]


async def named(engine: AsyncEngine, kept: Iterable[Checkpoint] = ()) -> list[tuple[str, int | None]]:
    """The kinds and places of what a verification finds."""
    return [(finding.kind, finding.seq) for finding in await verified(engine, kept)]


@pytest.fixture
def sealer(engine: AsyncEngine) -> Sealer:
    """A sealer that starts now and remembers nothing."""
    return Sealer(engine)


@pytest.fixture
async def chain(engine: AsyncEngine, sealer: Sealer) -> list[dict[str, Any]]:
    """Twenty sealed entries, signed at 10 and at 20."""
    for _ in range(2):
        await write(engine, 10)
        await sealer.catch_up(sign=True)
    return await stored(engine)


@pytest.fixture
async def intruder(
    superuser_url: str | None, settings: Settings, engine: AsyncEngine, anyio_backend: str
) -> AsyncIterator[Intruder]:
    """Runs statements as a superuser who has put the triggers out of action, on a connection of their own."""
    theirs = create_engine(settings.model_copy(update={"database_url": superuser_url or settings.database_url}))

    if not settings.is_sqlite:

        @event.listens_for(theirs.sync_engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")

    async def act(*statements: Any) -> None:
        async with theirs.begin() as connection:
            if settings.is_sqlite:
                triggers = await connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
                for name in triggers.scalars().all():
                    if name.startswith("audit_"):
                        await connection.execute(sa.text(f"DROP TRIGGER {name}"))
            for statement in statements:
                await connection.execute(statement)

    yield act
    await theirs.dispose()
