"""An authenticator app, for tests."""

from dataclasses import dataclass
from datetime import datetime

from app.core import clock
from app.core.db import Database
from app.credentials import second_factors, totp
from tests.factories import Person


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Shows codes of a seed."""

    seed: str

    def code(self, *, steps: int = 0, at: datetime | None = None) -> str:
        """The present code, or the one so many steps later."""
        return totp.code_of(self.seed, totp.step_at(at or clock.now()) + steps)

    def wrong(self) -> str:
        """Six digits that are none of the codes near now."""
        near = {self.code(steps=steps) for steps in range(-3, 4)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444") if code not in near)


async def an_authenticator(db: Database, person: Person) -> Authenticator:
    """Give somebody one-time codes that count already, and their authenticator."""
    assert person.membership.account_id is not None
    codes = await second_factors.begin(db, person.membership.account_id)
    codes.confirmed_at = clock.now()
    await db.flush()
    return Authenticator(codes.seed)
