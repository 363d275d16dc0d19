"""A small clinic whose people sign in."""

from collections.abc import Callable

import httpx2
import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.factories import an_api_client
from tests.programs import Program
from tests.signers import a_key, public_half


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A patient and those who look after them."""
    return await a_cast(db, settings)


@pytest.fixture
def as_patient(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The patient's phone."""
    return new_client(cast.patient.token)


@pytest.fixture
def as_coordinator(new_client: Callable[..., httpx2.AsyncClient], cast: Cast) -> httpx2.AsyncClient:
    """The coordinator's browser."""
    return new_client(cast.coordinator.token)


@pytest.fixture
async def program(cast: Cast, db: Database) -> Program:
    """Id and secret of a program that may read patients and keep appointments."""
    return await an_api_client(db, cast.clinic)


@pytest.fixture
async def signer(cast: Cast, db: Database) -> str:
    """Id of a program that signs with the key `k1`."""
    keys = {"keys": [public_half(a_key())]}
    return (await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys))[0]
