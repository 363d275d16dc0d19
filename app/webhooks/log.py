"""What was sent to an endpoint, what came back, and sending it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.consents.disclosure_rules import Basis
from app.consents.disclosures import Disclosed
from app.consents.kinds import PART2_NOTICE
from app.consents.models import Disclosure
from app.core import clock
from app.core.db import Database
from app.core.pagination import PageRequest, make_cursor
from app.core.settings import Settings
from app.identity.access import ClinicAccess
from app.webhooks import lookups, messages, payloads, schemas
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

MOST_ATTEMPTS: Final = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """Which deliveries are wanted; None wants all."""

    state: str | None = None
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same for the database."""
        this = WebhookDelivery
        found: list[sa.ColumnElement[bool]] = []
        if self.state is not None:
            found.append(this.state == self.state)
        if self.type is not None:
            found.append(this.type == self.type)
        if self.since is not None:
            found.append(this.happened_at >= self.since)
        if self.until is not None:
            found.append(this.happened_at < self.until)
        return found


def view(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery as it is shown."""
    shown = {name: getattr(delivery, name, None) for name in schemas.WebhookDelivery.model_fields}
    return shown | {
        "attempt_count": delivery.attempts,
        "message_id": payloads.message_name(delivery.message_id),
        "due_at": delivery.due_at if delivery.state == "pending" else None,
    }


async def listed(
    db: Database, access: ClinicAccess, endpoint_id: UUID, filters: Filters, paging: PageRequest
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the deliveries of an endpoint, the newest first, and the cursor of the next."""
    await lookups.endpoint(db, access, endpoint_id)
    this = WebhookDelivery
    bound = ("webhook-deliveries", endpoint_id, filters.state, filters.type, filters.since, filters.until)
    statement = sa.select(this).where(
        this.clinic_id == access.clinic.id, this.endpoint_id == endpoint_id, *filters.conditions
    )
    after = paging.after(*bound)
    if after is not None:
        statement = statement.where(this.id < after[0])
    rows = (await db.scalars(statement.order_by(this.id.desc()).limit(paging.limit + 1))).all()
    cursor = make_cursor([rows[paging.limit - 1].id], *bound) if len(rows) > paging.limit else None
    return [view(row) for row in rows[: paging.limit]], cursor


async def read(db: Database, settings: Settings, access: ClinicAccess, delivery_id: UUID) -> dict[str, Any]:
    """A delivery with its attempts and what is or was sent."""
    delivery, endpoint = await lookups.delivery(db, access, delivery_id)
    attempts = await _attempts(db, delivery)
    return view(delivery) | {
        "attempts": attempts,
        "payload": await _payload(db, settings, endpoint, delivery, attempts),
    }


async def _attempts(db: Database, delivery: WebhookDelivery) -> list[WebhookAttempt]:
    this = WebhookAttempt
    found = await db.scalars(
        sa.select(this)
        .where(this.clinic_id == delivery.clinic_id, this.delivery_id == delivery.id)
        .order_by(this.at.desc(), this.id.desc())
        .limit(MOST_ATTEMPTS)
    )
    return list(reversed(found.all()))


async def _payload(
    db: Database,
    settings: Settings,
    endpoint: WebhookEndpoint,
    delivery: WebhookDelivery,
    attempts: Sequence[WebhookAttempt],
) -> dict[str, Any] | None:
    if delivery.state == "withheld":
        return None
    left = next((each.disclosure_id for each in reversed(attempts) if each.disclosure_id is not None), None)
    disclosed = None if left is None else await _disclosed(db, delivery.clinic_id, left)
    return payloads.content(delivery, endpoint, settings.public_url, disclosed)


async def _disclosed(db: Database, clinic_id: UUID, disclosure_id: UUID) -> Disclosed | None:
    """The leave that was given for an attempt; None if none was."""
    this = Disclosure
    found = await db.scalar(sa.select(this).where(this.clinic_id == clinic_id, this.id == disclosure_id))
    if found is None or found.basis is None:
        return None
    return Disclosed(found.id, Basis(found.basis), found.consent_id, PART2_NOTICE, None)


async def redeliver(db: Database, access: ClinicAccess, delivery_id: UUID) -> dict[str, Any]:
    """Send something again, now; it keeps its message id. What is just being sent stays as it is."""
    delivery, endpoint = await lookups.delivery(db, access, delivery_id)
    endpoint = await lookups.living(db, access, endpoint.id)
    await messages.send_again(db, endpoint, [delivery.id], clock.now())
    await db.refresh(delivery)
    return view(delivery)
