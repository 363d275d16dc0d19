"""Telling the owners of endpoints that were given up, by mail: which, since when, why, and what to do.

Nothing is locked while a mail is sent. Who is told is noted afterwards, so after a crash in between they are told
twice, and never not at all.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock, mail
from app.core.db import EVERY_CLINIC, Database, unit_of_work
from app.core.logging import describe, log
from app.core.mail import Mail, MailRefusedError, MailServerError
from app.core.settings import Settings
from app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookLane
from app.webhooks.rules import Reason

AT_ONCE: Final = 50
_WHY: Final = {
    Reason.GONE: "It answered 410 Gone, by which a receiver says that it is gone for good.",
    Reason.FAILING: "Nothing that was sent to it arrived for five days.",
}
_TEXT: Final = """\
Afterglow has stopped sending events to an endpoint that you look after.

Endpoint:      {name} ({id})
Host:          {host}
Disabled:      {disabled}
Why:           {why}
Last success:  {success}
Last attempt:  {attempt}

What happens in the meantime is kept, for {days} days. When the receiver is well
again, enable the endpoint and have it told what it missed:

    POST {address}/enabling
    {{"replay_since": "{since}"}}

It is sent a signed ping first. Once it answers that with 2xx, it gets the
rest. What was tried before, and how that was answered:

    GET {address}/deliveries

Nobody reads answers to this mail.
"""


@dataclass(frozen=True, slots=True)
class _Notice:
    """What an owner is to be told."""

    endpoint: WebhookEndpoint
    lane: WebhookLane
    last: WebhookAttempt | None


async def tell_owners(engine: AsyncEngine, settings: Settings) -> int:
    """Mail the owners who were not told yet; how many were. What fails is tried again when this is called again."""
    notices = await _notices(engine)
    if notices and settings.smtp_url is None:
        _say_that_nobody_is_told()
        return 0
    told = 0
    for notice in notices:
        try:
            await mail.send(settings, _mail(notice, settings))
        except MailRefusedError as error:
            log.error("owner_not_told", endpoint_id=str(notice.endpoint.id), smtp_code=error.code, **describe(error))
            continue
        except MailServerError as error:
            log.error("owners_not_told", waiting=len(notices) - told, smtp_code=error.code, **describe(error))
            break
        await _note(engine, notice.endpoint)
        told += 1
    return told


@cache
def _say_that_nobody_is_told() -> None:
    """Once: this will not change before the process ends."""
    log.warning("owners_not_told", why="AFTERGLOW_SMTP_URL is not set")


async def _notices(engine: AsyncEngine) -> list[_Notice]:
    this = WebhookEndpoint
    untold = (
        sa.select(this, WebhookLane)
        .join(WebhookLane, WebhookLane.endpoint_id == this.id)
        .where(
            this.status == "disabled",
            this.disabled_reason.in_([reason.value for reason in _WHY]),
            this.owner_email.is_not(None),
            this.owner_told_at.is_(None),
            this.ended_at.is_(None),
        )
        .order_by(this.disabled_at)
        .limit(AT_ONCE)
    )
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        found = (await db.execute(untold)).all()
        return [_Notice(endpoint, lane, await _last_attempt(db, endpoint)) for endpoint, lane in found]


async def _last_attempt(db: Database, endpoint: WebhookEndpoint) -> WebhookAttempt | None:
    attempt, delivery = WebhookAttempt, WebhookDelivery
    last: WebhookAttempt | None = await db.scalar(
        sa.select(attempt)
        .join(delivery, sa.and_(delivery.clinic_id == attempt.clinic_id, delivery.id == attempt.delivery_id))
        .where(delivery.clinic_id == endpoint.clinic_id, delivery.endpoint_id == endpoint.id)
        .order_by(attempt.id.desc())
        .limit(1)
    )
    return last


async def _note(engine: AsyncEngine, endpoint: WebhookEndpoint) -> None:
    """Note that they were told, unless it was enabled and disabled once more in the meantime."""
    this = WebhookEndpoint
    async with unit_of_work(engine, endpoint.clinic_id) as db:
        await db.execute(
            sa.update(this)
            .where(this.id == endpoint.id, this.disabled_at == endpoint.disabled_at)
            .values(owner_told_at=clock.now())
            .execution_options(synchronize_session=False)
        )


def _mail(notice: _Notice, settings: Settings) -> Mail:
    """Only the host of the address is named: what follows it may be a key."""
    endpoint = notice.endpoint
    since = notice.lane.failing_since or endpoint.disabled_at
    text = _TEXT.format(
        name=endpoint.name,
        id=endpoint.id,
        host=urlsplit(endpoint.url).hostname,
        disabled=_moment(endpoint.disabled_at),
        why=_WHY[Reason(endpoint.disabled_reason or "")],
        success=_moment(notice.lane.last_success_at),
        attempt=_attempt(notice.last),
        since=f"{since:%Y-%m-%dT%H:%M:%SZ}",
        days=settings.event_retention_days,
        address=f"{settings.public_url}/v1/webhook-endpoints/{endpoint.id}",
    )
    disabled = f"{endpoint.disabled_at:%Y%m%d%H%M%S}"
    return Mail(
        to=endpoint.owner_email or "",
        subject=f"The endpoint {endpoint.name} was disabled",
        text=text,
        name=f"endpoint.{endpoint.id.hex}.{disabled}",
    )


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "none"


def _attempt(last: WebhookAttempt | None) -> str:
    if last is None:
        return "none that is still known"
    status = f" (HTTP {last.status})" if last.status else ""
    return f"{_moment(last.at)}: {last.outcome.replace('_', ' ')}{status}"
