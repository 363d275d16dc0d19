"""Endpoints, and patients who agreed that something goes there."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.consents.models import Consent, ConsentDocument
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.webhooks.delivering import Deliverer
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookLane, WebhookSecret
from tests.cast import Cast
from tests.factories import Person

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def an_endpoint(db: Database, cast: Cast, url: str, **but: Any) -> WebhookEndpoint:
    """An endpoint that is told everything; `secrets` are its secrets, the newest first."""
    secrets: Sequence[str] = but.pop("secrets", (SECRET,))
    endpoint_id, now = new_id(), clock.now()
    values: dict[str, Any] = {
        "name": str(endpoint_id),
        "owner_email": None,
        "event_types": ["*"],
        "purpose": "treatment",
        "recipient_class": "treating_provider",
        "status": "active",
        "max_per_second": 100,
        "max_concurrency": 4,
        "version": 1,
        "created_at": now,
        "created_by": cast.coordinator.membership.id,
    } | but
    endpoint = WebhookEndpoint(id=endpoint_id, clinic_id=cast.clinic.id, url=url, **values)
    db.add(endpoint)
    await db.flush()
    for age, secret in enumerate(secrets):
        db.add(
            WebhookSecret(
                id=new_id(),
                clinic_id=cast.clinic.id,
                endpoint_id=endpoint_id,
                secret=secret,
                created_at=now - timedelta(minutes=age),
                ends_at=now + timedelta(hours=1) if age else None,
            )
        )
    db.add(WebhookLane(endpoint_id=endpoint_id, clinic_id=cast.clinic.id, last_sequence=0, failures=0))
    await db.flush()
    return endpoint


async def agrees(db: Database, person: Person, **but: Any) -> Consent:
    """The patient agrees that those who treat them learn of everything there is; `but` says it otherwise."""
    clinic_id, now = person.membership.clinic_id, clock.now()
    recipients = but.pop("recipients", [{"recipient_class": "treating_provider", "name": None}])
    said: dict[str, Any] = {
        "type": "part2_tpo",
        "language": "en",
        "text_hash": "0" * 64,
        "purposes": ["treatment"],
        "categories": ["appointments", "check_ins", "consents", "dosing_sessions", "profile"],
        "expires_at": None,
    } | but
    document = await db.scalar(
        sa.select(ConsentDocument).where(ConsentDocument.clinic_id == clinic_id, ConsentDocument.type == said["type"])
    ) or ConsentDocument(
        id=new_id(),
        clinic_id=clinic_id,
        version=1,
        title="Sharing",
        text="Sharing.",
        questions=[],
        recipients=recipients,
        expires_after_days=None,
        content_hash="0" * 64,
        published_by=person.membership.id,
        published_at=now,
        **said,
    )
    db.add(document)
    await db.flush()
    consent = Consent(
        id=new_id(),
        clinic_id=clinic_id,
        patient_id=person.membership.patient_id,
        document_id=document.id,
        document_version=1,
        presented_at=now,
        answers={},
        signed_at=now,
        signer="patient",
        signature="S.",
        relationship=None,
        method="app",
        recipients=json.dumps(recipients),
        **said,
    )
    db.add(consent)
    await db.flush()
    return consent


async def forget_events(db: Database) -> None:
    """What was told while the world was made is no matter of the test."""
    await db.finish()
    await db.execute(sa.delete(OutboxEvent))
    await db.finish()


@asynccontextmanager
async def working(engine: AsyncEngine, settings: Settings) -> AsyncIterator[Deliverer]:
    """A deliverer, which is closed in the end. `await deliverer.settle()` delivers what is due."""
    deliverer = Deliverer(engine, settings)
    try:
        yield deliverer
    finally:
        await deliverer.close()


async def deliveries(db: Database, endpoint_id: UUID | None = None) -> list[WebhookDelivery]:
    """The deliveries of an endpoint, or all, as they are now; the oldest first."""
    await db.finish()
    db.expunge_all()
    statement = sa.select(WebhookDelivery).order_by(WebhookDelivery.created_at, WebhookDelivery.id)
    if endpoint_id is not None:
        statement = statement.where(WebhookDelivery.endpoint_id == endpoint_id)
    return await _all(db, statement)


async def attempts(db: Database) -> list[WebhookAttempt]:
    """All attempts, the oldest first."""
    await db.finish()
    db.expunge_all()
    return await _all(db, sa.select(WebhookAttempt).order_by(WebhookAttempt.at, WebhookAttempt.id))


async def _all(db: Database, statement: sa.Select[Any]) -> list[Any]:
    found = list((await db.scalars(statement)).all())
    await db.finish()  # SQLite has one connection, which the worker needs
    return found


async def soon(condition: Any, within: float = 5) -> None:
    """Wait until an asynchronous condition holds."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110  what is in the database sets no event
            await asyncio.sleep(0.02)
