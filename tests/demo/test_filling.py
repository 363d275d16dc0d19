import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.core.schema_revision import newest_revision
from app.demo import filling
from app.demo.database import Kept, kept
from tests.demo.filled import NOW


class TestFill:
    def test_leaves_one_whole_file(self, filled: Path) -> None:
        beside = [path.name for path in filled.parent.glob("*demo.db*") if path != filled]
        with closing(sqlite3.connect(filled)) as connection:
            (state,) = connection.execute("PRAGMA integrity_check").fetchone()
            orphans = connection.execute("PRAGMA foreign_key_check").fetchall()

        assert beside == []
        assert (state, orphans) == ("ok", [])

    def test_leaves_what_was_there_when_it_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "demo.db"
        path.write_bytes(b"what was there")

        def break_off(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(filling, "write", break_off)
        with pytest.raises(KeyboardInterrupt):
            filling.fill(path, 1, NOW, break_off)

        assert path.read_bytes() == b"what was there"
        assert [found.name for found in tmp_path.iterdir()] == ["demo.db"]


class TestKept:
    def test_is_nothing_where_there_is_no_file(self, tmp_path: Path) -> None:
        assert kept(tmp_path / "demo.db") is None

    def test_tells_the_seed_and_the_schema(self, filled: Path) -> None:
        assert kept(filled) == Kept(seed=1, revision=newest_revision())

    @pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to look like one" * 20])
    def test_is_out_of_date_when_it_is_something_else(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "demo.db"
        path.write_bytes(content)
        found = kept(path)

        assert found is not None
        assert not found.is_current
