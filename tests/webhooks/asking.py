"""Asking for what can be done with endpoints."""

from typing import Any
from uuid import UUID

import httpx2

from app.core.db import Database
from app.core.fields import instant_text
from tests.webhooks.rows import ago
from tests.webhooks.world import deliveries

URL = "https://127.0.0.1:9443/hook"
NEW: dict[str, Any] = {"url": URL, "event_types": ["check_in.*", "dosing_session.closed"]}
ALL = "/v1/webhook-endpoints"
ACTS = ["ping", "test", "secret-rotation", "disabling", "enabling", "replay"]


async def made(caller: httpx2.AsyncClient, **but: Any) -> dict[str, Any]:
    answer = await caller.post(ALL, json=NEW | but)
    assert answer.status_code == 201, answer.text
    endpoint: dict[str, Any] = answer.json()
    return endpoint


async def act(caller: httpx2.AsyncClient, endpoint_id: object, name: str, **body: Any) -> httpx2.Response:
    """Do something with an endpoint; what must be said is said."""
    least: dict[str, Any] = {"test": {"type": "check_in.recorded"}, "replay": {"since": instant_text(ago(hours=1))}}
    has_body = name not in {"ping", "disabling"}
    return await caller.post(f"{ALL}/{endpoint_id}/{name}", json=(body or least.get(name, {})) if has_body else None)


async def pings(db: Database, endpoint_id: str) -> int:
    return len([each for each in await deliveries(db, UUID(endpoint_id)) if each.kind == "ping"])
