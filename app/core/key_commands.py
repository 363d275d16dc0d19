"""`afterglow keys`: what is stored under which secret, and bringing all of it under the first.

What the commands need is imported inside them, as in `cli.py`.
"""
# ruff: noqa: PLC0415  see above

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.core.crypto import KeyRing
    from app.core.rotation import Outcome, Progress, Tally

STATEMENT_SECONDS = 600

app = typer.Typer(no_args_is_help=True)


@app.command()
def rotate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 unless all is under the first secret.")
    ] = False,
) -> None:
    """Seal everything anew with the first secret, while the service runs.

    Give every process the new secret behind the old one first, then before it, then run this, then take the old one
    away. A run that was cut short goes on where it ended.
    """
    outcome, ring = asyncio.run(_rotated(change=not check))
    for line in report(outcome, ring, changed=not check):
        typer.echo(line)
    if outcome.left.total() != outcome.left[ring.first_id]:
        raise typer.Exit(1)


def report(outcome: "Outcome", ring: "KeyRing", *, changed: bool) -> list[str]:
    """What an operator must know to take a secret away, or not."""
    from app.core.rotation import UNREADABLE

    lines = [f"{outcome.moved} values were sealed or indexed anew."] if changed else []
    lines += [_line(number, key_id, outcome.left, ring) for number, key_id in enumerate(ring.ids, 1)]
    if outcome.left[UNREADABLE]:
        lines.append(f"under no secret of the ring: {outcome.left[UNREADABLE]} values. Put the secret back they need.")
    if outcome.twice:
        lines.append(f"{outcome.twice} addresses belong to two accounts each: end one of the two, then run this again.")
    unfinished = outcome.left[UNREADABLE] or outcome.twice
    old = [key_id for key_id in ring.ids if key_id != ring.first_id]
    if any(outcome.left[key_id] for key_id in old):
        lines.append("Not finished: run `afterglow keys rotate`" + (" again." if changed else "."))
    elif old and not unfinished:
        lines.append(
            "The secrets behind the first may leave. With them go the tokens that they signed: phones that were not "
            "in touch since (patients: at most 90 days) sign in again. Run `afterglow audit verify` before: from then "
            "on the checkpoints alone vouch for entries of their time."
        )
    return lines


def _line(number: int, key_id: bytes, left: "Tally", ring: "KeyRing") -> str:
    use = "in use" if key_id == ring.first_id else "still honoured"
    return f"secret {number} ({key_id.hex()}, {use}): {left[key_id]} values"


async def _rotated(*, change: bool) -> "tuple[Outcome, KeyRing]":
    from app.core import crypto, rotation
    from app.core.db import Base, create_engine
    from app.core.settings import get_settings

    settings = get_settings()
    for path in sorted(Path(__file__).parents[1].glob("*/models.py")):
        import_module(f"app.{path.parent.name}.models")
    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    ring = crypto.keys()
    engine = create_engine(settings.model_copy(update={"statement_timeout_seconds": STATEMENT_SECONDS}))
    try:
        if not change:
            return rotation.Outcome(left=await rotation.tally(engine, Base.metadata, ring)), ring
        with _bar() as progress:
            return await rotation.rotate(engine, Base.metadata, ring, progress), ring
    finally:
        await engine.dispose()


@contextmanager
def _bar() -> "Iterator[Progress]":
    """A bar on a terminal, silence elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Sealing anew")
        yield lambda done, total: bar.update(task, completed=done, total=total)
