"""`python -m drills.docs [lint] [clients] [browser] [receivers] [fuzz]`."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from drills.docs.browser import browse
from drills.docs.clients import make_clients
from drills.docs.clinic import ServedClinic, served
from drills.docs.fuzz import EXAMPLES, fuzz
from drills.docs.lint import fetch_document, lint
from drills.docs.passkeys import sign_in_with_passkey
from drills.docs.receivers import receive
from drills.docs.tools import DrillFailedError

STEPS = ("lint", "clients", "browser", "receivers", "fuzz")


def main() -> int:
    """Do the steps that were named, or all; 0 when everything is as it should be."""
    parser = argparse.ArgumentParser(prog="drills.docs", description="The drill of the docs.")
    parser.add_argument("steps", nargs="*", help=f"some of {', '.join(STEPS)}; without any, all of them")
    parser.add_argument("--database-url", help="a database without tables; without it, a SQLite file")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="made-up requests for each operation and check")
    parser.add_argument("--pictures", type=Path, help="a folder to keep the screenshots in")
    asked = parser.parse_args()
    if unknown := set(asked.steps) - set(STEPS):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    steps = asked.steps or STEPS
    if asked.database_url and "fuzz" in steps and len(steps) > 1:
        parser.error("fuzz wants a database of its own: do it alone with --database-url")
    folder = Path(tempfile.mkdtemp(prefix="afterglow-docs-"))
    try:
        if set(steps) != {"fuzz"}:
            with served(asked.database_url or f"sqlite:///{folder / 'clinic.db'}", folder) as clinic:
                _look(clinic, steps, folder, asked.pictures or folder)
        if "fuzz" in steps:  # without a worker: addresses that were made up are called by nobody
            url = asked.database_url or f"sqlite:///{folder / 'fuzzed.db'}"
            with served(url, folder, with_worker=False) as clinic:
                fuzz(clinic, folder, examples=asked.examples)
    except DrillFailedError as failed:
        print(f"\ndrill-docs: {failed}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("drill-docs: everything is as it should be")
    return 0


def _look(clinic: ServedClinic, steps: Sequence[str], folder: Path, pictures: Path) -> None:
    document = fetch_document(clinic.address, folder)
    if "lint" in steps:
        lint(document)
    if "clients" in steps:
        make_clients(document, clinic)
    if "browser" in steps:
        browse(clinic, pictures)
        sign_in_with_passkey(clinic, pictures)
    if "receivers" in steps:
        receive(clinic, folder)


if __name__ == "__main__":
    sys.exit(main())
