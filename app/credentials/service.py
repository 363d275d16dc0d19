"""Accounts and their passwords."""

from app.core.db import Database
from app.core.errors import FieldError
from app.core.settings import Settings
from app.credentials.errors import WeakPassword
from app.credentials.passwords import MIN_CHARACTERS, hasher, weakness
from app.identity import service as identity
from app.identity.models import Account


async def account_of(db: Database, address: str) -> Account | None:
    """The account with this address."""
    return await identity.account_of(db, address)


async def add_account(db: Database, settings: Settings, address: str, password: str) -> Account:
    """A new account with a password."""
    return await identity.add_account(db, address, await hasher(settings).hash(password))


async def password_matches(settings: Settings, account: Account | None, password: str) -> bool:
    """Whether this is the account's password; takes as long when there is no account. Renews an outdated hash."""
    right = await hasher(settings).matches(account.password_hash if account else None, password)
    if account is None or not right:
        return False
    if account.password_hash and hasher(settings).is_outdated(account.password_hash):
        account.password_hash = await hasher(settings).hash(password)
    return True


def acceptable(password: str, clinic_name: str) -> str:
    """The password, or `WeakPassword`."""
    why = "too_short" if len(password) < MIN_CHARACTERS else weakness(password, clinic_name)
    if why is not None:
        fault = FieldError("/password", why, "Choose a longer or less common password.", {"min_length": MIN_CHARACTERS})
        raise WeakPassword(errors=[fault])
    return password
