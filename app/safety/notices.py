"""Sending notices of alerts by mail: that an item waits, and nothing else.

A notice is a row until the mail server has taken it. While the server is away it is tried again, with growing gaps and
without an end; only an answer to the alert makes it needless. Nothing is locked while a mail is sent: a notice is
claimed for as long as sending can last, so after a crash in between somebody is told twice, and never not at all.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import clock, mail
from app.core.db import EVERY_CLINIC, unit_of_work
from app.core.logging import describe, log
from app.core.mail import Mail, MailRefusedError, MailServerError
from app.core.settings import Settings
from app.identity.models import Account, Membership
from app.safety.models import AlertNotice
from app.safety.telling import NEEDLESS, PENDING, REFUSED, SENT

AT_ONCE: Final = 50
CLAIM: Final = timedelta(seconds=mail.SECONDS_IN_ALL + 30)
GAPS: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40, 80, 160, 300))
"""How long a notice waits after each attempt that failed; the last goes on for ever."""
PERMANENT: Final = 500
"""From this answer of a mail server on, asking again does not help."""
_PENDING: Final = sa.literal(PENDING, literal_execute=True)  # said literally, so that the partial index is used
_TEXT: Final = """\
An item needs review.

It waits for you in Afterglow:

    {public_url}/v1/alerts/{alert_id}

Sign in, for instance at {public_url}/docs, to read and to answer it.

Nobody reads answers to this mail.
"""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A notice that is to be sent now."""

    id: UUID
    clinic_id: UUID
    alert_id: UUID
    attempts: int
    email: str | None


async def send_notices(engine: AsyncEngine, settings: Settings) -> int:
    """Send what is due; how many were sent. A server that is away ends the round: the next one tries again."""
    waiting = await _due(engine)
    if waiting and settings.smtp_url is None:
        _say_that_nobody_is_told()
        return 0
    sent = 0
    for notice in waiting:
        if not await _claim(engine, notice):
            continue  # another worker has it, or somebody answered
        if notice.email is None:  # they left
            await _note(engine, notice, NEEDLESS)
            continue
        try:
            await mail.send(settings, _mail(notice, notice.email, settings))
        except MailRefusedError as error:
            await _refused(engine, notice, error)
        except MailServerError as error:
            log.error("notices_not_sent", waiting=len(waiting) - sent, smtp_code=error.code, **describe(error))
            await _later(engine, notice)
            break
        else:
            await _note(engine, notice, SENT)
            sent += 1
    return sent


@cache
def _say_that_nobody_is_told() -> None:
    """Once: this will not change before the process ends."""
    log.warning("notices_not_sent", why="AFTERGLOW_SMTP_URL is not set")


async def _due(engine: AsyncEngine) -> list[_Waiting]:
    this, account = AlertNotice, Account
    statement = (
        sa.select(this, Membership.ended_at, account.email)
        .join(Membership, sa.and_(Membership.clinic_id == this.clinic_id, Membership.id == this.membership_id))
        .join(account, account.id == Membership.account_id)
        .where(this.state == _PENDING, this.due_at <= clock.now())
        .order_by(this.due_at)
        .limit(AT_ONCE)
    )
    async with unit_of_work(engine, EVERY_CLINIC) as db:
        found = (await db.execute(statement)).all()
    return [
        _Waiting(row.id, row.clinic_id, row.alert_id, row.attempts, None if ended_at else email)
        for row, ended_at, email in found
    ]


async def _claim(engine: AsyncEngine, notice: _Waiting) -> bool:
    """Count the attempt and keep others from it; False when another worker was first, or nobody needs it any more."""
    return await _change(
        engine,
        notice,
        AlertNotice.attempts == notice.attempts,
        attempts=notice.attempts + 1,
        due_at=clock.now() + CLAIM,
    )


async def _later(engine: AsyncEngine, notice: _Waiting) -> None:
    gap = GAPS[min(notice.attempts, len(GAPS) - 1)]
    await _change(engine, notice, sa.true(), due_at=clock.now() + gap)


async def _refused(engine: AsyncEngine, notice: _Waiting, error: MailRefusedError) -> None:
    """The server will not take this one. For good, or (a full mailbox) for now."""
    log.error("notice_refused", notice_id=str(notice.id), smtp_code=error.code, **describe(error))
    if error.code is not None and error.code < PERMANENT:
        await _later(engine, notice)
    else:
        await _note(engine, notice, REFUSED)


async def _note(engine: AsyncEngine, notice: _Waiting, state: str) -> None:
    """Note what became of it; also of what somebody answered meanwhile, since it was sent."""
    sent_at = clock.now() if state == SENT else None
    async with unit_of_work(engine, notice.clinic_id) as db:
        await db.execute(
            sa.update(AlertNotice)
            .where(AlertNotice.id == notice.id)
            .values(state=state, sent_at=sent_at)
            .execution_options(synchronize_session=False)
        )


async def _change(engine: AsyncEngine, notice: _Waiting, only_if: sa.ColumnElement[bool], **values: object) -> bool:
    """Change a notice that still waits; whether it did."""
    async with unit_of_work(engine, notice.clinic_id) as db:
        changed = await db.execute(
            sa.update(AlertNotice)
            .where(AlertNotice.id == notice.id, AlertNotice.state == PENDING, only_if)
            .values(**values)
            .returning(AlertNotice.id)
            .execution_options(synchronize_session=False)
        )
        return changed.one_or_none() is not None


def _mail(notice: _Waiting, to: str, settings: Settings) -> Mail:
    return Mail(
        to=to,
        subject="An item needs review",
        text=_TEXT.format(public_url=settings.public_url, alert_id=notice.alert_id),
        name=f"notice.{notice.id.hex}",
    )
