"""Sending what happened in some time once more, and for the first time to who missed it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.core.fields import instant_text
from app.events.models import OutboxEvent
from app.webhooks import matching, replays
from app.webhooks.delivering import Deliverer
from app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookLane
from tests.cast import Cast
from tests.webhooks.asking import URL
from tests.webhooks.receivers import receiving
from tests.webhooks.rows import a_delivery, ago, an_event
from tests.webhooks.world import an_endpoint, deliveries


@pytest.fixture
async def endpoint(cast: Cast, db: Database) -> WebhookEndpoint:
    return await an_endpoint(db, cast, URL)


async def replay(caller: httpx2.AsyncClient, endpoint: WebhookEndpoint, since: datetime, **but: Any) -> dict[str, Any]:
    answer = await caller.post(f"/v1/webhook-endpoints/{endpoint.id}/replay", json={"since": since.isoformat()} | but)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def events(db: Database, cast: Cast, *at: datetime) -> list[UUID]:
    """Events about nobody that were recorded then."""
    made = [await an_event(db, cast.clinic.id, when, position) for position, when in enumerate(at, 1)]
    await db.execute(sa.update(OutboxEvent).values(type="staff.left"))
    return made


async def told(db: Database, endpoint: WebhookEndpoint) -> list[UUID | None]:
    return [each.event_id for each in await deliveries(db, endpoint.id) if each.state == "pending"]


class TestSpan:
    async def test_is_what_happened_from_its_begin_until_before_its_end(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        begin, end = ago(days=2), ago(days=1)
        before, first, last, after = await events(db, cast, ago(days=3), begin, ago(days=1, minutes=1), end)

        found = await replay(as_admin, endpoint, begin, until=end.isoformat())

        assert found == {"queued": 2, "next_since": None}
        assert await told(db, endpoint) == [first, last]
        await replay(as_admin, endpoint, ago(days=4))
        assert set(await told(db, endpoint)) == {before, first, last, after}

    async def test_reaches_as_far_back_as_events_are_kept(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint
    ) -> None:
        await replay(as_admin, endpoint, ago(days=29, hours=23))
        for name, said in (("replay", {"since": ago(days=31)}), ("enabling", {"replay_since": ago(days=31)})):
            body = {key: value.isoformat() for key, value in said.items()}
            answer = await as_admin.post(f"/v1/webhook-endpoints/{endpoint.id}/{name}", json=body)

            (fault,) = answer.json()["errors"]
            assert (answer.status_code, fault["code"], fault["params"]) == (422, "too_long_ago", {"days": 30})
            assert fault["pointer"] == f"/{next(iter(said))}"

    @pytest.mark.parametrize(
        ("but", "pointer"),
        [({"until": "2026-11-01T00:00:00Z"}, "/until"), ({"only_failed": 1}, "/only_failed"), ({"since": 1}, "/since")],
        ids=str,
    )
    async def test_that_makes_no_sense_is_refused(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, but: dict[str, Any], pointer: str
    ) -> None:
        answer = await as_admin.post(
            f"/v1/webhook-endpoints/{endpoint.id}/replay", json={"since": ago(days=1).isoformat()} | but
        )

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


class TestWhatWasSentBefore:
    async def test_keeps_its_name_and_its_number(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        found = await events(db, cast, *[ago(hours=hours) for hours in (5, 4, 3, 2, 1)])
        states = ["delivered", "failed", "withheld", "pending", "sending"]
        rows = [
            await a_delivery(
                db, endpoint, event_id=event_id, state=state, sequence=number, attempts=9, due_at=ago(hours=-5)
            )
            for number, (event_id, state) in enumerate(zip(found, states, strict=True), 1)
        ]

        assert await replay(as_admin, endpoint, ago(days=1)) == {"queued": 4, "next_since": None}

        after = await deliveries(db, endpoint.id)
        assert [(each.message_id, each.sequence) for each in after] == [(row.message_id, row.sequence) for row in rows]
        assert [(each.state, each.attempts) for each in after] == [("pending", 0)] * 4 + [("sending", 9)]
        assert all(each.due_at <= clock.now() for each in after[:4])

    async def test_can_be_limited_to_what_did_not_arrive(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        arrived, failed, withheld, _missed = await events(db, cast, *[ago(hours=hours) for hours in (4, 3, 2, 1)])
        for event_id, state in ((arrived, "delivered"), (failed, "failed"), (withheld, "withheld")):
            await a_delivery(db, endpoint, event_id=event_id, state=state)

        found = await replay(as_admin, endpoint, ago(days=1), only_failed=True)

        assert found == {"queued": 2, "next_since": None}
        assert set(await told(db, endpoint)) == {failed, withheld}

    async def test_to_another_endpoint_counts_for_nothing(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        other = await an_endpoint(db, cast, URL)
        (event_id,) = await events(db, cast, ago(hours=1))
        await a_delivery(db, other, event_id=event_id, state="failed")

        assert (await replay(as_admin, endpoint, ago(days=1)))["queued"] == 1

        assert [each.state for each in await deliveries(db, other.id)] == ["failed"]


class TestWhatWasMissed:
    async def test_gets_the_next_numbers(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        await db.execute(sa.update(WebhookLane).values(last_sequence=7))
        first, second = await events(db, cast, ago(hours=2), ago(hours=1))

        await replay(as_admin, endpoint, ago(days=1))

        made = {each.event_id: each.sequence for each in await deliveries(db, endpoint.id)}
        assert made == {first: 8, second: 9}

    async def test_is_queued_once_though_two_ask_at_the_same_time(
        self,
        as_admin: httpx2.AsyncClient,
        endpoint: WebhookEndpoint,
        cast: Cast,
        db: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await events(db, cast, ago(hours=2), ago(hours=1))
        queue = matching.queue

        async def slowly(*arguments: Any) -> int:
            await asyncio.sleep(0.1)
            return await queue(*arguments)

        monkeypatch.setattr(matching, "queue", slowly)
        await as_admin.get("/v1/me")  # the first request of a device notes that it came, which others would wait for

        found = await asyncio.gather(*[replay(as_admin, endpoint, ago(days=1)) for _ in range(2)])

        assert [each["queued"] for each in found] == [2, 2]
        assert sorted(each.sequence or 0 for each in await deliveries(db, endpoint.id)) == [1, 2]

    async def test_is_what_it_hears_of_now(self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database) -> None:
        endpoint = await an_endpoint(db, cast, URL, event_types=["consent.*", "patient.enrolled"])
        await events(db, cast, ago(hours=1))

        assert (await replay(as_admin, endpoint, ago(days=1)))["queued"] == 0
        assert await deliveries(db) == []

    async def test_leaves_what_has_no_number_yet_to_come_by_itself(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        event_id = await an_event(db, cast.clinic.id, ago(hours=1), None)

        assert (await replay(as_admin, endpoint, ago(days=1)))["queued"] == 0

        await deliverer.settle()
        assert [each.event_id for each in await deliveries(db, endpoint.id)] == [event_id]

    async def test_is_withheld_where_nobody_agreed(
        self, as_admin: httpx2.AsyncClient, endpoint: WebhookEndpoint, cast: Cast, db: Database
    ) -> None:
        agreed, did_not = [await an_event(db, cast.clinic.id, ago(hours=1), position) for position in (1, 2)]
        for event_id, patient_id in ((agreed, cast.patient_id), (did_not, cast.other_patient_id)):
            of_it = sa.update(OutboxEvent).where(OutboxEvent.id == event_id)
            await db.execute(of_it.values(patient_id=UUID(patient_id)))

        assert (await replay(as_admin, endpoint, ago(days=1)))["queued"] == 1

        found = {each.event_id: (each.state, each.sequence) for each in await deliveries(db, endpoint.id)}
        assert found == {agreed: ("pending", 1), did_not: ("withheld", None)}


class TestTooMuchAtOnce:
    async def test_is_gone_through_step_by_step(
        self,
        as_admin: httpx2.AsyncClient,
        endpoint: WebhookEndpoint,
        cast: Cast,
        db: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(replays, "MOST", 2)
        found = await events(db, cast, *[ago(minutes=minutes) for minutes in (5, 4, 3, 2, 1)])
        counts, since = [], instant_text(ago(hours=1))
        while since:
            step = await replay(as_admin, endpoint, datetime.fromisoformat(since))
            counts.append(step["queued"])
            since = step["next_since"]

        assert counts == [2, 2, 1]
        assert await told(db, endpoint) == found

    async def test_comes_to_an_end_though_all_of_it_happened_at_once(
        self,
        as_admin: httpx2.AsyncClient,
        endpoint: WebhookEndpoint,
        cast: Cast,
        db: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(replays, "MOST", 2)
        begin = ago(minutes=5).replace(microsecond=500_100)
        later = begin + timedelta(milliseconds=9)
        await events(db, cast, *[begin + timedelta(microseconds=number) for number in range(4)], later)

        first = await replay(as_admin, endpoint, begin)

        assert first["queued"] == 4, "what happened within one millisecond is not divided"
        assert first["next_since"] == instant_text(begin.replace(microsecond=501_000))
        assert await replay(as_admin, endpoint, datetime.fromisoformat(first["next_since"])) == {
            "queued": 1,
            "next_since": None,
        }


class TestAnEndpointThatIsNotActive:
    @pytest.mark.parametrize("status", ["pending", "disabled"])
    async def test_gets_it_when_it_is(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, status: str
    ) -> None:
        endpoint = await an_endpoint(db, cast, URL, status=status)
        old, _new = await events(db, cast, ago(hours=2), ago(hours=1))
        await a_delivery(db, endpoint, event_id=old, state="failed")

        assert (await replay(as_admin, endpoint, ago(days=1)))["queued"] == 2

        assert [each.state for each in await deliveries(db, endpoint.id)] == ["parked", "parked"]

    async def test_is_told_all_that_it_missed_once_it_is_enabled_and_answers(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database, deliverer: Deliverer
    ) -> None:
        async with receiving() as receiver:
            disabled = {"status": "disabled", "disabled_reason": "failing", "disabled_at": ago(hours=3)}
            endpoint = await an_endpoint(db, cast, receiver.url, **disabled)
            parked = await a_delivery(db, endpoint, state="parked", type="staff.left", happened_at=ago(hours=4))
            missed = await events(db, cast, ago(hours=2), ago(hours=1))
            body = {"replay_since": instant_text(ago(hours=3))}
            answer = await as_admin.post(f"/v1/webhook-endpoints/{endpoint.id}/enabling", json=body)
            await deliverer.settle()

        assert answer.json()["replay"] == {"queued": 2, "next_since": None}
        ping, *rest = [request.headers["webhook-id"] for request in receiver.requests]
        assert {UUID(each.removeprefix("msg_")) for each in rest} == {parked.message_id, *missed}
        assert ping not in rest
        states = await db.execute(sa.select(WebhookDelivery.state).distinct())
        assert states.scalars().all() == ["delivered"]
