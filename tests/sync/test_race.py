"""Four writers and a reader at the same time: whatever order commits come in, the reader misses nothing."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.cast import Cast
from tests.factories import a_report, an_id
from tests.sync.phones import Phone

pytestmark = pytest.mark.anyio
ROUNDS = 6
"""Of each writer. Each round writes two or three things."""
ENTRY: dict[str, Any] = {"text": "The river.", "written_at": "2026-11-22T18:30:12.000Z", "time_zone": "Europe/Berlin"}
PRACTICE: dict[str, Any] = {"modality": "mindfulness", "done_at": "2026-11-22T18:30:12.000Z"}


@pytest.fixture
def direct(app: FastAPI) -> Callable[[str], httpx2.AsyncClient]:
    """Clients without the checks of the suite, which would let only one request through at a time."""

    def build(token: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app)
        headers = {"authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    return build


async def put(client: httpx2.AsyncClient, address: str, body: dict[str, Any]) -> None:
    answer = await client.put(address, json=body)
    assert answer.status_code in {200, 201}, answer.text


async def writes(cast: Cast, clients: dict[str, httpx2.AsyncClient], chance: random.Random, written: set[str]) -> None:
    """One writer: phones and staff write about the same patient, each in requests of its own."""
    phone, staff = clients["patient"], clients["coordinator"]
    for _ in range(ROUNDS):
        ids = [str(an_id()) for _ in range(4)]
        at = (datetime.now(UTC) + timedelta(days=chance.randint(40, 4000), hours=chance.randint(0, 23))).isoformat()
        await put(phone, f"/v1/me/check-ins/{ids[0]}", a_report())
        await put(phone, f"/v1/me/journal-entries/{ids[1]}", ENTRY)
        batch = {"check_ins": [a_report() | {"id": ids[2]}]}
        assert (await phone.post("/v1/me/check-ins/batch", json=batch)).status_code == 200
        await put(staff, f"/v1/patients/{cast.patient_id}/dosing-sessions/{ids[3]}", {"scheduled_at": at})
        written.update(ids)
        await asyncio.sleep(chance.random() / 200)


async def reads(phone: Phone, stop: asyncio.Event) -> int:
    """The reader: it goes on from where it stopped, in pages of any size; how often it asked."""
    chance, asked = random.Random(7), 0
    while not stop.is_set():
        phone.limit = chance.choice((1, 3, 1000))
        await phone.ask()
        asked += 1
        await asyncio.sleep(0)
    return asked


class TestFourWritersAndAReader:
    async def test_nothing_is_left_unseen(
        self, cast: Cast, db: Any, direct: Callable[[str], httpx2.AsyncClient]
    ) -> None:
        await db.finish()
        clients = {"patient": direct(cast.patient.token), "coordinator": direct(cast.coordinator.token)}
        phone, written, stop = Phone(direct(cast.patient.token)), set[str](), asyncio.Event()
        reader = asyncio.create_task(reads(phone, stop))

        await asyncio.gather(*(writes(cast, clients, random.Random(seed), written) for seed in range(4)))
        stop.set()
        asked = await reader
        phone.limit = 1000
        await phone.sync()

        assert asked > ROUNDS  # all the while, however slow the machine
        assert len(written) == 4 * ROUNDS * 4
        assert written - {key[1] for key in phone.things} == set()
        assert phone.things == (await phone.anew()).things
