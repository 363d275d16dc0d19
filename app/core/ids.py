"""Identifiers made by the server: UUIDv7, so that rows written together lie together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

_maker: ContextVar[Callable[[], UUID]] = ContextVar("id_maker", default=uuid7)


def new_id() -> UUID:
    """A new UUIDv7."""
    return _maker.get()()


def first_id_of(moment: datetime) -> UUID:
    """The least UUIDv7 of this millisecond: ids that were made before are less, in both databases."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)


@contextmanager
def made_by(maker: Callable[[], UUID]) -> Iterator[None]:
    """Take ids from `maker` inside, in this task only. For the demo's simulator, which can be repeated."""
    before = _maker.set(maker)
    try:
        yield
    finally:
        _maker.reset(before)
