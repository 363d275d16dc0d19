"""A small clinic whose people sign in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.limits import Limits
from app.core.settings import Settings
from tests.cast import Cast, a_cast

SHIPPED = {name: Settings.model_fields[name].default for name in Settings.model_fields if name.startswith("limit_")}


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
async def limited(app: FastAPI, settings: Settings, anyio_backend: str) -> AsyncIterator[Callable[..., Limits]]:
    """Gives the application the limits that are shipped, but those that are named."""
    given: list[Limits] = []

    def give(**but: str) -> Limits:
        app.state.limits = Limits(settings.model_copy(update=SHIPPED | but), app.state.engine)
        given.append(app.state.limits)
        return given[-1]

    yield give
    for one in given:
        await one.settle()


@pytest.fixture
def sign_in_often(client: httpx2.AsyncClient, cast: Cast) -> Callable[..., Any]:
    """Signs in many times at once; the answers."""

    async def ask(number: int, **but: str) -> list[httpx2.Response]:
        claim = {"email": cast.patient.email, "password": "a wrong guess", "device_label": "x"} | but
        return list(await asyncio.gather(*(client.post("/v1/sign-ins", json=claim) for _ in range(number))))

    return ask


def counted(answers: list[httpx2.Response]) -> dict[int, int]:
    statuses = [answer.status_code for answer in answers]
    return {status: statuses.count(status) for status in sorted(set(statuses))}
