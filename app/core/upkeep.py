"""What is kept up to date with every change of a patient's record, in the transaction of the change.

A package that keeps something derived from the records registers once, when it is imported. Whoever writes need not
know of it: counting a patient's revision touches the patient, and before the commit each keeper is given the patients
that were touched, with all that was written about them already in the database.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Part = tuple[Any, ...]
"""Something of a record that was written: the name of a table, and what a keeper of it may want to know beside."""


@dataclass(slots=True)
class Touch:
    """What a transaction did to the record of one patient, as far as it was said."""

    clinic_id: UUID
    parts: set[Part] | None
    """Null where it was not said, so that it may be anything."""

    def add(self, parts: Iterable[Part] | None) -> None:
        """Add what else was done."""
        if parts is None or self.parts is None:
            self.parts = None
        else:
            self.parts.update(parts)


Touched = Mapping[UUID, Touch]
"""By patient."""
Keeper = Callable[[Any, Touched], Awaitable[None]]
"""Given the `Database` of the transaction, which imports this module."""

_keepers: list[Keeper] = []


def register(keeper: Keeper) -> Keeper:
    """Call this keeper before the commit of every transaction that touched a patient."""
    _keepers.append(keeper)
    return keeper


async def keep_up(db: Any, touched: Touched) -> None:  # noqa: ANN401  see `Keeper`
    """Let each keeper do its part."""
    for keeper in _keepers:
        await keeper(db, touched)
