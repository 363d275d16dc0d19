"""Where passkeys belong, by the settings."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.core.settings import Settings

FINGERPRINT = ":".join(["AB"] * 32)
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "secret_keys": ["0123456789abcdefghijklmnopqrstuvwxyz-XYZ"],
    "public_url": "https://afterglow.clinic.example",
}


class TestPasskeyDomain:
    @pytest.mark.parametrize(
        ("public_url", "domain", "origin"),
        [
            ("http://127.0.0.1:8000", "localhost", "http://localhost:8000"),
            ("http://localhost:9000", "localhost", "http://localhost:9000"),
            ("https://dev.example", "dev.example", "https://dev.example"),
            ("https://dev.example/base", "dev.example", "https://dev.example"),
        ],
    )
    def test_is_that_of_the_public_address(self, public_url: str, domain: str, origin: str) -> None:
        settings = Settings(public_url=public_url)

        assert (settings.passkey_domain, settings.passkey_origins) == (domain, [origin])

    def test_is_never_the_developers_machine_in_production(self) -> None:
        settings = Settings(**PRODUCTION | {"public_url": "https://127.0.0.1"})

        assert settings.passkey_domain == "127.0.0.1"

    def test_android_apps_are_named_by_their_certificate(self) -> None:
        settings = Settings(**PRODUCTION, android_apps=[f"org.example.app={FINGERPRINT}"])

        assert settings.passkey_origins[1:] == ["android:apk-key-hash:" + "q6ur" * 10 + "q6s"]

    @pytest.mark.parametrize(
        "apps",
        [
            {"android_apps": ["org.example.app"]},
            {"android_apps": [f"org.example.app={FINGERPRINT[:-3]}"]},
            {"android_apps": [f"org.example.app={FINGERPRINT.lower()}"]},
            {"android_apps": [f"={FINGERPRINT}"]},
            {"ios_apps": ["org.example.app"]},
            {"ios_apps": ["A1B2C3D4E5"]},
        ],
        ids=str,
    )
    def test_an_app_that_is_written_wrongly_is_refused(self, apps: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Settings(**PRODUCTION, **apps)
