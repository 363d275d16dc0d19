"""A sender that may reach loopback, and what it takes to post with it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from app.core.settings import Settings
from app.webhooks.network import Resolve
from app.webhooks.sending import Answer, Sender

INSIDE = Settings(webhook_allowed_networks=["127.0.0.0/8"])
BODY = b'{"type":"check_in.recorded"}'


async def all_on_loopback(host: str, port: int) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


@dataclass
class Post:
    """Posts to one endpoint, unless told otherwise."""

    sender: Sender
    endpoint_id: UUID = field(default_factory=uuid4)

    async def __call__(self, url: str, *, leave: float = 5, endpoint_id: UUID | None = None) -> Answer:
        headers = {"webhook-id": "msg_1", "x-part2-notice": "42 CFR part 2"}
        return await self.sender.post(
            endpoint_id or self.endpoint_id, url, headers, BODY, not_after=time.monotonic() + leave
        )


@asynccontextmanager
async def posting(*, seconds: float = 5, resolve: Resolve = all_on_loopback, **settings: Any) -> AsyncIterator[Post]:
    """A sender of its own, closed in the end."""
    sender = Sender(INSIDE.model_copy(update=settings), seconds=seconds, resolve=resolve)
    try:
        yield Post(sender)
    finally:
        await sender.close()
