"""What is kept up to date with every change of a patient's record, in the transaction of the change.

A package that keeps something derived from the records registers once, when it is imported. Whoever writes need not
know of it: counting a patient's revision touches the patient, and before the commit each keeper is given the patients
that were touched, with all that was written about them already in the database.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

Touched = Mapping[UUID, UUID]
"""The clinic of each patient that a transaction touched."""
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
