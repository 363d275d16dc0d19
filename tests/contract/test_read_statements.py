"""What the reads that run all day cost: so many statements, and on PostgreSQL no transaction around them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx2
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.factories import a_report, an_id

NewClient = Callable[..., httpx2.AsyncClient]
TREND = "trends?measure=craving&substance=alcohol"


@dataclass(frozen=True)
class Read:
    """An address, and the statements that one request of it takes once its process is warm."""

    path: str
    on_postgresql: int
    on_sqlite: int
    by_nurse: bool = False


READS = (
    # On SQLite the audit entry is a statement of its own, and all of it one transaction of one connection.
    Read(f"/v1/me/{TREND}", 2, 3),
    Read(f"/v1/me/{TREND}&bucket=raw", 3, 4),
    Read("/v1/me/trends?measure=craving", 3, 4),
    Read(f"/v1/patients/{{patient_id}}/{TREND}", 2, 3, by_nurse=True),
    Read("/v1/dosing-sessions", 2, 3, by_nurse=True),
    Read("/v1/me/dosing-sessions", 2, 3),
    Read("/v1/me/due-check-ins", 2, 3),
    Read("/v1/panel", 2, 3, by_nurse=True),
)


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    made = await a_cast(db, settings)
    await db.finish()
    return made


@pytest.fixture
def begun(engine: AsyncEngine) -> Iterator[list[object]]:
    """The transactions that began since the test did."""
    seen: list[object] = []

    def note(connection: object) -> None:
        seen.append(connection)

    event.listen(engine.sync_engine, "begin", note)
    yield seen
    event.remove(engine.sync_engine, "begin", note)


class TestHotReads:
    @pytest.mark.parametrize("read", READS, ids=lambda read: read.path)
    async def test_take_so_many_statements(
        self, read: Read, cast: Cast, new_client: NewClient, queries: list[str], begun: list[object], settings: Settings
    ) -> None:
        as_patient = new_client(cast.patient.token)
        client = new_client(cast.nurse.token) if read.by_nurse else as_patient
        path = read.path.format(patient_id=cast.patient_id)
        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        assert (await client.get(path)).status_code == 200
        queries.clear()
        begun.clear()

        await client.get(path)

        assert len(queries) == (read.on_sqlite if settings.is_sqlite else read.on_postgresql), queries
        assert len(begun) == (1 if settings.is_sqlite else 0)

    async def test_take_one_with_the_newest_answer_in_hand(
        self, cast: Cast, new_client: NewClient, queries: list[str], begun: list[object], settings: Settings
    ) -> None:
        client = new_client(cast.patient.token)
        tag = (await client.get(f"/v1/me/{TREND}")).headers["etag"]
        queries.clear()
        begun.clear()

        again = await client.get(f"/v1/me/{TREND}", headers={"If-None-Match": tag})

        assert again.status_code == 304
        assert len(queries) == (2 if settings.is_sqlite else 1), queries
        assert len(begun) == (1 if settings.is_sqlite else 0)

    async def test_note_themselves_once_also_with_an_old_answer_in_hand(
        self, cast: Cast, new_client: NewClient, queries: list[str], settings: Settings
    ) -> None:
        client = new_client(cast.patient.token)
        await client.get(f"/v1/me/{TREND}")
        queries.clear()

        answer = await client.get(f"/v1/me/{TREND}", headers={"If-None-Match": '"old"'})

        assert answer.status_code == 200
        assert sum("INSERT INTO audit_entries" in statement for statement in queries) == 1
