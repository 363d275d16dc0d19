"""The databases that tests get: each its own, and none left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.identity.models import Clinic
from tests.databases import ROOT
from tests.postgresql import in_the_wheel, version_of

STARTS_AND_WAITS = "import time; from tests.postgresql import Server; print(Server().host, flush=True); time.sleep(60)"


def clinic() -> Clinic:
    return Clinic(
        id=new_id(), name="Harbour", time_zone="Europe/Berlin", locale="en", protocol_version=1, created_at=clock.now()
    )


async def clinics(db: Database) -> int:
    return await db.scalar(sa.select(sa.func.count()).select_from(Clinic)) or 0


class TestDatabase:
    @pytest.mark.parametrize("time", ["first", "second"])
    async def test_has_no_rows_of_another_test(self, db: Database, time: str) -> None:
        before = await clinics(db)
        db.add(clinic())
        await db.finish()

        assert (before, await clinics(db)) == (0, 1)

    async def test_keeps_what_was_written_before_a_request(self, db: Database, client: httpx2.AsyncClient) -> None:
        db.add(clinic())

        await client.get("/healthz")

        assert not db.in_transaction()
        assert await clinics(db) == 1

    async def test_counts_statements(self, db: Database, queries: list[str]) -> None:
        await clinics(db)
        await clinics(db)

        assert len(queries) == 2


class TestThrowAwayPostgresql:
    def test_comes_with_the_development_requirements(self) -> None:
        binaries = in_the_wheel()

        assert binaries is not None
        assert version_of(binaries) >= 15

    def test_ends_with_the_tests_even_when_they_are_killed(self) -> None:
        environment = {**os.environ, "AFTERGLOW_TEST_POSTGRESQL": "wheel"}
        with subprocess.Popen(
            [sys.executable, "-c", STARTS_AND_WAITS], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as tests:
            assert tests.stdout is not None
            folder = Path(tests.stdout.readline().strip())
            served = (folder / ".s.PGSQL.5432").exists()
            tests.send_signal(signal.SIGKILL)

        deadline = time.monotonic() + 10
        while folder.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert served
        assert not folder.exists()
