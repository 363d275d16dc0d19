"""The secrets of endpoints: shown on request, and changed without a message that nobody can verify."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Device
from app.identity.permissions import Role
from app.webhooks.models import WebhookSecret
from tests.cast import Cast
from tests.factories import Person, a_member_of_staff, an_api_client
from tests.programs import a_token
from tests.webhooks.asking import URL
from tests.webhooks.world import SECRET, an_endpoint

NewClient = Callable[..., httpx2.AsyncClient]
AN_HOUR = timedelta(hours=1)


@pytest.fixture
async def address(cast: Cast, db: Database) -> str:
    """Of an endpoint with a secret."""
    return f"/v1/webhook-endpoints/{(await an_endpoint(db, cast, URL)).id}"


async def rotated(caller: httpx2.AsyncClient, address: str, **body: Any) -> str:
    answer = await caller.post(f"{address}/secret-rotation", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


async def live(caller: httpx2.AsyncClient, address: str) -> list[tuple[str, str | None]]:
    items = (await caller.get(f"{address}/secrets")).json()["items"]
    return [(each["secret"], each["ends_at"]) for each in items]


def hours_from(moment: datetime, ends_at: str | None) -> float:
    assert ends_at is not None
    return round((datetime.fromisoformat(ends_at) - moment) / AN_HOUR, 1)


class TestReading:
    async def test_shows_them_and_says_that_it_did(
        self, as_admin: httpx2.AsyncClient, admin: Person, address: str, db: Database
    ) -> None:
        answer = await as_admin.get(f"{address}/secrets")

        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert [(each["secret"], each["ends_at"]) for each in answer.json()["items"]] == [(SECRET, None)]
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "list_webhook_secrets"))).one()
        assert (entry.actor_id, str(entry.subject_id)) == (admin.membership.id, address.rpartition("/")[2])

    async def test_never_squeezes_them(self, as_admin: httpx2.AsyncClient, address: str) -> None:
        for _ in range(9):
            await rotated(as_admin, address)

        answer = await as_admin.get(f"{address}/secrets", headers={"Accept-Encoding": "gzip, br, zstd"})

        assert len(answer.content) > 1000, "shorter ones are not compressed anyway"
        assert "content-encoding" not in answer.headers

    async def test_needs_a_recent_sign_in(self, as_admin: httpx2.AsyncClient, address: str, db: Database) -> None:
        await db.execute(sa.update(Device).values(signed_in_at=clock.now() - timedelta(hours=1)))

        answers = [await as_admin.get(f"{address}/secrets"), await as_admin.post(f"{address}/secret-rotation", json={})]

        assert {each.json()["code"] for each in answers} == {"recent_sign_in_required"}

    async def test_is_not_for_everybody_who_may_read_of_endpoints(
        self,
        new_client: NewClient,
        client: httpx2.AsyncClient,
        cast: Cast,
        address: str,
        db: Database,
        settings: Settings,
    ) -> None:
        officer = new_client((await a_member_of_staff(db, settings, cast.clinic, Role.PRIVACY_OFFICER)).token)
        scopes = ["webhooks:read", "webhooks:manage"]
        program = new_client(await a_token(client, await an_api_client(db, cast.clinic, scopes=scopes)))

        assert (await officer.get(address)).status_code == 200
        assert [(await each.get(f"{address}/secrets")).status_code for each in (officer, program)] == [403, 403]

    async def test_a_program_reads_its_own(self, as_program: httpx2.AsyncClient) -> None:
        made = (await as_program.post("/v1/webhook-endpoints", json={"url": URL, "event_types": ["*"]})).json()

        assert await live(as_program, f"/v1/webhook-endpoints/{made['id']}") == [(made["secret"], None)]


class TestRotation:
    async def test_lets_the_old_one_sign_for_a_day(self, as_admin: httpx2.AsyncClient, address: str) -> None:
        new = await rotated(as_admin, address)

        (first, its_end), (second, ends_at) = await live(as_admin, address)
        assert (first, its_end, second) == (new, None, SECRET)
        assert hours_from(clock.now(), ends_at) == 24
        assert (await as_admin.get(address)).json()["version"] == 2, "or workers go on with what they know"

    async def test_lets_it_go_when_its_time_is_over(
        self, as_admin: httpx2.AsyncClient, address: str, db: Database
    ) -> None:
        new = await rotated(as_admin, address, keep_old_hours=1)
        old = WebhookSecret.ends_at.is_not(None)
        await db.execute(sa.update(WebhookSecret).where(old).values(ends_at=clock.now()))

        assert await live(as_admin, address) == [(new, None)]

    async def test_ends_one_that_leaked_at_once(self, as_admin: httpx2.AsyncClient, address: str) -> None:
        await rotated(as_admin, address, keep_old_hours=168)

        new = await rotated(as_admin, address, keep_old_hours=0)

        assert await live(as_admin, address) == [(new, None)]

    async def test_never_lets_one_sign_for_longer_than_was_said(
        self, as_admin: httpx2.AsyncClient, address: str
    ) -> None:
        await rotated(as_admin, address, keep_old_hours=2)
        await rotated(as_admin, address, keep_old_hours=100)

        assert [hours_from(clock.now(), ends_at) for _, ends_at in (await live(as_admin, address))[1:]] == [100, 2]

    async def test_stops_at_ten(self, as_admin: httpx2.AsyncClient, address: str) -> None:
        for _ in range(9):
            await rotated(as_admin, address)

        refused = await as_admin.post(f"{address}/secret-rotation", json={})

        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhook_secrets")
        new = await rotated(as_admin, address, keep_old_hours=0)
        assert await live(as_admin, address) == [(new, None)]

    @pytest.mark.parametrize("hours", [-1, 169, 1.5, "24"])
    async def test_takes_whole_hours_up_to_a_week(
        self, as_admin: httpx2.AsyncClient, address: str, hours: object
    ) -> None:
        answer = await as_admin.post(f"{address}/secret-rotation", json={"keep_old_hours": hours})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/keep_old_hours")
