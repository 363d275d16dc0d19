"""Second factors: setting one-time codes up, using them, and who may change what an account proves itself with.

What an account holds is named as in `Device.methods`: `otp` for one-time codes, `passkey` for passkeys.
"""

from uuid import UUID

import sqlalchemy as sa

from app.core import clock, limits
from app.core.db import Database
from app.core.errors import FieldError, NotFound
from app.core.ids import new_id
from app.credentials import passkeys, totp
from app.credentials.errors import ProofRefused, SecondFactorExists
from app.credentials.models import OneTimeCodes
from app.identity.access import Caller
from app.identity.errors import SecondFactorNeeded
from app.identity.models import Account, Device, Membership
from app.identity.permissions import SECOND_FACTORS

OTP = "otp"
CODE_POINTER = "/one_time_code"


async def account_of(db: Database, caller: Caller) -> Account:
    """Whose account a caller uses."""
    membership = await db.get_one(Membership, caller.membership_id)
    return await db.get_one(Account, membership.account_id)


async def one_time_codes(db: Database, account_id: UUID) -> OneTimeCodes | None:
    """The account's one-time codes, whether or not they count already."""
    return await db.scalar(sa.select(OneTimeCodes).where(OneTimeCodes.account_id == account_id))


async def held(db: Database, account_id: UUID) -> frozenset[str]:
    """The second factors that the account holds and that count."""
    codes = await one_time_codes(db, account_id)
    with_codes = {OTP} if codes is not None and codes.confirmed_at is not None else set()
    return frozenset(with_codes | ({passkeys.PASSKEY} if await passkeys.are_held(db, account_id) else set()))


async def only_proved(db: Database, caller: Caller, account_id: UUID) -> None:
    """Refuse a device that never showed the second factor its account holds: it may neither add nor remove one.

    Who knows a password alone could otherwise set up a factor of their own beside the owner's.
    """
    device = await db.get_one(Device, caller.device_id)
    if SECOND_FACTORS.isdisjoint(device.methods.split()) and await held(db, account_id):
        raise SecondFactorNeeded(keeps_writes=True)


async def begin(db: Database, account_id: UUID) -> OneTimeCodes:
    """A new seed, which counts once it is confirmed. One that was never confirmed is forgotten."""
    await db.execute(sa.select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))
    before = await one_time_codes(db, account_id)
    if before is not None and before.confirmed_at is not None:
        raise SecondFactorExists
    if before is not None:
        await db.delete(before)
        await db.flush()
    made = OneTimeCodes(id=new_id(), account_id=account_id, seed=totp.new_seed(), created_at=clock.now())
    db.add(made)
    await db.flush()
    return made


async def confirm(db: Database, account_id: UUID, codes_id: UUID, code: str) -> OneTimeCodes:
    """Let the seed count from now on, since a right code shows that an authenticator has it."""
    await limits.second_factor(db, account_id)
    codes = await _own(db, account_id, codes_id)
    if not await _use_up(db, codes, code):
        raise refusal(CODE_POINTER)
    if codes.confirmed_at is None:
        codes.confirmed_at = clock.now()
    return codes


async def use(db: Database, account_id: UUID, code: str) -> bool:
    """Whether this is a code of the account that was not used yet; it is used then."""
    await limits.second_factor(db, account_id)
    codes = await one_time_codes(db, account_id)
    return codes is not None and codes.confirmed_at is not None and await _use_up(db, codes, code)


async def remove(db: Database, account_id: UUID, codes_id: UUID) -> None:
    """Forget the seed."""
    await db.delete(await _own(db, account_id, codes_id))


def refusal(pointer: str) -> ProofRefused:
    """What a wrong password or code is told; what was written stays, since a try is counted."""
    fault = FieldError(pointer, "wrong", "It is wrong, or it was used already.")
    return ProofRefused(errors=[fault], keeps_writes=True)


async def _own(db: Database, account_id: UUID, codes_id: UUID) -> OneTimeCodes:
    codes = await one_time_codes(db, account_id)
    if codes is None or codes.id != codes_id:
        raise NotFound
    return codes


async def _use_up(db: Database, codes: OneTimeCodes, code: str) -> bool:
    step = totp.step_of(codes.seed, code, clock.now(), codes.last_step)
    if step is None:
        return False
    # One statement decides between two who bring the same code at the same moment.
    used = await db.scalar(
        sa.update(OneTimeCodes)
        .where(OneTimeCodes.id == codes.id, sa.or_(OneTimeCodes.last_step.is_(None), OneTimeCodes.last_step < step))
        .values(last_step=step)
        .returning(OneTimeCodes.id)
        .execution_options(synchronize_session=False)
    )
    return used is not None
