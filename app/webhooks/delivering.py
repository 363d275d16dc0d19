"""The loop that delivers: round by round it writes how attempts ended, takes what is due, and starts to send it.

A round is one transaction for everything, however many endpoints there are; nothing is sent while it is open. Each
lane is held by one worker at a time, by a lease that it renews: if it is lost, another takes the lane over and sends
again what was under way, under the same `webhook-id`.
"""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.consents import disclosures
from app.consents.disclosure_rules import Refusal
from app.core import clock
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.ids import new_id
from app.core.logging import describe, log
from app.core.settings import Settings
from app.webhooks import payloads, queries, results, rules, signing, states
from app.webhooks.lanes import Lane
from app.webhooks.matching import match, wanted
from app.webhooks.results import Ended, Sent
from app.webhooks.rules import Outcome, Reason
from app.webhooks.sending import Answer, Sender

LEASE: Final = timedelta(seconds=30)
RENEW: Final = timedelta(seconds=20)
"""A lease that ends in less is renewed. It is longer than the longest attempt by far."""
LANES_A_ROUND: Final = 64
LANES_AT_FIRST: Final = 4
TAKE_AGAIN_SECONDS: Final = 0.025
"""Whoever took as many lanes as they may, or had their turn, leaves the rest to others for this long."""
LOOK_EVERY_SECONDS: Final = 1
LOOK_AGAIN_SECONDS: Final = 0.05
TOGETHER_SECONDS: Final = 0.002
"""What ends within this time is written together."""
FAST_MILLISECONDS: Final = 60
"""An answer in less than this, for each second that leave lasts, lets eight of them wait behind each other."""
BUSY: Final = frozenset({429, 503})
_chance: Final = secrets.SystemRandom()


