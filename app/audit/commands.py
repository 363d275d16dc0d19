"""`afterglow audit`: what a person at a terminal, or a nightly job, types."""
# ruff: noqa: PLC0415  what a command needs is imported inside it: `afterglow --help` must not wait for a database driver

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from app.audit.chain import Finding
    from app.audit.checkpoints import Checkpoint
    from app.audit.verification import Verification
    from app.core.settings import Settings

WRONG_USE: Final = 2
NOT_INTACT: Final = 1
MOST_TOLD: Final = 100

app = typer.Typer(
    name="audit",
    help="Seal the audit into its chain, and prove that nobody rewrote it. See docs/adr/0010-audit-seal.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Checkpoints kept elsewhere: an answer of /v1/audit-entries/verification, what --json printed, or a log.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON; it can be kept as a checkpoint.")]


@app.command()
def seal() -> None:
    """Seal what is not sealed yet, and sign. The server does this by itself every second."""
    sealed, checkpoint = asyncio.run(_seal(_settings()))
    typer.echo(f"Sealed {sealed:,} {'entry' if sealed == 1 else 'entries'}.")
    if checkpoint is not None:
        typer.echo(json.dumps(checkpoint.as_json()))


@app.command()
def verify(checkpoint: CheckpointFile = None, *, as_json: AsJson = False) -> None:
    """Compute the whole chain again. Exit code 0 when it is intact, 1 when not, 2 when it cannot begin.

    Without --checkpoint nobody can know whether the newest entries were cut off together with their checkpoints.
    """
    from app.audit import checkpoints

    try:
        kept = checkpoints.read_file(checkpoint) if checkpoint else []
    except (OSError, ValueError) as error:
        typer.echo(f"{checkpoint} cannot be read: {getattr(error, 'strerror', None) or error}.", err=True)
        raise typer.Exit(WRONG_USE) from None
    verification, told = asyncio.run(_verify(_settings(), kept, as_they_come=not as_json))
    if as_json:
        typer.echo(json.dumps(_result(verification, told)))
    else:
        _conclude(verification)
    if verification.findings:
        raise typer.Exit(NOT_INTACT)


def _settings() -> "Settings":
    from app.core import crypto, logging
    from app.core.settings import get_settings

    settings = get_settings()
    logging.configure(settings)  # to standard error, where each checkpoint is a line to keep
    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    return settings


async def _seal(settings: "Settings") -> "tuple[int, Checkpoint | None]":
    from app.audit.sealing import Sealer
    from app.core.db import create_engine

    engine = create_engine(settings)
    try:
        sealer = Sealer(engine)
        return await sealer.catch_up(sign=True), sealer.last_checkpoint
    finally:
        await engine.dispose()


async def _verify(
    settings: "Settings", kept: "list[Checkpoint]", *, as_they_come: bool
) -> "tuple[Verification, list[Finding]]":
    from app.audit.verification import Verification, page_by_page
    from app.core.db import create_engine

    engine = create_engine(settings)
    told: list[Finding] = []
    verification = Verification(page_by_page(engine), kept)
    try:
        async for finding in verification.run():
            if len(told) < MOST_TOLD:
                told.append(finding)
                if as_they_come:
                    typer.echo(_line(finding))
        return verification, told
    finally:
        await engine.dispose()


def _line(finding: "Finding") -> str:
    where = "unsealed" if finding.seq is None else f"seq {finding.seq}"
    whose = f" id {finding.entry_id}" if finding.entry_id else ""
    return f"{finding.kind}: {where}{whose}. {finding.said}"


def _conclude(verification: "Verification") -> None:
    if verification.findings > MOST_TOLD:
        typer.echo(f"... and {verification.findings - MOST_TOLD:,} more.")
    seen = f"{verification.entries:,} entries sealed, {verification.unsealed:,} not yet"
    if verification.findings:
        typer.echo(f"NOT INTACT: {verification.findings:,} findings. {seen}.", err=True)
    else:
        typer.echo(f"Intact: {seen}.")
    signed = verification.checkpoint
    if signed is not None:
        typer.echo(f"Signed up to {signed.seq} at {signed.at:%Y-%m-%d %H:%M:%S} UTC by {signed.public_key.hex()}.")


def _result(verification: "Verification", told: "list[Finding]") -> dict[str, Any]:
    signed = verification.checkpoint
    return {
        "intact": not verification.findings,
        "entries": verification.entries,
        "unsealed": verification.unsealed,
        "last_seq": verification.last_seq,
        "checkpoint": signed.as_json() if signed else None,
        "findings": verification.findings,
        "first_findings": [
            {
                "kind": each.kind,
                "seq": each.seq,
                "entry_id": str(each.entry_id) if each.entry_id else None,
                "said": each.said,
            }
            for each in told
        ],
    }
