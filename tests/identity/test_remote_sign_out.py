"""A device that was signed out is out everywhere with its next request: real processes on one database.

PostgreSQL is served by two of them, SQLite by the one that it is for.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from app.core.db import create_engine, unit_of_work
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.serving import served


@pytest.fixture
async def stored(settings: Settings) -> Cast:
    """A clinic in a database that nobody has open."""
    engine = create_engine(settings)
    async with unit_of_work(engine) as db:
        cast = await a_cast(db, settings)
    await engine.dispose()
    return cast


@pytest.fixture
def workers(root: Path, settings: Settings, stored: Cast) -> Iterator[list[httpx2.Client]]:
    """Clients of server processes, each asking one of them."""
    with ExitStack() as running:
        clients = []
        for _ in range(1 if settings.is_sqlite else 2):
            server = running.enter_context(served(root, settings.database_url))
            server.wait_until_ready()
            clients.append(running.enter_context(httpx2.Client(base_url=server.address)))
        yield clients


class TestRemoteSignOut:
    def test_takes_effect_on_every_worker_with_the_next_request(
        self, workers: list[httpx2.Client], stored: Cast
    ) -> None:
        path = f"/v1/patients/{stored.patient_id}/devices"
        phone, staff = stored.patient, stored.coordinator.headers
        first, *_ = workers
        assert [worker.get("/v1/me", headers=phone.headers).status_code for worker in workers] == [200] * len(workers)
        (device,) = first.get(path, headers=staff).json()["items"]

        assert first.delete(f"{path}/{device['id']}", headers=staff).status_code == 204

        assert [worker.get("/v1/me", headers=phone.headers).status_code for worker in workers] == [401] * len(workers)
        form = {"grant_type": "refresh_token", "refresh_token": phone.refresh_token}
        assert [worker.post("/oauth/token", data=form).status_code for worker in workers] == [400] * len(workers)
        assert [worker.get(path, headers=staff).json()["items"] for worker in workers] == [[]] * len(workers)

    def test_by_its_owner_does_so_too(self, workers: list[httpx2.Client], stored: Cast) -> None:
        nurse = stored.nurse.headers
        *_, last = workers
        for device in last.get("/v1/me/devices", headers=nurse).json()["items"]:
            assert last.delete(f"/v1/me/devices/{device['id']}", headers=nurse).status_code == 204

        assert [worker.get("/v1/me", headers=nurse).status_code for worker in workers] == [401] * len(workers)
