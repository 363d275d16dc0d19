"""The process: it finishes what it began, and refuses to start unsafely."""

import signal
import threading
import time
from pathlib import Path

import httpx2
import pytest

from app.core.settings import Settings
from tests.serving import served

SLOW = {"AFTERGLOW_PASSWORD_HASH_ROUNDS": "150"}
SIGN_IN = {"email": "nobody@example.org", "password": "CANARY-5b1f0c", "device_label": "CANARY-5b1f0c"}


@pytest.fixture
def stored_at(settings: Settings) -> str:
    """The address of a migrated database that no other process has open."""
    return settings.database_url


class TestShutdown:
    def test_a_slow_request_is_finished_and_nothing_of_it_is_logged(self, root: Path, stored_at: str) -> None:
        with served(root, stored_at, **SLOW) as server:
            server.wait_until_ready()
            httpx2.post(f"{server.address}/v1/sign-ins", json=SIGN_IN, timeout=30)  # makes the hasher
            answers: list[httpx2.Response] = []
            slow = threading.Thread(
                target=lambda: answers.append(httpx2.post(f"{server.address}/v1/sign-ins", json=SIGN_IN, timeout=30))
            )
            slow.start()
            time.sleep(0.3)
            assert not answers, "the request was not slow enough to prove anything"

            log = server.stop()
            slow.join()

            assert server.process.returncode in {0, -signal.SIGTERM}
            assert answers[0].status_code == 401
            assert answers[0].json()["code"] == "sign_in_refused"
            assert "CANARY" not in log
            with pytest.raises(httpx2.TransportError):
                httpx2.get(f"{server.address}/healthz")

    def test_readiness_fails_before_the_port_closes(self, root: Path, stored_at: str) -> None:
        with served(root, stored_at, AFTERGLOW_DRAIN_SECONDS="2") as server:
            server.wait_until_ready()
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)

            draining = httpx2.get(f"{server.address}/readyz")
            alive = httpx2.get(f"{server.address}/healthz")
            server.process.communicate(timeout=30)

            assert (draining.status_code, alive.status_code) == (503, 200)
            assert "stopping" in draining.json()["detail"]
            assert server.process.returncode in {0, -signal.SIGTERM}


class TestStart:
    @pytest.mark.parametrize(
        ("environment", "said"),
        [
            ({"AFTERGLOW_ENVIRONMENT": "production"}, "AFTERGLOW_SECRET_KEYS must be set"),
            (
                {
                    "AFTERGLOW_ENVIRONMENT": "production",
                    "AFTERGLOW_SECRET_KEYS": '["vK3_9xQ-27LmZpR8sTuYwBcDfGhJkN4e"]',
                    "AFTERGLOW_PUBLIC_URL": "http://clinic.example",
                },
                "AFTERGLOW_PUBLIC_URL must start with https://",
            ),
        ],
        ids=["a sample secret", "an address without https"],
    )
    def test_is_refused_where_it_would_be_unsafe(
        self, root: Path, stored_at: str, environment: dict[str, str], said: str
    ) -> None:
        with served(root, stored_at, **environment) as server:
            _, log = server.process.communicate(timeout=30)

            assert server.process.returncode == 2
            assert said in log
            assert "Traceback" not in log

    def test_is_refused_on_an_old_schema(self, root: Path, tmp_path: Path) -> None:
        with served(root, f"sqlite:///{tmp_path / 'new.db'}") as server:
            _, log = server.process.communicate(timeout=30)

            assert server.process.returncode == 1
            assert "afterglow migrate" in log


class TestEdges:
    def test_plain_http_is_refused_where_the_public_address_is_https(self, root: Path, stored_at: str) -> None:
        environment = {
            "AFTERGLOW_PUBLIC_URL": "https://clinic.example",
            "AFTERGLOW_TRUSTED_PROXIES": '["127.0.0.1"]',
            "AFTERGLOW_CORS_ORIGINS": '["https://app.clinic.example"]',
        }
        with served(root, stored_at, **environment) as server:
            server.wait_until_ready()

            plain = httpx2.get(f"{server.address}/v1/me")
            headers = {"X-Forwarded-Proto": "https", "Origin": "https://app.clinic.example"}
            secure = httpx2.get(f"{server.address}/v1/me", headers=headers)

        assert (plain.status_code, plain.json()["code"]) == (421, "https_required")
        assert secure.status_code == 401
        assert secure.headers["strict-transport-security"].startswith("max-age=")
        assert secure.headers["access-control-allow-origin"] == "https://app.clinic.example"
        assert "server" not in plain.headers
        assert "server" not in secure.headers
