"""How often the hot paths go to the database: a number that must not grow with what is sent or stored."""

import httpx2
import pytest

from app.core.db import Database
from tests.factories import a_report, an_id

pytestmark = pytest.mark.anyio

READS = 2
"""The guard; what is known under the ids, with the anchors and what is usual: craving of 7 could be a spike."""
WRITTEN_TABLES = 6
"""Check-in, moment, observations, event, audit entry, revision. On PostgreSQL they are one statement."""


@pytest.fixture
def statements(db: Database) -> int:
    """What a check-in may cost on this database."""
    return READS + (1 if db.is_postgresql else WRITTEN_TABLES)


async def _warm(as_patient: httpx2.AsyncClient) -> None:
    """The first request of a device also confirms its token, and loads the clinic's protocol."""
    await as_patient.get("/v1/me/check-ins")


async def test_one_check_in(as_patient: httpx2.AsyncClient, queries: list[str], statements: int) -> None:
    await _warm(as_patient)
    queries.clear()

    await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())

    assert len(queries) == statements, queries


@pytest.mark.parametrize("size", [2, 100])
async def test_a_batch_of_any_size(
    as_patient: httpx2.AsyncClient, queries: list[str], statements: int, size: int
) -> None:
    await _warm(as_patient)
    queries.clear()

    batch = [a_report() | {"id": str(an_id())} for _ in range(size)]
    await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": batch})

    assert len(queries) == statements, queries
