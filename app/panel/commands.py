"""`afterglow panel`: making the summaries behind the panel anew, and looking whether they are right."""
# ruff: noqa: PLC0415  what a command needs is imported inside it: `afterglow --help` must not wait for a database driver

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.panel.service import Rebuilt

FAILED = 1

app = typer.Typer(no_args_is_help=True)


@app.command()
def rebuild(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if a summary is missing or wrong.")
    ] = False,
) -> None:
    """Make the summary of every patient anew, while the service runs. There is no need to, unless a check fails."""
    found = asyncio.run(_rebuilt(check=check))
    typer.echo(f"{found.patients} summaries: {found.made} were missing, {found.different} were different.")
    if check and (found.made or found.different):
        typer.echo("Nothing was changed: run `afterglow panel rebuild`.", err=True)
        raise typer.Exit(FAILED)


async def _rebuilt(*, check: bool) -> "Rebuilt":
    from app.core import crypto
    from app.core.db import create_engine
    from app.core.settings import get_settings
    from app.panel import service

    settings = get_settings()
    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    engine = create_engine(settings)
    try:
        return await service.rebuild(engine, check=check)
    finally:
        await engine.dispose()
