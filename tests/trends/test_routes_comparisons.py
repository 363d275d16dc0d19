"""Several measures, two periods, doses given alike and what was missed, through the front door."""

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.core.db import Database
from app.trends import comparison_schemas
from tests.check_in_plans.asked import a_due_check_in
from tests.factories import Person
from tests.trends.asking import SEPTEMBER, of_trends, trend
from tests.trends.history import History, on
from tests.trends.shapes import kept

pytestmark = pytest.mark.anyio

FALLING = (8, 7, 7, 6, 7, 5, 5, 4, 4, 3)
ADVICE = re.compile(
    r"\b(recommend|advis|suggest|optim|best|better|prefer|should|increase|reduce|higher dose|lower dose|effective"
    r"|superior|rank|choose|target|adjust|next dose|titrat)\w*",
    re.IGNORECASE,
)
PERIODS = {
    "measure": "craving", "first_from": "2026-09-01", "first_to": "2026-09-09",
    "second_from": "2026-09-10", "second_to": "2026-09-30",
}  # fmt: skip

NONSENSE: list[tuple[dict[str, Any], str, str]] = [
    ({}, "/query/measure", "missing"),
    ({"measure": ["mood", "happiness"]}, "/query/measure/1", "unknown_measure"),
    ({"measure": ["mood", "mood"]}, "/query/measure", "repeated"),
    ({"measure": ["mood"] * 9}, "/query/measure", "too_long"),
    ({"measure": ["mood", "who5_total"], "substance": "alcohol"}, "/query/substance", "not_applicable"),
    ({"measure": ["mood"], "bucket": "raw"}, "/query/bucket", "literal_error"),
    ({"measure": ["mood"], "smooth": "lowess"}, "/query/smooth", "literal_error"),
    ({"measure": ["mood"], "from": "2026-09-02", "to": "2026-09-01"}, "/query/from", "after_to"),
    ({"measure": ["mood"], "from": "2011-09-02", "to": "2026-09-01"}, "/query/from", "period_too_long"),
]

NONSENSICAL_PERIODS: list[tuple[dict[str, Any], str, str]] = [
    ({"second_from": "2026-09-09"}, "/query/second_from", "periods_overlap"),
    ({"first_to": "2026-08-31"}, "/query/first_from", "after_to"),
    ({"second_to": "2026-09-01"}, "/query/second_from", "after_to"),
    ({"first_from": "2011-01-01"}, "/query/first_from", "period_too_long"),
    ({"measure": "mood", "substance": "alcohol"}, "/query/substance", "not_applicable"),
]


