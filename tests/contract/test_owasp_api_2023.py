"""The ten risks of the OWASP API Security Top 10 (2023), each tried once from outside, under its own name.

The whole width of each is tested elsewhere: objects and functions in the access matrix, tokens in `tests/identity` and
`tests/oauth`, bodies in the hostile corpus. Here stands one clear attempt for each, so that a reader finds them.
"""

import json
import re
from collections.abc import Callable

import httpx2
import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from app.core import openapi
from app.core.db import Database
from app.core.schemas import Incoming
from app.core.settings import Settings
from tests.cast import Cast, a_cast
from tests.factories import PASSWORD, a_report, an_id

NewClient = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    """A small clinic."""
    return await a_cast(db, settings)


class TestApi1BrokenObjectLevelAuthorization:
    async def test_the_id_of_somebody_elses_check_in_opens_nothing(self, cast: Cast, new_client: NewClient) -> None:
        check_in = an_id()
        made = await new_client(cast.patient.token).put(f"/v1/me/check-ins/{check_in}", json=a_report())
        assert made.status_code == 201

        for caller, address in (
            (cast.other_patient, f"/v1/me/check-ins/{check_in}"),
            (cast.nurse, f"/v1/patients/{cast.other_patient_id}/check-ins/{check_in}"),
            (cast.coordinator, f"/v1/me/check-ins/{check_in}"),
        ):
            assert (await new_client(caller.token).get(address)).status_code in {403, 404}

    async def test_the_same_id_belongs_to_each_patient_apart(self, cast: Cast, new_client: NewClient) -> None:
        check_in = an_id()
        answers = [
            await new_client(person.token).put(f"/v1/me/check-ins/{check_in}", json=a_report(note=note))
            for person, note in ((cast.patient, "mine"), (cast.other_patient, "mine too"))
        ]

        assert [answer.status_code for answer in answers] == [201, 201]


