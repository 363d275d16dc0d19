"""A patient with a journal among those who look after them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.factories import an_id

Clients = Callable[..., httpx2.AsyncClient]
WRITTEN = "2026-11-21T20:15:00.000Z"


@dataclass(frozen=True, slots=True)
class Journal:
    """Does with a journal what a phone does."""

    phone: httpx2.AsyncClient

    async def write(
        self,
        text: str = "a walk by the river",
        entry_id: UUID | None = None,
        *,
        if_match: str | None = None,
        **but: Any,
    ) -> httpx2.Response:
        body = {"text": text, "written_at": WRITTEN, "time_zone": "Europe/Berlin"} | but
        headers = {"If-Match": if_match} if if_match else {}
        return await self.phone.put(address(entry_id or an_id()), json=body, headers=headers)

    async def written(self, text: str = "a walk by the river", **but: Any) -> UUID:
        answer = await self.write(text, **but)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def read(self, entry_id: UUID, **headers: str) -> httpx2.Response:
        return await self.phone.get(address(entry_id), headers=headers)

    async def share(self, entry_id: UUID, *, shared: bool = True, if_match: str | None = '"1"') -> httpx2.Response:
        headers = {"If-Match": if_match} if if_match else {}
        return await self.phone.post(f"{address(entry_id)}/sharing", json={"shared": shared}, headers=headers)

    async def delete(self, entry_id: UUID, **headers: str) -> httpx2.Response:
        return await self.phone.delete(address(entry_id), headers=headers)


def address(entry_id: UUID) -> str:
    return f"/v1/me/journal-entries/{entry_id}"


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def journal(new_client: Clients, cast: Cast) -> Journal:
    return Journal(new_client(cast.patient.token))


@pytest.fixture
def therapist(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.therapist.token)
