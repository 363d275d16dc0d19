"""Registering, reading and changing endpoints, by people and by programs."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from app.webhooks import network, service
from app.webhooks.delivering import Deliverer
from app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookLane
from tests.cast import Cast
from tests.conftest import BASE_URL
from tests.consents.papers import a_document
from tests.factories import Person, a_clinic, a_member_of_staff, an_id
from tests.webhooks.asking import ACTS, ALL, NEW, URL, act, made, pings
from tests.webhooks.receivers import receiving
from tests.webhooks.rows import a_delivery
from tests.webhooks.world import an_endpoint, deliveries


class TestCreate:
    async def test_needs_an_address_and_what_to_hear_of(
        self, as_admin: httpx2.AsyncClient, admin: Person, db: Database
    ) -> None:
        answer = await as_admin.post(ALL, json=NEW)

        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        found = answer.json()
        assert found.pop("secret").startswith("whsec_")
        assert found == {
            **NEW,
            "id": found["id"],
            "name": found["id"],
            "status": "pending",
            "purpose": "treatment",
            "recipient_class": "treating_provider",
            "owner_email": None,
            "max_per_second": 100,
            "max_concurrency": 4,
            "version": 1,
            "created_at": found["created_at"],
            "created_by": str(admin.membership.id),
            **dict.fromkeys(
                ["disabled_reason", "disabled_at", "last_success_at", "last_failure_at", "failing_since", "ended_at"]
            ),
        }
        read = await as_admin.get(f"{ALL}/{found['id']}")
        assert (read.json(), read.headers["etag"]) == (found, '"1"')
        (waits,) = await deliveries(db)
        assert (waits.kind, waits.type, waits.state) == ("ping", "endpoint.ping", "pending")
        assert (str(waits.subject_id), waits.sequence) == (found["id"], None)

    async def test_is_active_once_the_signed_ping_was_answered(
        self, as_admin: httpx2.AsyncClient, deliverer: Deliverer
    ) -> None:
        async with receiving() as receiver:
            endpoint = await made(as_admin, url=receiver.url)
            await deliverer.settle()

        (request,) = receiver.requests
        told = Webhook(endpoint["secret"]).verify(request.body, request.headers)
        assert (told["type"], told["data"]["id"]) == ("endpoint.ping", endpoint["id"])
        found = (await as_admin.get(f"{ALL}/{endpoint['id']}")).json()
        assert (found["status"], found["version"]) == ("active", 2)

    @pytest.mark.parametrize(
        ("but", "pointer", "code"),
        [
            ({"url": "https://10.0.0.1/"}, "/url", "url_not_allowed"),
            ({"url": "https://[::ffff:169.254.169.254]/"}, "/url", "url_not_allowed"),
            ({"url": "https://user:pass@127.0.0.1:9443/"}, "/url", "url_not_allowed"),
            ({"url": "ftp://127.0.0.1/"}, "/url", "url_not_allowed"),
            ({"url": "https://127.0.0.1:22/"}, "/url", "url_not_allowed"),
            ({"url": ""}, "/url", "string_too_short"),
            ({"event_types": []}, "/event_types", "too_short"),
            ({"event_types": ["check_in.*", "craving.severe"]}, "/event_types/1", "unknown_event_type"),
            ({"event_types": ["check_*"]}, "/event_types/0", "unknown_event_type"),
            ({"name": "Our EHR"}, "/name", "string_pattern_mismatch"),
            ({"name": "x" * 65}, "/name", "string_pattern_mismatch"),
            ({"purpose": "legal_proceedings"}, "/purpose", "enum"),
            ({"recipient_class": "researcher"}, "/recipient_class", "recipient_not_for_purpose"),
            ({"purpose": "payment", "recipient_class": "other"}, "/recipient_class", "recipient_not_for_purpose"),
            ({"owner_email": "nobody"}, "/owner_email", "value_error"),
            ({"max_per_second": 1001}, "/max_per_second", "less_than_equal"),
            ({"max_concurrency": 0}, "/max_concurrency", "greater_than_equal"),
            ({"secret": "whsec_mine"}, "/secret", "extra_forbidden"),
        ],
        ids=str,
    )
    async def test_points_at_what_is_wrong(
        self, as_admin: httpx2.AsyncClient, but: dict[str, Any], pointer: str, code: str, db: Database
    ) -> None:
        answer = await as_admin.post(ALL, json=NEW | but)

        assert answer.status_code == 422
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
        assert (await db.scalars(sa.select(WebhookEndpoint))).all() == []

    async def test_looks_the_address_up_while_others_have_the_database(
        self, as_admin: httpx2.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refused(_url: str, _settings: Settings) -> str:
            await db.execute(sa.select(WebhookEndpoint))
            await db.finish()
            return "must not lead to this address"

        monkeypatch.setattr(network, "refused", refused)

        answer = await as_admin.post(ALL, json=NEW)

        assert answer.json()["errors"][0]["detail"] == "The url must not lead to this address."

    @pytest.mark.parametrize(
        ("purpose", "recipient_class"),
        [
            ("treatment", "treating_provider"),
            ("operations", "programme_helper"),
            ("payment", "health_plan"),
            ("research", "researcher"),
            ("integration", "connected_system"),
        ],
    )
    async def test_knows_who_is_told_for_a_purpose(
        self, as_admin: httpx2.AsyncClient, purpose: str, recipient_class: str
    ) -> None:
        assert (await made(as_admin, purpose=purpose))["recipient_class"] == recipient_class

    async def test_there_is_an_end_to_them(self, as_admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "MOST_ENDPOINTS", 1)
        first = await made(as_admin)

        refused = await as_admin.post(ALL, json=NEW)
        await as_admin.delete(f"{ALL}/{first['id']}")

        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhook_endpoints")
        await made(as_admin)


class TestNames:
    async def test_are_given_once_and_not_again_after_the_end(self, as_admin: httpx2.AsyncClient) -> None:
        first = await made(as_admin, name="ehr")
        while_it_lives = await as_admin.post(ALL, json=NEW | {"name": "ehr"})
        await as_admin.delete(f"{ALL}/{first['id']}")
        after = await as_admin.post(ALL, json=NEW | {"name": "ehr"})

        for answer in (while_it_lives, after):
            assert (answer.status_code, answer.json()["code"]) == (409, "webhook_name_taken")

    async def test_that_patients_may_have_agreed_to_are_for_the_clinic_to_give(
        self, as_admin: httpx2.AsyncClient, as_program: httpx2.AsyncClient
    ) -> None:
        published = await as_admin.post("/v1/consent-documents", json=a_document("webhook_share:ehr"))
        assert published.status_code == 201

        taken = await as_program.post(ALL, json=NEW | {"name": "ehr", "purpose": "integration"})

        assert (taken.status_code, taken.json()["code"]) == (409, "webhook_name_taken")
        await made(as_program, name="ehr-2", purpose="integration")
        await made(as_admin, name="ehr", purpose="integration")

    async def test_are_given_once_though_two_ask_at_the_same_time(self, as_admin: httpx2.AsyncClient) -> None:
        answers = await asyncio.gather(*[as_admin.post(ALL, json=NEW | {"name": "ehr"}) for _ in range(4)])

        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]

    async def test_of_another_clinic_are_free(
        self, as_admin: httpx2.AsyncClient, new_client: Any, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_clinic(db, name="Hillside")
        other = new_client((await a_member_of_staff(db, settings, elsewhere, Role.CLINIC_ADMIN)).token)
        await made(other, name="ehr")

        await made(as_admin, name="ehr")


class TestWhoSeesThem:
    async def test_staff_all_and_a_program_its_own(
        self, as_admin: httpx2.AsyncClient, as_program: httpx2.AsyncClient
    ) -> None:
        theirs, its = await made(as_admin), await made(as_program)

        async def listed(caller: httpx2.AsyncClient) -> list[str]:
            return [each["id"] for each in (await caller.get(ALL)).json()["items"]]

        assert await listed(as_admin) == [its["id"], theirs["id"]]
        assert await listed(as_program) == [its["id"]]

    async def test_to_a_program_those_of_others_do_not_exist(
        self, as_admin: httpx2.AsyncClient, as_program: httpx2.AsyncClient, db: Database
    ) -> None:
        theirs = await made(as_admin)
        (ping,) = await deliveries(db, UUID(theirs["id"]))
        address = f"{ALL}/{theirs['id']}"

        answers = [
            await as_program.get(address),
            await as_program.put(address, json=NEW, headers={"If-Match": "*"}),
            await as_program.delete(address),
            await as_program.get(f"{address}/secrets"),
            await as_program.get(f"{address}/deliveries"),
            *[await act(as_program, theirs["id"], name) for name in ACTS],
            await as_program.get(f"/v1/webhook-deliveries/{ping.id}"),
            await as_program.post(f"/v1/webhook-deliveries/{ping.id}/redelivery"),
        ]

        assert {answer.status_code for answer in answers} == {404}
        assert (await as_admin.get(address)).json()["status"] == "pending"

    async def test_those_of_another_clinic_do_not_exist(
        self, as_admin: httpx2.AsyncClient, new_client: Any, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_clinic(db, name="Hillside")
        other = new_client((await a_member_of_staff(db, settings, elsewhere, Role.CLINIC_ADMIN)).token)
        theirs = await made(other)
        (ping,) = await deliveries(db, UUID(theirs["id"]))

        answers = [
            await as_admin.get(f"{ALL}/{theirs['id']}"),
            await as_admin.delete(f"{ALL}/{theirs['id']}"),
            *[await act(as_admin, theirs["id"], name) for name in ACTS],
            await as_admin.get(f"/v1/webhook-deliveries/{ping.id}"),
        ]

        assert {answer.status_code for answer in answers} == {404}
        assert (await as_admin.get(ALL)).json()["items"] == []


class TestRead:
    async def test_is_not_sent_again_unless_something_changed(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL)
        address = f"{ALL}/{endpoint.id}"
        tag = (await as_admin.get(address)).headers["etag"]
        same = await as_admin.get(address, headers={"If-None-Match": tag})
        await db.execute(sa.update(WebhookLane).values(last_success_at=clock.now()))

        other = await as_admin.get(address, headers={"If-None-Match": tag})

        assert (same.status_code, other.status_code) == (304, 200)
        assert other.json()["last_success_at"] is not None
        changed = await as_admin.put(address, json=NEW, headers={"If-Match": other.headers["etag"]})
        assert changed.status_code == 200, "what we note of it is no change of the endpoint"


class TestChange:
    async def test_replaces_all_that_can_be_changed(self, as_admin: httpx2.AsyncClient, db: Database) -> None:
        endpoint = await made(as_admin, owner_email="a@example.org", max_per_second=5, name="ehr")
        wanted = {"url": URL, "event_types": ["*", "*"], "max_concurrency": 2}

        answer = await as_admin.put(f"{ALL}/{endpoint['id']}", json=wanted, headers={"If-Match": '"1"'})

        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        found = answer.json()
        assert {name for name, value in found.items() if value != endpoint[name]} == {
            "event_types", "owner_email", "max_per_second", "max_concurrency", "version",
        }  # fmt: skip
        assert (found["event_types"], found["owner_email"], found["max_per_second"]) == (["*"], None, 100)
        assert await pings(db, endpoint["id"]) == 2, "the one on its way answers for the endpoint as it was"

    async def test_needs_the_version_that_was_read(self, as_admin: httpx2.AsyncClient) -> None:
        address = f"{ALL}/{(await made(as_admin))['id']}"

        assert (await as_admin.put(address, json=NEW)).status_code == 428
        stale = await as_admin.put(address, json=NEW, headers={"If-Match": '"7"'})
        assert (stale.status_code, stale.json()["current"]["version"]) == (412, 1)
        assert "secret" not in stale.json()["current"]

    async def test_is_not_made_to_what_was_changed_while_the_address_was_looked_up(
        self, as_admin: httpx2.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint = await made(as_admin)

        async def refused(_url: str, _settings: Settings) -> None:
            await db.execute(sa.update(WebhookEndpoint).values(version=2, max_per_second=1))
            await db.finish()

        monkeypatch.setattr(network, "refused", refused)

        answer = await as_admin.put(
            f"{ALL}/{endpoint['id']}", json=NEW | {"url": f"{URL}/2"}, headers={"If-Match": '"1"'}
        )

        assert (answer.status_code, answer.json()["current"]["max_per_second"]) == (412, 1)

    @pytest.mark.parametrize("name", ["name", "purpose", "recipient_class"])
    async def test_leaves_what_patients_agreed_to(self, as_admin: httpx2.AsyncClient, name: str) -> None:
        endpoint = await made(as_admin)

        answer = await as_admin.put(
            f"{ALL}/{endpoint['id']}", json=NEW | {name: endpoint[name]}, headers={"If-Match": '"1"'}
        )

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "extra_forbidden")

    async def test_of_the_address_asks_anew_whether_anybody_is_there(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL)
        waits = await a_delivery(db, endpoint)
        await db.execute(sa.update(WebhookLane).values(failing_since=clock.now(), failures=9))

        answer = await as_admin.put(f"{ALL}/{endpoint.id}", json=NEW | {"url": f"{URL}/2"}, headers={"If-Match": '"1"'})

        assert (answer.json()["status"], answer.json()["failing_since"]) == ("pending", None)
        assert {each.kind: each.state for each in await deliveries(db)} == {"event": "parked", "ping": "pending"}
        assert (await db.get_one(WebhookLane, endpoint.id)).failures == 0
        assert (await db.get_one(WebhookDelivery, waits.id)).attempts == 0

    async def test_of_something_else_does_not(self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        endpoint = await an_endpoint(db, cast, URL)

        answer = await as_admin.put(f"{ALL}/{endpoint.id}", json=NEW, headers={"If-Match": '"1"'})

        assert (answer.json()["status"], await deliveries(db)) == ("active", [])

    async def test_of_a_disabled_one_leaves_it_disabled(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL, status="disabled", disabled_reason="gone")

        answer = await as_admin.put(f"{ALL}/{endpoint.id}", json=NEW | {"url": f"{URL}/2"}, headers={"If-Match": '"1"'})

        assert (answer.json()["status"], answer.json()["disabled_reason"]) == ("disabled", "gone")
        assert await deliveries(db) == []

    @pytest.mark.parametrize(
        ("but", "pointer"), [({"url": "https://10.0.0.1/"}, "/url"), ({"event_types": ["x"]}, "/event_types/0")]
    )
    async def test_points_at_what_is_wrong(
        self, as_admin: httpx2.AsyncClient, but: dict[str, Any], pointer: str
    ) -> None:
        endpoint = await made(as_admin)

        answer = await as_admin.put(f"{ALL}/{endpoint['id']}", json=NEW | but, headers={"If-Match": '"1"'})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        assert (await as_admin.get(f"{ALL}/{endpoint['id']}")).json()["version"] == 1


async def test_none_of_it_is_for_somebody_else(new_client: Any, cast: Cast, db: Database) -> None:
    endpoint = await an_endpoint(db, cast, URL)
    for person in (cast.patient, cast.nurse, cast.coordinator):
        caller = new_client(person.token)
        answers = [await caller.get(ALL), await caller.post(ALL, json=NEW), await act(caller, endpoint.id, "ping")]
        assert {answer.status_code for answer in answers} == {403}
    assert (await new_client().get(f"{BASE_URL}{ALL}/{an_id()}")).status_code == 401
