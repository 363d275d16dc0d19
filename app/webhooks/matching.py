"""Numbering committed events, and making a delivery of each for the endpoints that hear of it and may.

One process does so at a time, a batch in a transaction, so that positions follow each other as they become visible.
What an endpoint may not have now is noted as withheld and not queued; what it may have is asked about again when it is
sent.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.consents import disclosures
from app.consents.disclosure_rules import Permit
from app.consents.disclosures import Wanted
from app.consents.kinds import Purpose, Recipient, RecipientClass
from app.core import clock
from app.core.bells import Bell
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.ids import new_id
from app.core.logging import describe, log
from app.webhooks import payloads, queries, rules
from app.webhooks.models import WebhookDelivery

BATCH: Final = 500
LOOK_EVERY_SECONDS: Final = 1
TOGETHER_SECONDS: Final = 0.02
"""What is committed within this time of the last round is matched together: many small rounds would cost more."""


class PatientOf:
    """Whose something is, as `consents` wants it."""

    __slots__ = ("clinic_id", "id")

    def __init__(self, clinic_id: UUID, patient_id: UUID) -> None:
        self.clinic_id, self.id = clinic_id, patient_id


class Listener(Protocol):
    """An endpoint, as far as what it may hear goes."""

    id: UUID
    clinic_id: UUID
    name: str
    purpose: str
    recipient_class: str
    pseudonym_key: str
    status: str


def wanted(listener: Listener, event_type: str, patient_id: UUID | None) -> Wanted | None:
    """What consents are asked about one event for one endpoint; None when it is about no patient."""
    about = rules.category(event_type)
    if about is None or patient_id is None:
        return None
    return Wanted(
        PatientOf(listener.clinic_id, patient_id),
        Recipient(RecipientClass(listener.recipient_class), listener.name),
        Purpose(listener.purpose),
        frozenset({about}),
    )


async def match(engine: AsyncEngine) -> int:
    """Number up to a batch of committed events and make their deliveries; how many events there were.

    It does not wait for the disk: what is sent of it waits for a later commit, which brings this one there too.
    """
    return (await _matched(engine))[0]


async def _matched(engine: AsyncEngine) -> tuple[int, bool]:
    """The same, and whether there is anybody who listens."""
    async with unit_of_work(engine, EVERY_CLINIC, relaxed=True) as db:
        if not await queries.is_only_matcher(db):
            return 0, True
        anybody = await queries.anybody_listens(db)
        events = (await db.read(queries.UNNUMBERED, {"most": BATCH})).all()
        if not events:
            return 0, anybody
        await queries.number(db, events)
        of_clinic: dict[UUID, list[Any]] = defaultdict(list)
        for listener in await queries.listening(db, {event.clinic_id for event in events}):
            of_clinic[listener.clinic_id].append(listener)
        heard = [
            (listener, event)
            for event in events
            for listener in of_clinic[event.clinic_id]
            if rules.hears(listener.event_types, event.type)
        ]
        if await queue(db, heard):
            db.ring()
    return len(events), anybody


async def queue(db: Database, heard: Iterable[tuple[Any, Any]]) -> int:
    """Make a delivery of each pair of endpoint and event; how many will be sent.

    The caller has seen to it that there is none yet.
    """
    pairs = [(listener, event, wanted(listener, event.type, event.patient_id)) for listener, event in heard]
    asked = [each for _, _, each in pairs if each is not None]
    answers = iter(await disclosures.weigh_each(db, asked) if asked else ())
    decided = [(listener, event, None if each is None else next(answers)) for listener, event, each in pairs]
    more: dict[UUID, int] = defaultdict(int)
    for listener, _, answer in decided:
        if answer is None or isinstance(answer, Permit):
            more[listener.id] += 1
    last = await queries.last_sequences(db, more) if more else {}
    numbers = {
        endpoint_id: iter(range(last[endpoint_id] - count + 1, last[endpoint_id] + 1))
        for endpoint_id, count in more.items()
    }
    now = clock.now()
    for listener, event, answer in decided:
        refusal = None if answer is None or isinstance(answer, Permit) else answer.value
        db.stage(
            WebhookDelivery,
            {
                "id": new_id(),
                "clinic_id": listener.clinic_id,
                "endpoint_id": listener.id,
                "kind": "event",
                "event_id": event.id,
                "message_id": payloads.message_id(listener, event.id),
                "sequence": next(numbers[listener.id]) if refusal is None else None,
                "type": event.type,
                "patient_id": event.patient_id,
                "subject_id": event.subject_id,
                "version": event.version,
                "happened_at": event.happened_at,
                "state": _state(listener, refusal),
                "due_at": now,
                "attempts": 0,
                "refusal": refusal,
                "created_at": now,
                "finished_at": now if refusal else None,
                "claimed_by": None,
                "claimed_at": None,
            },
        )
    return sum(more.values())


def _state(listener: Listener, refusal: str | None) -> str:
    """Where a new delivery begins: what is for an endpoint that has not answered its ping yet waits for that."""
    if refusal is not None:
        return "withheld"
    return "pending" if listener.status == "active" else "parked"


async def match_forever(engine: AsyncEngine, bell: Bell, due: asyncio.Event, stop: asyncio.Event) -> None:
    """Match whenever the bell rings, and now and then, until `stop`; say by `due` that there may be something to send.

    While there is no endpoint, events are numbered for the feed alone, and that can wait for a second. A failure is
    logged once, and the next round tries again.
    """
    failing, last, anybody = False, -TOGETHER_SECONDS, True
    while not stop.is_set():
        await asyncio.sleep(max(0, last + TOGETHER_SECONDS - time.monotonic()))
        bell.rung.clear()
        bell.pressing.clear()
        last = time.monotonic()
        try:
            while True:
                matched, anybody = await _matched(engine)
                due.set()
                if matched < BATCH or stop.is_set():
                    break
            failing = False
        except Exception as error:  # noqa: BLE001  whatever it is, the next round tries again
            if not failing:
                log.error("webhook_matching_failed", **describe(error))
            failing = True
        rung = bell.rung if anybody else bell.pressing
        waits = [asyncio.create_task(rung.wait()), asyncio.create_task(stop.wait())]
        await asyncio.wait(waits, timeout=LOOK_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
