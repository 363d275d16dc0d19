"""What was sent to an endpoint, what came back, and sending it again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.core import clock
from app.core.db import Database
from app.core.fields import instant_text
from app.core.ids import new_id
from app.webhooks.delivering import Deliverer
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.webhooks.recipients import EndpointPurpose
from tests.cast import Cast
from tests.factories import an_id
from tests.webhooks.asking import URL
from tests.webhooks.receivers import answering, receiving
from tests.webhooks.rows import a_delivery, ago, an_attempt
from tests.webhooks.test_matching import recorded
from tests.webhooks.world import an_endpoint, deliveries


@pytest.fixture
async def endpoint(cast: Cast, db: Database) -> WebhookEndpoint:
    return await an_endpoint(db, cast, URL)


async def listed(caller: httpx2.AsyncClient, endpoint: WebhookEndpoint, **filters: Any) -> list[str]:
    answer = await caller.get(f"/v1/webhook-endpoints/{endpoint.id}/deliveries", params=filters)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def ids(*rows: WebhookDelivery) -> list[str]:
    return [str(row.id) for row in rows]


async def the_record(caller: httpx2.AsyncClient, delivery_id: object) -> dict[str, Any]:
    answer = await caller.get(f"/v1/webhook-deliveries/{delivery_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestList:
    async def test_is_of_one_endpoint_the_newest_first(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        first, second = await a_delivery(db, endpoint, sequence=1), await a_delivery(db, endpoint, sequence=2)
        await a_delivery(db, await an_endpoint(db, cast, URL))

        assert await listed(as_admin, endpoint) == ids(second, first)

    async def test_says_what_is_known_and_nobodys_id(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        message_id = new_id()
        made = await a_delivery(
            db, endpoint, sequence=7, patient_id=cast.patient.patient_id, message_id=message_id, attempts=2
        )

        answer = await as_admin.get(f"/v1/webhook-endpoints/{endpoint.id}/deliveries")

        assert answer.json()["items"] == [
            {
                "id": str(made.id),
                "endpoint_id": str(endpoint.id),
                "message_id": f"msg_{message_id.hex}",
                "kind": "event",
                "type": "check_in.recorded",
                "sequence": 7,
                "happened_at": instant_text(made.happened_at),
                "state": "pending",
                "refusal": None,
                "attempt_count": 2,
                "due_at": instant_text(made.due_at),
                "created_at": instant_text(made.created_at),
                "finished_at": None,
            }
        ]

    async def test_can_be_narrowed(self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, db: Database) -> None:
        old = await a_delivery(db, endpoint, state="failed", happened_at=ago(days=3), finished_at=ago(days=1))
        new = await a_delivery(db, endpoint, state="delivered", type="consent.signed", happened_at=ago(days=1))

        assert await listed(as_admin, endpoint, state="failed") == ids(old)
        assert await listed(as_admin, endpoint, state="parked") == []
        assert await listed(as_admin, endpoint, type="consent.signed") == ids(new)
        assert await listed(as_admin, endpoint, since=instant_text(ago(days=2))) == ids(new)
        assert await listed(as_admin, endpoint, until=instant_text(ago(days=2))) == ids(old)
        assert await listed(as_admin, endpoint, state="delivered", until=instant_text(ago(days=2))) == []

    async def test_comes_in_pages_that_keep_their_filters(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, db: Database
    ) -> None:
        rows = [await a_delivery(db, endpoint, state="failed") for _ in range(3)]
        address = f"/v1/webhook-endpoints/{endpoint.id}/deliveries"
        page = (await as_admin.get(address, params={"limit": 2, "state": "failed"})).json()
        await a_delivery(db, endpoint, state="failed")

        rest = await as_admin.get(address, params={"limit": 2, "state": "failed", "cursor": page["next_cursor"]})
        other = await as_admin.get(address, params={"limit": 2, "cursor": page["next_cursor"]})

        assert [each["id"] for each in page["items"]] == ids(rows[2], rows[1])
        assert [each["id"] for each in rest.json()["items"]] == ids(rows[0])
        assert (rest.json()["next_cursor"], other.status_code) == (None, 400)

    async def test_of_what_is_not_there(self, as_admin: httpx2.AsyncClient) -> None:
        assert (await as_admin.get(f"/v1/webhook-endpoints/{an_id()}/deliveries")).status_code == 404
        assert (await as_admin.get(f"/v1/webhook-deliveries/{an_id()}")).status_code == 404

    @pytest.mark.parametrize("odd", [{"state": "dead"}, {"since": "yesterday"}, {"since": "2026-11-22"}])
    async def test_refuses_what_it_does_not_know(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, odd: dict[str, str]
    ) -> None:
        answer = await as_admin.get(f"/v1/webhook-endpoints/{endpoint.id}/deliveries", params=odd)

        assert answer.status_code == 422


class TestRecord:
    async def test_shows_each_attempt_and_what_came_back(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, db: Database
    ) -> None:
        made = await a_delivery(db, endpoint, attempts=2)
        late = await an_attempt(db, made, number=2, outcome="timed_out", status=None, answer=None, milliseconds=15000)
        early = await an_attempt(db, made, at=ago(minutes=5), answer="down for maintenance")

        found = await the_record(as_admin, made.id)

        assert (found["attempt_count"], found["attempts"]) == (
            2,
            [
                {
                    "at": instant_text(early.at),
                    "milliseconds": 12,
                    "outcome": "refused",
                    "status": 503,
                    "answer": "down for maintenance",
                },
                {
                    "at": instant_text(late.at),
                    "milliseconds": 15000,
                    "outcome": "timed_out",
                    "status": None,
                    "answer": None,
                },
            ],
        )

    async def test_shows_what_was_sent_to_the_letter(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving(answering(200, b"thanks")) as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()
        (delivery,) = await deliveries(db, endpoint.id)

        found = await the_record(as_admin, delivery.id)

        assert found["payload"] == httpx2.Response(200, content=receiver.requests[0].body).json()
        assert found["payload"]["consent_id"] is not None
        assert found["payload"]["data"]["patient_id"] == cast.patient_id
        assert (found["state"], found["due_at"]) == ("delivered", None)
        (attempt,) = found["attempts"]
        assert (attempt["outcome"], attempt["status"], attempt["answer"]) == ("delivered", 200, "thanks")

    async def test_shows_nothing_of_what_was_withheld(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL)
        recorded(db, cast, patient_id=cast.other_patient.membership.patient_id)
        await db.finish()
        await deliverer.settle()
        (delivery,) = await deliveries(db, endpoint.id)

        found = await the_record(as_admin, delivery.id)

        assert (found["state"], found["payload"], found["sequence"]) == ("withheld", None, None)
        assert found["refusal"] == "no_consent"
        assert cast.other_patient_id not in str(found)

    async def test_shows_pseudonyms_where_those_are_sent(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        endpoint = await an_endpoint(
            db, cast, URL, purpose=EndpointPurpose.RESEARCH.value, recipient_class="researcher"
        )
        made = await a_delivery(db, endpoint, patient_id=UUID(cast.patient_id))

        found = await the_record(as_admin, made.id)

        assert found["payload"]["data"]["url"] is None
        assert not {cast.patient_id, str(made.subject_id), str(made.event_id)} & set(str(found).split("'"))


class TestRedelivery:
    @pytest.mark.parametrize("state", ["delivered", "failed", "withheld", "pending"])
    async def test_is_due_at_once_under_the_same_name(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, db: Database, state: str
    ) -> None:
        made = await a_delivery(
            db,
            endpoint,
            state=state,
            attempts=10,
            sequence=3,
            refusal="no_consent" if state == "withheld" else None,
            finished_at=None if state == "pending" else ago(hours=1),
            due_at=clock.now() + timedelta(hours=20),
        )

        answer = await as_admin.post(f"/v1/webhook-deliveries/{made.id}/redelivery")

        assert (answer.status_code, answer.json()["state"]) == (202, "pending")
        (after,) = await deliveries(db)
        assert (after.message_id, after.sequence) == (made.message_id, 3)
        assert (after.attempts, after.refusal, after.finished_at) == (0, None, None)
        assert after.due_at <= clock.now()

    async def test_waits_for_an_endpoint_that_is_not_active(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL, status="disabled")
        event, test = (
            await a_delivery(db, endpoint, state="failed"),
            await a_delivery(db, endpoint, state="failed", kind="test", event_id=None),
        )

        answers = [await as_admin.post(f"/v1/webhook-deliveries/{each.id}/redelivery") for each in (event, test)]

        assert [each.json()["state"] for each in answers] == ["parked", "pending"]

    async def test_leaves_what_is_being_sent(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, db: Database
    ) -> None:
        made = await a_delivery(db, endpoint, state="sending", attempts=4, claimed_by=new_id())

        answer = await as_admin.post(f"/v1/webhook-deliveries/{made.id}/redelivery")

        assert (answer.status_code, answer.json()["state"], answer.json()["attempt_count"]) == (202, "sending", 4)

    async def test_arrives_with_the_same_id(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving() as receiver:
            endpoint = await an_endpoint(db, cast, receiver.url)
            recorded(db, cast)
            await db.finish()
            await deliverer.settle()
            (delivery,) = await deliveries(db, endpoint.id)
            await as_admin.post(f"/v1/webhook-deliveries/{delivery.id}/redelivery")
            await deliverer.settle()

        first, second = receiver.requests
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        assert len((await the_record(as_admin, delivery.id))["attempts"]) == 2
