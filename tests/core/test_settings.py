"""The process refuses to start unsafely, and says why without the secret."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.settings import SAMPLE_SECRET, Environment, Settings

STRONG = "vK3_9xQ-27LmZpR8sTuYwBcDfGhJkN4e"
PRODUCTION = {
    "AFTERGLOW_ENVIRONMENT": "production",
    "AFTERGLOW_SECRET_KEYS": f'["{STRONG}"]',
    "AFTERGLOW_PUBLIC_URL": "https://clinic.example",
    "AFTERGLOW_DATABASE_URL": "postgresql://app@db/afterglow",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of a production that starts."""
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


class TestProduction:
    def test_starts_with_what_it_needs(self, environment: pytest.MonkeyPatch) -> None:
        settings = Settings()

        assert settings.environment is Environment.PRODUCTION
        assert not settings.is_development
        assert settings.async_database_url == "postgresql+asyncpg://app@db/afterglow"

    @pytest.mark.parametrize(
        "secrets",
        [
            f'["{SAMPLE_SECRET}"]', '["short"]', "[]", f'["{STRONG}", "short"]', f'["{STRONG}", "{SAMPLE_SECRET}"]',
            '["' + "a" * 64 + '"]', '[""]',
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("kind", ["production", "staging"])
    def test_refuses_a_weak_secret(self, environment: pytest.MonkeyPatch, secrets: str, kind: str) -> None:
        environment.setenv("AFTERGLOW_ENVIRONMENT", kind)
        environment.setenv("AFTERGLOW_SECRET_KEYS", secrets)

        with pytest.raises(ValidationError, match="AFTERGLOW_SECRET_KEYS"):
            Settings()

    def test_refuses_a_missing_secret(self, environment: pytest.MonkeyPatch) -> None:
        environment.delenv("AFTERGLOW_SECRET_KEYS")

        with pytest.raises(ValidationError, match="AFTERGLOW_SECRET_KEYS must be set"):
            Settings()

    @pytest.mark.parametrize("address", ["http://clinic.example", "ftp://clinic.example", "clinic.example", ""])
    def test_refuses_a_public_address_without_https(self, environment: pytest.MonkeyPatch, address: str) -> None:
        environment.setenv("AFTERGLOW_PUBLIC_URL", address)

        with pytest.raises(ValidationError, match="AFTERGLOW_PUBLIC_URL must start with https"):
            Settings()

    def test_no_refusal_and_no_print_shows_a_secret(self, environment: pytest.MonkeyPatch) -> None:
        settings = Settings()
        environment.setenv("AFTERGLOW_PUBLIC_URL", "http://clinic.example")

        with pytest.raises(ValidationError) as refused:
            Settings()

        assert STRONG not in repr(settings) + str(settings)
        assert "app@db" not in repr(settings) + str(settings)  # where there may be a password
        assert all(STRONG not in str(fault["msg"]) for fault in refused.value.errors())

    def test_takes_secrets_and_the_database_from_files(self, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in ("AFTERGLOW_SECRET_KEYS", "AFTERGLOW_DATABASE_URL"):
            environment.delenv(name)
        (tmp_path / "secrets").write_text(f"{STRONG}\n{STRONG[::-1]}\n", encoding="utf-8")
        (tmp_path / "database").write_text("postgresql://app:word@db/afterglow\n", encoding="utf-8")
        environment.setenv("AFTERGLOW_SECRET_KEYS_FILE", str(tmp_path / "secrets"))
        environment.setenv("AFTERGLOW_DATABASE_URL_FILE", str(tmp_path / "database"))

        settings = Settings()

        assert [secret.get_secret_value() for secret in settings.secret_keys] == [STRONG, STRONG[::-1]]
        assert settings.database_url == "postgresql://app:word@db/afterglow"


class TestEdges:
    @pytest.mark.parametrize(
        "origins",
        ["*", "https://app.example/", "https://app.example/path", "https://*.example", "app.example", "null", ""],
    )
    def test_an_origin_is_exact(self, environment: pytest.MonkeyPatch, origins: str) -> None:
        environment.setenv("AFTERGLOW_CORS_ORIGINS", f'["{origins}"]')

        with pytest.raises(ValidationError, match="cors_origins"):
            Settings()

    @pytest.mark.parametrize("origin", ["http://app.example", "http://localhost:3000"])
    def test_an_origin_speaks_https(self, environment: pytest.MonkeyPatch, origin: str) -> None:
        environment.setenv("AFTERGLOW_CORS_ORIGINS", f'["{origin}"]')

        with pytest.raises(ValidationError, match="AFTERGLOW_CORS_ORIGINS must start with https"):
            Settings()

    def test_apps_in_a_shell_have_origins_of_their_own(self, environment: pytest.MonkeyPatch) -> None:
        origins = ["https://app.example:8443", "capacitor://localhost", "http://localhost"]
        environment.setenv("AFTERGLOW_CORS_ORIGINS", json.dumps(origins))

        assert Settings().cors_origins == origins

    @pytest.mark.parametrize("proxy", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.7/24", ""])
    def test_a_proxy_has_an_address(self, environment: pytest.MonkeyPatch, proxy: str) -> None:
        environment.setenv("AFTERGLOW_TRUSTED_PROXIES", f'["{proxy}"]')

        with pytest.raises(ValidationError, match="trusted_proxies"):
            Settings()

    @pytest.mark.parametrize("proxy", ["10.0.0.7", "10.0.0.0/24", "fd00::/8"])
    def test_proxies_may_be_a_network(self, environment: pytest.MonkeyPatch, proxy: str) -> None:
        environment.setenv("AFTERGLOW_TRUSTED_PROXIES", f'["{proxy}"]')

        assert Settings().trusted_proxies == [proxy]

    def test_nobody_is_listed_unless_said(self, environment: pytest.MonkeyPatch) -> None:
        settings = Settings()

        assert (settings.trusted_proxies, settings.cors_origins) == ([], [])


class TestOutsideIssuer:
    WHOLE = {"ISSUER": "https://i.example", "AUDIENCE": "afterglow", "JWKS_URL": "https://i.example/keys"}  # noqa: RUF012

    def test_nobody_is_trusted_unless_said(self) -> None:
        assert (Settings().oidc_issuer, Settings().oidc_jwks_url) == (None, None)

    def test_is_trusted_as_a_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.WHOLE.items():
            monkeypatch.setenv(f"AFTERGLOW_OIDC_{name}", value)

        assert Settings().oidc_jwks_url == "https://i.example/keys"

    @pytest.mark.parametrize("missing", WHOLE)
    def test_is_not_trusted_in_part(self, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
        for name in self.WHOLE.keys() - {missing}:
            monkeypatch.setenv(f"AFTERGLOW_OIDC_{name}", self.WHOLE[name])

        with pytest.raises(ValidationError, match="belong together"):
            Settings()

    @pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://i.example/keys", "//i.example", "https://", "x"])
    def test_has_its_keys_on_the_web(self, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        for name, value in (self.WHOLE | {"JWKS_URL": address}).items():
            monkeypatch.setenv(f"AFTERGLOW_OIDC_{name}", value)

        with pytest.raises(ValidationError, match="https"):
            Settings()

    def test_speaks_https_outside_development(self, environment: pytest.MonkeyPatch) -> None:
        for name, value in (self.WHOLE | {"JWKS_URL": "http://i.example/keys"}).items():
            environment.setenv(f"AFTERGLOW_OIDC_{name}", value)

        with pytest.raises(ValidationError, match="AFTERGLOW_OIDC_JWKS_URL must start with https"):
            Settings()


class TestDevelopment:
    def test_starts_with_nothing(self) -> None:
        settings = Settings()

        assert settings.is_development
        assert settings.is_sqlite
        assert settings.async_database_url == "sqlite+aiosqlite:///var/afterglow.db"

    def test_needs_a_secret_all_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFTERGLOW_SECRET_KEYS", "[]")

        with pytest.raises(ValidationError, match="at least one secret"):
            Settings()

    def test_the_public_address_ends_without_a_slash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFTERGLOW_PUBLIC_URL", "http://127.0.0.1:8000/")

        assert Settings().public_url == "http://127.0.0.1:8000"

    @pytest.mark.parametrize(
        ("name", "value"),
        [("POOL_SIZE", "0"), ("ACCESS_TOKEN_MINUTES", "0"), ("LOG_FORMAT", "xml"), ("ENVIRONMENT", "prod")],
    )
    def test_refuses_figures_outside_their_range(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(f"AFTERGLOW_{name}", value)

        with pytest.raises(ValidationError):
            Settings()


class TestReadingFromAReplica:
    """`AFTERGLOW_READ_DATABASE_URL`."""

    def test_there_is_none_unless_it_is_set(self, environment: pytest.MonkeyPatch) -> None:
        assert Settings().as_reader is None

    def test_it_may_come_from_a_file_and_is_not_shown(self, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "replica").write_text("postgresql://app:sesame@replica/afterglow\n")
        environment.setenv("AFTERGLOW_READ_DATABASE_URL_FILE", str(tmp_path / "replica"))

        settings = Settings()

        assert settings.as_reader is not None
        assert settings.as_reader.async_database_url == "postgresql+asyncpg://app:sesame@replica/afterglow"
        assert settings.async_database_url == "postgresql+asyncpg://app@db/afterglow"
        assert "sesame" not in repr(settings)

    @pytest.mark.parametrize(
        ("primary", "replica"),
        [
            ("sqlite:///a.db", "postgresql://replica/a"),
            ("postgresql://db/a", "sqlite:///a.db"),
            ("postgresql://db/a", ""),
        ],
    )
    def test_both_are_postgresql(self, environment: pytest.MonkeyPatch, primary: str, replica: str) -> None:
        environment.setenv("AFTERGLOW_DATABASE_URL", primary)
        environment.setenv("AFTERGLOW_READ_DATABASE_URL", replica)

        with pytest.raises(ValidationError, match="AFTERGLOW_READ_DATABASE_URL"):
            Settings()
