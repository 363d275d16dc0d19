"""What a worker knows of an endpoint while it holds its lane: how to reach it, how fast, and how it has been going."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.webhooks.rules import Health, Window

LONGEST_TURN_SECONDS: Final = 10
LINGER_SECONDS: Final = 2


@dataclass
class Lane:
    """A lane that this worker holds."""

    id: UUID
    """The endpoint's."""
    clinic_id: UUID
    name: str
    url: str
    purpose: str
    recipient_class: str
    pseudonym_key: str
    status: str
    version: int
    per_second: int
    window: Window
    health: Health
    secrets: tuple[tuple[str, datetime | None], ...]
    held_until: datetime
    gate: asyncio.Semaphore
    held_since: float = field(default_factory=time.monotonic)
    under_way: int = 0
    rests_until: float = 0
    busy_at: float = field(default_factory=time.monotonic)
    health_changed: bool = False
    _last_success: bool | None = None
    _tokens: float = 0
    _refilled: float = 0

    @classmethod
    def of(cls, endpoint: sa.Row[Any], secrets: list[sa.Row[Any]], held_until: datetime) -> "Lane":
        """The lane of an endpoint as it is stored."""
        lane = cls(
            id=endpoint.id,
            clinic_id=endpoint.clinic_id,
            name=endpoint.name,
            url=endpoint.url,
            purpose=endpoint.purpose,
            recipient_class=endpoint.recipient_class,
            pseudonym_key=endpoint.pseudonym_key,
            status=endpoint.status,
            version=endpoint.version,
            per_second=endpoint.max_per_second,
            window=Window.opening(endpoint.max_concurrency),
            health=Health(endpoint.failing_since, endpoint.failures),
            secrets=tuple((each.secret, each.ends_at) for each in secrets),
            held_until=held_until,
            gate=asyncio.Semaphore(endpoint.max_concurrency),
        )
        if lane.health.failures:
            lane.window = lane.window.after(success=False, fast=False)
        lane._tokens = float(lane.per_second)
        lane._refilled = lane.held_since
        return lane

    def renewed(self, other: "Lane") -> "Lane":
        """The lane with what was changed of the endpoint, going on where this one is."""
        other.under_way, other.health, other.held_since = self.under_way, self.health, self.held_since
        other.rests_until, other.health_changed = self.rests_until, self.health_changed
        other.held_until, other.busy_at = self.held_until, self.busy_at
        return other

    def signing_secrets(self, now: datetime) -> list[str]:
        """The secrets that sign now, the newest first."""
        return [secret for secret, ends_at in self.secrets if ends_at is None or ends_at > now]

    def room(self, now: float) -> int:
        """How many deliveries it can take: by its window, its rate, and unless the receiver asked for a rest.

        A lane that was held for long takes none, so that another worker has its turn.
        """
        if now < self.rests_until or self.had_turn(now):
            return 0
        self._tokens = min(self.per_second, self._tokens + (now - self._refilled) * self.per_second)
        self._refilled = now
        return max(0, min(self.window.size - self.under_way, int(self._tokens)))

    def may_go(self, now: float) -> bool:
        """Whether to let another worker hold it: nothing is under way, and it is idle or had its turn."""
        idle = now - self.busy_at > LINGER_SECONDS
        return not self.under_way and (idle or self.had_turn(now))

    def had_turn(self, now: float) -> bool:
        """Whether it was held for so long that others should have it."""
        return now - self.held_since > LONGEST_TURN_SECONDS

    def took(self, count: int, now: float) -> None:
        """So many were taken."""
        self.busy_at = now
        self._tokens -= count
        self.under_way += count

    def ended(self, *, success: bool, fast: bool, at: datetime, rest: timedelta | None, counts: bool) -> None:
        """An attempt ended, `fast` or not; with `rest` the receiver asked not to be called for so long.

        What is no event (a ping, a test) does not count for the endpoint's health.
        """
        self.window = self.window.after(success=success, fast=fast)
        if counts:
            before, self.health = self.health, self.health.after(success=success, at=at)
            self.health_changed = self.health_changed or self.health != before or success != self._last_success
            self._last_success = success
        if rest is not None:
            self.rests_until = max(self.rests_until, time.monotonic() + rest.total_seconds())

    def as_stored(self, now: datetime) -> dict[str, Any]:
        """Its health, to be written down."""
        last = {"last_success_at": now} if self._last_success else {"last_failure_at": now}
        return {"failing_since": self.health.failing_since, "failures": self.health.failures, **last}
