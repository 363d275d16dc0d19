"""What a guard is, and the one that lets anyone in. Those that ask who is calling are in `identity/access.py`."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fastapi import Depends


@dataclass(frozen=True)
class Guard:
    """A dependency that decides who may call. Contract tests and the docs look for `is_guard` and `permission`."""

    permission: StrEnum | None
    is_guard: bool = field(default=True, init=False)


class _Public(Guard):
    async def __call__(self) -> None:
        """Anyone."""


def public() -> Any:  # noqa: ANN401  FastAPI's marker
    """Let anyone in."""
    return Depends(_Public(None))
