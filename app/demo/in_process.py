"""Requests to the real application without a server between."""

import json
from collections.abc import MutableMapping
from typing import Any

from app.demo.play import Answer, Headers


async def ask(app: Any, method: str, path: str, token: str, body: Any = None, headers: Headers | None = None) -> Answer:  # noqa: ANN401  an ASGI application, JSON
    """What the application answers to one request: status, headers, and JSON or bytes."""
    answer: list[MutableMapping[str, Any]] = []
    content = b"" if body is None else json.dumps(body).encode()
    sent = {"authorization": f"Bearer {token}", "content-type": "application/json", **(headers or {})}
    path, _, query = path.partition("?")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        answer.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    told = {name.decode().lower(): value.decode() for name, value in answer[0]["headers"]}
    found = b"".join(message.get("body", b"") for message in answer)
    is_json = found and told.get("content-type", "").endswith("json")
    return answer[0]["status"], told, json.loads(found) if is_json else found
