"""Who asks too often is refused, told when to come back, and costs little; everybody else hardly notices."""

import asyncio
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import limits
from app.core.errors import TooManyRequests
from app.core.limits import DOZEN, Limit, Limits
from app.core.settings import Settings
from tests.conftest import BASE_URL
from tests.core.test_requests import assert_problem
from tests.databases import WIDE
from tests.factories import a_report, an_id

QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
TOLD = re.compile(r'"([a-z-]+)";r=(\d+);t=(\d+)')


def told(answer: httpx2.Response) -> tuple[str, int, int]:
    """The policy, what is left, and in how many seconds there is more."""
    found = TOLD.fullmatch(answer.headers["ratelimit"])
    assert found is not None
    return found[1], int(found[2]), int(found[3])


class TestSettings:
    def test_every_limit_has_one(self) -> None:
        named = {f"limit_{limit.name.lower()}" for limit in Limit}

        assert {name for name in Settings.model_fields if name.startswith("limit_")} == named

    @pytest.mark.parametrize(
        "text", ["", "10", "0/60", "10/0", "ten/60", "10/60/0", "-1/60", "10/60/5/5", "99999999/1"]
    )
    def test_refuses_what_is_no_limit(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("AFTERGLOW_LIMIT_DEFAULT", text)

        with pytest.raises(ValidationError):
            Settings()

    def test_are_shipped_as_they_are_documented(self, engine: AsyncEngine) -> None:
        policies = Limits(Settings(), engine).policies

        assert {limit: (policy.quota, policy.window_seconds) for limit, policy in policies.items()} == {
            Limit.DEFAULT: (600, 60),
            Limit.UPLOAD: (1200, 60),
            Limit.ESSENTIAL: (1200, 60),
            Limit.CALENDAR: (60, 600),
            Limit.TOKEN: (60, 300),
            Limit.TOKEN_ADDRESS: (60, 300),
            Limit.SIGN_IN_ACCOUNT: (10, 300),
            Limit.SIGN_IN_ADDRESS: (30, 300),
            Limit.SIGN_IN_SITE: (1000, 300),
            Limit.SECOND_FACTOR: (5, 300),
            Limit.SECOND_FACTOR_HOUR: (20, 3600),
            Limit.SECOND_FACTOR_DAY: (50, 86400),
        }


class TestSignedInRequests:
    async def test_are_told_what_is_left(self, limited: Callable[..., Limits], as_patient: httpx2.AsyncClient) -> None:
        limited(limit_default="600/60")

        first, second = [await as_patient.get("/v1/me") for _ in range(2)]

        assert first.headers["ratelimit-policy"] == '"default";q=600;w=60'
        assert told(first) == ("default", 599, 2)
        assert told(second)[1] == 598

    async def test_are_refused_beyond_the_quota(
        self, limited: Callable[..., Limits], as_patient: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient
    ) -> None:
        limited(limit_default="15/60")

        answers = [await as_patient.get("/v1/me") for _ in range(17)]

        assert [answer.status_code for answer in answers] == [200] * 15 + [429] * 2
        problem = assert_problem(answers[-1], 429)
        assert problem["type"] == QUOTA_EXCEEDED
        assert problem["code"] == "too_many_requests"
        assert problem["violated-policies"] == ["default"]
        assert answers[-1].headers["ratelimit-policy"] == '"default";q=15;w=60'
        assert told(answers[-1])[1] == 0
        assert 1 <= told(answers[-1])[2] <= int(answers[-1].headers["retry-after"]) <= 4
        assert len(answers[-1].headers.get_list("ratelimit")) == 1
        assert (await as_prescriber.get("/v1/me")).status_code == 200

    async def test_are_let_in_again_when_the_time_has_come(
        self, limited: Callable[..., Limits], as_patient: httpx2.AsyncClient
    ) -> None:
        limited(limit_default="10/1")
        answers = [await as_patient.get("/v1/me") for _ in range(30)]
        assert 429 in {answer.status_code for answer in answers}

        await asyncio.sleep(1.1)

        assert (await as_patient.get("/v1/me")).status_code == 200

    async def test_have_quotas_of_their_own_for_what_must_not_fail(
        self, limited: Callable[..., Limits], as_patient: httpx2.AsyncClient
    ) -> None:
        """A phone that asked too much can still send how its patient is, and be signed out."""
        limited(limit_default="1/3600")
        (device,) = (await as_patient.get("/v1/me/devices")).json()["items"]
        assert (await as_patient.get("/v1/me")).status_code == 429

        stored = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        ended = await as_patient.delete(f"/v1/me/devices/{device['id']}")

        assert stored.status_code == 201
        assert told(stored)[0] == "upload"
        assert ended.status_code == 204
        assert told(ended)[0] == "essential"

    async def test_sending_check_ins_is_limited_too(
        self, limited: Callable[..., Limits], as_patient: httpx2.AsyncClient
    ) -> None:
        limited(limit_upload="2/3600")

        one = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        batch = await as_patient.post(
            "/v1/me/check-ins/batch", json={"check_ins": [{"id": str(an_id()), **a_report()}]}
        )
        another = await as_patient.put(f"/v1/me/check-ins/{an_id()}", json=a_report())

        assert [answer.status_code for answer in (one, batch, another)] == [201, 200, 429]

    async def test_unchanged_trends_spend_one_permit_and_tell(
        self, limited: Callable[..., Limits], as_patient: httpx2.AsyncClient
    ) -> None:
        limited(limit_default="600/60")
        address = "/v1/me/trends?measure=mood"
        fresh = await as_patient.get(address)
        same = await as_patient.get(address, headers={"If-None-Match": fresh.headers["etag"]})
        other = await as_patient.get(address, headers={"If-None-Match": '"other"'})

        assert [answer.status_code for answer in (fresh, same, other)] == [200, 304, 200]
        assert [told(answer)[1] for answer in (fresh, same, other)] == [599, 598, 597]

    async def test_a_token_that_is_not_ours_costs_nothing(
        self, limited: Callable[..., Limits], new_client: Callable[..., httpx2.AsyncClient], asked: list[str]
    ) -> None:
        limited()

        answer = await new_client("agl_at_made_up").get("/v1/me")

        assert answer.status_code == 401
        assert "ratelimit" not in answer.headers
        assert asked == []

    async def test_open_routes_are_not_limited(self, client: httpx2.AsyncClient, asked: list[str]) -> None:
        assert "ratelimit" not in (await client.get("/healthz")).headers
        assert asked == []


class TestLeases:
    async def test_a_dozen_requests_cost_one_statement(
        self, limited: Callable[..., Limits], as_patient: httpx2.AsyncClient, asked: list[str]
    ) -> None:
        limited(limit_default="600/60")

        for _ in range(3 * DOZEN):
            await as_patient.get("/v1/me")

        assert len(asked) == 3

    async def test_one_purchase_serves_all_who_wait_for_it(self, made: Callable[..., Limits], asked: list[str]) -> None:
        worker = made()

        await asyncio.gather(*(worker.spend(Limit.DEFAULT, "a phone") for _ in range(2 * DOZEN)))

        assert len(asked) == 2

    async def test_several_workers_together_never_give_more_than_the_quota(self, made: Callable[..., Limits]) -> None:
        workers = [made(limit_default="100/3600") for _ in range(4)]
        given = 0

        async def ask(worker: Limits) -> None:
            nonlocal given
            for _ in range(100):
                try:
                    await worker.spend(Limit.DEFAULT, "a phone")
                except TooManyRequests:
                    return
                given += 1

        await asyncio.gather(*(ask(worker) for worker in workers for _ in range(5)))

        assert given == 100

    async def test_what_is_not_spent_in_ten_minutes_is_lost(
        self, made: Callable[..., Limits], asked: list[str], monotonic: SimpleNamespace
    ) -> None:
        worker = made(limit_default="600/60")
        await worker.spend(Limit.DEFAULT, "a phone")
        monotonic.now += 599
        later = dict(await worker.spend(Limit.DEFAULT, "a phone"))
        assert later[b"ratelimit"] == b'"default";r=600;t=1'
        assert len(asked) == 1

        monotonic.now += 2
        headers = dict(await worker.spend(Limit.DEFAULT, "a phone"))

        assert len(asked) == 2
        assert int(TOLD.fullmatch(headers[b"ratelimit"].decode())[2]) < 599 - DOZEN + 2  # type: ignore[index]

    async def test_who_is_refused_is_refused_from_memory(
        self, made: Callable[..., Limits], asked: list[str], monotonic: SimpleNamespace
    ) -> None:
        worker = made(limit_default="1/60")
        await worker.spend(Limit.DEFAULT, "a phone")
        for _ in range(50):
            with pytest.raises(TooManyRequests):
                await worker.spend(Limit.DEFAULT, "a phone")
        with pytest.raises(TooManyRequests) as refused:
            await worker.spend(Limit.DEFAULT, "a phone")
        assert refused.value.members["violated-policies"] == ["default"]
        assert len(asked) == 2

        monotonic.now += 61
        with pytest.raises(TooManyRequests):  # by the database this time, whose clock nobody put forward
            await worker.spend(Limit.DEFAULT, "a phone")
        assert len(asked) == 3

    async def test_a_database_that_is_away_refuses_nobody_for_long(
        self, made: Callable[..., Limits], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker = made()

        async def away(*_: object) -> None:
            raise ConnectionRefusedError

        with monkeypatch.context() as patch:
            patch.setattr(worker._counter, "_ask", away)
            got = await asyncio.gather(
                *(worker.spend(Limit.DEFAULT, "a phone") for _ in range(3)), return_exceptions=True
            )
        assert {type(fault) for fault in got} == {ConnectionRefusedError}

        assert await worker.spend(Limit.DEFAULT, "a phone")

    async def test_no_more_callers_are_remembered_than_fit(
        self, made: Callable[..., Limits], monkeypatch: pytest.MonkeyPatch, monotonic: SimpleNamespace
    ) -> None:
        monkeypatch.setattr(limits, "MOST_REMEMBERED", 10)
        worker = made(limit_default="5/60")

        for number in range(35):
            await worker.spend(Limit.DEFAULT, number)
            assert len(worker._leases) <= 10
        assert (Limit.DEFAULT, 34) in worker._leases

        monotonic.now += 601
        for number in range(35, 41):
            await worker.spend(Limit.DEFAULT, number)
        assert all(lease.ends_at > monotonic.now for lease in worker._leases.values())


class TestTheSuite:
    def test_has_limits_that_no_test_reaches_by_accident(self, settings: Settings) -> None:
        values: dict[str, Any] = settings.model_dump()

        assert {values[name] for name in values if name.startswith("limit_")} == {WIDE}
        assert BASE_URL.startswith("http://")
