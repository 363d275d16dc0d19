"""`python -m drills.data DATA [--only soyster|ctn] [--database sqlite|postgresql]`."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from drills.data import ctn, soyster
from drills.data.checks import Checks, DrillFailedError
from drills.data.extract import FILES, SOURCE
from drills.data.house import House

SETS = ("soyster", "ctn")
DATABASES = ("sqlite", "postgresql")


def main() -> int:
    """Drill; 0 when every figure is as expected."""
    parser = argparse.ArgumentParser(prog="drills.data", description="Real data sets through the service.")
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--only", choices=SETS, help="one data set; without it, all of them")
    parser.add_argument("--database", choices=DATABASES, help="one database; without it, both")
    asked = parser.parse_args()
    checks, started = Checks(), time.monotonic()
    sets = [asked.only] if asked.only else list(SETS)
    try:
        _must_be_there(asked.data, sets)
        print("-- read the files with pandas", flush=True)
        prompts = soyster.expect(asked.data / soyster.FILE) if "soyster" in sets else None
        trials = ctn.expect(asked.data / SOURCE) if "ctn" in sets else None
        if trials:
            ctn.compare_extract(asked.data / SOURCE, checks)
        for database in [asked.database] if asked.database else DATABASES:
            checks.place = database
            print(f"-- {database}", flush=True)
            with _house(database) as house:
                house.afterglow("migrate")
                workers = 1 if database == "sqlite" else 2
                if prompts:
                    asyncio.run(soyster.drill(house, asked.data / soyster.FILE, prompts, checks, workers=workers))
                if trials:
                    asyncio.run(ctn.drill(house, asked.data / SOURCE, trials, checks, workers=workers))
    except DrillFailedError as failed:
        print(f"\ndrill: {failed}", file=sys.stderr)
        return 1
    checks.show()
    print(f"{len(checks.rows)} figures compared in {time.monotonic() - started:.0f} s, {checks.failed} differ")
    return 1 if checks.failed else 0


def _must_be_there(folder: Path, sets: list[str]) -> None:
    """A drill without its data has failed; it is never left out."""
    needed = [folder / soyster.FILE] if "soyster" in sets else []
    needed += [folder / SOURCE / name for name in FILES] if "ctn" in sets else []
    missing = [str(path) for path in needed if not path.is_file()]
    if missing:
        msg = "these files are missing:\n  " + "\n  ".join(missing)
        raise DrillFailedError(msg)


@contextmanager
def _house(database: str) -> Iterator[House]:
    """An empty database that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="afterglow-drill-") as name:
        folder = Path(name)
        if database == "sqlite":
            yield House(f"sqlite:///{folder / 'drill.db'}", folder)
            return
        from tests.postgresql import Server, address

        server = Server()
        try:
            asyncio.run(_make_database(address(server.host, "postgres")))
            yield House(address(server.host, "drill"), folder)
        finally:
            server.stop()


async def _make_database(maintenance: str) -> None:
    connection = await asyncpg.connect(maintenance)
    await connection.execute("CREATE DATABASE drill")
    await connection.close()


if __name__ == "__main__":
    sys.exit(main())
