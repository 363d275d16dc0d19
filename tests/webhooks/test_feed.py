"""The feed: everything that happened, once, in an order that never changes."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api_clients.rules import Authentication, Relationship, grantable
from app.core.db import Database, unit_of_work
from app.core.settings import Settings
from app.events import service as events
from app.events.models import EventFeed, OutboxEvent
from app.events.types import EventType, payload_model
from app.identity.models import Clinic
from app.identity.permissions import Permission, Role
from app.webhooks.matching import match
from tests.cast import Cast
from tests.factories import Person, a_clinic, a_member_of_staff, a_report, an_api_client, an_id

NewClient = Callable[..., httpx2.AsyncClient]


class Feed:
    """A consumer: it remembers where it stopped."""

    def __init__(self, client: httpx2.AsyncClient, **wanted: Any) -> None:
        self.client, self.wanted = client, wanted
        self.cursor: str | None = None
        self.seen: list[dict[str, Any]] = []

    async def read(self) -> list[dict[str, Any]]:
        """The next page."""
        answer = await self.ask()
        assert answer.status_code == 200, answer.text
        self.cursor = answer.json()["next_cursor"]
        items: list[dict[str, Any]] = answer.json()["items"]
        self.seen += items
        return items

    async def ask(self, **headers: str) -> httpx2.Response:
        cursor = {} if self.cursor is None else {"cursor": self.cursor}
        return await self.client.get("/v1/events", params=self.wanted | cursor, headers=headers)

    async def keep_up(self) -> list[dict[str, Any]]:
        """Page after page, until there is nothing new."""
        before = len(self.seen)
        while await self.read():
            pass
        return self.seen[before:]


@pytest.fixture
async def admin(cast: Cast, db: Database, settings: Settings) -> Person:
    found = await a_member_of_staff(db, settings, cast.clinic, Role.CLINIC_ADMIN)
    await db.finish()
    await db.execute(sa.delete(OutboxEvent))
    return found


@pytest.fixture
def new_feed(new_client: NewClient, admin: Person) -> Callable[..., Feed]:
    return lambda **wanted: Feed(new_client(admin.token), **wanted)


def happen(db: Database, clinic: Clinic, *types: EventType) -> list[str]:
    """Record events of these types; the ids of their subjects."""
    subjects = [an_id() for _ in types]
    for event_type, subject_id in zip(types, subjects, strict=True):
        events.record(db, event_type, clinic_id=clinic.id, patient_id=an_id(), subject_id=subject_id)
    return list(map(str, subjects))


def subjects(items: list[dict[str, Any]]) -> list[str]:
    return [item["data"]["id"] for item in items]


RECORDED, MOVED, SIGNED = EventType.CHECK_IN_RECORDED, EventType.DOSING_SESSION_MOVED, EventType.CONSENT_SIGNED


class TestListEvents:
    async def test_says_what_a_webhook_would_say(
        self, new_feed: Callable[..., Feed], cast: Cast, new_client: NewClient, engine: AsyncEngine, db: Database
    ) -> None:
        check_in_id = str(an_id())
        answer = await new_client(cast.patient.token).put(f"/v1/me/check-ins/{check_in_id}", json=a_report())
        await match(engine)
        event = (await db.scalars(sa.select(OutboxEvent))).one()

        (item,) = await new_feed().read()

        assert item == {
            "id": f"msg_{event.id.hex}",
            "type": "check_in.recorded",
            "timestamp": item["timestamp"],
            "sequence": None,
            "test": False,
            "data": {
                "id": check_in_id,
                "patient_id": cast.patient_id,
                "version": 1,
                "url": f"http://127.0.0.1:8000/v1/patients/{cast.patient_id}/check-ins/{check_in_id}",
            },
            "part2_notice": None,
            "consent_id": None,
        }
        assert answer.json()["received_at"] <= item["timestamp"]
        payload_model(EventType.CHECK_IN_RECORDED).model_validate_json(json.dumps(item))

    async def test_goes_on_where_it_stopped_and_keeps_its_place_when_nothing_is_new(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        feed = new_feed(limit=2)
        assert await feed.read() == []
        first = happen(db, cast.clinic, RECORDED, MOVED, SIGNED, RECORDED)
        await db.finish()
        await match(engine)

        pages = [subjects(await feed.read()) for _ in range(3)]
        place = feed.cursor
        assert pages == [first[:2], first[2:], []]
        assert await feed.read() == []
        assert feed.cursor == place

        second = happen(db, cast.clinic, RECORDED)
        await db.finish()
        await match(engine)
        assert subjects(await feed.keep_up()) == second

    async def test_shows_nothing_before_it_has_its_place(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        feed = new_feed()
        late = happen(db, cast.clinic, RECORDED)

        assert await feed.keep_up() == []
        await match(engine)
        assert subjects(await feed.keep_up()) == late

    @pytest.mark.parametrize(
        ("wanted", "heard"),
        [
            (["check_in.recorded"], {RECORDED}),
            (["check_in.*", "consent.signed"], {RECORDED, SIGNED}),
            (["*"], {RECORDED, MOVED, SIGNED}),
            (["staff.left"], set()),
        ],
    )
    async def test_can_be_asked_for_some_types(
        self,
        new_feed: Callable[..., Feed],
        cast: Cast,
        engine: AsyncEngine,
        db: Database,
        wanted: list[str],
        heard: set[EventType],
    ) -> None:
        happen(db, cast.clinic, *[RECORDED, MOVED, SIGNED] * 3)
        await db.finish()
        await match(engine)

        found = await new_feed(type=wanted, limit=2).keep_up()

        assert Counter(item["type"] for item in found) == Counter(dict.fromkeys(map(str, heard), 3))

    async def test_a_cursor_passes_over_other_types_and_does_not_grow_old_on_them(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        feed = new_feed(type="staff.left")
        happen(db, cast.clinic, RECORDED, RECORDED)
        await db.finish()
        await match(engine)
        assert await feed.read() == []
        await db.execute(sa.delete(OutboxEvent))

        assert await feed.read() == []

    async def test_holds_nothing_of_another_clinic(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        elsewhere = await a_clinic(db, name="Hillside")
        happen(db, elsewhere, RECORDED, RECORDED)
        own = happen(db, cast.clinic, RECORDED)
        await db.finish()
        await match(engine)

        assert subjects(await new_feed().keep_up()) == own

    async def test_is_not_sent_again_when_nothing_is_new(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        feed = new_feed()
        tag = (await feed.ask()).headers["etag"]
        assert (await feed.ask(**{"If-None-Match": tag})).status_code == 304

        happen(db, cast.clinic, RECORDED)
        await db.finish()
        await match(engine)

        assert (await feed.ask(**{"If-None-Match": tag})).status_code == 200


class TestRefusals:
    async def test_a_cursor_serves_only_the_filters_and_the_clinic_it_was_given_for(
        self, new_feed: Callable[..., Feed], new_client: NewClient, db: Database, settings: Settings
    ) -> None:
        feed, other = new_feed(type=["check_in.*", "consent.*"]), new_feed(type="check_in.*")
        await feed.read()
        other.cursor = feed.cursor
        elsewhere = await a_member_of_staff(db, settings, await a_clinic(db), Role.CLINIC_ADMIN)
        stranger = Feed(new_client(elsewhere.token), type=["check_in.*", "consent.*"])
        stranger.cursor = feed.cursor
        turned = new_feed(type=["consent.*", "check_in.*"])
        turned.cursor = feed.cursor

        for refused in (await other.ask(), await stranger.ask()):
            assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")
        assert (await turned.ask()).status_code == 200

    @pytest.mark.parametrize("wanted", ["check_in", "check_in.felt", "", "*.*", "Check_in.recorded", "x" * 65])
    async def test_a_type_that_does_not_exist(self, new_feed: Callable[..., Feed], wanted: str) -> None:
        answer = await new_feed(type=["check_in.*", wanted]).ask()

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"][0]["pointer"].startswith("/query/type")
        assert wanted not in answer.text or len(wanted) < 10

    @pytest.mark.parametrize("kept", [0, 1, 2])
    async def test_a_cursor_before_events_that_were_deleted_is_expired(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database, kept: int
    ) -> None:
        feed, rare = new_feed(limit=1), new_feed(limit=1, type="check_in.*")
        happen(db, cast.clinic, RECORDED, RECORDED, RECORDED, RECORDED)
        await db.finish()
        await match(engine)
        await feed.read()
        await rare.read()
        await db.execute(sa.delete(OutboxEvent).where(OutboxEvent.position <= 4 - kept))

        for each in (feed, rare):
            answer = await each.ask()
            assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired")
        assert len(await new_feed().keep_up()) == kept

    async def test_a_cursor_after_all_that_was_deleted_is_good(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        early, late = new_feed(limit=1), new_feed()
        happen(db, cast.clinic, RECORDED, RECORDED)
        await db.finish()
        await match(engine)
        await early.read()
        await late.keep_up()
        await db.execute(sa.delete(OutboxEvent).where(OutboxEvent.position <= 1))

        assert len(await early.keep_up()) == 1
        await db.execute(sa.delete(OutboxEvent))
        assert await late.keep_up() == []

    async def test_a_cursor_from_beyond_the_end_is_expired(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        """A backup was restored: what comes now has numbers that this reader believes to know."""
        feed = new_feed()
        happen(db, cast.clinic, RECORDED, RECORDED)
        await db.finish()
        await match(engine)
        await feed.keep_up()
        await db.execute(sa.update(EventFeed).values(last_position=1))

        assert (await feed.ask()).json()["code"] == "cursor_expired"


class TestWhoMayRead:
    async def test_a_program_of_the_clinic_may(
        self, new_client: NewClient, cast: Cast, db: Database, engine: AsyncEngine
    ) -> None:
        name, secret = await an_api_client(db, cast.clinic, scopes=["events:read"])
        happen(db, cast.clinic, RECORDED)
        await db.finish()
        await match(engine)
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        token = (await new_client().post("/oauth/token", data=form)).json()["access_token"]

        assert len(await Feed(new_client(token)).keep_up()) == 1

    @pytest.mark.parametrize("way", [Authentication.CLIENT_SECRET, Authentication.PRIVATE_KEY_JWT])
    def test_whoever_needs_a_consent_to_be_told_cannot(self, way: Authentication) -> None:
        assert Permission.EVENTS_READ not in grantable(way, Relationship.OUTSIDE_RECIPIENT)
        assert Permission.EVENTS_READ in grantable(way, Relationship.CLINIC_SYSTEM)


class TestRaces:
    async def test_a_reader_misses_nothing_and_sees_nothing_twice_while_four_write(
        self, new_feed: Callable[..., Feed], cast: Cast, engine: AsyncEngine, db: Database
    ) -> None:
        """Each writer takes its time between its event and the commit, so that events become visible out of order."""
        await db.finish()
        clinic, written, writing = cast.clinic, [], 4

        async def write(seed: int) -> None:
            nonlocal writing
            chance = random.Random(seed)
            for _ in range(30):
                async with unit_of_work(engine, clinic.id) as own:
                    (subject,) = happen(own, clinic, RECORDED)
                    await own.flush_staged()
                    await asyncio.sleep(chance.uniform(0, 0.01))
                written.append(subject)
            writing -= 1

        async def number() -> None:
            while writing:
                await match(engine)
                await asyncio.sleep(0.002)
            await match(engine)

        feed = new_feed(limit=3)

        async def follow(numbering: asyncio.Task[None]) -> None:
            while not numbering.done():
                await feed.read()
            await feed.keep_up()

        async with asyncio.TaskGroup() as tasks:
            numbering = tasks.create_task(number())
            tasks.create_task(follow(numbering))
            for seed in range(4):
                tasks.create_task(write(seed))

        seen = subjects(feed.seen)
        assert len(written) == 120
        assert set(seen) == set(written)
        assert len(seen) == len(set(seen))
        again = new_feed(limit=200)
        assert subjects(await again.keep_up()) == seen
