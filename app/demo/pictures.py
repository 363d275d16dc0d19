"""Draws the pictures of the documentation again: `python -m app.demo.pictures docs/pictures`.

They are what the chart routes answer about people of the demo, on a day that never changes.
"""

import asyncio
import sys
import tempfile
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.core import clock
from app.core.db import unit_of_work
from app.demo import filling, roster
from app.demo.database import demo_settings
from app.demo.people import DOMAIN
from app.main import create_app

DAY: Final = datetime(2026, 11, 22, 14, tzinfo=UTC)
PICTURES: Final = {
    "craving.png": ("sam.rivers", "/v1/me/trends/chart.png", 84),
    "craving-after-doses.png": ("jonas", "/v1/me/trends/dose-aligned/chart.png", 48),
}
"""Whose craving is drawn, by which route, for how many days back."""


def draw(database: Path, now: datetime, folder: Path) -> list[Path]:
    """Ask the chart routes of a demo that was filled at this moment; the files that were written."""
    with clock.told(now):
        pictures = asyncio.run(_ask(database))
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (folder / name).write_bytes(picture)
    return [folder / name for name in pictures]


async def _ask(database: Path) -> dict[str, bytes]:
    settings = demo_settings(database, "http://127.0.0.1:8000")
    app = create_app(settings)
    try:
        async with unit_of_work(app.state.engine) as db:
            document = await roster.as_json(db, settings, await roster.read(db))
        tokens = {who["email"]: who["access_token"] for who in document["patients"]}
        found = {}
        for name, (key, path, days) in PICTURES.items():
            query = f"measure=craving&from={(clock.now() - timedelta(days=days)).date()}"
            found[name] = await _get(app, path, query, tokens[f"{key}@{DOMAIN}"])
        return found
    finally:
        await app.state.engine.dispose()


async def _get(app: Any, path: str, query: str, token: str) -> bytes:  # noqa: ANN401  an ASGI application
    """What the application answers to one request, without a server between."""
    answer: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        answer.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in answer)
    if answer[0]["status"] != 200:  # noqa: PLR2004  OK
        raise RuntimeError(body.decode())
    return body


def main() -> None:
    """Fill a demo, ask it, and throw it away."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "demo.db"
        filling.fill(database, filling.DEFAULT_SEED, DAY, lambda _done, _total: None)
        for path in draw(database, DAY, Path(sys.argv[1])):
            print(path)


if __name__ == "__main__":
    main()
