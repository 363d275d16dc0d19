"""Killing servers and workers while phones send, and what must hold of webhooks afterwards.

    async with receiving() as receiver:
        receiver.behaviour = consumer = Consumer()
        ...                                            # endpoints at receiver.url, patients who agree
        async with Processes(root, url, folder).running() as processes:
            phones send, and now and then `await processes.kill("server")`
            await everything_delivered(engine)
        assert not await faults(engine, consumer, journal)

`drills.crashes` does it at length, `test_crashes` in short.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from app.check_ins.models import CheckIn
from app.core import clock
from app.core.db import EVERY_CLINIC, unit_of_work
from app.events import service as events
from app.events.models import OutboxEvent
from app.events.types import EventType
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookLane
from tests.databases import WIDE_ENVIRONMENT
from tests.factories import Person, a_report, an_id
from tests.serving import a_free_port
from tests.webhooks.receivers import Exchange, Received
from tests.webhooks.world import SECRET

SERVER = "server"
LONGEST_START = 30
Told = tuple[UUID, UUID, int]
"""A check-in, its patient and its version."""


class Processes:
    """One server, and workers apart if there are any; `afterglow` as an operator starts it."""

    def __init__(self, root: Path, database_url: str, folder: Path, *, workers: int = 0, server: bool = True) -> None:
        self.address = f"http://127.0.0.1:{(port := a_free_port())}"
        self.workers = tuple(f"worker-{number}" for number in range(1, workers + 1))
        self.kills: Counter[str] = Counter()
        self._commands = {name: ["worker"] for name in self.workers}
        if server:
            self._commands[SERVER] = ["serve", "--port", str(port), f"--with{'out' if workers else ''}-worker"]
        self._environment = os.environ | WIDE_ENVIRONMENT
        self._environment |= {
            "PYTHONPATH": str(root),
            "AFTERGLOW_DATABASE_URL": database_url,
            "AFTERGLOW_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "AFTERGLOW_LOG_LEVEL": "WARNING",
        }
        self._root, self._folder = root, folder
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Processes"]:
        """Start all, and in the end stop them as an operator does."""
        try:
            await asyncio.gather(*(self.start(name) for name in self._commands))
            if SERVER in self._commands:
                await self._ready()
            yield self
        except BaseException:
            for name in self._processes:
                print(f"---- {name}\n{self.log(name)}")
            raise
        finally:
            await self.stop()

    async def start(self, name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "app.cli", *self._commands[name]),
                cwd=self._root,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    async def kill(self, name: str) -> None:
        """`kill -9`."""
        process = self._processes[name]
        assert process.returncode is None, f"{name} ended by itself: {self.log(name)}"
        process.kill()
        await process.wait()
        self.kills[name] += 1

    async def _ready(self) -> None:
        """Wait until the server answers."""
        async with httpx2.AsyncClient(base_url=self.address) as client, asyncio.timeout(LONGEST_START):
            while True:
                with suppress(httpx2.TransportError):
                    if (await client.get("/readyz")).status_code == 200:
                        return
                assert self._processes[SERVER].returncode is None, "the server ended by itself"
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """SIGTERM to all: they finish what is under way."""
        for process in self._processes.values():
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        await asyncio.gather(*(process.wait() for process in self._processes.values()))
        self._processes.clear()

    def log(self, name: str) -> str:
        """What it said."""
        return (self._folder / f"{name}.log").read_text(encoding="utf-8")


@dataclass(eq=False)
class Consumer:
    """A receiver's behaviour: verifies, keeps, takes its time, answers 204. Each path is an endpoint."""

    slowest: float = 0.05
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, nobody is answered."""
    arrived: dict[str, dict[str, list[Received]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    faults: list[str] = field(default_factory=list)
    under_way: int = 0
    busy: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.goes_on.set()

    async def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            Webhook(SECRET).verify(request.body, request.headers)
        except WebhookVerificationError as error:
            self.faults.append(f"{request.path}: {error}")
        self.arrived[request.path][request.headers["webhook-id"]].append(request)
        self.under_way += 1
        self.busy.set()
        try:
            await asyncio.sleep(random.uniform(0.2, 1) * self.slowest)
            await self.goes_on.wait()
            await exchange.answer(204)
        finally:
            self.under_way -= 1
            if not self.under_way:
                self.busy.clear()

    @property
    def count(self) -> int:
        """How many requests there were."""
        return sum(len(copies) for messages in self.arrived.values() for copies in messages.values())

    @property
    def duplicates(self) -> int:
        """How many of them had been there before."""
        return self.count - sum(map(len, self.arrived.values()))


@dataclass
class Journal:
    """What phones know of what they sent."""

    acknowledged: set[Told] = field(default_factory=set)
    unanswered: set[Told] = field(default_factory=set)
    """Sent once, and never again after the answer was lost: nobody but the database knows."""
    refused: set[Told] = field(default_factory=set)
    undone: set[UUID] = field(default_factory=set)
    """Written with their event, then rolled back."""
    resent: int = 0

    @property
    def done(self) -> int:
        """How many check-ins were dealt with."""
        return len(self.acknowledged) + len(self.unanswered)


class Phone:
    """A patient's phone: it sends each check-in until it is answered, and some that are refused."""

    def __init__(self, address: str, person: Person, journal: Journal) -> None:
        self._client = httpx2.AsyncClient(base_url=address, headers=person.headers, timeout=10)
        self._patient, self._journal = person.patient_id, journal

    async def send(self, count: int, pause: float) -> None:
        """Send so many, with about `pause` seconds in between; of ten, one only once, and one beside it is refused."""
        async with self._client:
            for number in range(count):
                check_in_id = an_id()
                told = (check_in_id, self._patient, 1)
                status = await self._put(check_in_id, a_report(), patient=number % 10 != 3)
                assert status in {None, 200, 201}, f"a check-in was answered {status}"
                (self._journal.acknowledged if status else self._journal.unanswered).add(told)
                if number % 10 == 7:
                    await self._send_refused(check_in_id)
                await asyncio.sleep(random.uniform(0, 2 * pause))

    async def _send_refused(self, earlier: UUID) -> None:
        unknown, other = a_report(dosing_session_id=str(an_id())), a_report(note="other answers under the same id")
        wrong = a_report(note="a correction of what was never there")
        first, second = an_id(), an_id()
        assert await self._put(first, unknown) == 422
        assert await self._put(earlier, other) == 409
        assert await self._put(second, wrong, if_match='"3"') == 412
        self._journal.refused |= {(first, self._patient, 1), (earlier, self._patient, 2), (second, self._patient, 1)}

    async def _put(
        self, check_in_id: UUID, report: dict[str, Any], *, patient: bool = True, if_match: str | None = None
    ) -> int | None:
        """The final status; None when the only answer was lost, for whoever is not `patient`."""
        headers = {} if if_match is None else {"if-match": if_match}
        while True:
            try:
                answer = await self._client.put(f"/v1/me/check-ins/{check_in_id}", json=report, headers=headers)
            except httpx2.TransportError:
                if not patient:
                    return None
            else:
                if answer.status_code < 500:
                    return answer.status_code
            self._journal.resent += 1
            await asyncio.sleep(random.uniform(0.1, 0.3))


