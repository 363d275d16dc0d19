"""How many statements each hot route sends, on both databases: a number that grows with nothing that is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests import factories
from tests.factories import a_report, an_id

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Route:
    """A request that is answered all day, and how many statements it may send."""

    work: str
    request: Callable[[], tuple[str, str, Any]]
    postgresql: int
    sqlite: int


def _check_in() -> tuple[str, str, Any]:
    return "PUT", f"/v1/me/check-ins/{an_id()}", a_report()


def _batch(size: int) -> Callable[[], tuple[str, str, Any]]:
    def request() -> tuple[str, str, Any]:
        items = [a_report() | {"id": str(an_id())} for _ in range(size)]
        return "POST", "/v1/me/check-ins/batch", {"check_ins": items}

    return request


READ: Final = 2
"""The guard; what is known under the ids, with the anchors and what is usual: craving of 7 could be a spike."""
WRITTEN: Final = 6
"""Check-in, moment, observations, event, audit entry, revision: one statement on PostgreSQL."""
SUMMARY: Final = 1
"""What the panel shows of the patient."""
ROUTES: Final = (
    Route("one check-in", _check_in, postgresql=READ + 1 + SUMMARY, sqlite=READ + WRITTEN + SUMMARY),
    Route("a batch of 2", _batch(2), postgresql=READ + 1 + SUMMARY, sqlite=READ + WRITTEN + SUMMARY),
    Route("a batch of 100", _batch(100), postgresql=READ + 1 + SUMMARY, sqlite=READ + WRITTEN + SUMMARY),
)


@pytest.fixture
async def as_patient(
    new_client: Callable[..., httpx2.AsyncClient], db: Database, settings: Settings
) -> httpx2.AsyncClient:
    """A patient's phone that was used before: a device's first request confirms its token and loads the protocol."""
    patient = await factories.a_patient(db, settings, await factories.a_clinic(db))
    phone = new_client(patient.token)
    await phone.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
    return phone


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.work)
async def test_sends_so_many_statements(
    as_patient: httpx2.AsyncClient, queries: list[str], db: Database, route: Route
) -> None:
    method, path, body = route.request()
    queries.clear()

    answer = await as_patient.request(method, path, json=body)

    assert answer.status_code in {200, 201}
    assert len(queries) == (route.postgresql if db.is_postgresql else route.sqlite), queries
