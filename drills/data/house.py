"""One house for the drill: an empty database, the command, and the service on the loopback address."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa

from app.clinics import service as clinics
from app.core import clock, crypto
from app.core.db import Database, create_engine, unit_of_work
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials import service as credentials
from app.identity import service as identity
from app.identity.models import CareTeamMember, Patient
from app.identity.permissions import Role
from drills.data.checks import DrillFailedError
from tests.databases import WIDE_ENVIRONMENT

ROOT = Path(__file__).parents[2]
MAPS = ROOT / "app/imports/data/maps"
SIGNED_IN_FOR = timedelta(hours=11)
PASSWORD = "quiet-harbour-lantern-42"  # noqa: S105  of somebody who does not exist
START_WITHIN_SECONDS = 30


@dataclass(slots=True)
class House:
    """A database with a schema, and what happened to it."""

    database_url: str
    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Settings for this database."""
        return Settings(database_url=self.database_url, password_hash_memory_kib=64, password_hash_rounds=1)

    @property
    def environment(self) -> dict[str, str]:
        """What the commands are started with."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AFTERGLOW_")}
        return ours | WIDE_ENVIRONMENT | {"AFTERGLOW_DATABASE_URL": self.database_url, "PYTHONPATH": str(ROOT)}

    def afterglow(self, *words: object, may_exit: tuple[int, ...] = (0,)) -> str:
        """Run the command as a person would; what it printed."""
        command = [sys.executable, "-P", "-m", "app.cli", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True)
        if done.returncode not in may_exit:
            shown = " ".join(map(str, words[:2]))
            msg = f"afterglow {shown} ended with {done.returncode}:\n{done.stderr[-4000:]}"
            raise DrillFailedError(msg)
        return done.stdout

    def imported(self, kind: str, file: Path, map_name: str, clinic_id: UUID, *more: object) -> dict[str, Any]:
        """Import a file; the summary."""
        words = ("import", kind, file, "--map", MAPS / f"{map_name}.toml", "--clinic", clinic_id, "--json", *more)
        summary: dict[str, Any] = json.loads(self.afterglow(*words))
        return summary

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say what is being done, and keep how long it took."""
        print(f"   {what} ...", end="", flush=True)
        started = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - started
        print(f" {self.seconds[what]:.1f} s", flush=True)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """A transaction of our own, beside the command and the service."""
        crypto.install([secret.get_secret_value() for secret in self.settings.secret_keys])
        engine = create_engine(self.settings)
        try:
            async with unit_of_work(engine) as db:
                yield db
        finally:
            await engine.dispose()

    async def a_clinic(self, name: str, time_zone: str) -> UUID:
        """A new clinic."""
        async with self.opened() as db:
            return (await clinics.create_clinic(db, name=name, time_zone=time_zone, locale="en-US")).id

    async def a_prescriber_of_everyone(self, clinic_id: UUID) -> str:
        """Somebody who looks after all patients of the clinic; their access token."""
        async with self.opened() as db:
            account = await credentials.add_account(db, self.settings, f"{new_id()}@example.org", PASSWORD)
            member = await identity.add_membership(
                db, account, clinic_id=clinic_id, role=Role.PRESCRIBER, display_name="Prescriber"
            )
            ids = (await db.scalars(sa.select(Patient.id).where(Patient.clinic_id == clinic_id))).all()
            whose = {"clinic_id": clinic_id, "membership_id": member.id, "kind": "member", "responsible": True}
            rows = [whose | {"id": new_id(), "patient_id": each, "since": clock.now(), "until": None} for each in ids]
            await db.execute(sa.insert(CareTeamMember), rows)
            return self.signed_in(db, member)

    def signed_in(self, db: Database, member: Any) -> str:
        """Sign a device of this member in for as long as the drill takes; its access token."""
        tokens = identity.begin(db, self.settings, member, "drill", methods="password otp", access_lasts=SIGNED_IN_FOR)
        return tokens.access_token

    @asynccontextmanager
    async def served(self, *, workers: int) -> AsyncIterator[httpx2.AsyncClient]:
        """The service as another process, and a client of it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = self.folder / "server.log"
        command = [sys.executable, "-P", "-m", "app.cli", "serve", "--port", str(port), "--workers", str(workers)]
        with log.open("wb") as lines:
            server = subprocess.Popen(  # noqa: ASYNC220  it starts in milliseconds, and nothing else runs yet
                command, cwd=ROOT, env=self.environment | {"AFTERGLOW_LOG_LEVEL": "WARNING"}, stdout=lines, stderr=lines
            )
        limits = httpx2.Limits(max_connections=16)
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=60) as client:
                if not await _ready(client, server):
                    msg = "the service did not start; its last words:\n" + _end_of(log)
                    raise DrillFailedError(msg)
                yield client
        except httpx2.HTTPError as error:
            msg = f"the service failed ({error}); its last words:\n{_end_of(log)}"
            raise DrillFailedError(msg) from None
        finally:
            server.terminate()
            server.wait(timeout=30)


async def _ready(client: httpx2.AsyncClient, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the service answers; False when it does not."""
    until = time.monotonic() + START_WITHIN_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return True
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.1)
    return False


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


def bearer(token: str) -> Mapping[str, str]:
    """What a request of this caller carries."""
    return {"Authorization": f"Bearer {token}"}
