"""The `afterglow` command.

What a command needs is imported inside it: `afterglow --help` must not wait for a database driver.
"""
# ruff: noqa: PLC0415  see above

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from app.audit.commands import app as audit
from app.core.key_commands import app as keys
from app.imports.commands import app as imports
from app.panel.commands import app as panel

if TYPE_CHECKING:
    from uuid import UUID

    from app.core.settings import Settings
    from app.invitations.service import NewInvitation

WRONG_USE = 2
FAILED = 1

app = typer.Typer(
    name="afterglow",
    help="Check-ins, supervised dosing sessions and trends for ketamine-assisted therapy in addiction rehabilitation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(imports, name="import")

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of them.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")] = 1,
    *,
    with_worker: Annotated[
        bool | None,
        typer.Option(
            "--with-worker/--without-worker",
            help="Pass events on from here, or leave that to `afterglow worker`; else AFTERGLOW_WORKER says.",
        ),
    ] = None,
) -> None:
    """Serve the API. The database must be at the newest schema: run `afterglow migrate` first."""
    from app.core import logging, starting

    if with_worker is not None:
        os.environ["AFTERGLOW_WORKER"] = "inside" if with_worker else "apart"  # for every process of the server
    settings = _settings()
    if workers > 1 and settings.is_sqlite:
        _refuse("SQLite is for one process. Use --workers 1, or set AFTERGLOW_DATABASE_URL to a PostgreSQL.")
    _require_schema(settings)
    with _refusing():
        starting.require_walls(settings)
        starting.require_free(host, port)
    logging.configure(settings)
    _run("app.main:create_app", settings, host, port, factory=True, workers=workers)


@app.command()
def worker() -> None:
    """Pass events on to other systems, seal the audit, and see to what is due by time. Start as many as you like."""
    import uvloop

    from app import worker
    from app.core import logging, starting

    settings = _settings()
    if settings.is_sqlite:
        _refuse("SQLite is for one process: `afterglow serve` does this work too. For more, use PostgreSQL.")
    _require_schema(settings)
    with _refusing():
        starting.require_walls(settings)
    logging.configure(settings)
    uvloop.run(worker.work_alone(settings))


@app.command()
def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 unless it is the newest.")] = False,
) -> None:
    """Bring the database to the newest schema."""
    from app.core import starting

    settings = _settings().as_owner
    with _refusing():
        newest, before = starting.newest_revision(), starting.revision_of(settings)
    if before == newest:
        typer.echo(f"The database is at {newest}, the newest schema.")
        return
    if check:
        _refuse(f"The database is at {before or 'no schema'}, the newest is {newest}: run `afterglow migrate`.", FAILED)
    from app.core import migrating

    try:
        migrating.upgrade(settings)
    except Exception as error:  # noqa: BLE001  whatever a migration stumbled over, the database says it best
        _refuse(f"The database stays at {before or 'no schema'}: {error}", FAILED)
    typer.echo(f"The database was brought from {before or 'no schema'} to {newest}.")


@app.command()
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    *,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write people and tokens to this file.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Fill and tell, then end.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Another seed, another past.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over, even if there is a demo database.")] = False,
    code: Annotated[str | None, typer.Option(help="Only tell the next one-time code of this address.")] = None,
) -> None:
    """Fill a demo clinic in var/demo.db, tell who can sign in, and serve it."""
    from app.core import starting
    from app.demo import command, database

    if code is not None:
        try:
            typer.echo(command.code(database.demo_settings(database.PATH, _address(host, port)), code))
        except command.DemoRefused as error:
            _refuse(str(error))
        return
    if not no_serve:
        with _refusing():
            starting.require_free(host, port)
    try:
        if command.must_fill(database.PATH, seed, fresh=fresh):
            _fill(database.PATH, seed)
            if not no_serve:  # serve in a process that has not grown by filling
                os.execv(sys.executable, [part for part in sys.orig_argv if part != "--fresh"])  # noqa: S606  itself
    except command.DemoRefused as error:
        _refuse(str(error))
    settings = database.demo_settings(database.PATH, _address(host, port))
    for line in command.tell(settings, json_file):
        typer.echo(line)
    if not no_serve:
        from app.main import create_app

        typer.echo(f"\nServing {settings.public_url}. Ctrl+C ends it; the clinic is kept for the next time.")
        _run(create_app(settings), settings, host, port)


@app.command()
def settings() -> None:
    """List every setting: its variable, default and meaning. Values are never printed."""
    from rich.console import Console
    from rich.table import Table

    from app.core.settings import Settings

    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for heading in ("setting", "default", "set", "meaning"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "setting")
    for name, field in Settings.model_fields.items():
        variable = f"AFTERGLOW_{name.upper()}"
        given = any(os.environ.get(way) for way in (variable, f"{variable}_FILE"))
        table.add_row(variable, _default_of(field), "yes" if given else "", field.description)
    console = Console(width=None if os.isatty(1) else 160, highlight=False, markup=False)
    console.print(table)
    console.print(
        "AFTERGLOW_DATABASE_URL_FILE names a file to read it from. The same goes for _MIGRATION_DATABASE_URL, "
        "_SECRET_KEYS (one on a line), _METRICS_TOKEN and _SMTP_URL."
    )


