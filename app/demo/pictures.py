"""Draws the pictures of the documentation again: `python -m app.demo.pictures docs/pictures`.

They are what the chart routes answer about people of the demo, on a day that never changes.
"""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

from app.core import clock
from app.core.db import unit_of_work
from app.demo import filling, in_process, roster
from app.demo.database import demo_settings
from app.demo.people import DOMAIN
from app.main import create_app

DAY: Final = datetime(2026, 11, 22, 14, tzinfo=UTC)
PICTURES: Final = {
    "craving.png": ("sam.rivers", "/v1/me/trends/chart.png", 84),
    "craving-after-doses.png": ("jonas", "/v1/me/trends/dose-aligned/chart.png", 48),
}
"""Whose craving is drawn, by which route, for how many days back."""
SESSIONS: Final = {"session.png": "hypertensive"}
"""Which of the scripted sessions is drawn."""


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
            people = await roster.read(db)
            document = await roster.as_json(db, settings, people)
        tokens = {who["email"]: who["access_token"] for who in document["patients"] + document["clinicians"]}
        wanted = {
            name: (f"{path}?measure=craving&from={(clock.now() - timedelta(days=days)).date()}", key)
            for name, (key, path, days) in PICTURES.items()
        } | {
            name: (f"/v1/dosing-sessions/{people.played[script]}/chart.png", "prescriber")
            for name, script in SESSIONS.items()
        }
        found = {}
        for name, (address, key) in wanted.items():
            status, _, picture = await in_process.ask(app, "GET", address, tokens[f"{key}@{DOMAIN}"])
            if status != HTTPStatus.OK:
                raise RuntimeError(picture)
            found[name] = picture
        return found
    finally:
        await app.state.engine.dispose()


def main() -> None:
    """Fill a demo, ask it, and throw it away."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "demo.db"
        filling.fill(database, filling.DEFAULT_SEED, DAY, lambda _done, _total: None)
        for path in draw(database, DAY, Path(sys.argv[1])):
            print(path)


if __name__ == "__main__":
    main()
