"""What a phone begins with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import time_machine
from fastapi import FastAPI

from app.core.settings import Settings
from tests.cast import Cast
from tests.factories import a_report, an_id
from tests.sync.phones import Phone

pytestmark = pytest.mark.anyio
PLAN: dict[str, Any] = {"warning_signs": ["I stop answering."], "on_my_own": ["Walk to the river."]}


class TestBootstrap:
    async def test_has_what_a_phone_needs_without_a_network(self, as_patient: httpx2.AsyncClient, cast: Cast) -> None:
        assert (await as_patient.put("/v1/me/safety-plan", json=PLAN)).status_code == 201

        body = (await as_patient.get("/v1/me/bootstrap")).json()

        age = datetime.now(UTC) - datetime.fromisoformat(body["server_time"])
        assert timedelta(seconds=-1) < age < timedelta(seconds=30)
        assert body["time_zone"] == "Europe/Berlin"
        assert body["min_app_version"] == body["latest_app_version"] == {"ios": None, "android": None}
        assert body["feature_flags"] == {}
        assert body["crisis_card"]["emergency"]["call"]
        assert body["safety_plan"]["on_my_own"] == ["Walk to the river."]
        instruments = {each["key"]: each for each in body["instruments"]}
        assert instruments["craving_nrs"]["version"] == "1"
        assert "items" not in instruments["phq9"]
        whole = await as_patient.get(instruments["craving_nrs"]["url"])
        assert whole.json()["content_hash"] == instruments["craving_nrs"]["content_hash"]

    async def test_names_the_versions_and_flags_of_the_operator(
        self, as_patient: httpx2.AsyncClient, app: FastAPI, settings: Settings
    ) -> None:
        chosen = {
            "min_app_versions": {"ios": "3.2"},
            "latest_app_versions": {"ios": "3.4.1", "android": "3.3"},
            "feature_flags": {"journal": True},
        }
        app.state.settings = settings.model_copy(update=chosen)

        body = (await as_patient.get("/v1/me/bootstrap")).json()

        assert body["min_app_version"] == {"ios": "3.2", "android": None}
        assert body["latest_app_version"] == {"ios": "3.4.1", "android": "3.3"}
        assert body["feature_flags"] == {"journal": True}

    async def test_stays_the_same_while_time_goes_by(self, as_patient: httpx2.AsyncClient) -> None:
        tag = (await as_patient.get("/v1/me/bootstrap")).headers["etag"]

        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=7), tick=True):
            later = await as_patient.get("/v1/me/bootstrap", headers={"If-None-Match": tag})
        await as_patient.put("/v1/me/safety-plan", json=PLAN)
        changed = await as_patient.get("/v1/me/bootstrap", headers={"If-None-Match": tag})

        assert (later.status_code, later.content) == (304, b"")
        assert changed.status_code == 200

    async def test_its_cursor_tells_what_comes_after_it(self, as_patient: httpx2.AsyncClient, phone: Phone) -> None:
        await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        phone.cursor = (await as_patient.get("/v1/me/bootstrap")).json()["sync_cursor"]
        later = str(an_id())
        await as_patient.put(f"/v1/me/check-ins/{later}", json=a_report())

        assert await phone.sync() == [("check_in", later)]
