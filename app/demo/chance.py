"""Chance that can be repeated: streams of numbers that hang on the seed and on a name, not on what was drawn before."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")
MILLISECOND_BITS = 48
RANDOM_BITS = 62


class Chance:
    """One stream. A change in one part of the simulator leaves the streams of all others alone."""

    def __init__(self, *names: object) -> None:
        self._names = names

    @cached_property
    def _random(self) -> random.Random:
        return random.Random("/".join(map(str, self._names)))  # noqa: S311  a simulator, not a secret

    def of(self, *names: object) -> "Chance":
        """The stream of something that belongs to this."""
        return Chance(*self._names, *names)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self._random.random() < probability

    def between(self, low: float, high: float) -> float:
        """Any number between the two."""
        return self._random.uniform(low, high)

    def around(self, middle: float, spread: float) -> float:
        """A number around the middle; two of three lie within one spread."""
        return self._random.gauss(middle, spread)

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return self._random.randint(low, high)

    def one_of(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return self._random.choice(choices)

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """The things in any order."""
        return self._random.sample(things, len(things))

    def id_at(self, moment: datetime, count: int = 0) -> UUID:
        """A UUIDv7 as a device would make it at this moment; `count` orders those of one millisecond."""
        milliseconds = int(moment.timestamp() * 1000) & ((1 << MILLISECOND_BITS) - 1)
        value = milliseconds << 80 | 7 << 76 | (count & 0xFFF) << 64 | 2 << 62 | self._random.getrandbits(RANDOM_BITS)
        return UUID(int=value)

    def ids(self, now: Callable[[], datetime]) -> Callable[[], UUID]:
        """A maker of ids that sort in the order in which they are made, as long as `now` does not go back."""
        last, count = now(), 0

        def make() -> UUID:
            nonlocal last, count
            last, count = (last, count + 1) if now() == last else (now(), 0)
            return self.id_at(last, count)

        return make
