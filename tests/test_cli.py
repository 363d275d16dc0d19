"""The `afterglow` command, as a person at a terminal meets it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
from typer.testing import CliRunner, Result

from app import cli
from app.core import starting
from app.core.schema_revision import newest_revision
from app.core.settings import Settings, get_settings

SECRET = "vK3_9xQ-27LmZpR8sTuYwBcDfGhJkN4e"
Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs a command in this process, with these variables set."""

    def run(*words: str, **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        return CliRunner().invoke(cli.app, words, prog_name="afterglow")

    yield run
    get_settings.cache_clear()


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """The address of a database that is not there yet."""
    return f"sqlite:///{tmp_path / 'new' / 'afterglow.db'}"


class TestHelp:
    def test_names_every_command(self, command: Command) -> None:
        told = command("--help").output

        for name in ("serve", "migrate", "demo", "settings", "create-clinic", "import", "openapi"):
            assert name in told

    def test_loads_nothing_that_it_does_not_need(self, root: Path) -> None:
        asked = "import sys, app.cli; print([m for m in sys.argv[1:] if m in sys.modules])"
        heavy = ["sqlalchemy", "fastapi", "pydantic", "alembic", "numpy", "rich", "asyncpg", "aiosqlite", "uvicorn"]
        loaded = subprocess.run(
            [sys.executable, "-c", asked, *heavy], cwd=root, capture_output=True, text=True, check=True
        )

        assert loaded.stdout.strip() == "[]"


class TestSettings:
    @pytest.mark.parametrize(
        ("environment", "said"),
        [
            ({"AFTERGLOW_ENVIRONMENT": "production"}, "AFTERGLOW_SECRET_KEYS must be set outside development"),
            ({"AFTERGLOW_POOL_SIZE": "none"}, "AFTERGLOW_POOL_SIZE: "),
            ({"AFTERGLOW_SECRET_KEYS": SECRET}, 'field "secret_keys"'),
            ({"AFTERGLOW_SECRET_KEYS_FILE": "not-there.txt"}, "A file that AFTERGLOW_*_FILE names cannot be read"),
        ],
        ids=["no secret", "no number", "no list", "no file"],
    )
    @pytest.mark.parametrize("words", [("serve",), ("migrate",), ("import", "check-ins", "x.csv", "--map", "x.toml")])
    def test_that_are_wrong_are_told_in_one_sentence(
        self, command: Command, words: tuple[str, ...], environment: dict[str, str], said: str
    ) -> None:
        result = command(*words, **environment)

        assert result.exit_code == 2
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
        assert SECRET not in result.output

    def test_are_all_listed_and_no_value_is(self, command: Command) -> None:
        told = command("settings", AFTERGLOW_SECRET_KEYS=json.dumps([SECRET])).output

        assert SECRET not in told
        assert [name for name in Settings.model_fields if f"AFTERGLOW_{name.upper()}" not in told] == []


class TestMigrate:
    def test_brings_an_empty_database_to_the_newest_schema(self, command: Command, nowhere: str) -> None:
        first = command("migrate", AFTERGLOW_DATABASE_URL=nowhere)
        second = command("migrate")

        assert (first.exit_code, second.exit_code) == (0, 0)
        assert f"from no schema to {newest_revision()}" in first.output
        assert "the newest schema" in second.output

    def test_check_changes_nothing(self, command: Command, nowhere: str) -> None:
        old = command("migrate", "--check", AFTERGLOW_DATABASE_URL=nowhere)
        made = Path(nowhere.removeprefix("sqlite:///")).exists()
        command("migrate")
        new = command("migrate", "--check")

        assert (old.exit_code, made, new.exit_code) == (1, False, 0)
        assert "afterglow migrate" in old.stderr

    def test_tells_when_the_database_does_not_answer(self, command: Command) -> None:
        result = command("migrate", AFTERGLOW_DATABASE_URL="postgresql://somebody:CANARY@127.0.0.1:1/afterglow")

        assert result.exit_code == 1
        assert "does not answer" in result.stderr
        assert "CANARY" not in result.output


class TestServe:
    def test_refuses_a_database_without_a_schema_and_does_not_make_one(self, command: Command, nowhere: str) -> None:
        result = command("serve", AFTERGLOW_DATABASE_URL=nowhere)

        assert result.exit_code == 1
        assert "Run `afterglow migrate`" in result.stderr
        assert not Path(nowhere.removeprefix("sqlite:///")).exists()

    def test_refuses_several_processes_on_sqlite(self, command: Command, nowhere: str) -> None:
        result = command("serve", "--workers", "2", AFTERGLOW_DATABASE_URL=nowhere)

        assert result.exit_code == 2
        assert "SQLite is for one process" in result.stderr

    def test_refuses_a_port_that_is_in_use(self, command: Command, nowhere: str) -> None:
        command("migrate", AFTERGLOW_DATABASE_URL=nowhere)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            result = command("serve", "--port", port)

        assert result.exit_code == 1
        assert f"Port {port} of 127.0.0.1 is in use" in result.stderr

    def test_starts_on_the_schema_of_a_newer_release(
        self, command: Command, nowhere: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        command("migrate", AFTERGLOW_DATABASE_URL=nowhere)
        monkeypatch.setattr(starting, "newest_revision", lambda: "0000older0000")
        monkeypatch.setattr("app.core.schema_revision.MIGRATIONS", Path("nowhere"))
        started: list[object] = []
        monkeypatch.setattr(cli, "_run", lambda *arguments, **_: started.append(arguments[0]))
        monkeypatch.setattr("app.core.logging.configure", lambda _settings: None)
        result = command("serve", "--port", "18765")

        assert result.exit_code == 0
        assert started == ["app.main:create_app"]
        assert "newer than this release knows" in result.stderr


@pytest.mark.postgresql
class TestServeBehindTheWall:
    PRODUCTION = MappingProxyType(
        {
            "AFTERGLOW_ENVIRONMENT": "production",
            "AFTERGLOW_PUBLIC_URL": "https://afterglow.example.org",
            "AFTERGLOW_SECRET_KEYS": '["a-secret-of-a-test-that-is-long-enough-0123456789"]',
        }
    )

    def test_production_refuses_a_role_that_no_wall_binds(self, command: Command, superuser_url: str) -> None:
        result = command("serve", "--port", "18765", AFTERGLOW_DATABASE_URL=superuser_url, **self.PRODUCTION)

        assert result.exit_code == 1
        assert "IN ROLE afterglow_app" in result.stderr

    def test_production_starts_as_a_member_of_the_applications_role(
        self, command: Command, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[object] = []
        monkeypatch.setattr(cli, "_run", lambda *arguments, **_: started.append(arguments[0]))
        monkeypatch.setattr("app.core.logging.configure", lambda _settings: None)
        result = command("serve", "--port", "18765", AFTERGLOW_DATABASE_URL=database_url, **self.PRODUCTION)

        assert (result.exit_code, started) == (0, ["app.main:create_app"])


class TestCreateClinic:
    def test_prints_a_code_that_makes_a_clinic_admin(self, command: Command, nowhere: str) -> None:
        command("migrate", AFTERGLOW_DATABASE_URL=nowhere)
        result = command(
            "create-clinic", "Riverside", "--time-zone", "Europe/Berlin", "--admin-email", "greta@example.org"
        )

        assert result.exit_code == 0
        assert "/v1/activations" in result.output
        code = next(line.strip() for line in result.output.splitlines() if line.startswith("    ") and "-" in line)
        assert [len(part) for part in code.split("-")] == [4, 4, 4]

    @pytest.mark.parametrize(
        ("zone", "email", "said"),
        [
            ("Europe/Nowhere", "greta@example.org", "There is no time zone Europe/Nowhere"),
            ("Europe/Berlin", "greta", "greta is not an e-mail address"),
        ],
    )
    def test_says_what_cannot_be(self, command: Command, nowhere: str, zone: str, email: str, said: str) -> None:
        command("migrate", AFTERGLOW_DATABASE_URL=nowhere)
        result = command("create-clinic", "Riverside", "--time-zone", zone, "--admin-email", email)

        assert result.exit_code == 2
        assert said in result.stderr

    def test_needs_a_schema(self, command: Command, nowhere: str) -> None:
        words = ("create-clinic", "Riverside", "--time-zone", "Europe/Berlin", "--admin-email", "greta@example.org")
        result = command(*words, AFTERGLOW_DATABASE_URL=nowhere)

        assert result.exit_code == 1
        assert "afterglow migrate" in result.stderr


class TestOpenapi:
    def test_writes_the_document(self, root: Path, tmp_path: Path) -> None:
        subprocess.run(
            [sys.executable, "-P", "-m", "app.cli", "openapi", str(tmp_path / "new" / "openapi.json")],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=True,
        )

        written = json.loads((tmp_path / "new" / "openapi.json").read_text(encoding="utf-8"))
        assert written["info"]["title"] == "Afterglow"


class TestDemo:
    def test_refuses_a_port_that_is_in_use_before_it_fills(self, command: Command) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            result = command("demo", "--fresh", "--port", str(taken.getsockname()[1]))

        assert result.exit_code == 1
        assert "is in use" in result.stderr

    def test_refuses_production(self, command: Command) -> None:
        result = command("demo", "--no-serve", AFTERGLOW_ENVIRONMENT="production")

        assert result.exit_code == 2
        assert "passwords that everybody knows" in result.stderr

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("127.0.0.1", "http://127.0.0.1:8000"),
            ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104  nothing is bound
            ("::", "http://[::1]:8000"),
            ("demo.example", "http://demo.example:8000"),
        ],
    )
    def test_tells_an_address_that_a_browser_can_open(self, host: str, address: str) -> None:
        assert cli._address(host, 8000) == address

    def test_serves_in_a_process_that_has_not_grown_by_filling(
        self, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        filled: list[object] = []
        became: list[list[str]] = []
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(cli, "_fill", lambda path, seed: filled.append((path, seed)))
        monkeypatch.setattr(os, "execv", lambda _program, words: became.append(words))
        monkeypatch.setattr(sys, "orig_argv", ["python", "-P", "-m", "app.cli", "demo", "--fresh", "--port", "18766"])
        monkeypatch.setattr("app.demo.command.tell", lambda _settings, _file: [])
        monkeypatch.setattr(cli, "_run", lambda *_: None)
        monkeypatch.setattr("app.main.create_app", lambda _settings: None)
        command("demo", "--fresh", "--port", "18766")

        assert filled == [(Path("var/demo.db"), None)]
        assert became == [["python", "-P", "-m", "app.cli", "demo", "--port", "18766"]]
