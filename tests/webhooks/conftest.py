"""A small clinic whose patient agreed, settings that let webhooks reach this machine, and a deliverer."""

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from app.webhooks.delivering import Deliverer
from tests.cast import Cast, a_cast
from tests.factories import Person, a_member_of_staff, an_api_client
from tests.mail_fixtures import logged, mailing, server
from tests.programs import a_token
from tests.webhooks.world import agrees, forget_events, working

__all__ = ["logged", "mailing", "server"]  # fixtures of this folder too

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook_allowed_networks": LOOPBACK})


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    found = await a_cast(db, settings)
    await agrees(db, found.patient)
    await forget_events(db)
    return found


@pytest.fixture
async def deliverer(engine: AsyncEngine, settings: Settings, db: Database) -> AsyncIterator[Deliverer]:
    async with working(engine, settings) as made:
        yield made
        await db.abandon()  # SQLite has one connection


@pytest.fixture
async def admin(cast: Cast, db: Database, settings: Settings) -> Person:
    """Whoever administers the clinic."""
    return await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)


@pytest.fixture
def as_admin(new_client: Callable[..., httpx2.AsyncClient], admin: Person) -> httpx2.AsyncClient:
    """Their browser."""
    return new_client(admin.token)


@pytest.fixture
async def as_program(
    new_client: Callable[..., httpx2.AsyncClient], client: httpx2.AsyncClient, cast: Cast, db: Database
) -> httpx2.AsyncClient:
    """A program of the clinic that looks after its own endpoints."""
    scopes = ["webhooks:read", "webhooks:manage", "webhook_secrets:read"]
    return new_client(await a_token(client, await an_api_client(db, cast.clinic, scopes=scopes)))
