"""The log tells what happened and holds nothing of what was sent."""

import io
import json
import linecache
from collections.abc import Callable

import httpx2
import pytest

from app.core.logging import describe
from tests.cast import Cast
from tests.core.conftest import CANARY
from tests.factories import PASSWORD, a_report, an_id


def lines(logs: io.StringIO, event: str = "request") -> list[dict[str, object]]:
    return [line for line in map(json.loads, logs.getvalue().splitlines()) if line["event"] == event]


class TestRequestLine:
    async def test_names_the_template_of_the_address_and_not_its_ids(
        self, as_patient: httpx2.AsyncClient, logs: io.StringIO
    ) -> None:
        check_in_id = an_id()

        answer = await as_patient.put(f"/v1/me/check-ins/{check_in_id}", json=a_report())

        (line,) = lines(logs)
        assert line["method"] == "PUT"
        assert line["route"] == "/v1/me/check-ins/{check_in_id}"
        assert line["status"] == 201
        assert line["request_id"] == answer.headers["x-request-id"]
        assert isinstance(line["milliseconds"], float)
        assert str(check_in_id) not in json.dumps(line)

    async def test_an_address_that_nobody_declared_is_not_repeated(
        self, client: httpx2.AsyncClient, logs: io.StringIO
    ) -> None:
        await client.get(f"/{CANARY}?{CANARY}={CANARY}")

        (line,) = lines(logs)
        assert line["route"] == "(no route)"


class TestSecrecy:
    async def test_nothing_that_was_sent_is_logged(
        self,
        as_patient: httpx2.AsyncClient,
        as_prescriber: httpx2.AsyncClient,
        client: httpx2.AsyncClient,
        new_client: Callable[..., httpx2.AsyncClient],
        cast: Cast,
        logs: io.StringIO,
    ) -> None:
        """Every kind of request and of refusal, with a canary in each place where a person can write something."""
        canary = {"note": CANARY}
        address = f"/v1/me/check-ins/{an_id()}"
        coordinator = new_client(cast.coordinator.token)
        answers = [
            await as_patient.put(address, json=a_report() | canary),
            await as_patient.put(address, json=a_report() | canary | {"note": f"{CANARY}2"}),
            await as_patient.put(address, json=a_report() | canary, headers={"If-Match": f'"{CANARY}"'}),
            await as_patient.put(address, json=a_report() | {CANARY: CANARY}),
            await as_patient.put(address, content=b'{"note": "' + CANARY.encode()),
            await as_patient.post("/v1/me/check-ins/batch", json={"check_ins": [canary, CANARY]}),
            await as_patient.get("/v1/me/check-ins", params={"cursor": CANARY, "from": CANARY}),
            await as_patient.get(f"/v1/me/check-ins/{CANARY}", headers={"X-Request-Id": CANARY}),
            await coordinator.post("/v1/patients", json={"display_name": CANARY}),
            await as_prescriber.get(f"/v1/patients/{CANARY}"),
            await client.post(
                "/v1/sign-ins", json={"email": f"{CANARY}@example.org", "password": CANARY, "device_label": CANARY}
            ),
            await client.post(
                "/v1/activations",
                json={"invitation_code": CANARY, "email": "x@example.org", "password": CANARY, "device_label": CANARY},
            ),
            await client.post("/oauth/token", data={"grant_type": CANARY, "refresh_token": CANARY}),
            await client.get("/v1/me", headers={"Authorization": f"Bearer {CANARY}"}),
        ]

        assert {answer.status_code for answer in answers} >= {200, 201, 400, 401, 404, 409, 412, 422}
        written = logs.getvalue()
        assert len(lines(logs)) == len(answers)
        for secret in (CANARY, PASSWORD, cast.patient.email, cast.patient.token, cast.prescriber.token, "Sam R."):
            assert secret not in "\n".join(line for line in written.splitlines() if "HTTP Request:" not in line)


class TestDescribe:
    def test_tells_the_kinds_of_a_chain_and_where_it_began(self) -> None:
        def look_up() -> None:
            raise KeyError(CANARY)

        def convert() -> None:
            try:
                look_up()
            except KeyError as first:
                raise ValueError(CANARY) from first

        with pytest.raises(ValueError, match=CANARY) as caught:
            convert()
        described = describe(caught.value)

        assert described["fault"] == "ValueError < KeyError"
        assert described["where"]
        assert "CANARY" not in json.dumps(described)

    def test_reads_no_source_files(self) -> None:
        linecache.clearcache()
        with pytest.raises(ValueError, match="bad") as caught:
            raise ValueError("bad")

        assert describe(caught.value)["where"][-1].endswith("test_reads_no_source_files")
        assert __file__ not in linecache.cache

    def test_does_not_follow_a_chain_for_ever(self) -> None:
        error = ValueError()
        error.__cause__ = error

        assert describe(error)["fault"].count("ValueError") == 5

    @pytest.mark.parametrize("kind", [ValueError, OSError])
    def test_says_none_where_the_database_said_nothing(self, kind: type[Exception]) -> None:
        assert describe(kind())["sqlstate"] is None
