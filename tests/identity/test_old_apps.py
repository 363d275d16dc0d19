"""Apps that are too old: told to update, but never kept from what a patient would miss."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core import openapi
from app.core.app_versions import parts
from app.core.db import Database
from app.core.settings import Settings
from app.identity import tokens
from app.identity.access import AccessGuard
from tests.cast import Cast, a_cast
from tests.factories import PASSWORD, a_report, an_id

pytestmark = pytest.mark.anyio
NewClient = Callable[..., httpx2.AsyncClient]
OLD = {"x-app-version": "ios/3.1.9"}
LETS_IN = {
    # sending what is on the phone
    "submit_check_in", "submit_check_in_batch", "record_patient_check_in", "record_readings", "log_practice",
    "report_due_check_in_receipts", "write_journal_entry", "delete_journal_entry", "share_journal_entry",
    # a crisis
    "request_help", "read_my_safety_notice", "read_my_safety_plan", "list_my_safety_plan_versions", "write_safety_plan",
    "read_safety_plan", "open_emergency_access",
    # leaving
    "end_my_device", "end_patient_device", "withdraw_consent", "restrict_disclosure",
}  # fmt: skip
"""Written down by hand, beside the guard's table."""


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def app(app: FastAPI, settings: Settings) -> FastAPI:
    """The application of an operator who serves no iOS app older than 3.2 any more."""
    app.state.settings = settings.model_copy(
        update={"min_app_versions": {"ios": "3.2"}, "latest_app_versions": {"ios": "3.4.1"}}
    )
    return app


class TestAnAppThatIsTooOld:
    async def test_is_told_what_to_update_to(self, new_client: NewClient, cast: Cast) -> None:
        answer = await new_client(cast.patient.token, **OLD).get("/v1/me")

        assert answer.status_code == 426, answer.text
        assert answer.json()["code"] == "app_update_required"
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == "/header/X-App-Version"
        assert fault["params"] == {"platform": "ios", "min_version": "3.2", "latest_version": "3.4.1"}

    async def test_can_send_what_it_has(self, new_client: NewClient, cast: Cast) -> None:
        phone = new_client(cast.patient.token, **OLD)

        one = await phone.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        batch = await phone.post("/v1/me/check-ins/batch", json={"check_ins": [a_report() | {"id": str(an_id())}]})

        assert (one.status_code, batch.status_code) == (201, 200)

    async def test_can_get_help_and_sign_out(self, new_client: NewClient, cast: Cast) -> None:
        phone = new_client(cast.patient.token, **OLD)
        signed_in = tokens.read(cast.patient.token, tokens.Kind.ACCESS)
        device = signed_in.device_id if signed_in else None
        form = {"grant_type": "refresh_token", "refresh_token": cast.patient.refresh_token}

        got = {
            "card": await new_client(**OLD).get("/v1/crisis-resources"),
            "notice": await phone.get("/v1/me/safety-notice"),
            "help": await phone.post("/v1/me/help-requests"),
            "token": await new_client(**OLD).post("/oauth/token", data=form),
            "out": await phone.delete(f"/v1/me/devices/{device}"),
        }

        assert {name: answer.status_code for name, answer in got.items()} == {
            "card": 200, "notice": 200, "help": 201, "token": 200, "out": 204,
        }  # fmt: skip

    async def test_learns_it_when_signing_in(self, new_client: NewClient, cast: Cast) -> None:
        form = {"email": cast.patient.email, "password": PASSWORD, "device_label": "phone"}

        refused = await new_client(**OLD).post("/v1/sign-ins", json=form)
        let_in = await new_client(**{"x-app-version": "ios/3.2"}).post("/v1/sign-ins", json=form)

        assert (refused.status_code, let_in.status_code) == (426, 201)

    def test_is_let_in_where_this_page_says_so_and_nowhere_else(self, app: FastAPI) -> None:
        of_callers = [(str(route.name), openapi.guards(route.dependant)[0]) for route in openapi.routes(app)]

        lets_in = {name for name, guard in of_callers if isinstance(guard, AccessGuard) and guard.serves_old_apps}

        assert lets_in == LETS_IN


class TestOtherApps:
    @pytest.mark.parametrize(
        "sent",
        [
            {}, {"x-app-version": "ios/3.2"}, {"x-app-version": "ios/3.10.1"}, {"x-app-version": "ios/3.2.0-beta.1"},
            {"x-app-version": "android/1.0"}, {"x-app-version": "windows/1.0"}, {"x-app-version": "3.1"},
            {"x-app-version": "ios/3"+".1" * 40}, {"x-app-version": "ios/"}, {"x-app-version": "ios/3.1 or so"},
            {"x-app-version": "iOS/9999999999"}, {"x-app-version": "\x00\xff"},
        ],
    )  # fmt: skip
    async def test_are_served_whatever_they_say(self, sent: dict[str, Any], new_client: NewClient, cast: Cast) -> None:
        try:
            client = new_client(cast.patient.token, **sent)
        except UnicodeEncodeError:
            return

        assert (await client.get("/v1/me")).status_code == 200

    async def test_nobody_is_turned_away_unless_the_operator_says_so(
        self, new_client: NewClient, cast: Cast, app: FastAPI, settings: Settings
    ) -> None:
        app.state.settings = settings

        assert (await new_client(cast.patient.token, **OLD).get("/v1/me")).status_code == 200


class TestVersions:
    @pytest.mark.parametrize(
        ("one", "other"), [("3.9", "3.10"), ("3.4", "3.4.1"), ("2.99.99.99", "3"), ("3.4.1", "3.4.1.1")]
    )
    def test_are_compared_part_by_part(self, one: str, other: str) -> None:
        assert parts(one) < parts(other)

    def test_may_leave_out_what_is_zero(self) -> None:
        assert parts("3.4") == parts("3.4.0.0")
