"""Every refusal that the framework, the validation or the database brings about, as a problem document."""

import io
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import exc

from app.core import errors, handlers
from app.core.handlers import pointer
from tests.core.conftest import CANARY
from tests.core.test_requests import assert_problem

SOME_ID = "0199f3d2-7c1e-7a54-9b1d-3f6a1c2d4e5f"  # the same in every process, as the names of tests must be


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        ["/nope", "/v1", "/v1/", "/v1/nope", "/v1/me/", "/V1/me", "/v1//me", f"/{CANARY}", "/v1/me/%00", "/%ff"],
    )
    async def test_an_unknown_one_is_a_404(self, as_patient: httpx2.AsyncClient, address: str) -> None:
        assert assert_problem(await as_patient.get(address), 404)["code"] == "not_found"

    @pytest.mark.parametrize(
        ("method", "address", "allowed"),
        [
            ("POST", f"/v1/me/check-ins/{SOME_ID}", "GET, PUT"),
            ("DELETE", f"/v1/me/check-ins/{SOME_ID}", "GET, PUT"),
            ("PUT", "/v1/me/check-ins", "GET"),
            ("GET", "/v1/me/check-ins/batch", "POST"),
            ("PUT", "/v1/me/check-ins/batch", "POST"),
            ("DELETE", "/v1/me/check-ins/batch", "POST"),
            ("PATCH", "/v1/patients", "GET, POST"),
            ("TRACE", "/v1/me", "GET"),
            ("OPTIONS", "/v1/me", "GET"),
            ("BREW", "/v1/me", "GET"),
            ("POST", "/healthz", "GET"),
            ("GET", "/oauth/token", "POST"),
        ],
    )
    async def test_an_unknown_method_is_a_405_that_names_the_others(
        self, as_patient: httpx2.AsyncClient, method: str, address: str, allowed: str
    ) -> None:
        answer = await as_patient.request(method, address)

        assert assert_problem(answer, 405)["code"] == "method_not_allowed"
        assert answer.headers["allow"] == allowed

    async def test_head_is_not_offered(self, unchecked: httpx2.AsyncClient) -> None:
        answer = await unchecked.head("/v1/me")

        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")

    @pytest.mark.parametrize("check_in_id", ["7", CANARY, "0199f3d2", "0" * 33, f"{SOME_ID}x", "%20", "null"])
    async def test_an_id_that_is_none_is_pointed_at(self, as_patient: httpx2.AsyncClient, check_in_id: str) -> None:
        answer = await as_patient.get(f"/v1/me/check-ins/{check_in_id}")

        assert assert_problem(answer, 422)["errors"][0]["pointer"] == "/path/check_in_id"

    @pytest.mark.parametrize("patient_id", ["7", CANARY, "null", "0" * 33])
    async def test_an_id_that_is_none_names_no_patient(
        self, as_prescriber: httpx2.AsyncClient, patient_id: str
    ) -> None:
        assert_problem(await as_prescriber.get(f"/v1/patients/{patient_id}"), 404)

    async def test_an_id_may_be_written_in_capitals(self, as_prescriber: httpx2.AsyncClient, cast: Any) -> None:
        answer = await as_prescriber.get(f"/v1/patients/{cast.patient_id.upper()}")

        assert answer.json()["id"] == cast.patient_id


class TestQueries:
    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("limit", "0", "greater_than_equal"),
            ("limit", "-1", "greater_than_equal"),
            ("limit", "many", "int_parsing"),
            ("limit", "1.5", "int_parsing"),
            ("limit", "9" * 5000, "int_parsing_size"),
            ("from", "2026-11-22", "instant_format"),
            ("from", "1790000000", "instant_format"),
            ("from", "1999-01-01T00:00:00Z", "instant_range"),
            ("dosing_session_id", CANARY, "uuid_parsing"),
            ("cursor", "x" * 1001, "string_too_long"),
        ],
    )
    async def test_what_breaks_a_rule_is_pointed_at(
        self, as_patient: httpx2.AsyncClient, name: str, value: str, code: str
    ) -> None:
        answer = await as_patient.get("/v1/me/check-ins", params={name: value})

        fault = assert_problem(answer, 422)["errors"][0]
        assert (fault["pointer"], fault["code"]) == (f"/query/{name}", code)

    @pytest.mark.parametrize("cursor", ["", "x", "!!", "AAAA" * 20, "é", "a" * 1000, "%00"])
    async def test_a_made_up_cursor_is_refused(self, as_patient: httpx2.AsyncClient, cursor: str) -> None:
        answer = await as_patient.get("/v1/me/check-ins", params={"cursor": cursor})

        assert assert_problem(answer, 400)["code"] == "cursor_invalid"

    async def test_more_than_the_most_is_the_most(self, as_patient: httpx2.AsyncClient) -> None:
        assert (await as_patient.get("/v1/me/check-ins", params={"limit": 10_000})).status_code == 200


