"""Passwords and other guessable secrets: argon2id, a few at a time, off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from app.core.errors import Unavailable
from app.core.settings import Settings

MIN_CHARACTERS = 15
MAX_CHARACTERS = 256
RETRY_SECONDS = "2"
# Long enough to pass the length rule, yet among the first that anyone tries.
TOO_COMMON = ("password", "passwort", "qwerty", "123456", "letmein", "iloveyou", "ketamine", "afterglow", "recovery")

Result = TypeVar("Result")


class Hasher:
    """argon2id with this process's settings. At most a few hashes run at once: each needs its memory.

    They have threads of their own, so that nobody who gives up waiting makes room for one too many. When too many wait
    for their turn, the next is sent away at once (`Unavailable`): a queue nobody has the patience for helps nobody.
    """

    def __init__(self, rounds: int, memory_kib: int, at_once: int, waiting: int = 64) -> None:
        from argon2 import PasswordHasher  # noqa: PLC0415  a megabyte, for who signs in

        self._argon2 = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="hashing")
        self._room = at_once + waiting
        self._asked = 0
        # Checked instead of the hash of an account that does not exist, so that both take the same time.
        self._nobody = self._argon2.hash("nobody's password")

    async def hash(self, secret: str) -> str:
        """The hash to store."""
        return await self._in_turn(self._argon2.hash, secret)

    async def matches(self, stored: str | None, secret: str) -> bool:
        """Whether `secret` is the one that was hashed; takes as long when nothing is stored."""
        right = await self._in_turn(self._verify, stored or self._nobody, secret)
        return right and stored is not None

    async def _in_turn(self, work: Callable[..., Result], *given: str) -> Result:
        if self._asked >= self._room:
            raise Unavailable(detail="Too many sign in just now.", headers={"Retry-After": RETRY_SECONDS})
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._asked -= 1

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker settings than today's."""
        return self._argon2.check_needs_rehash(stored)

    def _verify(self, stored: str, secret: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415  see above

        try:
            return self._argon2.verify(stored, secret)
        except (VerificationError, InvalidHashError):
            return False


def hasher(settings: Settings) -> Hasher:
    """The hasher for these settings; made once, since making one costs a hash."""
    return _hasher(
        settings.password_hash_rounds,
        settings.password_hash_memory_kib,
        settings.password_hashes_at_once,
        settings.password_hashes_waiting,
    )


@lru_cache(maxsize=8)
def _hasher(rounds: int, memory_kib: int, at_once: int, waiting: int) -> Hasher:
    return Hasher(rounds, memory_kib, at_once, waiting)


def weakness(password: str, clinic_name: str) -> str | None:
    """Why a password is refused, or None. Length decides; there are no rules about kinds of characters."""
    lowered = password.casefold()
    if len(set(lowered)) < 5:  # noqa: PLR2004  one or two characters repeated
        return "too_repetitive"
    # What is left without the common parts must still carry the password.
    rest = lowered
    for common in (*TOO_COMMON, *clinic_name.casefold().split()):
        rest = rest.replace(common, "")
    return "too_common" if len(rest) < 8 else None  # noqa: PLR2004  the shortest remainder worth guessing
