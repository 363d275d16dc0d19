"""Running the tools, and saying plainly which one is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "drill-docs"
NODE_MODULES = HERE / "node_modules"


class DrillFailedError(Exception):
    """Something is not as it should be; the text is for the person at the terminal."""


def step(name: str) -> None:
    """Say what comes next."""
    print(f"-- {name}", flush=True)


def run(
    command: Sequence[str | Path],
    *,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    within: int = 900,
) -> str:
    """What the command printed; it must succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within,
    )
    if done.returncode:
        words = " ".join(map(str, command))
        msg = f"{done.stdout[-12_000:]}\nthe command above ended with {done.returncode}: {words}"
        raise DrillFailedError(msg)
    return done.stdout


def program(name: str, how_to_get_it: str) -> Path:
    """A program of the machine."""
    found = shutil.which(name)
    if found is None:
        msg = f"{name} is missing: {how_to_get_it}"
        raise DrillFailedError(msg)
    return Path(found)


def python_program(name: str) -> Path:
    """A program of the development environment."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        msg = f"{name} is missing: run `make install-dev`"
        raise DrillFailedError(msg)
    return found


def node_program(name: str) -> Path:
    """A program of `package-lock.json`, which is installed first when it changed."""
    node_packages(HERE)
    return NODE_MODULES / ".bin" / name


def node_packages(folder: Path) -> None:
    """See to it that what the `package-lock.json` of a folder pins is installed there."""
    npm = program("npm", "install Node.js 20.19 or later (Debian: apt-get install npm)")
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        step(f"install what {lock.relative_to(ROOT)} pins")
        run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder=folder)
        stamp.write_bytes(lock.read_bytes())