class TestApi2BrokenAuthentication:
    async def test_neither_answer_tells_whether_an_account_exists(self, cast: Cast, client: httpx2.AsyncClient) -> None:
        wrong = {"password": "a-wrong-guess-of-a-password", "device_label": "x"}
        answers = [
            await client.post("/v1/sign-ins", json={"email": email, **wrong})
            for email in (cast.patient.email, "nobody@example.org")
        ]

        assert [answer.status_code for answer in answers] == [401, 401]
        assert len({json.dumps(answer.json() | {"request_id": ""}) for answer in answers}) == 1

    async def test_a_password_in_the_address_signs_nobody_in(self, cast: Cast, client: httpx2.AsyncClient) -> None:
        answer = await client.post("/v1/sign-ins", params={"email": cast.patient.email, "password": PASSWORD})

        assert answer.status_code in {400, 415, 422}

    async def test_a_token_in_the_address_opens_nothing(self, cast: Cast, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/v1/me", params={"access_token": cast.patient.token})

        assert answer.status_code == 401


class TestApi3BrokenObjectPropertyLevelAuthorization:
    @pytest.mark.parametrize(
        "more", [{"clinic_id": str(an_id())}, {"status": "active"}, {"version": 9}, {"role": "clinic_admin"}]
    )
    async def test_nobody_sets_what_is_not_theirs_to_set(
        self, cast: Cast, new_client: NewClient, more: dict[str, object]
    ) -> None:
        answer = await new_client(cast.coordinator.token).post("/v1/patients", json={"display_name": "Kim L."} | more)

        assert answer.status_code == 422

    def test_every_body_refuses_what_it_does_not_name(self) -> None:
        queue, seen = list(Incoming.__subclasses__()), 0
        while queue:
            schema = queue.pop()
            queue.extend(schema.__subclasses__())
            seen += 1
            assert schema.model_config.get("extra") == "forbid", schema.__name__

        assert seen > 20


class TestApi4UnrestrictedResourceConsumption:
    async def test_a_page_is_never_larger_than_its_limit(self, cast: Cast, new_client: NewClient) -> None:
        answer = await new_client(cast.patient.token).get("/v1/me/check-ins", params={"limit": 10**9})

        assert answer.status_code in {200, 422}

    async def test_a_batch_is_never_larger_than_a_hundred(self, cast: Cast, new_client: NewClient) -> None:
        many = {"check_ins": [{"id": str(an_id()), **a_report()} for _ in range(101)]}

        assert (await new_client(cast.patient.token).post("/v1/me/check-ins/batch", json=many)).status_code == 422

    async def test_a_body_is_never_larger_than_a_megabyte(self, cast: Cast, new_client: NewClient) -> None:
        answer = await new_client(cast.patient.token).put(
            f"/v1/me/check-ins/{an_id()}", content=b" " * 2_000_000, headers={"Content-Type": "application/json"}
        )

        assert answer.status_code == 413

    async def test_a_period_is_never_longer_than_is_drawn(self, cast: Cast, new_client: NewClient) -> None:
        period = {"measure": "craving", "from": "0001-01-01", "to": "9999-12-31", "bucket": "raw"}

        assert (await new_client(cast.patient.token).get("/v1/me/trends", params=period)).status_code == 422


class TestApi5BrokenFunctionLevelAuthorization:
    async def test_a_patient_does_nothing_of_the_staff(self, cast: Cast, new_client: NewClient) -> None:
        caller = new_client(cast.patient.token)
        answers = [
            await caller.post("/v1/patients", json={"display_name": "Kim L."}),
            await caller.post("/v1/staff/invitations", json={"display_name": "Me", "role": "clinic_admin"}),
            await caller.get("/v1/audit-entries"),
            await caller.get(f"/v1/patients/{cast.patient_id}"),
        ]

        assert {answer.status_code for answer in answers} == {403}

    async def test_a_nurse_does_not_clear_a_patient_for_a_dose(self, cast: Cast, new_client: NewClient) -> None:
        session = an_id()
        scheduled = await new_client(cast.nurse.token).put(
            f"/v1/patients/{cast.patient_id}/dosing-sessions/{session}", json={"scheduled_at": "2026-12-24T10:00:00Z"}
        )
        assert scheduled.status_code == 201
        cleared = await new_client(cast.nurse.token, **{"If-Match": '"1"'}).post(
            f"/v1/dosing-sessions/{session}/clearance", json={}
        )

        assert cleared.status_code == 403


class TestApi6UnrestrictedAccessToSensitiveBusinessFlows:
    async def test_a_dose_cannot_be_given_past_the_steps_before_it(self, cast: Cast, new_client: NewClient) -> None:
        session, caller = an_id(), new_client(cast.prescriber.token)
        await caller.put(
            f"/v1/patients/{cast.patient_id}/dosing-sessions/{session}", json={"scheduled_at": "2026-12-24T10:00:00Z"}
        )
        dose = {"substance": "ketamine", "route": "IV", "dose_mg": 35.0}
        given = await caller.post(f"/v1/dosing-sessions/{session}/dose", json=dose, headers={"If-Match": '"1"'})

        assert given.status_code in {409, 422}


class TestApi7ServerSideRequestForgery:
    def test_no_body_holds_an_address_that_we_would_call_unguarded(self, app: FastAPI) -> None:
        """But for endpoints of webhooks, which are called past a guard (`tests/webhooks`); the rest is for browsers."""
        document = app.openapi()
        named = {
            f"{name}.{field}"
            for name, schema in document["components"]["schemas"].items()
            if name.endswith("Write")
            for field in schema.get("properties", {})
            if re.search(r"(^|_)(url|uri|callback|webhook|jwks_uri)s?$", field)
        }

        guarded = {"WebhookEndpointWrite.url", "WebhookEndpointChangeWrite.url"}
        assert {field.split(".")[1] for field in named - guarded} <= {"redirect_uris"}


class TestApi8SecurityMisconfiguration:
    async def test_every_answer_carries_the_headers(self, cast: Cast, new_client: NewClient) -> None:
        caller = new_client(cast.patient.token)
        for address in ("/v1/me", "/v1/nowhere", "/healthz", "/problems/not_found", f"/v1/me/check-ins/{an_id()}"):
            headers = (await caller.get(address)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] in {"no-store", "no-cache", "private, no-cache"}
            assert "server" not in headers
            assert "access-control-allow-origin" not in headers

    @pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND"])
    async def test_other_methods_are_refused(self, cast: Cast, new_client: NewClient, method: str) -> None:
        assert (await new_client(cast.patient.token).request(method, "/v1/me")).status_code == 405


class TestApi9ImproperInventoryManagement:
    def test_every_route_is_in_the_document(self, app: FastAPI) -> None:
        document = app.openapi()
        undocumented = [
            route.path
            for route in openapi.routes(app)
            if not (route.methods or set()) & {method.upper() for method in document["paths"].get(route.path or "", {})}
        ]

        pages = {
            "/oauth/authorize",
            "/activate",
            "/.well-known/assetlinks.json",
            "/.well-known/apple-app-site-association",
        }
        assert [path for path in undocumented if path not in pages] == []

    def test_what_is_no_operation_is_a_page_of_ours(self, app: FastAPI) -> None:
        pages = {
            getattr(route, "path", "")
            for route in app.router.routes
            if isinstance(route, Mount) or not hasattr(route, "dependant")
        }

        assert {path for path in pages if path and not re.match(r"/(docs|openapi\.json|oauth)", path)} == set()


class TestApi10UnsafeConsumptionOfApis:
    def test_nothing_is_asked_of_anybody_unless_it_is_set(self, settings: Settings) -> None:
        """The one outside service is an issuer of identities, off by default; its keys are checked in `tests/oauth`."""
        assert getattr(settings, "oidc_issuer", None) is None
