import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from app.core import clock, crypto, ids, migrating
from app.core.db import create_engine
from app.core.settings import SAMPLE_SECRET
from app.demo import inline_sqlite
from app.demo.chance import Chance
from app.demo.database import demo_settings
from app.demo.script import write
from app.demo.simulator import Simulator
from tests.demo.filled import NOW


def lived(path: Path, seed: int) -> dict[str, list[bytes]]:
    """The ids that a clinic with one patient gets."""
    settings = demo_settings(path, "http://127.0.0.1:8000")
    migrating.upgrade(settings)
    crypto.install([SAMPLE_SECRET])
    script = [act for act in write(NOW, seed) if act.patient == "noor"]

    async def live() -> None:
        engine = create_engine(settings)
        inline_sqlite.install(engine)
        with ids.made_by(Chance(seed, "server").ids(clock.now)):
            await Simulator(engine, settings).live(script, lambda _: None)
        await engine.dispose()

    asyncio.run(live())
    tables = ("clinics", "memberships", "patients", "devices", "check_ins", "dosing_sessions", "outbox_events")
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: [row[0] for row in connection.execute(f"SELECT id FROM {table} ORDER BY id")] for table in tables
        }


class TestSimulator:
    def test_gives_the_same_ids_for_the_same_seed_and_present(self, tmp_path: Path) -> None:
        once, again, other = (
            lived(tmp_path / name, seed) for name, seed in (("once.db", 1), ("again.db", 1), ("other.db", 2))
        )

        assert all(once.values())
        assert once == again
        assert all(set(once[table]).isdisjoint(other[table]) for table in once)
