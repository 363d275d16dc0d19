"""What ties the clinic's apps to this server."""

import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core.settings import Settings

FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))


@pytest.fixture
def with_apps(app: FastAPI, settings: Settings) -> FastAPI:
    apps = {"android_apps": [f"org.example.afterglow={FINGERPRINT}"], "ios_apps": ["A1B2C3D4E5.org.example.afterglow"]}
    app.state.settings = settings.model_copy(update=apps)
    return app


class TestAppLinks:
    async def test_name_the_android_apps(self, with_apps: FastAPI, client: httpx2.AsyncClient) -> None:
        (told,) = (await client.get("/.well-known/assetlinks.json")).json()

        assert told["target"]["package_name"] == "org.example.afterglow"
        assert told["target"]["sha256_cert_fingerprints"] == [FINGERPRINT]
        assert "delegate_permission/common.get_login_creds" in told["relation"]

    async def test_name_the_ios_apps(self, with_apps: FastAPI, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/.well-known/apple-app-site-association")

        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["webcredentials"] == {"apps": ["A1B2C3D4E5.org.example.afterglow"]}
        assert answer.json()["applinks"]["details"][0]["components"] == [{"/": "/activate"}]

    async def test_name_nobody_where_there_are_no_apps(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/.well-known/assetlinks.json")).json() == []
        ios: Any = (await client.get("/.well-known/apple-app-site-association")).json()
        assert ios["webcredentials"] == {"apps": []}


class TestInvitationPage:
    async def test_helps_who_has_no_app_and_runs_nothing(self, client: httpx2.AsyncClient) -> None:
        page = await client.get("/activate")

        assert page.status_code == 200
        assert "<script" not in page.text
        assert "script-src" not in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        for address in re.findall(r'href="([^"]+)"', page.text):
            assert (await client.get(address)).status_code == 200
