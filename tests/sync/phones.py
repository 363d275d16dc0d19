"""A phone that keeps in step: it stores what it is told, and can be compared with one that begins anew."""

from dataclasses import dataclass, field
from typing import Any

import httpx2

Key = tuple[str, str]


@dataclass
class Phone:
    """What one device has of the record, by type and id."""

    client: httpx2.AsyncClient
    limit: int = 1000
    cursor: str | None = None
    things: dict[Key, Any] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    """Everything in the order in which it came, for tests that look closely."""

    async def ask(self) -> dict[str, Any]:
        """One page, taken over."""
        wanted = {"limit": self.limit} | ({} if self.cursor is None else {"cursor": self.cursor})
        answer = await self.client.get("/v1/me/changes", params=wanted)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        for item in page["items"]:
            key = item["type"], item["id"]
            if item["deleted"]:
                self.things.pop(key, None)
            else:
                self.things[key] = item["data"]
        self.told += page["items"]
        self.cursor = page["next_cursor"]
        return page

    async def sync(self) -> list[Key]:
        """Every page there is; what was told."""
        before = len(self.told)
        while (await self.ask())["has_more"]:
            pass
        return [(item["type"], item["id"]) for item in self.told[before:]]

    async def anew(self) -> "Phone":
        """Another phone that reads the whole record now."""
        other = Phone(self.client, self.limit)
        await other.sync()
        return other
