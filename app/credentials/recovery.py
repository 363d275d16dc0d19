"""Giving an account new credentials and taking all the old ones away."""

import sqlalchemy as sa

from app.core.db import Database
from app.credentials import passkeys
from app.credentials.models import OneTimeCodes
from app.identity import service as identity
from app.identity.models import Account


async def start_afresh(db: Database, account: Account, address: str, password_hash: str | None) -> None:
    """Set address and password, and forget one-time codes and passkeys: whoever found or stole one has nothing."""
    identity.set_address(account, address)
    account.password_hash = password_hash
    await db.execute(sa.delete(OneTimeCodes).where(OneTimeCodes.account_id == account.id))
    await passkeys.remove_all(db, account.id)
