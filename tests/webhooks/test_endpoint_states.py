"""Disabling, enabling, asking and ending endpoints."""

import json

import httpx2
import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.events.models import OutboxEvent
from app.webhooks.delivering import Deliverer
from app.webhooks.models import WebhookLane
from tests.cast import Cast
from tests.webhooks.asking import ACTS, ALL, NEW, URL, act, made
from tests.webhooks.receivers import receiving
from tests.webhooks.rows import a_delivery, ago, an_event
from tests.webhooks.world import an_endpoint, deliveries


class TestEnd:
    async def test_is_for_good(self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        endpoint = await an_endpoint(db, cast, URL)
        for state in ("pending", "parked", "delivered", "withheld"):
            await a_delivery(db, endpoint, state=state)
        address = f"{ALL}/{endpoint.id}"

        assert (await as_admin.delete(address)).status_code == 204
        assert (await as_admin.delete(address)).status_code == 204

        found = (await as_admin.get(address)).json()
        assert (found["status"], found["version"]) == ("ended", 2)
        assert found["ended_at"] is not None
        assert (await as_admin.get(ALL)).json()["items"] == []
        assert (await as_admin.get(f"{address}/secrets")).json()["items"] == []
        states = sorted(each.state for each in await deliveries(db))
        assert states == ["delivered", "failed", "failed", "withheld"]
        assert len((await as_admin.get(f"{address}/deliveries")).json()["items"]) == 4

    async def test_is_the_end_of_being_told(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving() as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url)
            await a_delivery(db, endpoint, type="staff.left")
            await as_admin.delete(f"{ALL}/{endpoint.id}")
            await an_event(db, cast.clinic.id, ago(minutes=1), None)
            await db.finish()
            await deliverer.settle()

        assert receiver.requests == []
        assert [each.state for each in await deliveries(db)] == ["failed"]

    async def test_lets_nothing_be_done_with_it_any_more(self, as_admin: httpx2.AsyncClient, db: Database) -> None:
        endpoint = await made(as_admin)
        (ping,) = await deliveries(db)
        await as_admin.delete(f"{ALL}/{endpoint['id']}")

        answers = [
            await as_admin.put(f"{ALL}/{endpoint['id']}", json=NEW, headers={"If-Match": "*"}),
            *[await act(as_admin, endpoint["id"], name) for name in ACTS],
            await as_admin.post(f"/v1/webhook-deliveries/{ping.id}/redelivery"),
        ]

        assert {(each.status_code, each.json()["code"]) for each in answers} == {(409, "webhook_endpoint_ended")}


class TestDisabling:
    async def test_keeps_what_waits_and_tells_the_others(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL)
        await a_delivery(db, endpoint)
        await db.execute(sa.delete(OutboxEvent))

        answer = await act(as_admin, endpoint.id, "disabling")
        again = await act(as_admin, endpoint.id, "disabling")

        assert (answer.json()["status"], answer.json()["disabled_reason"]) == ("disabled", "by_hand")
        assert (answer.headers["etag"], again.json()) == ('"2"', answer.json())
        assert [each.state for each in await deliveries(db)] == ["parked"]
        (event,) = (await db.scalars(sa.select(OutboxEvent))).all()
        assert (event.type, event.subject_id, event.version) == ("endpoint.disabled", endpoint.id, 2)


class TestEnabling:
    async def test_asks_whether_it_is_there(self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        endpoint = await an_endpoint(
            db, cast, URL, status="disabled", disabled_reason="failing", disabled_at=clock.now()
        )
        await db.execute(sa.update(WebhookLane).values(failing_since=clock.now(), failures=10))

        answer = await act(as_admin, endpoint.id, "enabling")

        found = answer.json()
        assert (answer.status_code, found["status"], found["version"]) == (200, "pending", 2)
        names = ("disabled_reason", "disabled_at", "failing_since", "replay")
        assert [found[name] for name in names] == [None] * 4
        assert [(each.kind, each.state) for each in await deliveries(db)] == [("ping", "pending")]
        assert (await db.get_one(WebhookLane, endpoint.id)).failures == 0, "or it is given up at the next failure"

    @pytest.mark.parametrize("status", ["pending", "active"])
    async def test_leaves_others_as_they_are(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, status: str
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL, status=status)

        answer = await act(as_admin, endpoint.id, "enabling")

        assert (answer.json()["status"], answer.json()["version"], await deliveries(db)) == (status, 1, [])


class TestPingAndTest:
    @pytest.mark.parametrize("status", ["pending", "active", "disabled"])
    async def test_a_ping_is_sent_at_any_time(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, status: str
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL, status=status)

        answer = await act(as_admin, endpoint.id, "ping")

        assert (answer.status_code, answer.json()["kind"], answer.json()["state"]) == (202, "ping", "pending")
        (waits,) = await deliveries(db)
        assert answer.json()["message_id"] == f"msg_{waits.message_id.hex}"

    async def test_a_test_looks_like_the_event_and_says_what_it_is(
        self, as_admin: httpx2.AsyncClient, deliverer: Deliverer, cast: Cast, db: Database
    ) -> None:
        async with receiving() as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url, event_types=["consent.*"])
            answer = await act(as_admin, endpoint.id, "test", type="check_in.recorded")
            await deliverer.settle()

        assert (answer.status_code, answer.json()["kind"]) == (202, "test")
        told = json.loads(receiver.requests[0].body)
        assert (told["type"], told["test"], told["sequence"]) == ("check_in.recorded", True, None)
        assert told["data"]["patient_id"] in told["data"]["url"]
        assert told["data"]["patient_id"] != cast.patient_id

    async def test_of_what_there_is_no_event_of(self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        endpoint = await an_endpoint(db, cast, URL)

        answer = await act(as_admin, endpoint.id, "test", type="craving.severe")

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/type")
