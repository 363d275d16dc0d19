"""What `afterglow demo` decides before it serves, and what it tells."""

import contextlib
import json
import re
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core import clock
from app.credentials import totp
from app.demo import authenticator, command, database
from app.demo.bedside import SCRIPTS
from app.demo.command import DemoRefused, must_fill
from tests.demo.filled import NOW

BASE = "http://127.0.0.1:8123"


class TestMustFill:
    def test_when_there_is_none_yet_or_to_start_over(self, filled: Path, tmp_path: Path) -> None:
        assert must_fill(tmp_path / "demo.db", None, fresh=False)
        assert must_fill(filled, None, fresh=True)

    def test_keeps_what_fits(self, filled: Path) -> None:
        assert not must_fill(filled, None, fresh=False)
        assert not must_fill(filled, 1, fresh=False)

    def test_refuses_another_seed_rather_than_throwing_the_old_clinic_away(self, filled: Path) -> None:
        with pytest.raises(DemoRefused, match=r"seed 1.*FRESH=1"):
            must_fill(filled, 2, fresh=False)

    def test_refuses_what_another_release_filled(self, tmp_path: Path) -> None:
        (tmp_path / "demo.db").write_bytes(b"")

        with pytest.raises(DemoRefused, match=r"another release.*FRESH=1"):
            must_fill(tmp_path / "demo.db", None, fresh=False)

    def test_refuses_everything_but_development(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFTERGLOW_ENVIRONMENT", "production")

        with pytest.raises(DemoRefused, match="passwords that everybody knows"):
            must_fill(tmp_path / "demo.db", None, fresh=False)


class TestCode:
    def now_and_next(self, demo_file: Path, email: str) -> str:
        return command.code(database.demo_settings(demo_file, BASE), email)

    def test_is_the_next_one_that_signs_in(self, demo_file: Path) -> None:
        email = "prescriber@example.org"
        seed = authenticator.seed_of(email)

        with clock.told(NOW):
            first = self.now_and_next(demo_file, email)
            with contextlib.closing(sqlite3.connect(demo_file)) as connection, connection:
                connection.execute("UPDATE one_time_codes SET last_step = ?", [totp.step_at(NOW)])
            second = self.now_and_next(demo_file, email)

        assert (first, second) == tuple(totp.code_of(seed, totp.step_at(NOW) + later) for later in (0, 1))

    def test_waits_when_all_that_would_be_taken_were_used(
        self, demo_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waited: list[float] = []

        async def wait(seconds: float) -> None:
            waited.append(seconds)

        monkeypatch.setattr("app.demo.authenticator.asyncio.sleep", wait)
        with contextlib.closing(sqlite3.connect(demo_file)) as connection, connection:
            connection.execute("UPDATE one_time_codes SET last_step = ?", [totp.step_at(NOW) + 1])
        with clock.told(NOW + timedelta(seconds=10)):
            self.now_and_next(demo_file, "nurse@example.org")

        assert waited == [20.0]

    @pytest.mark.parametrize("email", ["sam.rivers@example.org", "nobody@example.org"])
    def test_is_nothing_that_patients_or_strangers_have(self, demo_file: Path, email: str) -> None:
        with pytest.raises(DemoRefused, match="signs in without a one-time code, or is not at the demo clinic"):
            self.now_and_next(demo_file, email)

    def test_needs_a_demo(self, tmp_path: Path) -> None:
        with pytest.raises(DemoRefused, match="make demo"):
            self.now_and_next(tmp_path / "demo.db", "nurse@example.org")


class TestTell:
    def lines(self, demo_file: Path, json_file: Path | None = None, now: datetime = NOW) -> str:
        with clock.told(now):
            return "\n".join(command.tell(database.demo_settings(demo_file, BASE), json_file))

    def test_names_everybody_who_can_sign_in(self, demo_file: Path) -> None:
        told = self.lines(demo_file)

        assert len(set(re.findall(r"[\w.]+@example\.org", told))) == 26 + 9 + 1
        assert "quiet-harbour-lantern-42" in told
        assert f"{BASE}/docs" in told

    def test_says_who_is_real(self, demo_file: Path) -> None:
        told = self.lines(demo_file)

        assert "Riverside Clinic (demo): invented people" in told
        assert "61 real people" in told
        assert "public.ctn0094data (MIT licence)" in told

    def test_gives_five_things_to_try(self, demo_file: Path) -> None:
        told = self.lines(demo_file)

        assert re.findall(r"^(\d)\. ", told, re.MULTILINE) == ["1", "2", "3", "4", "5"]
        assert len(re.findall(r"^   (?:\w+=\$\()?curl ", told, re.MULTILINE)) == 10

    def test_says_where_the_scripted_sessions_are(self, demo_file: Path) -> None:
        charts = re.findall(r"dosing-sessions/([0-9a-f-]{36})/chart\.png", self.lines(demo_file))

        assert len(set(charts)) == len(SCRIPTS)

    def test_says_when_its_today_is_over(self, demo_file: Path) -> None:
        assert "FRESH=1" not in self.lines(demo_file)
        assert "FRESH=1" in self.lines(demo_file, now=datetime(2026, 6, 24, tzinfo=UTC))

    def test_writes_tokens_where_only_the_owner_reads_them(self, demo_file: Path, tmp_path: Path) -> None:
        self.lines(demo_file, tmp_path / "new" / "demo.json")
        path = tmp_path / "new" / "demo.json"

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(path.read_text(encoding="utf-8"))["base_url"] == BASE

    def test_gives_tokens_of_twelve_hours(self, demo_file: Path, tmp_path: Path) -> None:
        from app.identity import tokens

        self.lines(demo_file, tmp_path / "demo.json")
        written = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
        read = [
            tokens.read(who["access_token"], tokens.Kind.ACCESS) for who in written["patients"] + written["clinicians"]
        ]

        assert {(token.expires_at - NOW).total_seconds() / 3600 for token in read if token} == {12}
        assert len(read) == 35
