"""Things that pass through stages: a table says which stage may follow which, and a refusal says what is possible.

The tables themselves are clinical and stand in the `rules.py` of their packages.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from app.core.errors import Problem

S = TypeVar("S", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


class IllegalMove(Problem):
    """This cannot be done with the thing as it stands. Nothing was changed.

    `current` is its status, `open_moves` what can be done with it now, and `missing` what has to be done first, in that
    order; `missing` is empty when it can no longer be done at all. The names are those of the addresses
    (`POST .../{move}`); `move` is the `PUT` that plans it anew.
    """

    status = 409
    code = "illegal_move"
    title = "This cannot be done with it as it stands."

    def __init__(self, *, current: StrEnum, open_moves: Iterable[StrEnum], missing: Iterable[StrEnum] = ()) -> None:
        first = [move.value for move in missing]
        detail = f"It is {current.value}; first comes {', then '.join(first)}." if first else f"It is {current.value}."
        super().__init__(detail, current=current.value, open_moves=[move.value for move in open_moves], missing=first)


@dataclass(frozen=True, slots=True)
class Moves(Generic[S, A]):
    """Which stage may follow which, and which stages each action may lead to."""

    may_follow: Mapping[S, frozenset[S]]
    leads_to: Mapping[A, frozenset[S]]
    never_proposed: frozenset[A] = frozenset()
    """What nobody is told to do first: ways out in an emergency."""

    def open(self, stage: S) -> list[A]:
        """List the actions that can be taken now, in the order of the table."""
        return [action for action, targets in self.leads_to.items() if targets & self.may_follow[stage]]

    def check(self, stage: S, action: A, towards: S | None = None) -> None:
        """Raise `IllegalMove` unless the action can be taken now, towards this stage if it is named."""
        targets = self.leads_to[action] if towards is None else frozenset({towards})
        if not targets & self.may_follow[stage]:
            raise IllegalMove(current=stage, open_moves=self.open(stage), missing=self.missing(stage, targets))

    def missing(self, stage: S, targets: frozenset[S]) -> list[A]:
        """List the fewest actions, in order, after which one of the stages may follow; empty when none will do."""
        ways: deque[tuple[S, list[A]]] = deque([(stage, [])])
        seen = {stage}
        while ways:
            here, way = ways.popleft()
            if targets & self.may_follow[here]:
                return way
            for action, next_stages in self.leads_to.items():
                if action in self.never_proposed:
                    continue
                for there in sorted(next_stages & self.may_follow[here] - seen):
                    seen.add(there)
                    ways.append((there, [*way, action]))
        return []
