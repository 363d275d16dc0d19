"""The one-time codes of the demo's staff: for people without an authenticator app at hand, and for scripts.

Each seed follows from the person's address, so everybody can know it, as everybody knows their password.
"""

import asyncio
import base64
import hashlib
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.columns import EPOCH
from app.core.db import Database, create_engine, unit_of_work
from app.core.ids import new_id
from app.core.settings import Settings
from app.credentials import service as credentials
from app.credentials import totp
from app.credentials.models import OneTimeCodes
from app.identity.access import Caller
from app.identity.models import Membership
from app.identity.proofs import prove


def seed_of(email: str) -> str:
    """The seed of whoever has this address at the demo clinic, in base32."""
    return base64.b32encode(hashlib.sha256(f"afterglow demo: {email}".encode()).digest()[: totp.SEED_BYTES]).decode()


async def give(db: Database, caller: Caller, email: str) -> None:
    """Let a member of staff have their one-time codes, and have shown one on the device that they use."""
    membership = await db.get_one(Membership, caller.membership_id)
    now = clock.now()
    db.add(
        OneTimeCodes(
            id=new_id(), account_id=membership.account_id, seed=seed_of(email), created_at=now, confirmed_at=now
        )
    )
    await prove(db, caller.device_id, "otp")
    await db.flush()


async def next_code(settings: Settings, email: str) -> str | None:
    """The code that signs this person in next; None when they need none. It waits when theirs were used already."""
    engine = create_engine(settings)
    try:
        async with unit_of_work(engine) as db:
            account = await credentials.account_of(db, email)
            codes = account and await db.scalar(sa.select(OneTimeCodes).where(OneTimeCodes.account_id == account.id))
    finally:
        await engine.dispose()
    if not codes:
        return None
    step = max(totp.step_at(clock.now()), (codes.last_step or 0) + 1)
    taken_from = EPOCH + timedelta(seconds=(step - totp.NEIGHBOURS) * totp.STEP_SECONDS)
    await asyncio.sleep(max(0.0, (taken_from - clock.now()).total_seconds()))
    return totp.code_of(codes.seed, step)
