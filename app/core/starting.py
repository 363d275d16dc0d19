"""What must be true before a process of ours starts: the schema, who we are to the database, the port."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import schema_revision
from app.core.engines import create_engine
from app.core.health import clinics_are_walled, database_state
from app.core.settings import Settings

Answer = TypeVar("Answer")


class CannotStartError(Exception):
    """Why, in a sentence or two for the operator."""


def newest_revision() -> str:
    """The migration that this release needs."""
    return schema_revision.newest_revision() or "no schema"


def revision_of(settings: Settings) -> str | None:
    """The migration that the database is at; None when it has no schema, or does not exist yet."""
    if settings.is_sqlite and not Path(make_url(settings.database_url).database or "").is_file():
        return None  # asking would create the file

    async def revision(engine: AsyncEngine) -> str | None:
        return (await database_state(engine))[1]

    return _asked(settings, revision)


def _asked(settings: Settings, question: Callable[[AsyncEngine], Awaitable[Answer]]) -> Answer:
    async def ask() -> Answer:
        engine = create_engine(settings)
        try:
            return await question(engine)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(ask())
    except (OSError, SQLAlchemyError) as error:
        cause, url = getattr(error, "orig", None) or error, make_url(settings.database_url)
        msg = f"The database {url.render_as_string()} does not answer: {type(cause).__name__}."
        raise CannotStartError(msg) from error


def require_schema(settings: Settings) -> str | None:
    """Refuse an old or missing schema. A newer one, of a release that is being rolled out, is returned."""
    newest, here = newest_revision(), revision_of(settings)
    if here == newest:
        return None
    ours = any(f'"{here}"' in file.read_text(encoding="utf-8") for file in schema_revision.MIGRATIONS.glob("*.py"))
    if here is None or ours:
        state = "has no schema yet" if here is None else f"is at {here}, an older schema than {newest}"
        msg = f"The database {state}. Run `afterglow migrate`, then start again."
        raise CannotStartError(msg)
    return here


def require_walls(settings: Settings) -> None:
    """Refuse to serve, outside development, as somebody whom row-level security does not bind."""
    if settings.is_development or _asked(settings, clinics_are_walled):
        return
    msg = (
        "AFTERGLOW_DATABASE_URL names a superuser or the owner of the tables, whom row-level security does not bind. "
        "Give the service a role of its own (CREATE ROLE ... LOGIN IN ROLE afterglow_app), and keep this one for "
        "AFTERGLOW_MIGRATION_DATABASE_URL."
    )
    raise CannotStartError(msg)


def require_free(host: str, port: int) -> None:
    """Refuse a port that somebody else listens on, before anything is started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            msg = f"Port {port} of {host} is in use. Choose another with --port (make: PORT=8001)."
        else:
            msg = f"Cannot listen on {host}, port {port}: {error.strerror}."
        raise CannotStartError(msg) from error
