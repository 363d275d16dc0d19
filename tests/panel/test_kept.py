"""Whatever is written, by whom and in whatever order: the summary that was kept is the one that is made anew."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Database
from app.core.settings import Settings
from app.panel.statements import SUMMARY
from tests.cast import a_cast
from tests.dosing.sessions import TREATMENT, Clients
from tests.panel.days import OFTEN, Days, Summaries

pytestmark = pytest.mark.anyio
OPERATIONS = int(os.environ.get("AFTERGLOW_TEST_OPERATIONS", "160"))
MANY = 2000
"""Operations in which every column takes more than one value."""
A_TIME = 250
"""Operations in one clinic; then another begins, so that what a clinic has stays small."""
START = datetime(2026, 1, 12, 9, tzinfo=UTC)
Opens = Callable[[int], Awaitable[Days]]


@pytest.fixture
def open_clinic(db: Database, engine: AsyncEngine, settings: Settings, new_client: Clients) -> Opens:
    async def opened(seed: int) -> Days:
        cast = await a_cast(db, settings)
        words = {"type": TREATMENT, "language": "en", "title": "The treatment", "text": "You can stop at any time."}
        document = (await new_client(cast.prescriber.token).post("/v1/consent-documents", json=words)).json()
        days = Days(db, engine, settings, cast, new_client, Random(seed), document, START)
        await days.begin(2)
        return days

    return opened


def differences(kept: Summaries, rebuilt: Summaries) -> list[tuple[str, Any, Any]]:
    """Which columns differ, as they were kept and as they should be."""
    return [
        (name, kept.get(patient, {}).get(name), value)
        for patient, summary in rebuilt.items()
        for name, value in summary.items()
        if kept.get(patient, {}).get(name) != value
    ]


class TestWhatIsKept:
    async def test_equals_what_is_made_anew_whatever_happens(self, open_clinic: Opens) -> None:
        done: Counter[str] = Counter()
        seen: dict[str, set[str]] = {}
        for seed in range(-(-OPERATIONS // A_TIME)):
            days = await open_clinic(seed)
            past: list[str] = []
            first = list(OFTEN) if seed == 0 else []
            for number in range(min(A_TIME, OPERATIONS - seed * A_TIME)):
                past.append(await days.one_thing(first[number] if number < len(first) else None))
                kept, rebuilt = await days.kept_and_rebuilt()
                where = f"seed {seed}, after {len(past)} operations, the last: {past[-5:]}"
                assert differences(kept, rebuilt) == [], where
                assert len(kept) == len(days.patients)
            print(f"{seed * A_TIME + len(past)} operations")
            done += days.done
            for name, values in days.seen.items():
                seen.setdefault(name, set()).update(values)

        assert not OFTEN.keys() - done.keys()
        assert seen.keys() == {column.name for column in SUMMARY} - {"updated_at"}
        assert OPERATIONS < MANY or all(len(values) > 1 for values in seen.values())
