"""A clinic, and an outside issuer that its server trusts."""

from collections.abc import Callable, Iterator

import httpx2
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from app.external_identities import issuer_keys
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.external_identities.fake_issuer import AUDIENCE, ISSUER, FakeIssuer, served
from tests.factories import Person, a_member_of_staff

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A patient and those who look after them."""
    return await a_cast(db, settings)


@pytest.fixture
async def admin(cast: Cast, db: Database, settings: Settings) -> Person:
    """Whoever administers the clinic."""
    return await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)


@pytest.fixture
def as_admin(new_client: NewClient, admin: Person) -> httpx2.AsyncClient:
    """Their browser."""
    return new_client(admin.token)


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    """An issuer that listens on this machine."""
    issuer_keys.at.cache_clear()
    with served() as issuer:
        yield issuer


@pytest.fixture
def trusted(app: FastAPI, settings: Settings, issuer: FakeIssuer) -> FakeIssuer:
    """The same, trusted by the server."""
    app.state.settings = settings.model_copy(
        update={"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": issuer.url}
    )
    return issuer