class Deliverer:
    """One worker's hands. `due` wakes it."""

    def __init__(self, engine: AsyncEngine, settings: Settings, sender: Sender | None = None) -> None:
        self.me = new_id()
        self.due = asyncio.Event()
        self._engine = engine
        self._settings = settings
        self._sender = sender or Sender(settings)
        self._lanes: dict[UUID, Lane] = {}
        self._ended: list[Ended] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: dict[UUID, UUID] = {}
        """The deliveries under way, and whose they are."""
        self._clipped = False
        self._unsure = False
        self._takes_from = 0.0
        self._shares = engine.dialect.name == "postgresql"

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`, then finish what is under way. A failure is logged once; the next round tries again."""
        failing, began = False, False
        while not stop.is_set():
            self.due.clear()
            try:
                if not began:
                    await self._succeed()
                    began = True
                await self.round()
                failing = False
            except Exception as error:  # noqa: BLE001  whatever it is, the next round tries again
                if not failing:
                    log.error("webhook_round_failed", **describe(error))
                failing = True
            await self._rest(stop, LOOK_EVERY_SECONDS if failing or not self._clipped else LOOK_AGAIN_SECONDS)
        await self.close()

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        waits = [asyncio.create_task(self.due.wait()), asyncio.create_task(stop.wait())]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self._tasks:
            await asyncio.sleep(TOGETHER_SECONDS)

    async def close(self) -> None:
        """Wait for what is under way, write how it ended, and give every lane back."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        with contextlib.suppress(Exception):  # the leases run out, and another worker goes on
            await self.round(last=True)
        await self._sender.close()

    async def settle(self) -> None:
        """Match and deliver until nothing is left to do now; for commands and tests."""
        while True:
            matched, wrote = await match(self._engine), len(self._ended)
            claimed = await self.round()
            if self._tasks:
                await asyncio.wait(self._tasks)
            elif (pause := self._takes_from - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            elif not (matched or wrote or claimed):
                return

    async def round(self, *, last: bool = False) -> int:
        """Write, take and start to send; how many were taken. The `last` one takes nothing and lets every lane go."""
        ended, self._ended = self._ended, []
        now, started = clock.now(), time.monotonic()
        before = dict(self._lanes)
        try:
            async with unit_of_work(self._engine, EVERY_CLINIC) as db:
                await self._keep_lanes(db, now, started, last=last)
                if ended:
                    await self._write(db, ended, now)
                if self._unsure:
                    await self._disown(db, now)
                sent = [] if last else await self._take(db, now, started)
        except BaseException:
            self._ended = ended + self._ended
            self._recover(before)
            raise
        self._unsure = False
        for each in sent:
            each.lane.took(1, started)
            self._sending[each.delivery.id] = each.lane.id
            task = asyncio.create_task(self._attempt(each))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(sent)

    # --------------------------------------------------------------------------------------------------- lanes
    async def _succeed(self) -> None:
        """End the leases of whoever was here before. SQLite is for one process, so they are no more: do not wait."""
        if not self._shares:
            async with unit_of_work(self._engine, EVERY_CLINIC) as db:
                await queries.end_leases(db, clock.now() - LEASE)

    def _recover(self, before: dict[UUID, Lane]) -> None:
        """Go back to the lanes of `before` a round that failed. It may have been committed all the same.

        Then lanes and deliveries were taken of which nobody here knows; the next round gives them back.
        """
        under_way = Counter(self._sending.values())
        self._lanes = {endpoint_id: self._lanes.get(endpoint_id, lane) for endpoint_id, lane in before.items()}
        for lane in self._lanes.values():
            lane.under_way = under_way[lane.id]
        self._unsure = True

    async def _disown(self, db: Database, now: datetime) -> None:
        """Give back what was taken by a round that failed after its commit."""
        await queries.release_unheld(db, self._lanes, self.me)
        in_hand = [*self._sending, *(each.sent.delivery.id for each in self._ended)]
        results.note_lost(db, await queries.put_back_unsent(db, self.me, in_hand, now), now)

    async def _keep_lanes(self, db: Database, now: datetime, moment: float, *, last: bool) -> None:
        """Renew leases, write down health, and let go of lanes; whatever was lost meanwhile is forgotten."""
        going = {lane.id for lane in self._lanes.values() if last or lane.may_go(moment)}
        had_turn = any(self._lanes[endpoint_id].had_turn(moment) for endpoint_id in going)
        touched = {lane.id for lane in self._lanes.values() if lane.health_changed or lane.held_until - now < RENEW}
        if not (going | touched):
            return
        until = now + LEASE
        kept = await queries.keep_lanes(db, going | touched, self.me, until)
        for endpoint_id in going | touched:
            lane = self._lanes[endpoint_id]
            lane.held_until = until
            if endpoint_id in kept and lane.health_changed:
                await queries.note_health(db, endpoint_id, lane.as_stored(now))
                lane.health_changed = False
            if endpoint_id in going or endpoint_id not in kept:
                del self._lanes[endpoint_id]
        if going:
            await queries.release_lanes(db, going, self.me)
            if had_turn or last:
                self._leave_to_others(moment)
                db.ring()

    def _leave_to_others(self, moment: float) -> None:
        if self._shares:
            self._takes_from = moment + TAKE_AGAIN_SECONDS
            asyncio.get_running_loop().call_later(TAKE_AGAIN_SECONDS, self.due.set)

    async def _take_lanes(self, db: Database, now: datetime, moment: float) -> None:
        """Take lanes: as many more as are held already, so that several workers come to hold about the same."""
        if moment < self._takes_from:
            return
        until = now + LEASE
        most = min(max(len(self._lanes), LANES_AT_FIRST), LANES_A_ROUND) if self._shares else LANES_A_ROUND
        taken, lost = await queries.take_lanes(db, self.me, now, until, most)
        if len(taken) == most:
            self._leave_to_others(moment)
        if lost:
            results.note_lost(db, await queries.put_back(db, lost, now), now)
        if taken:
            await self._load(db, taken, until)
            for endpoint_id in taken:
                lane = self._lanes[endpoint_id]
                if lane.status != "active":
                    await states.park(db, lane.clinic_id, endpoint_id)

    async def _load(self, db: Database, endpoints: Sequence[UUID], until: datetime) -> None:
        """Read endpoints as they are now; a lane that is held goes on where it is."""
        for endpoint, its_secrets in await queries.endpoints_of(db, endpoints):
            lane, held = Lane.of(endpoint, its_secrets, until), self._lanes.get(endpoint.id)
            self._lanes[endpoint.id] = lane if held is None else held.renewed(lane)

    # ------------------------------------------------------------------------------------------------- taking
    async def _take(self, db: Database, now: datetime, started: float) -> list[Sent]:
        """Claim what is due where there is room, with leave for each; what has none is withheld."""
        await self._take_lanes(db, now, started)
        slots = self._slots(started)
        if not slots:
            return []
        claimed = await queries.claim(db, slots, self.me, now)
        changed = {row.endpoint_id for row in claimed if self._lanes[row.endpoint_id].version != row.endpoint_version}
        if changed:
            await self._load(db, list(changed), now + LEASE)
        asked = [  # a test is about nobody, whoever it names
            wanted(self._lanes[row.endpoint_id], row.type, row.patient_id if row.kind == "event" else None)
            for row in claimed
        ]
        about_patients = [each for each in asked if each is not None]
        answers = iter(await disclosures.disclose_each(db, about_patients) if about_patients else ())
        sent: list[Sent] = []
        withheld: list[Any] = []
        not_after = started + self._settings.leave_seconds
        for row, each in zip(claimed, asked, strict=True):
            answer = None if each is None else next(answers)
            lane = self._lanes[row.endpoint_id]
            if isinstance(answer, Refusal):
                withheld.append((row, answer))
            else:
                sent.append(Sent(lane, row, answer, not_after))
        if withheld:
            await self._withhold(db, withheld, now)
        return sent

    def _slots(self, moment: float) -> dict[UUID, int]:
        """How many deliveries to claim of each lane: what it has room for, within its share of all connections."""
        rooms = {lane.id: lane.room(moment) for lane in self._lanes.values()}
        self._clipped = any(not room for room in rooms.values())
        rooms = {endpoint_id: room for endpoint_id, room in rooms.items() if room}
        left = self._settings.webhook_connections - len(self._tasks)
        if sum(rooms.values()) <= left:
            return rooms
        slots: dict[UUID, int] = {}
        order = _chance.sample(sorted(rooms), len(rooms))  # nobody is always the last
        for number, endpoint_id in enumerate(order):
            share = min(rooms[endpoint_id], max(1, left // (len(order) - number)))
            if left < share:
                break
            slots[endpoint_id] = share
            left -= share
        self._clipped = True
        return slots

    async def _withhold(self, db: Database, withheld: list[tuple[Any, Refusal]], now: datetime) -> None:
        rows = [
            results.finished(row, "withheld", now, finished_at=now, refusal=refusal.value) for row, refusal in withheld
        ]
        await queries.finish(db, rows, self.me)
        for row, _ in withheld:
            results.note_attempt(db, row, row.attempts, now, Answer(Outcome.WITHHELD, milliseconds=0), None)

    # ------------------------------------------------------------------------------------------------ sending
    async def _attempt(self, sent: Sent) -> None:
        lane, row = sent.lane, sent.delivery
        async with lane.gate:
            at = clock.now()
            try:
                answer = await self._post(sent, at)
            except Exception as error:  # noqa: BLE001  it must not stay under way for ever, whatever it is
                log.error("webhook_attempt_failed", delivery_id=str(row.id), **describe(error))
                answer = Answer(Outcome.LOST, milliseconds=0)
        self._sending.pop(row.id, None)
        current = self._lanes.get(lane.id, lane)
        current.under_way -= 1
        if answer.outcome is not Outcome.TOO_LATE:
            rest = answer.retry_after if answer.status in BUSY else None
            current.ended(
                success=answer.outcome is Outcome.DELIVERED,
                fast=answer.milliseconds < self._settings.leave_seconds * FAST_MILLISECONDS,
                at=at,
                rest=rest and min(rest, rules.LONGEST_RETRY_AFTER),
                counts=row.kind == "event",
            )
        self._ended.append(Ended(sent, at, answer))
        self.due.set()

    async def _post(self, sent: Sent, at: datetime) -> Answer:
        lane, row = sent.lane, sent.delivery
        name, timestamp = payloads.message_name(row.message_id), int(at.timestamp())
        body = payloads.body(row, lane, self._settings.public_url, sent.disclosed)
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signing.signatures(lane.signing_secrets(at), name, timestamp, body),
        }
        if sent.disclosed is not None:
            headers |= sent.disclosed.headers
        return await self._sender.post(lane.id, lane.url, headers, body, not_after=sent.not_after)

    # ------------------------------------------------------------------------------------------------ writing
    async def _write(self, db: Database, ended: list[Ended], now: datetime) -> None:
        """Write how attempts ended, and what follows for their endpoints."""
        ours = await queries.finish(db, [results.after(each, now) for each in ended], self.me)
        gone: set[UUID] = set()
        for each in ended:
            row, lane, answer = each.sent.delivery, each.sent.lane, each.answer
            if row.id not in ours or answer.outcome is Outcome.TOO_LATE:
                continue
            disclosed = each.sent.disclosed
            disclosure_id = None if disclosed is None else disclosed.disclosure_id
            results.note_attempt(db, row, row.attempts, each.at, answer, disclosure_id)
            if answer.outcome is Outcome.GONE:
                gone.add(lane.id)
            elif row.kind == "ping" and answer.outcome is Outcome.DELIVERED:
                await states.activate(db, lane.clinic_id, lane.id, row.endpoint_version, now)
        tried = [each.sent.lane for each in ended if each.answer.outcome is not Outcome.TOO_LATE]
        for lane in {lane.id: lane for lane in tried}.values():
            current = self._lanes.get(lane.id, lane)
            if lane.id in gone:
                await states.disable(db, lane.clinic_id, lane.id, Reason.GONE, now)
            elif current.health.is_given_up(now):
                await states.disable(db, lane.clinic_id, lane.id, Reason.FAILING, now)