@app.command("create-clinic")
def create_clinic(
    name: Annotated[str, typer.Argument(help="Name of the clinic.")],
    time_zone: Annotated[str, typer.Option(help="IANA zone, such as Europe/Berlin: decides what `today` is.")],
    admin_email: Annotated[str, typer.Option(help="Address of its first clinic_admin.")],
    locale: Annotated[str, typer.Option(help="Language and country, such as en-GB.")] = "en-GB",
) -> None:
    """Make a clinic, and print the invitation code of its first clinic_admin."""
    from pydantic import validate_email
    from pydantic_core import PydanticCustomError

    from app.core.fields import zone

    settings = _settings()
    _require_schema(settings)
    try:
        zone(time_zone)
        admin_email = validate_email(admin_email)[1]
    except PydanticCustomError:
        _refuse(f"{admin_email} is not an e-mail address.")
    except ValueError:
        _refuse(f"There is no time zone {time_zone}: it must be an IANA name such as Europe/Berlin.")
    clinic_id, invitation = asyncio.run(_found(settings, name, time_zone, locale, admin_email))
    typer.echo(f"Clinic {clinic_id} is there. Hand this to {admin_email}:")
    typer.echo(f"\n    {invitation.code}\n")
    typer.echo(f"It can be used once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC:\n")
    body = {
        "invitation_code": invitation.code,
        "email": admin_email,
        "password": "at least 15 characters of your own",
        "device_label": "my browser",
    }
    typer.echo(f"    curl {settings.public_url}/v1/activations -H 'Content-Type: application/json' \\")
    typer.echo(f"         -d '{json.dumps(body)}'")


@app.command()
def openapi(
    file: Annotated[Path, typer.Argument(help="Where to write it; - for standard output, in one line.")],
) -> None:
    """Write the OpenAPI document."""
    from app.main import create_app

    document = create_app(_settings()).openapi()
    if str(file) == "-":
        sys.stdout.buffer.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


async def _found(
    settings: "Settings", name: str, time_zone: str, locale: str, admin_email: str
) -> "tuple[UUID, NewInvitation]":
    """A new clinic with an invitation for whoever will administer it."""
    from app.clinics import service as clinics
    from app.core import crypto
    from app.core.db import create_engine, unit_of_work
    from app.identity.permissions import Role
    from app.invitations import service as invitations

    crypto.install([secret.get_secret_value() for secret in settings.secret_keys])
    engine = create_engine(settings)
    try:
        async with unit_of_work(engine) as db:
            clinic = await clinics.create_clinic(db, name=name, time_zone=time_zone, locale=locale)
            role = Role.CLINIC_ADMIN
            return clinic.id, await invitations.invite(
                db, settings, clinic_id=clinic.id, role=role, display_name=admin_email
            )
    finally:
        await engine.dispose()


def _settings() -> "Settings":
    """The settings of this process; what is wrong with them is one sentence and exit 2, without the values."""
    from pydantic import ValidationError

    from app.core.settings import get_settings

    try:
        return get_settings()
    except ValidationError as error:
        _refuse("; ".join(map(_what_is_wrong, error.errors(include_url=False, include_input=False))) + ".")
    except OSError as error:
        _refuse(f"A file that AFTERGLOW_*_FILE names cannot be read: {error.strerror}.")
    except ValueError as error:  # pydantic-settings: a list that is not JSON
        _refuse(f"The settings cannot be read: {error}. A list is written as JSON.")


def _what_is_wrong(fault: Any) -> str:  # noqa: ANN401  pydantic's description of an error
    said = str(fault["msg"]).removeprefix("Value error, ")
    return f"AFTERGLOW_{'_'.join(map(str, fault['loc'])).upper()}: {said}" if fault["loc"] else said


def _default_of(field: Any) -> str:  # noqa: ANN401  pydantic's description of a setting
    if field.default_factory is not None:
        return "(a sample, in development only)"
    return str(field.default)


def _require_schema(settings: "Settings") -> None:
    """Refuse to work on an old or missing schema. A newer one is for a release that is being rolled out."""
    from app.core import starting

    with _refusing():
        newer = starting.require_schema(settings)
    if newer is not None:
        typer.echo(f"The database is at {newer}, newer than this release knows; it should still work.", err=True)


@contextmanager
def _refusing() -> Iterator[None]:
    """Say in one sentence why this process cannot start."""
    from app.core.starting import CannotStartError

    try:
        yield
    except CannotStartError as error:
        _refuse(str(error), FAILED)


def _address(host: str, port: int) -> str:
    """Where a browser on this machine finds what listens there."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read, not bound
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _fill(path: Path, seed: int | None) -> None:
    """Fill the demo's database, with a bar on a terminal and a line elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from app.core import clock
    from app.demo import filling

    title = "Filling a demo clinic with twelve weeks"
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        if bar.disable:
            typer.echo(f"{title}...", err=True)
        task = bar.add_task(title)
        filling.fill(
            path,
            filling.DEFAULT_SEED if seed is None else seed,
            clock.now(),
            lambda done, total: bar.update(task, completed=done, total=total),
        )


def _run(application: Any, settings: "Settings", host: str, port: int, **options: Any) -> None:  # noqa: ANN401
    """Serve until told to stop; what runs then gets its time to finish."""
    import uvicorn

    from app.core import serving

    uvicorn.run(application, host=host, port=port, **serving.options(settings), **options)


def _refuse(why: str, code: int = WRONG_USE) -> NoReturn:
    """Say why in one sentence and end."""
    typer.echo(why, err=True)
    raise typer.Exit(code)


def _before_import() -> None:
    """Say what is wrong with the settings before a file is opened."""
    _settings()


def _before_keys() -> None:
    """Say what is wrong with the settings or the schema before anything is opened."""
    _require_schema(_settings())


app.add_typer(imports, callback=_before_import)
app.add_typer(audit, name="audit", callback=_before_keys)
app.add_typer(panel, name="panel", callback=_before_keys, help="The summaries behind the clinician's panel.")
app.add_typer(keys, name="keys", callback=_before_keys, help="The secrets that seal what is stored.")


def main() -> None:
    """What the script `afterglow` runs."""
    app(prog_name="afterglow")


if __name__ == "__main__":
    main()
