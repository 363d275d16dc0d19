"""What a guard is, and the one that lets anyone in. Those that ask who is calling are in `identity/access.py`."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fastapi import Depends, Request

from app.core import app_versions


@dataclass(frozen=True)
class Guard:
    """A dependency that decides who may call. Contract tests and the docs look for `is_guard` and `permission`."""

    permission: StrEnum | None
    is_guard: bool = field(default=True, init=False)

    @property
    def serves_old_apps(self) -> bool:
        """Whether an app that should have been updated is let in too."""
        return True


class _Public(Guard):
    async def __call__(self) -> None:
        """Anyone."""


class _CurrentApps(Guard):
    async def __call__(self, request: Request) -> None:
        """Anyone, but no app that is too old."""
        app_versions.check(request)

    @property
    def serves_old_apps(self) -> bool:
        """Not here."""
        return False


def public(*, current_apps_only: bool = False) -> Any:  # noqa: ANN401  FastAPI's marker
    """Let anyone in. `current_apps_only`: where an app begins, so that one which is too old says so at once."""
    return Depends(_CurrentApps(None) if current_apps_only else _Public(None))
