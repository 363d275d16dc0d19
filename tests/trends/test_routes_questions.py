"""What may be asked of a trend, by whom, and at what price."""

from datetime import date, timedelta
from typing import Any

import httpx2
import pytest

from tests.factories import Person
from tests.trends.asking import of_trends, trend
from tests.trends.history import History, on

pytestmark = pytest.mark.anyio


class TestSubstance:
    async def test_must_be_named_when_there_are_several(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(2), 8)])
        await history.reports("craving", [(on(3), 2)], substance="cocaine")
        await history.reports("craving", [(on(3), 4)], substance="nicotine")

        answer = await as_patient.get("/v1/me/trends", params={"measure": "craving"})

        assert answer.status_code == 422
        assert answer.json()["code"] == "substance_required"
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/query/substance", "substance_required")
        assert fault["params"] == {"substances": ["alcohol", "cocaine", "nicotine"]}
        assert [point["mean"] for point in (await trend(as_patient, substance="cocaine"))["points"]] == [2]

    async def test_is_refused_for_a_measure_that_is_not_about_one(self, as_patient: httpx2.AsyncClient) -> None:
        answer = await as_patient.get("/v1/me/trends", params={"measure": "mood", "substance": "alcohol"})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "not_applicable"


class TestQuestions:
    @pytest.mark.parametrize(
        ("query", "pointer", "code"),
        [
            ({}, "/query/measure", "missing"),
            ({"measure": "happiness"}, "/query/measure", "unknown_measure"),
            ({"measure": "mood", "bucket": "month"}, "/query/bucket", "literal_error"),
            ({"measure": "mood", "points": 9}, "/query/points", "greater_than_equal"),
            ({"measure": "mood", "points": 5001}, "/query/points", "less_than_equal"),
            ({"measure": "mood", "from": "yesterday"}, "/query/from", "day_format"),
            ({"measure": "mood", "from": "2026-09-02T00:00:00Z"}, "/query/from", "day_format"),
            ({"measure": "mood", "from": "2026-09-02", "to": "2026-09-01"}, "/query/from", "after_to"),
            ({"measure": "mood", "from": "2011-09-02", "to": "2026-09-01"}, "/query/from", "period_too_long"),
            ({"measure": "mood", "from": "2026-01-01", "to": "2026-09-01", "bucket": "hour"}, "/query/from",
             "period_too_long"),
            ({"measure": "craving", "substance": "Al cohol"}, "/query/substance", "string_pattern_mismatch"),
            ({"measure": "mood", "form": "2026-09-02"}, "/query/form", "extra_forbidden"),
        ],
    )  # fmt: skip
    async def test_that_make_no_sense_are_refused(
        self, as_patient: httpx2.AsyncClient, query: dict[str, Any], pointer: str, code: str
    ) -> None:
        answer = await as_patient.get("/v1/me/trends", params=query)

        assert answer.status_code == 422
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]

    async def test_without_a_period_mean_the_last_ninety_days(self, as_patient: httpx2.AsyncClient) -> None:
        body = (await as_patient.get("/v1/me/trends", params={"measure": "mood"})).json()

        assert date.fromisoformat(body["to"]) - date.fromisoformat(body["from"]) == timedelta(days=89)
        assert body["adherence"]["days"] == 90

    async def test_may_reach_into_the_future_without_counting_its_days(self, as_patient: httpx2.AsyncClient) -> None:
        body = await trend(as_patient, measure="mood", **{"from": "2099-01-01", "to": "2099-01-05"})

        assert (body["adherence"]["days"], body["gaps"]) == (0, [])


class TestEntityTags:
    async def test_answer_304_without_reading_anything_while_nothing_changed(
        self, as_patient: httpx2.AsyncClient, history: History, queries: list[str]
    ) -> None:
        await history.reports("craving", [(on(2), 8)])
        first = await as_patient.get("/v1/me/trends", params={"measure": "craving"})
        queries.clear()

        again = await as_patient.get(
            "/v1/me/trends", params={"measure": "craving"}, headers={"If-None-Match": first.headers["etag"]}
        )

        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"].removeprefix("W/")  # weak, since it was compressed
        assert of_trends(queries) == []

    async def test_change_with_the_record_and_with_the_question(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        async def tag(**query: Any) -> str:
            answer = await as_patient.get("/v1/me/trends", params={"measure": "craving"} | query)
            return answer.headers["etag"]

        before = await tag()
        assert await tag(bucket="raw") != before
        await history.reports("craving", [(on(2), 8)])
        assert await tag() != before

    async def test_are_another_patients_own(
        self, as_patient: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient, patient: Person
    ) -> None:
        mine = await as_patient.get("/v1/me/trends", params={"measure": "mood"})
        theirs = await as_prescriber.get(
            f"/v1/patients/{patient.membership.patient_id}/trends", params={"measure": "mood"}
        )

        assert theirs.status_code == 200
        assert mine.headers["etag"] != theirs.headers["etag"]
        assert mine.headers["cache-control"] == "private, no-cache"


class TestStatements:
    @pytest.mark.parametrize(
        ("bucket", "dose_on", "statements"),
        [("raw", 20, 2), ("raw", 5, 3), ("hour", 20, 2), ("day", 20, 1), ("day", 5, 1), ("week", 5, 1)],
    )
    async def test_are_few_however_much_there_is_to_read(
        self,
        as_patient: httpx2.AsyncClient,
        history: History,
        queries: list[str],
        *,
        bucket: str,
        dose_on: int,
        statements: int,
    ) -> None:
        await history.dose(on(dose_on))
        await history.reports("mood", [(on(-5 + day), day % 10) for day in range(30)])
        queries.clear()

        body = await trend(as_patient, measure="mood", bucket=bucket)

        assert len(of_trends(queries)) == statements  # the axis, the values; by day all in one
        assert body["baseline"]["n"] == (14 if dose_on == 20 else 10)


class TestAccess:
    async def test_is_for_those_who_look_after_the_patient(
        self, as_prescriber: httpx2.AsyncClient, patient: Person, history: History
    ) -> None:
        await history.reports("mood", [(on(2), 8)])
        body = await trend(as_prescriber, f"/v1/patients/{patient.membership.patient_id}/trends", measure="mood")

        assert body["n"] == 1

    async def test_is_not_for_anybody_else(
        self, client: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient, as_patient: httpx2.AsyncClient
    ) -> None:
        elsewhere = "/v1/patients/0199f3d2-0000-7000-8000-000000000000/trends"

        assert (await client.get("/v1/me/trends", params={"measure": "mood"})).status_code == 401
        assert (await as_prescriber.get(elsewhere, params={"measure": "mood"})).status_code == 404
        assert (await as_prescriber.get("/v1/me/trends", params={"measure": "mood"})).status_code == 403
        assert (await as_patient.get(elsewhere, params={"measure": "mood"})).status_code == 403
