"""The secrets of an endpoint: one signs, and those of before go on signing beside it until they end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from app.core.db import Database
from app.core.ids import new_id
from app.webhooks import signing
from app.webhooks.errors import TooManyWebhookSecrets
from app.webhooks.models import WebhookEndpoint, WebhookSecret

MOST_LIVE: Final = 10


async def live(db: Database, endpoint: WebhookEndpoint, now: datetime) -> Sequence[WebhookSecret]:
    """The secrets that sign, the newest first."""
    this = WebhookSecret
    found = await db.scalars(
        sa.select(this)
        .where(
            this.clinic_id == endpoint.clinic_id,
            this.endpoint_id == endpoint.id,
            sa.or_(this.ends_at.is_(None), this.ends_at > now),
        )
        .order_by(this.created_at.desc(), this.id.desc())
    )
    return found.all()


def add(db: Database, endpoint: WebhookEndpoint, now: datetime) -> str:
    """A new secret, which signs from now on."""
    secret = signing.new_secret()
    db.add(
        WebhookSecret(id=new_id(), clinic_id=endpoint.clinic_id, endpoint_id=endpoint.id, secret=secret, created_at=now)
    )
    return secret


async def rotate(db: Database, endpoint: WebhookEndpoint, keep_old_hours: int, now: datetime) -> str:
    """A new secret, which signs first; those of before sign too for so many hours, or as long as they would have."""
    before = await live(db, endpoint, now)
    if keep_old_hours and len(before) >= MOST_LIVE:
        raise TooManyWebhookSecrets
    _end(before, now + timedelta(hours=keep_old_hours))
    return add(db, endpoint, now)


async def end_all(db: Database, endpoint: WebhookEndpoint, now: datetime) -> None:
    """Let nothing sign for this endpoint any more."""
    _end(await live(db, endpoint, now), now)


def _end(before: Sequence[WebhookSecret], at: datetime) -> None:
    for secret in before:
        secret.ends_at = min(at, secret.ends_at or at)
