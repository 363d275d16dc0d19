"""Passwords and other guessable secrets: argon2id, a few at a time, off the event loop."""

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.settings import Settings

MIN_CHARACTERS = 15
MAX_CHARACTERS = 256
# Long enough to pass the length rule, yet among the first that anyone tries.
TOO_COMMON = ("password", "passwort", "qwerty", "123456", "letmein", "iloveyou", "ketamine", "afterglow", "recovery")


class Hasher:
    """argon2id with this process's settings. At most a few hashes run at once: each needs its memory."""

    def __init__(self, rounds: int, memory_kib: int, at_once: int) -> None:
        self._argon2 = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._room = asyncio.Semaphore(at_once)
        # Checked instead of the hash of an account that does not exist, so that both take the same time.
        self._nobody = self._argon2.hash("nobody's password")

    async def hash(self, secret: str) -> str:
        """The hash to store."""
        async with self._room:
            return await asyncio.to_thread(self._argon2.hash, secret)

    async def matches(self, stored: str | None, secret: str) -> bool:
        """Whether `secret` is the one that was hashed; takes as long when nothing is stored."""
        async with self._room:
            right = await asyncio.to_thread(self._verify, stored or self._nobody, secret)
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker settings than today's."""
        return self._argon2.check_needs_rehash(stored)

    def _verify(self, stored: str, secret: str) -> bool:
        try:
            return self._argon2.verify(stored, secret)
        except (VerificationError, InvalidHashError):
            return False


def hasher(settings: Settings) -> Hasher:
    """The hasher for these settings; made once, since making one costs a hash."""
    return _hasher(settings.password_hash_rounds, settings.password_hash_memory_kib, settings.password_hashes_at_once)


@lru_cache(maxsize=8)
def _hasher(rounds: int, memory_kib: int, at_once: int) -> Hasher:
    return Hasher(rounds, memory_kib, at_once)


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