async def ask(client: httpx2.AsyncClient, path: str, *measures: str, **query: Any) -> dict[str, Any]:
    """Ask a trend; the answer has the promised shape."""
    named = {"measure": list(measures)} if len(measures) > 1 else {"measure": measures[0]} if measures else {}
    answer = await client.get(path, params=named | query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def a_full_history(history: History) -> None:
    await history.dose(on(8))
    await history.dose(on(20), route="IV", dose_mg=40.0)
    await history.appointment(on(9))
    await history.reports("craving", [(on(4 + day), value) for day, value in enumerate(FALLING)])
    await history.reports("mood", [(on(2 + day), value) for day, value in enumerate(reversed(FALLING))])
    await history.reports("used", [(on(4 + day), int(day == 7)) for day in range(12)])


class TestSeveral:
    @pytest.mark.parametrize("bucket", ["day", "week"])
    async def test_says_of_each_measure_what_it_says_of_it_alone(
        self, as_patient: httpx2.AsyncClient, history: History, bucket: str
    ) -> None:
        await a_full_history(history)
        query = SEPTEMBER | {"bucket": bucket, "smooth": "ewma"}

        body = await ask(as_patient, "/v1/me/trends/several", "mood", "craving", "used", "phq2_total", **query)

        assert kept(body, comparison_schemas.SeveralTrends) == []
        assert [one["measure"] for one in body["series"]] == ["mood", "craving", "used", "phq2_total"]
        for series in body["series"]:
            alone = await trend(as_patient, measure=series["measure"], **query)
            assert alone.pop("markers") == body["markers"]
            if series["abstinence"] is not None:
                assert series["abstinence"].pop("times_to") is None
                alone["abstinence"].pop("times_to")
            assert series == alone

    async def test_counts_check_ins_by_what_each_asked_for(
        self, as_patient: httpx2.AsyncClient, db: Database, patient: Person
    ) -> None:
        whose = {"clinic_id": patient.membership.clinic_id, "patient_id": patient.patient_id}
        for day in (3, 4, 5):
            a_due_check_in(db, None, on(day), state="missed", instruments=["mood_nrs"], **whose)
        a_due_check_in(db, None, on(6), state="answered", answered_at=on(6), **whose)

        body = await ask(as_patient, "/v1/me/trends/several", "mood", "craving", "who5_total", **SEPTEMBER)

        assert [(one["adherence"]["due"], one["adherence"]["missed"]) for one in body["series"]] == [
            (4, 3), (1, 0), (None, None),
        ]  # fmt: skip

    async def test_takes_one_statement_or_two_however_many_measures(
        self, as_patient: httpx2.AsyncClient, history: History, queries: list[str]
    ) -> None:
        await a_full_history(history)
        eight = ["mood", "craving", "craving_peak", "used", "phq9_total", "gad7_total", "who5_total", "withdrawal"]
        queries.clear()

        await ask(as_patient, "/v1/me/trends/several", *eight, **SEPTEMBER)
        assert len(of_trends(queries)) == 2
        queries.clear()
        await ask(as_patient, "/v1/me/trends/several", *eight, substance="alcohol", **SEPTEMBER)
        assert len(of_trends(queries)) == 1

    async def test_never_mixes_substances(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(2), 8)])
        await history.reports("craving", [(on(3), 2)], substance="cocaine")
        named = {"measure": ["mood", "craving"]} | SEPTEMBER

        refused = await as_patient.get("/v1/me/trends/several", params=named)
        body = await ask(as_patient, "/v1/me/trends/several", "mood", "craving", substance="cocaine", **SEPTEMBER)

        assert (refused.status_code, refused.json()["code"]) == (422, "substance_required")
        assert refused.json()["errors"][0]["params"] == {"substances": ["alcohol", "cocaine"]}
        assert [(one["substance"], [point["mean"] for point in one["points"]]) for one in body["series"]] == [
            (None, []), ("cocaine", [2]),
        ]  # fmt: skip

    async def test_refuses_what_makes_no_sense(self, as_patient: httpx2.AsyncClient) -> None:
        for query, pointer, code in NONSENSE:
            answer = await as_patient.get("/v1/me/trends/several", params=query)

            assert answer.status_code == 422
            assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


