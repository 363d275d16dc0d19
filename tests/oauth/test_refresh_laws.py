"""The laws of refreshing once more, with real tokens through the front door.

`tests/identity/test_tokens_laws.py` plays thousands of lives against the rule; here some dozens of them meet the
database, and the two scripts that a reviewer would try by hand.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.settings import Settings
from app.identity import service as identity
from app.identity.models import Device
from tests.cast import Cast

NewClient = Callable[..., httpx2.AsyncClient]


@dataclass
class Holder:
    """Somebody who holds the tokens of a device: its owner, or a thief."""

    client: httpx2.AsyncClient
    access: str
    refresh_token: str
    gained: int = 0

    async def refresh(self, *, answer_lost: bool = False) -> bool:
        """Whether the server took it. A lost answer leaves its holder with what they had."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        answer = await self.client.post("/oauth/token", data=form)
        if answer.status_code == 200 and not answer_lost:
            told = answer.json()
            self.gained += told["refresh_token"] != self.refresh_token
            self.access, self.refresh_token = told["access_token"], told["refresh_token"]
        return answer.status_code == 200

    async def call(self) -> bool:
        answer = await self.client.get("/v1/me", headers={"authorization": f"Bearer {self.access}"})
        return answer.status_code == 200

    async def act(self, *, answer_lost: bool = False) -> bool:
        """Refresh, and use what came: nobody refreshes for its own sake."""
        taken = await self.refresh(answer_lost=answer_lost)
        return taken and (answer_lost or await self.call())

    def robbed(self) -> "Holder":
        """A thief, with a copy of all there is."""
        return Holder(self.client, self.access, self.refresh_token)


@pytest.fixture
def new_phone(
    db: Database, settings: Settings, cast: Cast, client: httpx2.AsyncClient
) -> Callable[[], Awaitable[Holder]]:
    """Signs another phone of the patient in."""

    async def sign_in() -> Holder:
        tokens = identity.begin(db, settings, cast.patient.membership, "a phone", methods="password")
        await db.flush()
        return Holder(client, tokens.access_token, tokens.refresh_token)

    return sign_in


class TestHonestPhone:
    @pytest.mark.parametrize("seed", range(20))
    async def test_is_never_signed_out_whatever_the_line_loses(
        self, new_phone: Callable[[], Awaitable[Holder]], seed: int
    ) -> None:
        life, phone = random.Random(seed), await new_phone()
        for _ in range(20):
            what = life.choice(["refresh", "lost", "lost", "call", "at once"])
            if what == "call":
                assert await phone.call()
            elif what == "at once":
                twin = phone.robbed()  # the app and its background task
                assert all(await asyncio.gather(phone.refresh(), twin.refresh()))
                assert twin.refresh_token == phone.refresh_token
            else:
                assert await phone.refresh(answer_lost=what == "lost")

        assert await phone.act()

    async def test_lost_answer_script(self, new_phone: Callable[[], Awaitable[Holder]], db: Database) -> None:
        """Ten times: refresh, lose the answer, try again, lose it again, try again, get it, and go on."""
        phone = await new_phone()
        for _ in range(10):
            assert await phone.refresh(answer_lost=True)
            assert await phone.call()  # the access token of before still counts
            assert await phone.refresh(answer_lost=True)
            assert await phone.refresh()
            assert await phone.call()

        assert phone.gained == 10
        reused = sa.select(sa.func.count()).where(AuditEntry.operation == "refresh.reuse")
        assert await db.scalar(reused) == 0


class TestThief:
    @pytest.mark.parametrize("seed", range(20))
    async def test_gets_at_most_one_refresh_once_the_owner_is_active_again(
        self, new_phone: Callable[[], Awaitable[Holder]], seed: int
    ) -> None:
        life, owner = random.Random(seed), await new_phone()
        for _ in range(life.randrange(3)):
            await owner.act()
        thief = owner.robbed()
        was_here, gained_by_then = False, None
        for _ in range(12):
            if life.random() < 0.5:
                await owner.act(answer_lost=life.random() < 0.3)
                if was_here and gained_by_then is None:
                    gained_by_then = thief.gained
            else:
                await thief.act()
                was_here = True

        assert gained_by_then is None or thief.gained - gained_by_then <= 1
        for holder in (owner, thief, owner):
            await holder.act()
        assert not await owner.act()
        assert not await thief.act()
        assert not await owner.call()
        assert not await thief.call()

    @pytest.mark.parametrize(("first", "gained"), [("owner", 0), ("thief", 1)])
    async def test_theft_script(
        self, new_phone: Callable[[], Awaitable[Holder]], db: Database, cast: Cast, first: str, gained: int
    ) -> None:
        """Owner and thief take turns, twenty times. A rule that forgives the token before for ever gives twenty."""
        owner = await new_phone()
        thief = owner.robbed()
        order = [owner, thief] if first == "owner" else [thief, owner]

        for _ in range(20):
            for holder in order:
                await holder.act()

        assert thief.gained == gained
        ended = await db.scalars(sa.select(Device).where(Device.ended_because == "reused_refresh_token"))
        assert len(ended.all()) == 1
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "refresh.reuse"))).one()
        assert (entry.outcome, entry.actor_id) == ("denied", cast.patient.membership.id)


class TestAtOnce:
    async def test_eight_with_the_newest_token_get_the_same_next_one(
        self, new_phone: Callable[[], Awaitable[Holder]], db: Database
    ) -> None:
        phones = [await new_phone()]
        phones += [phones[0].robbed() for _ in range(7)]
        for _ in range(3):
            assert await asyncio.gather(*(phone.refresh() for phone in phones)) == [True] * 8
            assert len({phone.refresh_token for phone in phones}) == 1
            assert all(await asyncio.gather(*(phone.call() for phone in phones)))

    async def test_eight_with_a_used_token_get_nothing_and_end_the_device_once(
        self, new_phone: Callable[[], Awaitable[Holder]], db: Database
    ) -> None:
        owner = await new_phone()
        thieves = [owner.robbed() for _ in range(8)]
        await owner.act()

        assert await asyncio.gather(*(thief.refresh() for thief in thieves)) == [False] * 8
        assert not await owner.call()
        reused = sa.select(sa.func.count()).where(AuditEntry.operation == "refresh.reuse")
        assert await db.scalar(reused) == 1
