"""What requests leave in the audit: as many entries as there were requests, as durable as is set."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.models import AuditEntry
from app.audit.sealing import Sealer
from app.core import asking, clinic_wall, engines
from app.core.db import Database, new_session
from app.core.settings import AuditReads, Settings
from tests.audit.conftest import named, stored
from tests.cast import Cast, a_cast
from tests.factories import a_report, an_id

NewClient = Callable[..., httpx2.AsyncClient]
ROUNDS = 100
AT_ONCE = 4


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    made = await a_cast(db, settings)
    await db.finish()
    return made


class TestMixedRequests:
    async def test_a_thousand_make_a_thousand_entries(
        self, new_client: NewClient, cast: Cast, engine: AsyncEngine
    ) -> None:
        """Read and written, allowed and denied, refused for other reasons, several at once, while a sealer works."""
        as_patient, as_nurse = new_client(cast.patient.token), new_client(cast.nurse.token)
        mine, theirs = f"/v1/patients/{cast.patient_id}", f"/v1/patients/{cast.other_patient_id}"
        known = f"/v1/me/check-ins/{an_id()}"
        report = a_report()

        async def one_round() -> list[int]:
            answers = [
                await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report()),
                await as_patient.put(known, json=report),
                await as_patient.put(known, json=report | {"note": "another"}),
                await as_patient.get("/v1/me/check-ins"),
                await as_patient.get(f"/v1/me/check-ins/{an_id()}"),
                await as_patient.get(mine),
                await as_nurse.get(f"{mine}/check-ins"),
                await as_nurse.get(f"{theirs}/check-ins"),
                await as_nurse.get("/v1/staff"),
                await as_nurse.put(f"/v1/me/check-ins/{an_id()}", json=report),
            ]
            return [answer.status_code for answer in answers]

        async def caller() -> Counter[int]:
            seen: Counter[int] = Counter()
            for _ in range(ROUNDS // AT_ONCE):
                seen.update(await one_round())
            return seen

        async def seal(done: asyncio.Event) -> None:
            sealer = Sealer(engine)
            while not done.is_set():
                await sealer.catch_up()
                await asyncio.sleep(0.05)

        await one_round()  # the first of a process builds its statements, and would keep the patient's lock meanwhile
        before = len(await stored(engine))
        done = asyncio.Event()
        sealing = asyncio.create_task(seal(done))
        seen = sum(await asyncio.gather(*(caller() for _ in range(AT_ONCE))), Counter())
        done.set()
        await sealing
        await Sealer(engine).catch_up(sign=True)

        entries = (await stored(engine))[before:]  # those from before have lower numbers
        assert seen.total() == len(entries) == 1000
        assert seen[201] + seen[200] == 5 * ROUNDS
        assert Counter(entry["outcome"] for entry in entries) == {"allowed": 700, "denied": 300}
        assert await named(engine) == []


class TestDurability:
    @pytest.mark.parametrize(("reads", "relaxed"), [(AuditReads.RELAXED, True), (AuditReads.DURABLE, False)])
    async def test_of_the_record_of_a_read_is_as_is_set(
        self,
        app: object,
        new_client: NewClient,
        cast: Cast,
        settings: Settings,
        reads: AuditReads,
        relaxed: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        told: list[bool] = []
        say, ask = engines.say_with_begin, asking.ask

        def note(connection: sa.Connection, clinic_id: object, *, relaxed: bool) -> None:
            told.append(relaxed)
            say(connection, clinic_id, relaxed=relaxed)  # type: ignore[arg-type]  # passed on

        async def note_too(*arguments: Any, relaxed: bool = False, **options: Any) -> Any:
            told.append(relaxed)
            return await ask(*arguments, relaxed=relaxed, **options)

        app.state.settings = settings.model_copy(update={"audit_reads": reads})  # type: ignore[attr-defined]
        as_patient, as_nurse = new_client(cast.patient.token), new_client(cast.nurse.token)
        monkeypatch.setattr(clinic_wall, "say_with_begin", note)
        monkeypatch.setattr(asking, "ask", note_too)

        await as_patient.get("/v1/me/check-ins")
        await as_nurse.get(f"/v1/patients/{cast.patient_id}/check-ins")
        of_reads = told.copy()
        told.clear()
        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())

        assert len(of_reads) >= len([as_patient, as_nurse])
        assert set(of_reads) == {relaxed}
        assert told == [False]

    @pytest.mark.parametrize("relaxed", [True, False])
    async def test_reaches_the_database(
        self, engine: AsyncEngine, cast: Cast, relaxed: bool, superuser_url: str | None
    ) -> None:
        if superuser_url is None:
            return  # SQLite waits for the disk each time
        db = new_session(engine)
        await db.enter(cast.clinic.id, relaxed=relaxed)

        asked = sa.text("SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'")
        found = (await db.read(asked)).mappings().one()
        await db.close()

        assert (found["source"] == "session") is relaxed  # else it is as the server has it
        assert found["setting"] == "off" or not relaxed

    async def test_a_sealed_entry_is_always_on_the_disk(
        self, engine: AsyncEngine, new_client: NewClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sealer's commit waits for the disk, and so for all that was committed before it."""
        told: list[bool] = []
        await new_client(cast.patient.token).get("/v1/me/check-ins")
        say, ask = engines.say_with_begin, asking.ask

        def note(connection: sa.Connection, clinic_id: object, *, relaxed: bool) -> None:
            told.append(relaxed)
            say(connection, clinic_id, relaxed=relaxed)  # type: ignore[arg-type]  # passed on

        async def note_too(*arguments: Any, relaxed: bool = False, **options: Any) -> Any:
            told.append(relaxed)
            return await ask(*arguments, relaxed=relaxed, **options)

        monkeypatch.setattr(clinic_wall, "say_with_begin", note)
        monkeypatch.setattr(asking, "ask", note_too)

        await Sealer(engine).seal()

        assert told == [False]


class TestIntegrity:
    async def test_what_the_guard_writes_verifies(
        self, new_client: NewClient, cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        await new_client(cast.patient.token).get("/v1/me/check-ins")
        await Sealer(engine).catch_up(sign=True)

        assert await named(engine) == []
        assert await db.scalar(sa.select(sa.func.count()).where(AuditEntry.flaw.is_not(None))) == 0
