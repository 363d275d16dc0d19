"""Events get their positions, and their deliveries."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock
from app.core.bells import Bell
from app.core.db import Database, unit_of_work
from app.events import service as events
from app.events.models import EventFeed, OutboxEvent
from app.events.types import EventType
from app.webhooks.matching import BATCH, match, match_forever
from app.webhooks.models import WebhookLane
from tests.cast import Cast, a_cast
from tests.factories import an_id
from tests.webhooks.world import agrees, an_endpoint, deliveries, forget_events


def recorded(db: Database, cast: Cast, event_type: EventType = EventType.CHECK_IN_RECORDED, **but: Any) -> None:
    events.record(
        db,
        event_type,
        **{"clinic_id": cast.clinic.id, "subject_id": an_id(), "patient_id": cast.patient.membership.patient_id} | but,
    )


async def positions(db: Database, cast: Cast) -> list[int | None]:
    await db.finish()
    db.expunge_all()
    found = await db.scalars(
        sa.select(OutboxEvent.position).where(OutboxEvent.clinic_id == cast.clinic.id).order_by(OutboxEvent.id)
    )
    return list(found)


class TestNumbering:
    async def test_counts_each_clinics_events_from_one_in_their_order(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Any
    ) -> None:
        other = await a_cast(db, settings)
        await forget_events(db)
        for _ in range(3):
            recorded(db, cast)
            recorded(db, other, patient_id=other.patient.membership.patient_id)
        await db.finish()

        assert await match(engine) == 6
        assert await match(engine) == 0
        recorded(db, cast)
        await db.finish()
        await match(engine)

        assert await positions(db, cast) == [1, 2, 3, 4]
        assert await positions(db, other) == [1, 2, 3]

    async def test_never_gives_a_number_twice_though_old_events_are_gone(
        self, db: Database, engine: AsyncEngine, cast: Cast
    ) -> None:
        recorded(db, cast)
        await db.finish()
        await match(engine)
        await db.execute(sa.delete(OutboxEvent))
        recorded(db, cast)
        await db.finish()

        await match(engine)

        assert await positions(db, cast) == [2]
        assert await db.scalar(sa.select(EventFeed.last_position)) == 2

    async def test_takes_a_batch_at_a_time(self, db: Database, engine: AsyncEngine, cast: Cast) -> None:
        for _ in range(BATCH + 1):
            recorded(db, cast)
        await db.finish()

        assert [await match(engine), await match(engine), await match(engine)] == [BATCH, 1, 0]
        assert sorted(position or 0 for position in await positions(db, cast)) == list(range(1, BATCH + 2))

    async def test_leaves_what_only_the_next_release_knows_to_its_workers(
        self, db: Database, engine: AsyncEngine, cast: Cast
    ) -> None:
        await an_endpoint(db, cast, "https://a.example/")
        recorded(db, cast)
        await db.flush_staged()
        await db.execute(sa.update(OutboxEvent).values(type="moon.risen"))
        recorded(db, cast)
        await db.finish()

        assert await match(engine) == 1
        assert await positions(db, cast) == [None, 1]

    @pytest.mark.postgresql
    async def test_is_done_by_one_at_a_time(self, db: Database, engine: AsyncEngine, cast: Cast) -> None:
        for _ in range(200):
            recorded(db, cast)
        await db.finish()

        counted = await asyncio.gather(*(match(engine) for _ in range(4)))

        assert max(counted) == 200
        assert sum(counted) == 200
        assert sorted(position or 0 for position in await positions(db, cast)) == list(range(1, 201))


class TestDeliveries:
    async def test_are_made_for_each_endpoint_of_the_clinic_that_hears_of_it(
        self, db: Database, engine: AsyncEngine, cast: Cast, settings: Any
    ) -> None:
        everything = await an_endpoint(db, cast, "https://a.example/")
        of_check_ins = await an_endpoint(db, cast, "https://b.example/", event_types=["check_in.*"])
        of_sessions = await an_endpoint(db, cast, "https://c.example/", event_types=["dosing_session.started"])
        elsewhere = await an_endpoint(db, await a_cast(db, settings), "https://d.example/")
        await forget_events(db)
        recorded(db, cast)
        await db.finish()

        await match(engine)

        assert [len(await deliveries(db, each.id)) for each in (everything, of_check_ins, of_sessions, elsewhere)] == [
            1, 1, 0, 0,
        ]  # fmt: skip
        (made,) = await deliveries(db, everything.id)
        event = (await db.scalars(sa.select(OutboxEvent))).one()
        assert (made.state, made.sequence, made.attempts) == ("pending", 1, 0)
        assert (made.event_id, made.message_id) == (event.id, event.id)
        assert (made.type, made.subject_id, made.patient_id) == (event.type, event.subject_id, event.patient_id)

    async def test_wait_for_one_that_has_not_answered_its_ping(
        self, db: Database, engine: AsyncEngine, cast: Cast
    ) -> None:
        endpoint = await an_endpoint(db, cast, "https://a.example/", status="pending")
        recorded(db, cast)
        await db.finish()

        await match(engine)

        assert [(each.state, each.sequence) for each in await deliveries(db, endpoint.id)] == [("parked", 1)]

    @pytest.mark.parametrize("but", [{"status": "disabled"}, {"ended_at": clock.now()}], ids=["disabled", "ended"])
    async def test_are_not_made_for_one_that_is_disabled_or_ended(
        self, db: Database, engine: AsyncEngine, cast: Cast, but: dict[str, Any]
    ) -> None:
        endpoint = await an_endpoint(db, cast, "https://a.example/", **but)
        recorded(db, cast)
        await db.finish()

        await match(engine)

        assert await deliveries(db, endpoint.id) == []

    async def test_are_numbered_without_gaps_whatever_is_withheld(
        self, db: Database, engine: AsyncEngine, cast: Cast
    ) -> None:
        endpoint = await an_endpoint(db, cast, "https://a.example/")
        for patient in (cast.patient, cast.other_patient, cast.patient):
            recorded(db, cast, patient_id=patient.membership.patient_id)
        await db.finish()

        await match(engine)

        made = sorted(await deliveries(db, endpoint.id), key=lambda each: each.event_id or 0)
        assert [(each.state, each.sequence, each.refusal) for each in made] == [
            ("pending", 1, None),
            ("withheld", None, "no_consent"),
            ("pending", 2, None),
        ]
        assert await db.scalar(sa.select(WebhookLane.last_sequence)) == 2

    async def test_about_no_patient_need_no_consent(self, db: Database, engine: AsyncEngine, cast: Cast) -> None:
        endpoint = await an_endpoint(db, cast, "https://a.example/")
        recorded(db, cast, EventType.PROTOCOL_CHANGED, patient_id=None)
        await db.finish()

        await match(engine)

        assert [each.state for each in await deliveries(db, endpoint.id)] == ["pending"]

    async def test_for_research_are_known_by_another_id(self, db: Database, engine: AsyncEngine, cast: Cast) -> None:
        await agrees(
            db,
            cast.patient,
            type="research",
            purposes=["research"],
            recipients=[{"recipient_class": "researcher", "name": None}],
        )
        endpoint = await an_endpoint(db, cast, "https://a.example/", purpose="research", recipient_class="researcher")
        recorded(db, cast)
        await db.finish()

        await match(engine)

        (made,) = await deliveries(db, endpoint.id)
        assert made.state == "pending"
        assert made.message_id != made.event_id


class TestForever:
    async def matched_within(self, seconds: float, engine: AsyncEngine, cast: Cast, *, pressing: bool) -> bool:
        """Whether an event that is recorded while it waits makes it look within so long."""
        bell, due, stop = Bell(engine), asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(match_forever(engine, bell, due, stop))
        await due.wait()
        await asyncio.sleep(0.05)
        due.clear()
        async with unit_of_work(engine, cast.clinic.id) as other:
            recorded(other, cast)
            if pressing:
                other.ring()
        try:
            await asyncio.wait_for(due.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            stop.set()
            await running
            await bell.close()
        return True

    async def test_matches_when_the_bell_rings(self, db: Database, engine: AsyncEngine, cast: Cast) -> None:
        await an_endpoint(db, cast, "https://a.example/")
        await db.finish()

        assert await self.matched_within(0.8, engine, cast, pressing=False)
        assert await positions(db, cast) == [1]

    async def test_takes_its_time_while_nobody_listens(self, engine: AsyncEngine, cast: Cast, db: Database) -> None:
        await db.finish()

        assert not await self.matched_within(0.5, engine, cast, pressing=False)
        assert await self.matched_within(0.8, engine, cast, pressing=True)
        assert await positions(db, cast) == [1, 2]
