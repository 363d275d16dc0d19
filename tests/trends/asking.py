"""Asking for a trend as a client does."""

from typing import Any

import httpx2

SEPTEMBER = {"from": "2026-09-01", "to": "2026-09-30"}


async def trend(client: httpx2.AsyncClient, address: str = "/v1/me/trends", **query: Any) -> dict[str, Any]:
    answer = await client.get(address, params={"measure": "craving"} | SEPTEMBER | query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def of_trends(sent: list[str]) -> list[str]:
    """The statements that are not the guard's."""
    return [statement for statement in sent if "devices" not in statement and "audit_entries" not in statement]
