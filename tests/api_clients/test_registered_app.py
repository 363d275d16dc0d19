"""Apps that people sign in to, as the sign-in page finds them."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.api_clients import service as api_clients
from app.core.db import Database, unit_of_work
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.models import Device, Membership
from tests.cast import Cast
from tests.factories import an_api_client, an_id
from tests.programs import Program


@pytest.fixture
async def app_id(cast: Cast, db: Database) -> str:
    """Id of an app of the clinic."""
    uris = ["com.example.app:/back"]
    app, _ = await an_api_client(db, cast.clinic, authentication="none", redirect_uris=uris, scopes=["check_ins:write"])
    await db.finish()
    return app


class TestRegisteredApp:
    async def test_is_found_with_what_was_registered(self, app_id: str, cast: Cast, db: Database) -> None:
        found = await api_clients.registered_app(db, app_id)

        assert found is not None
        assert (str(found.client_id), found.clinic_id, found.name) == (app_id, cast.clinic.id, "Practice software")
        assert found.redirect_uris == {"com.example.app:/back"}
        assert found.scopes == {"check_ins:write"}
        assert db.clinic_id == cast.clinic.id

    async def test_is_neither_a_program_nor_an_ended_app_nor_nobody(
        self, as_admin: httpx2.AsyncClient, program: Program, app_id: str, db: Database
    ) -> None:
        await as_admin.delete(f"/v1/api-clients/{app_id}")

        for client_id in (program[0], app_id, str(an_id()), "docs", ""):
            assert await api_clients.registered_app(db, client_id) is None


class TestRaces:
    async def test_an_app_that_is_ended_while_somebody_signs_in_takes_their_device_with_it(
        self, as_admin: httpx2.AsyncClient, app_id: str, cast: Cast, db: Database, settings: Settings, engine: Any
    ) -> None:
        ending: Any = as_admin.delete(f"/v1/api-clients/{app_id}")
        async with unit_of_work(engine, cast.clinic.id) as other:
            assert await api_clients.registered_app(other, app_id)
            if db.is_postgresql:  # SQLite has one connection: whoever comes second waits for it anyway
                ending = asyncio.create_task(ending)
                await asyncio.sleep(0.3)
                assert not ending.done()
            member = await other.get_one(Membership, cast.nurse.membership.id)
            identity.begin(other, settings, member, "an app", methods="password otp", client_id=UUID(app_id))
        assert (await ending).status_code == 204

        device = (await db.scalars(sa.select(Device).where(Device.label == "an app"))).one()
        assert device.ended_because == "client_ended"
