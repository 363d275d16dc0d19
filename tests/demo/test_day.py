"""A patient's day through HTTP, played at a clinic that has nothing else."""

from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.demo.day import DAY
from app.demo.play import Answer, Headers, Missed, Play, Request, found
from app.identity import service as identity
from tests.cast import Cast, a_cast
from tests.databases import Databases
from tests.dosing.sessions import Clients

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

STAFF = ("therapist", "coordinator")


@pytest.fixture
async def database_url(databases: Databases, anyio_backend: str) -> str:
    """An empty database, of whichever kind the suite runs on."""
    return await databases.fresh()


@pytest.fixture
async def engine(databases: Databases, settings: Settings, anyio_backend: str) -> "AsyncIterator[AsyncEngine]":
    async with databases.engine(settings) as opened:
        yield opened


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
async def play(db: Database, settings: Settings, cast: Cast, new_client: Clients) -> Play:
    """It is tomorrow morning, half past seven; the patient has a phone and a tablet."""
    zone = ZoneInfo(cast.clinic.time_zone)
    begin = datetime.combine(clock.now().astimezone(zone).date() + timedelta(days=1), time(7, 30), zone)
    clients: dict[str, httpx2.AsyncClient] = {"anybody": new_client()}
    for who in ("patient", "tablet", *STAFF):
        membership = (cast.patient if who == "tablet" else getattr(cast, who)).membership
        with clock.told(begin):
            lasts = timedelta(hours=14)
            tokens = identity.begin(db, settings, membership, who, methods="password otp", access_lasts=lasts)
        clients[who] = new_client(tokens.access_token)

    async def send(who: str, method: str, path: str, body: Any, headers: Headers) -> Answer:
        answer = await clients[who].request(method, path, json=body, headers=dict(headers))
        is_json = answer.content and answer.headers["content-type"].endswith("json")
        return answer.status_code, answer.headers, answer.json() if is_json else answer.content

    staff = {who: str(getattr(cast, who).membership.id) for who in STAFF}
    return Play(send, begin, zone, patient=cast.patient_id, **staff)


class TestDay:
    async def test_is_asked_answered_offline_and_seen_on_a_second_device(self, play: Play) -> None:
        await play.run(DAY, clock.told)

        with clock.told(play.moment(700)):
            answered = Request(
                minute=700, who="therapist", method="GET", path="/v1/patients/{patient}/adherence", keeps={"seen": ""}
            )
            await play.ask(answered)
            shared = Request(
                minute=700, who="therapist", method="GET", path="/v1/patients/{patient}/journal-entries",
                keeps={"journal": "/items"},
            )  # fmt: skip
            await play.ask(shared)
        assert play.known["seen"]["total"]["completed"] == 2
        assert [entry["id"] for entry in play.known["journal"]] == [play.known["id story"]]

    async def test_fails_when_the_second_device_is_told_nothing(self, play: Play) -> None:
        first, *others = DAY
        without_batch = [request for request in others if not request.path.endswith("/batch")]

        with pytest.raises(Missed, match=r"^\+340 tablet GET /v1/me/changes.*: None in place of 'Europe/Berlin'"):
            await play.run((first, *without_batch), clock.told)


class TestFound:
    def test_is_the_first_of_a_list_that_says_so(self) -> None:
        answer = {"items": [{"type": "a", "n": 1}, {"type": "b", "n": 2}, {"type": "b", "n": 3}]}

        assert found(answer, "/items/?type=b/n") == 2
        assert found(answer, "/items/?type=c/n") is None
        assert found(answer, "/items/2/n") == 3