async def undo(engine: AsyncEngine, person: Person, journal: Journal) -> None:
    """Write an event, look away for a moment as a slow transaction does, and roll it back."""
    subject = an_id()
    with suppress(InterruptedError):
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            events.record(
                db,
                EventType.CHECK_IN_RECORDED,
                clinic_id=person.membership.clinic_id,
                subject_id=subject,
                patient_id=person.patient_id,
            )
            await db.flush_staged()
            await asyncio.sleep(random.uniform(0, 0.03))
            raise InterruptedError
    journal.undone.add(subject)


async def end_leases(engine: AsyncEngine) -> None:
    """What time does by itself in `delivering.LEASE`, for those who cannot wait."""
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        over = {"owned_until": clock.now() - timedelta(seconds=1)}
        await db.execute(sa.update(WebhookLane).where(WebhookLane.owner.is_not(None)).values(over))


async def everything_delivered(engine: AsyncEngine, within: float) -> None:
    """Wait until every event has a number and every delivery has arrived, as far as the database knows."""
    waiting = sa.select(
        sa.select(sa.func.count())
        .select_from(OutboxEvent.__table__)
        .where(OutboxEvent.position.is_(None))
        .scalar_subquery()
        + sa.select(sa.func.count())
        .select_from(WebhookDelivery.__table__)
        .where(WebhookDelivery.state != "delivered")
        .scalar_subquery()
    )
    async with asyncio.timeout(within):
        while True:
            async with unit_of_work(engine, EVERY_CLINIC) as db:
                if not (await db.execute(waiting)).scalar_one():
                    return
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Books:
    """What the database says in the end."""

    stored: set[Told]
    deliveries: list[Any]
    attempts: list[Any]

    @classmethod
    async def read(cls, engine: AsyncEngine) -> "Books":
        """Read it all."""
        async with unit_of_work(engine, EVERY_CLINIC) as db:
            stored = await db.execute(sa.select(CheckIn.id, CheckIn.patient_id, CheckIn.version))
            attempts = sa.select(WebhookAttempt.delivery_id, WebhookAttempt.number, WebhookAttempt.outcome)
            return cls(
                {(row.id, row.patient_id, row.version) for row in stored},
                list((await db.execute(sa.select(WebhookDelivery.__table__))).all()),
                list((await db.execute(attempts.order_by(WebhookAttempt.number))).all()),
            )

    @property
    def lost(self) -> int:
        """How many attempts were interrupted."""
        return sum(each.outcome == "lost" for each in self.attempts)


