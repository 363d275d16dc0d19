"""Whether the process lives and whether it can work: for load balancers, containers and the people on call."""

import asyncio
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import errors
from app.core.errors import problems
from app.core.guards import public
from app.core.routing import Route
from app.core.schema_revision import is_too_old
from app.core.schemas import Outgoing

READY_WITHIN_SECONDS = 3
router = APIRouter(tags=["running"], route_class=Route)


class Health(Outgoing):
    """The process answers."""

    status: Literal["ok"] = Field("ok", description="Always `ok`: a process that cannot say so does not answer.")


class Readiness(Outgoing):
    """The process can do its work."""

    status: Literal["ready"] = Field("ready", description="The database answers and its schema is new enough for us.")
    database: Annotated[str, Field(description="Kind and version of the database.", examples=["postgresql 15.18"])]
    schema_revision: str = Field(description="The migration that the database is at.")


async def database_state(engine: AsyncEngine) -> tuple[str, str | None]:
    """Kind and version of the database, and the migration it is at (None when it has none)."""
    async with engine.connect() as connection:
        version = connection.dialect.server_version_info or ()
        known = await connection.run_sync(lambda sync: sa.inspect(sync).has_table("alembic_version"))
        revision = await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) if known else None
    return f"{engine.dialect.name} {'.'.join(map(str, version))}", revision


async def clinics_are_walled(engine: AsyncEngine) -> bool:
    """Whether row-level security binds the role that we are: not for superusers and not for the tables' owner.

    SQLite has no roles: there, one process of ours is all that reaches the file.
    """
    if engine.dialect.name != "postgresql":
        return True
    async with engine.connect() as connection:
        return bool(await connection.scalar(sa.text("SELECT row_security_active('patients')")))


@router.get("/healthz", summary="Is the process alive?")
async def read_health(_: Annotated[None, public()]) -> Health:
    """Answers without touching the database: restart the process when this fails."""
    return Health(status="ok")


@router.get("/readyz", summary="Can the process do its work?", responses=problems(errors.Unavailable))
async def read_readiness(request: Request, _: Annotated[None, public()]) -> Readiness:
    """Send no requests here while this fails. It fails as soon as the process is told to stop."""
    state: Any = request.app.state
    if state.stopping:
        raise errors.Unavailable(detail="The process is stopping.", headers={"Retry-After": "5"})
    try:
        database, revision = await asyncio.wait_for(database_state(state.engine), READY_WITHIN_SECONDS)
    except Exception as error:
        raise errors.Unavailable(detail="The database does not answer.", headers={"Retry-After": "5"}) from error
    if is_too_old(revision):
        raise errors.Unavailable(
            detail="The database's schema is older than this release needs: run `afterglow migrate`.",
            headers={"Retry-After": "30"},
        )
    return Readiness(status="ready", database=database, schema_revision=revision or "")
