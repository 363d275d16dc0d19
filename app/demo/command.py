"""What `afterglow demo` does before it serves: fill or keep the database, tell, write the file for scripts."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from app.core import clock, crypto
from app.core.db import create_engine, unit_of_work
from app.core.settings import SAMPLE_SECRET, Settings
from app.demo import authenticator, database, roster
from app.demo.guide import guide


class DemoRefused(Exception):  # noqa: N818  it is told to a person
    """The demo cannot start as it was asked to; the message says why."""


def must_fill(path: Path, seed: int | None, *, fresh: bool) -> bool:
    """Whether the database has to be filled first, because there is none yet or the person wants to start over."""
    if os.environ.get("AFTERGLOW_ENVIRONMENT", "development") != "development":
        raise DemoRefused("The demo has passwords that everybody knows: it refuses AFTERGLOW_ENVIRONMENT.")
    found = None if fresh else database.kept(path)
    if found is None:
        return True
    if not found.is_current:
        raise DemoRefused(f"{path} was filled by another release. Start over: make demo FRESH=1 (or --fresh).")
    if seed is not None and seed != found.seed:
        raise DemoRefused(f"{path} was filled with seed {found.seed}. Start over: make demo FRESH=1 (or --fresh).")
    return False


def code(settings: Settings, email: str) -> str:
    """The one-time code that signs somebody of the demo in next."""
    if database.kept(Path(settings.database_url.removeprefix("sqlite:///"))) is None:
        raise DemoRefused("There is no demo yet: run `make demo` first.")
    crypto.install([SAMPLE_SECRET])
    found = asyncio.run(authenticator.next_code(settings, email))
    if found is None:
        raise DemoRefused(f"{email} signs in without a one-time code, or is not at the demo clinic.")
    return found


def tell(settings: Settings, json_file: Path | None) -> list[str]:
    """The guide to the demo, line by line; writes the file for scripts if one is wanted."""
    people, document = asyncio.run(_look(settings, with_tokens=json_file is not None))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.touch(mode=0o600)  # it holds tokens
        json_file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return list(guide(people, settings.public_url, clock.now()))


async def _look(settings: Settings, *, with_tokens: bool) -> tuple[roster.Roster, dict[str, Any] | None]:
    crypto.install([SAMPLE_SECRET])
    engine = create_engine(settings)
    try:
        async with unit_of_work(engine) as db:
            people = await roster.read(db)
            return people, await roster.as_json(db, settings, people) if with_tokens else None
    finally:
        await engine.dispose()
