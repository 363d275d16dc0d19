"""What is due arrives, once where all goes well, and at least once where it does not."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from app.consents.models import Consent, Disclosure
from app.core import clock
from app.core.bells import Bell
from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.webhooks.delivering import Deliverer
from app.webhooks.matching import match, match_forever
from app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookLane
from app.webhooks.rules import GIVEN_UP_ATTEMPTS
from app.webhooks.states import ping
from tests.cast import Cast
from tests.factories import a_report, an_id
from tests.webhooks.receivers import answering, in_turn, receiving, slow
from tests.webhooks.test_matching import recorded
from tests.webhooks.world import SECRET, an_endpoint, attempts, deliveries

NewClient = Callable[..., httpx2.AsyncClient]


async def states_of(db: Database, endpoint_id: Any = None) -> list[str]:
    return [each.state for each in await deliveries(db, endpoint_id)]


class TestArrival:
    async def test_a_check_in_is_told_with_a_signature_and_the_notice(
        self, new_client: NewClient, cast: Cast, db: Database, deliverer: Deliverer, settings: Settings
    ) -> None:
        async with receiving() as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url)
            check_in_id = an_id()
            await new_client(cast.patient.token).put(f"/v1/me/check-ins/{check_in_id}", json=a_report(note="CANARY"))
            await deliverer.settle()

        (request,) = receiver.requests
        told = Webhook(SECRET).verify(request.body, request.headers)
        event = (await db.scalars(sa.select(OutboxEvent))).one()
        disclosure = (await db.scalars(sa.select(Disclosure))).one()
        consent = (await db.scalars(sa.select(Consent))).one()
        assert told == {
            "type": "check_in.recorded",
            "timestamp": told["timestamp"],
            "sequence": 1,
            "test": False,
            "data": {
                "id": str(check_in_id),
                "patient_id": cast.patient_id,
                "version": 1,
                "url": f"{settings.public_url}/v1/patients/{cast.patient_id}/check-ins/{check_in_id}",
            },
            "part2_notice": "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
            "consent_id": str(consent.id),
        }
        assert request.headers["webhook-id"] == f"msg_{event.id.hex}"
        assert request.headers["x-part2-notice"] == told["part2_notice"]
        assert request.headers["x-consent-id"] == str(consent.id)
        assert len(request.body) < 1000
        assert (disclosure.basis, disclosure.recipient, disclosure.purpose) == ("consent", endpoint.name, "treatment")
        (attempt,) = await attempts(db)
        assert (attempt.outcome, attempt.status, attempt.disclosure_id) == ("delivered", 204, disclosure.id)
        assert await states_of(db) == ["delivered"]

    async def test_both_secrets_sign_until_the_older_one_ends(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        old = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url, secrets=(SECRET, old))
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()
            with time_machine.travel(clock.now() + timedelta(hours=2)):
                recorded(db, cast)
                await db.finish()
                await deliverer.settle()
                first, second = receiver.requests
                Webhook(SECRET).verify(second.body, second.headers)
                with pytest.raises(Exception, match="No matching signature"):
                    Webhook(old).verify(second.body, second.headers)
        for secret in (SECRET, old):
            Webhook(secret).verify(first.body, first.headers)

    async def test_many_arrive_once_each_in_the_numbers_of_the_endpoint(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url, max_per_second=1000)
            for _ in range(120):
                recorded(db, cast)
            await db.finish()
            await deliverer.settle()

        assert sorted(json.loads(each.body)["sequence"] for each in receiver.requests) == list(range(1, 121))
        assert len({each.headers["webhook-id"] for each in receiver.requests}) == 120

    async def test_research_gets_neither_an_id_of_ours_nor_an_address(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        from tests.webhooks.world import agrees

        await agrees(
            db,
            cast.patient,
            type="research",
            purposes=["research"],
            recipients=[{"recipient_class": "researcher", "name": None}],
        )
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url, purpose="research", recipient_class="researcher")
            recorded(db, cast)
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()

        first, second = (json.loads(each.body)["data"] for each in receiver.requests)
        event_ids = [event.id.hex for event in await db.scalars(sa.select(OutboxEvent))]
        assert first["patient_id"] == second["patient_id"] != cast.patient_id
        assert first["url"] is None
        sent = b"".join(each.body + each.headers["webhook-id"].encode() for each in receiver.requests).decode()
        assert not any(event_id in sent for event_id in [*event_ids, cast.patient_id])


class TestFailure:
    async def test_is_tried_again_after_five_seconds_under_the_same_id(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving(in_turn(answering(500, b"broken"), answering(204))) as receiver:
            await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()
            (failed,) = await deliveries(db)
            with time_machine.travel(clock.now() + timedelta(seconds=7)):
                await deliverer.settle()

        first, second = receiver.requests
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
        assert (failed.state, failed.attempts) == ("pending", 1)
        assert 4 <= (failed.due_at - failed.claimed_at).total_seconds() <= 7  # type: ignore[operator]
        assert [(each.number, each.outcome, each.status) for each in await attempts(db)] == [
            (1, "refused", 500),
            (2, "delivered", 204),
        ]
        assert (await attempts(db))[0].answer == "broken"
        assert await states_of(db) == ["delivered"]

    async def test_ends_after_three_days_as_a_dead_letter(self, cast: Cast, db: Database, deliverer: Deliverer) -> None:
        began = clock.now()
        async with receiving(answering(500)) as receiver:
            await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()
            while (await deliveries(db))[0].state == "pending":
                with time_machine.travel((await deliveries(db))[0].due_at + timedelta(seconds=1)):
                    await deliverer.settle()

        (delivery,) = await deliveries(db)
        assert (delivery.state, delivery.attempts, len(receiver.requests)) == ("failed", 10, 10)
        assert delivery.finished_at is not None
        assert 60 <= (delivery.finished_at - began) / timedelta(hours=1) <= 92

    async def test_retry_after_is_kept_to_and_rests_the_lane(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving(answering(429, retry_after="600")) as receiver:
            await an_endpoint(db, cast, receiver.url, max_concurrency=1)
            for _ in range(5):
                recorded(db, cast)
            await db.finish()
            await deliverer.settle()

        assert len(receiver.requests) == 1
        tried = next(each for each in await deliveries(db) if each.attempts)
        assert tried.claimed_at is not None
        assert tried.due_at - tried.claimed_at >= timedelta(seconds=600)

    async def test_gone_disables_at_once_keeps_what_waits_and_tells_the_others(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving(answering(410)) as gone, receiving() as other:
            endpoint = await an_endpoint(db, cast, gone.url, max_concurrency=1)
            await an_endpoint(db, cast, other.url, event_types=["endpoint.*"])
            for _ in range(4):
                recorded(db, cast)
            await db.finish()
            await deliverer.settle()

        await db.refresh(endpoint)
        assert (endpoint.status, endpoint.disabled_reason, len(gone.requests)) == ("disabled", "gone", 1)
        assert sorted(await states_of(db, endpoint.id)) == ["failed", "parked", "parked", "parked"]
        told = json.loads(other.requests[0].body)
        assert (told["type"], told["data"]["id"]) == ("endpoint.disabled", str(endpoint.id))

    async def test_five_days_of_it_disable(self, cast: Cast, db: Database, deliverer: Deliverer) -> None:
        async with receiving(answering(500)) as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url)
            await db.execute(
                sa.update(WebhookLane).values(
                    failing_since=clock.now() - timedelta(days=5, minutes=1), failures=GIVEN_UP_ATTEMPTS - 2
                )
            )
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()
            await db.refresh(endpoint)
            before = endpoint.status
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()

        await db.refresh(endpoint)
        assert before == "active"
        assert (endpoint.status, endpoint.disabled_reason) == ("disabled", "failing")

    async def test_one_success_in_between_does_not(self, cast: Cast, db: Database, deliverer: Deliverer) -> None:
        async with receiving(in_turn(answering(204), answering(500))) as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url)
            await db.execute(sa.update(WebhookLane).values(failing_since=clock.now() - timedelta(days=6), failures=50))
            for _ in range(2):
                recorded(db, cast)
                await db.finish()
                await deliverer.settle()

        await deliverer.close()
        await db.refresh(endpoint)
        lane = (await db.scalars(sa.select(WebhookLane).execution_options(populate_existing=True))).one()
        assert (endpoint.status, lane.failures) == ("active", 1)


class TestPings:
    async def test_an_answered_one_activates_and_lets_go_what_was_parked(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving() as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await match(deliverer._engine)
            await db.execute(sa.update(WebhookEndpoint).values(status="pending"))
            await db.execute(sa.update(WebhookDelivery).values(state="parked"))
            await db.finish()
            await deliverer.settle()
            before = len(receiver.requests)
            ping(db, cast.clinic.id, endpoint.id, 1, clock.now())
            await db.finish()
            await deliverer.settle()

        await db.refresh(endpoint)
        assert (before, endpoint.status) == (0, "active")
        assert [json.loads(each.body)["type"] for each in receiver.requests] == ["endpoint.ping", "check_in.recorded"]

    async def test_one_that_fails_is_tried_again_and_leaves_it_pending(
        self, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving(answering(500)) as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url, status="pending")
            ping(db, cast.clinic.id, endpoint.id, 1, clock.now())
            await db.finish()
            await deliverer.settle()

        await db.refresh(endpoint)
        assert endpoint.status == "pending"
        assert [(each.state, each.attempts) for each in await deliveries(db)] == [("pending", 1)]


class TestConsent:
    async def test_is_asked_when_it_is_sent(self, cast: Cast, db: Database, deliverer: Deliverer) -> None:
        async with receiving() as receiver:
            await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await match(deliverer._engine)
            await db.execute(sa.update(Consent).values(withdrawn_at=clock.now()))
            await db.finish()
            await deliverer.settle()

        assert receiver.requests == []
        assert [(each.state, each.refusal) for each in await deliveries(db)] == [("withheld", "withdrawn")]
        assert [each.outcome for each in await attempts(db)] == ["withheld"]
        assert [(each.basis, each.refusal) for each in await db.scalars(sa.select(Disclosure))] == [(None, "withdrawn")]

    async def test_nothing_arrives_after_a_withdrawal_was_acknowledged(
        self, new_client: NewClient, cast: Cast, db: Database, engine: AsyncEngine, settings: Settings
    ) -> None:
        consent_id = (await db.scalars(sa.select(Consent.id))).one()
        stop, bell = asyncio.Event(), Bell(engine)
        async with receiving(slow(0.01)) as receiver:
            await an_endpoint(db, cast, receiver.url, max_per_second=1000)
            for _ in range(1500):
                recorded(db, cast)
            await db.finish()
            deliverer = Deliverer(engine, settings)
            running = [
                asyncio.create_task(match_forever(engine, bell, deliverer.due, stop)),
                asyncio.create_task(deliverer.run(stop)),
            ]
            await receiver.arrive(20)
            phone = new_client(cast.patient.token)
            answer = await phone.post(f"/v1/me/consents/{consent_id}/withdrawal", json={})
            acknowledged = asyncio.get_running_loop().time()
            await asyncio.sleep(0.5)
            stop.set()
            await asyncio.gather(*running)

        assert answer.status_code == 200, answer.text
        assert 20 <= len(receiver.requests) < 1500
        assert max(each.at for each in receiver.requests) <= acknowledged
