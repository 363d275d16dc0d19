"""Identifiers made by the server: UUIDv7, so that rows written together lie together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from uuid_utils.compat import uuid7

_maker: ContextVar[Callable[[], UUID]] = ContextVar("id_maker", default=uuid7)


def new_id() -> UUID:
    """A new UUIDv7."""
    return _maker.get()()


@contextmanager
def made_by(maker: Callable[[], UUID]) -> Iterator[None]:
    """Take ids from `maker` inside, in this task only. For the demo's simulator, which can be repeated."""
    before = _maker.set(maker)
    try:
        yield
    finally:
        _maker.reset(before)