class TestPeriods:
    async def test_compares_medians_of_days_by_the_clinics_rule(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.reports("craving", [(on(2), 8), (on(3), 7), (on(3, 12), 9), (on(5), 6), (on(9), 9)])
        await history.reports("craving", [(on(10), 5), (on(12), 4), (on(13), 6), (on(30), 2)])

        body = await ask(as_patient, "/v1/me/trends/periods", **PERIODS)

        assert kept(body, comparison_schemas.ComparedPeriods) == []
        assert body["first"] == {
            "from": "2026-09-01", "to": "2026-09-09", "days": 9, "days_with_values": 4, "n": 5,
            "median": 8, "mean": 7.75, "min": 6, "max": 9,
        }  # fmt: skip
        assert (body["second"]["median"], body["second"]["mean"], body["second"]["n"]) == (4.5, 4.25, 4)
        change = body["change"]
        assert (change["difference"], change["mean_difference"], change["label"]) == (-3.5, -3.5, "improved")
        assert (change["threshold"], change["percent"]) == (pytest.approx(2.4), pytest.approx(-43.75))
        assert (change["rule"], change["rule_version"]) == ("medians_of_local_days", "1")
        assert (body["substance"], body["insufficient_data"]) == ("alcohol", [])

    async def test_says_nothing_on_too_little(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(2), 8), (on(3), 7), (on(5), 6), (on(12), 2), (on(12, 11), 2)])

        body = await ask(as_patient, "/v1/me/trends/periods", **PERIODS)

        assert body["insufficient_data"] == [{"statistic": "second_period", "needed": 3, "have": 1}]
        assert (body["change"]["difference"], body["change"]["label"]) == (None, None)
        assert body["second"]["median"] == 2

    async def test_uses_published_criteria_too(self, as_patient: httpx2.AsyncClient) -> None:
        body = await ask(as_patient, "/v1/me/trends/periods", **PERIODS | {"measure": "phq9_total"})

        assert [one["criterion"] for one in body["change"]["criteria"]] == [
            "response", "remission", "mcid", "reliable_change", "mdc95", "clinically_significant",
        ]  # fmt: skip

    async def test_keeps_days_of_23_and_25_hours_whole(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("mood", [(on(25, hour, month=10), 4) for hour in (-2, 0.5, 1.5, 22.9)])
        await history.reports("mood", [(on(29, hour, month=3), 6) for hour in (-1, 20, 21.9, 22.1)])
        dst = {"first_from": "2026-10-25", "first_to": "2026-10-25", "second_from": "2026-03-29"}

        body = await ask(as_patient, "/v1/me/trends/periods", **dst | {"measure": "mood", "second_to": "2026-03-29"})

        assert (body["first"]["n"], body["first"]["days_with_values"]) == (4, 1)
        assert (body["second"]["n"], body["second"]["days_with_values"]) == (3, 1)

    async def test_refuses_what_makes_no_sense(self, as_patient: httpx2.AsyncClient) -> None:
        for but, pointer, code in NONSENSICAL_PERIODS:
            answer = await as_patient.get("/v1/me/trends/periods", params=PERIODS | but)

            assert answer.status_code == 422
            assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


class TestDoses:
    async def test_finds_the_worked_example_and_puts_doses_given_alike_together(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        hours = (-60, -48, -30, -12, -1, 1, 4, 24, 48, 72, 120, 168, 240, 336)
        values = (7, 8, 7, 6, 7, 6, 4, 3, 2, 3, 4, 5, 6, 7)
        for day in (1, 31, 61):
            await history.dose(on(day))
            await history.reports(
                "craving", [(on(day) + timedelta(hours=hour), value) for hour, value in zip(hours, values, strict=True)]
            )
        await history.dose(on(46), route="IV", dose_mg=40.0)
        asked = {"from": "2026-08-01", "to": "2026-11-22"}

        body = await ask(as_patient, "/v1/me/trends/doses", "craving", **asked)
        aligned = await trend(as_patient, "/v1/me/trends/dose-aligned", **asked)

        assert kept(body, comparison_schemas.ComparedDoses) == []
        first = body["doses"][0]
        assert (first["baseline"], first["onset_minutes"], first["duration_minutes"]) == (7, 240, 164 * 60)
        assert (first["auc"], first["mean_reduction"]) == (580.5, pytest.approx(3.4554, abs=5e-5))
        for dose, curve in zip(body["doses"], aligned["sessions"], strict=True):
            assert {name: dose[name] for name in dose if name != "n_after"} == {
                name: curve[name] for name in dose if name != "n_after"
            }
        alike, other = body["groups"]
        assert (alike["dose_route"], alike["dose_mg"], alike["n"]) == ("IM", 60, 3)
        assert (alike["relief"]["n"], alike["relief"]["median_relief_minutes"]) == (3, 164 * 60)
        assert (alike["median_onset_minutes"], alike["insufficient_data"]) == (240, [])
        assert alike["median_minutes_since_previous_dose"] == 22.5 * 24 * 60
        assert (other["dose_route"], other["n"], other["relief"]["median_relief_minutes"]) == ("IV", 1, None)
        assert other["insufficient_data"] == [{"statistic": "median_relief", "needed": 3, "have": 0}]

    async def test_never_says_what_to_give(
        self, client: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient, patient: Person, history: History
    ) -> None:
        await a_full_history(history)
        answer = await as_prescriber.get(
            f"/v1/patients/{patient.patient_id}/trends/doses", params={"measure": "craving"} | SEPTEMBER
        )
        document = (await client.get("/openapi.json")).json()
        described = [
            operation
            for path, operations in document["paths"].items()
            if path.endswith("/trends/doses")
            for operation in operations.values()
        ]
        shapes = [document["components"]["schemas"][name] for name in ("ComparedDoses", "DoseFigures", "DoseGroup")]

        said = answer.text.replace('"higher_is":"worse"', "")
        words = str([[one["summary"], one["description"]] for one in described]) + str(shapes)
        assert answer.status_code == 200
        assert ADVICE.findall(said) == []
        assert len(described) == 2
        assert [word for word in ADVICE.findall(words) if word not in {"rank", "best", "better", "next dose"}] == []
        assert "nothing says what to give" in words

    async def test_answers_with_nothing_where_no_dose_was_given(self, as_patient: httpx2.AsyncClient) -> None:
        body = await ask(as_patient, "/v1/me/trends/doses", "craving", **SEPTEMBER)

        assert (body["doses"], body["groups"]) == ([], [])


class TestMissed:
    async def test_tells_that_more_was_missed_after_worse_values(
        self, as_patient: httpx2.AsyncClient, history: History, db: Database, patient: Person
    ) -> None:
        whose = {"clinic_id": patient.membership.clinic_id, "patient_id": patient.patient_id}
        for day in range(1, 21):
            is_bad = day % 2 == 0
            await history.reports("craving", [(on(day, 8), 9 if is_bad else 3)])
            state: dict[str, Any] = {"state": "missed"} if is_bad else {"state": "answered", "answered_at": on(day, 18)}
            a_due_check_in(db, None, on(day, 18), **state, **whose)
        a_due_check_in(db, None, on(25), state="missed", **whose)
        a_due_check_in(db, None, on(12, 19), state="missed", instruments=["mood_nrs"], **whose)

        body = await ask(as_patient, "/v1/me/trends/missed", "craving", **SEPTEMBER)

        assert kept(body, comparison_schemas.MissedCheckIns) == []
        assert body["after_worse"] == {"n": 10, "missed": 10, "percent": 100}
        assert body["after_others"] == {"n": 10, "missed": 0, "percent": 0}
        assert (body["own_median"], body["without_value"]) == (6, 1)
        assert body["p_value"] == pytest.approx(1.0825e-05, rel=1e-4)
        assert (body["label"], body["rule"]) == ("more_missed_after_worse_values", "missed_after_worse_than_own_median")

    async def test_says_nothing_on_too_little(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(day), day) for day in (2, 4, 6)])

        body = await ask(as_patient, "/v1/me/trends/missed", "craving", **SEPTEMBER)

        assert (body["label"], body["p_value"], body["after_worse"]["percent"]) == (None, None, None)
        assert [one["needed"] for one in body["insufficient_data"]] == [5, 5]


class TestAll:
    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("several", SEPTEMBER | {"measure": "mood"}),
            ("periods", PERIODS | {"measure": "mood"}),
            ("doses", SEPTEMBER | {"measure": "mood"}),
            ("missed", SEPTEMBER | {"measure": "mood"}),
        ],
    )
    async def test_answer_304_while_nothing_changed_and_staff_the_same(
        self,
        as_patient: httpx2.AsyncClient,
        as_prescriber: httpx2.AsyncClient,
        patient: Person,
        history: History,
        queries: list[str],
        *,
        path: str,
        query: dict[str, Any],
    ) -> None:
        await a_full_history(history)
        mine = await as_patient.get(f"/v1/me/trends/{path}", params=query)
        theirs = await as_prescriber.get(f"/v1/patients/{patient.patient_id}/trends/{path}", params=query)
        queries.clear()

        again = await as_patient.get(
            f"/v1/me/trends/{path}", params=query, headers={"If-None-Match": mine.headers["etag"]}
        )

        assert mine.json() == theirs.json()
        assert (again.status_code, of_trends(queries)) == (304, [])