def faults(books: Books, consumer: Consumer, journal: Journal, endpoints: Mapping[str, UUID]) -> list[str]:
    """What is not as it should be: nothing. `endpoints` are all there are, by their paths."""
    found = list(consumer.faults)

    def demand(what: str, *, holds: bool) -> None:
        if not holds:
            found.append(what)

    demand("an acknowledged check-in is not stored", holds=journal.acknowledged <= books.stored)
    sent = journal.acknowledged | journal.unanswered
    demand("a check-in is stored that nobody sent", holds=books.stored <= sent)
    demand("a refused check-in is stored", holds=not books.stored & journal.refused)
    of_message = {(each.endpoint_id, f"msg_{each.message_id.hex}"): each for each in books.deliveries}
    demand("a request went elsewhere", holds=consumer.arrived.keys() <= endpoints.keys())
    outcomes: dict[UUID, list[str]] = defaultdict(list)
    for attempt in books.attempts:
        outcomes[attempt.delivery_id].append(attempt.outcome)
    for path, endpoint_id in endpoints.items():
        messages = consumer.arrived[path]
        told = [json.loads(copies[0].body) for copies in messages.values()]
        subjects = {(UUID(d["id"]), UUID(d["patient_id"]), d["version"]) for d in (each["data"] for each in told)}
        demand(f"{path}: not what is stored arrived", holds=subjects == books.stored)
        demand(f"{path}: an event has two ids", holds=len(subjects) == len(told))
        numbers = sorted(each["sequence"] for each in told)
        demand(f"{path}: numbers have gaps", holds=numbers == list(range(1, len(told) + 1)))
        for message, copies in messages.items():
            demand(f"{path}: copies of {message} differ", holds=len({each.body for each in copies}) == 1)
            delivery = of_message.get((endpoint_id, message))
            if delivery is None:
                found.append(f"{path}: {message} is none of ours")
                continue
            log = outcomes[delivery.id]
            demand(f"{message} is {delivery.state}", holds=delivery.state == "delivered")
            demand(f"{message} has the attempts {log}", holds=log == ["lost"] * (len(log) - 1) + ["delivered"])
            demand(f"{message} came more often than it was sent", holds=len(copies) <= len(log))
    return found
