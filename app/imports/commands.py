"""`afterglow import`: what a person at a terminal types, and what they are shown."""
# ruff: noqa: PLC0415  what a command needs is imported inside it: `afterglow --help` must not wait for a database driver

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

if TYPE_CHECKING:
    from app.core.settings import Settings
    from app.imports.reports import Summary

WRONG_USE: Final = 2
ROWS_REFUSED: Final = 1

app = typer.Typer(
    name="import",
    help="Bring in records that were made elsewhere. Running it twice stores nothing twice. See docs/importing.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header, in UTF-8.")]
MapFile = Annotated[Path, typer.Option("--map", metavar="MAP.toml", help="What its columns mean.")]
Clinic = Annotated[UUID | None, typer.Option("--clinic", help="Id of the clinic; not needed while there is only one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Do everything, then undo it: nothing is stored.")]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="What became of each row, as .csv or .jsonl; never what it says."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]


@app.command("check-ins")
def import_check_ins(
    file: File,
    map_file: MapFile,
    clinic: Clinic = None,
    dry_run: DryRun = False,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Import check-ins. Exit code 0, 1 for refused rows, 2 when it cannot begin."""
    _import("check-ins", file, map_file, clinic, dry_run=dry_run, report=report, as_json=as_json)


@app.command("appointments")
def import_appointments(
    file: File,
    map_file: MapFile,
    clinic: Clinic = None,
    dry_run: DryRun = False,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Import appointments with their attendance. Exit code 0, 1 for refused rows, 2 when it cannot begin."""
    _import("appointments", file, map_file, clinic, dry_run=dry_run, report=report, as_json=as_json)


@app.command("dosing-sessions")
def import_dosing_sessions(
    file: File,
    map_file: MapFile,
    clinic: Clinic = None,
    dry_run: DryRun = False,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Import dosing sessions of the past. Exit code 0, 1 for refused rows, 2 when it cannot begin."""
    _import("dosing-sessions", file, map_file, clinic, dry_run=dry_run, report=report, as_json=as_json)


def _import(
    kind: str, file: Path, map_file: Path, clinic: UUID | None, *, dry_run: bool, report: Path | None, as_json: bool
) -> None:
    from app.core import crypto
    from app.core.settings import get_settings
    from app.imports.errors import ImportRefused

    settings = get_settings()
    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    try:
        summary = asyncio.run(_run(settings, kind, file, map_file, clinic, dry_run=dry_run, report=report))
    except ImportRefused as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(WRONG_USE) from None
    if as_json:
        typer.echo(json.dumps(summary.as_json()))
    else:
        _tell(summary, kind, report)
    if summary.refused:
        raise typer.Exit(ROWS_REFUSED)


async def _run(
    settings: "Settings",
    kind: str,
    file: Path,
    map_file: Path,
    clinic: UUID | None,
    *,
    dry_run: bool,
    report: Path | None,
) -> "Summary":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from app.core.db import create_engine
    from app.imports import service
    from app.imports.maps import Kind, read_map

    mapping = read_map(map_file, Kind(kind))
    engine, screen = create_engine(settings), Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    try:
        await service.must_be_ready(engine)
        found = await service.the_clinic(engine, clinic)
        wanted = service.Wanted(Kind(kind), mapping, file, found.id, rehearsal=dry_run)
        with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
            task = bar.add_task(file.name, total=None)

            def show(done: int, size: int) -> None:
                bar.update(task, completed=done, total=size)

            return await service.import_file(engine, wanted, report=report, progress=show)
    finally:
        await engine.dispose()


def _tell(summary: "Summary", kind: str, report: Path | None) -> None:
    """Say what became of the file, in as many lines as there are things to say."""
    from app.imports.reports import Outcome

    counted = summary.outcomes
    typer.echo(f"{summary.rows:>9,}  rows in {summary.seconds:.1f} s, of {summary.patients:,} patients")
    typer.echo(f"{counted[Outcome.STORED]:>9,}  {kind} {'would be ' if summary.rehearsal else ''}stored")
    typer.echo(f"{counted[Outcome.KNOWN]:>9,}  known from an earlier run")
    for outcome, reasons in ((Outcome.SKIPPED, summary.skipped), (Outcome.REFUSED, summary.refused)):
        typer.echo(f"{counted[outcome]:>9,}  {outcome.value}")
        for reason, number in reasons.most_common():
            typer.echo(f"{number:>9,}    {reason}")
    for remark, number in summary.remarks.most_common():
        typer.echo(f"{number:>9,}  remarked: {remark}")
    if summary.new_patients:
        typer.echo(f"{summary.new_patients:>9,}  patients are new; nobody looks after them yet")
    if summary.rehearsal:
        typer.echo("Nothing was stored: this was a rehearsal.")
    if report:
        typer.echo(f"What became of each row is in {report}.")


if __name__ == "__main__":
    app()