class TestPointer:
    @pytest.mark.parametrize(
        ("location", "text"),
        [
            (("body",), ""),
            (("body", "responses", 0, "answers", "now"), "/responses/0/answers/now"),
            (("body", "a/b~c"), "/a~1b~0c"),
            (("query", "limit"), "/query/limit"),
            (("path", "id"), "/path/id"),
            (("header", "if-match"), "/header/if-match"),
            (("cookie", "x"), "/cookie/x"),
        ],
    )
    def test_is_written_as_rfc_6901_says(self, location: tuple[object, ...], text: str) -> None:
        assert pointer(location) == text

    def test_is_never_long(self) -> None:
        assert len(pointer(("body", "x" * 10_000))) == handlers.POINTER_LIMIT


class NotNow(Exception):  # noqa: N818  what a driver raises
    """An error of the driver for which SQLAlchemy has no class."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(CANARY)
        self.sqlstate = sqlstate


class TestDatabaseFaults:
    @pytest.mark.parametrize(
        "fault",
        [
            exc.OperationalError(CANARY, {"note": CANARY}, Exception(CANARY)),
            exc.InterfaceError(CANARY, {"note": CANARY}, Exception(CANARY)),
            exc.TimeoutError(CANARY),
            exc.DBAPIError(CANARY, {"note": CANARY}, NotNow("55P03")),
            exc.DBAPIError(CANARY, {"note": CANARY}, NotNow("40P01")),
            ConnectionRefusedError(CANARY),
            TimeoutError(CANARY),
        ],
    )
    async def test_a_database_that_is_away_is_a_503_to_be_tried_again(
        self, app: FastAPI, unchecked: httpx2.AsyncClient, logs: io.StringIO, fault: Exception
    ) -> None:
        class Away:
            def __getattr__(self, _: str) -> Any:
                raise fault

        app.state.engine = Away()
        sign_in = {"email": f"{CANARY}@example.org", "password": CANARY, "device_label": CANARY}

        answer = await unchecked.post("/v1/sign-ins", json=sign_in)

        assert assert_problem(answer, 503)["code"] == "unavailable"
        assert answer.headers["retry-after"] == "2"
        assert "CANARY" not in logs.getvalue()
        assert "database unavailable" in logs.getvalue()

    async def test_a_fault_of_ours_is_a_500(
        self, app: FastAPI, unchecked: httpx2.AsyncClient, logs: io.StringIO
    ) -> None:
        class Faulty:
            def __getattr__(self, _: str) -> Any:
                raise exc.DBAPIError(CANARY, {"note": CANARY}, NotNow("42601"))

        app.state.engine = Faulty()
        sign_in = {"email": f"{CANARY}@example.org", "password": CANARY, "device_label": CANARY}

        assert assert_problem(await unchecked.post("/v1/sign-ins", json=sign_in), 500)["code"] == "internal_error"
        assert "CANARY" not in logs.getvalue()


class TestProblemPages:
    @pytest.mark.parametrize("code", errors.every_problem())
    async def test_each_problem_has_its_page(self, client: httpx2.AsyncClient, code: str) -> None:
        page = (await client.get(f"/problems/{code}")).json()

        assert page["code"] == code
        assert page["meaning"]
        assert 400 <= page["status"] < 600

    async def test_an_unknown_code_has_none(self, client: httpx2.AsyncClient) -> None:
        assert_problem(await client.get("/problems/no_such_code"), 404)

    async def test_the_type_of_a_problem_leads_to_its_page(
        self, client: httpx2.AsyncClient, new_client: Callable[..., httpx2.AsyncClient]
    ) -> None:
        problem = (await client.get("/v1/me")).json()

        assert (await client.get(problem["type"])).json()["title"] == problem["title"]
