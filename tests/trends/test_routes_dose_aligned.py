"""Trends by the time since each dose, through the front door."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.core.db import Database
from tests.factories import Person
from tests.trends.asking import of_trends
from tests.trends.history import History, on

pytestmark = pytest.mark.anyio

AUTUMN = {"from": "2026-09-01", "to": "2026-10-31"}
DOSE_AT = on(10)
HOURS = (-60, -48, -30, -12, -1, 1, 4, 24, 48, 72, 120, 168, 240, 336)
VALUES = (7, 8, 7, 6, 7, 6, 4, 3, 2, 3, 4, 5, 6, 7)
EXAMPLE = [(DOSE_AT + timedelta(hours=hour), value) for hour, value in zip(HOURS, VALUES, strict=True)]


async def aligned(client: httpx2.AsyncClient, address: str = "/v1/me/trends", **query: Any) -> dict[str, Any]:
    answer = await client.get(f"{address}/dose-aligned", params={"measure": "craving"} | AUTUMN | query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


class TestReadDoseAlignedTrend:
    async def test_finds_the_worked_example(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        dose = await history.dose(DOSE_AT)
        await history.reports("craving", EXAMPLE)

        body = await aligned(as_patient)

        assert body["sessions"] == [
            {
                "dosing_session_id": str(dose),
                "dose_started_at": "2026-09-10T10:00:00.000Z",
                "dose_mg": 60,
                "dose_substance": "ketamine",
                "dose_route": "IM",
                "minutes_since_previous_dose": None,
                "baseline": 7,
                "baseline_n": 5,
                "baseline_hours": 72,
                "baseline_overlaps_previous_dose": False,
                "threshold": pytest.approx(2.1),
                "relief_at": pytest.approx(4.9),
                "relief_reachable": True,
                "points": [
                    {"minutes_from_dose": hour * 60, "value": value} for hour, value in zip(HOURS, VALUES, strict=True)
                ],
                "onset_minutes": 240,
                "nadir": {"value": 2, "minutes_from_dose": 2880},
                "return_minutes": 10080,
                "duration_minutes": 9840,
                "censored": False,
                "censored_by": None,
                "interrupted": False,
                "auc": 580.5,
                "mean_reduction": pytest.approx(3.4554, abs=5e-5),
                "coverage": 100,
                "readings": [],
                "therapies": [],
                "insufficient_data": [],
            }
        ]
        assert body["summary"] == {
            "median_relief_minutes": 9840, "method": "kaplan_meier", "n": 1, "n_censored": 0, "n_without_onset": 0,
        }  # fmt: skip
        assert (body["measure"], body["substance"], body["higher_is"]) == ("craving", "alcohol", "worse")
        assert (body["rule"], body["rule_version"]) == ("two_values_beyond_threshold", "1")

    async def test_finds_the_same_where_higher_is_better(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(DOSE_AT)
        await history.reports("mood", [(at, 10 - value) for at, value in EXAMPLE])

        (session,) = (await aligned(as_patient, measure="mood"))["sessions"]

        assert (session["onset_minutes"], session["return_minutes"], session["auc"]) == (240, 10080, 580.5)
        assert (session["nadir"]["value"], session["baseline"], session["relief_at"]) == (8, 3, pytest.approx(5.1))

    async def test_measures_overlapping_doses_each_from_what_was_usual_before_it(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        second = DOSE_AT + timedelta(hours=72)
        await history.dose(DOSE_AT)
        await history.dose(second)
        await history.reports("craving", [(DOSE_AT + timedelta(hours=h), 7) for h in (-48, -24, -1)])
        await history.reports("craving", [(DOSE_AT + timedelta(hours=h), 3) for h in (4, 24, 48, 70)])
        await history.reports("craving", [(second + timedelta(hours=h), 1) for h in (4, 24, 48)])

        body = await aligned(as_patient)
        one, two = body["sessions"]

        assert (one["onset_minutes"], one["censored"], one["censored_by"]) == (240, True, "next_dose")
        assert (one["return_minutes"], one["duration_minutes"]) == (None, 66 * 60)
        assert (two["baseline"], two["baseline_overlaps_previous_dose"]) == (3, True)
        assert (two["minutes_since_previous_dose"], two["onset_minutes"], two["censored_by"]) == (4320, 240, "horizon")
        assert body["summary"] == {
            "median_relief_minutes": None, "method": "kaplan_meier", "n": 2, "n_censored": 2, "n_without_onset": 0,
        }  # fmt: skip

    async def test_knows_the_doses_outside_the_period(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(DOSE_AT - timedelta(hours=200))
        await history.dose(DOSE_AT)
        await history.dose(DOSE_AT + timedelta(hours=100))
        await history.reports("craving", EXAMPLE)

        (session,) = (await aligned(as_patient, **{"from": "2026-09-10", "to": "2026-09-10"}))["sessions"]

        assert session["minutes_since_previous_dose"] == 200 * 60
        assert (session["censored_by"], session["points"][-1]["minutes_from_dose"]) == ("next_dose", 72 * 60)

    async def test_survives_a_zero_baseline_and_says_that_there_was_no_room(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(DOSE_AT)
        await history.reports("craving", [(at, 0) for at, _ in EXAMPLE])

        body = await aligned(as_patient)

        assert (body["sessions"][0]["relief_reachable"], body["sessions"][0]["onset_minutes"]) == (False, None)
        assert (body["summary"]["n"], body["summary"]["n_without_onset"]) == (0, 1)

    async def test_names_what_is_missing_for_each_dose(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(DOSE_AT)
        await history.reports("craving", [(DOSE_AT - timedelta(hours=5), 7), (DOSE_AT + timedelta(hours=4), 2)])

        (session,) = (await aligned(as_patient))["sessions"]

        assert (session["baseline"], session["nadir"], session["auc"], session["coverage"]) == (None, None, None, 0)
        assert session["baseline_hours"] == 168
        assert [point["minutes_from_dose"] for point in session["points"]] == [-300, 240]
        assert session["insufficient_data"] == [
            {"statistic": "baseline", "needed": 3, "have": 1},
            {"statistic": "onset", "needed": 2, "have": 1},
            {"statistic": "nadir", "needed": 3, "have": 1},
        ]

    async def test_has_no_session_without_a_dose(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(DOSE_AT, given=False)
        await history.reports("craving", EXAMPLE)

        body = await aligned(as_patient)

        assert body["sessions"] == []
        assert body["summary"]["n_without_onset"] == 0

    async def test_has_points_but_no_relief_where_neither_direction_is_better(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(DOSE_AT)
        await history.reports("affect_arousal", [(at, value - 4) for at, value in EXAMPLE])

        (session,) = (await aligned(as_patient, measure="affect_arousal"))["sessions"]

        assert (session["baseline"], len(session["points"])) == (3, 14)
        assert (session["relief_at"], session["onset_minutes"], session["auc"]) == (None, None, None)

    async def test_must_be_told_the_substance_when_there_are_several(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.reports("craving", [(on(2), 8)])
        await history.reports("craving", [(on(3), 2)], substance="cocaine")

        answer = await as_patient.get("/v1/me/trends/dose-aligned", params={"measure": "craving"})

        assert (answer.status_code, answer.json()["code"]) == (422, "substance_required")

    async def test_reads_with_few_statements_however_many_doses(
        self, as_patient: httpx2.AsyncClient, history: History, queries: list[str]
    ) -> None:
        for week in range(6):
            await history.dose(on(2 + 7 * week))
        await history.reports("mood", [(on(1 + day), day % 10) for day in range(40)])
        queries.clear()

        body = await aligned(as_patient, measure="mood")

        assert len(body["sessions"]) == 6
        assert len(of_trends(queries)) == 2  # doses, values

    async def test_answers_304_while_nothing_changed(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        first = await as_patient.get("/v1/me/trends/dose-aligned", params={"measure": "mood"})
        again = await as_patient.get(
            "/v1/me/trends/dose-aligned", params={"measure": "mood"}, headers={"If-None-Match": first.headers["etag"]}
        )

        assert (again.status_code, again.content) == (304, b"")

    async def test_is_the_same_for_those_who_look_after_the_patient(
        self, as_patient: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient, patient: Person, history: History
    ) -> None:
        await history.dose(DOSE_AT)
        await history.reports("craving", EXAMPLE)

        address = f"/v1/patients/{patient.membership.patient_id}/trends"
        assert await aligned(as_prescriber, address) == await aligned(as_patient)


class TestCharts:
    @pytest.mark.parametrize("address", ["chart", "dose-aligned/chart"])
    async def test_are_drawn_for_the_patient_and_for_staff(
        self,
        as_patient: httpx2.AsyncClient,
        as_prescriber: httpx2.AsyncClient,
        patient: Person,
        history: History,
        address: str,
    ) -> None:
        await history.dose(DOSE_AT)
        await history.dose(DOSE_AT + timedelta(days=20))
        await history.appointment(on(12))
        await history.appointment(on(19), status="noshow", attendance="no_show")
        await history.reports("craving", EXAMPLE)
        query = {"measure": "craving"} | AUTUMN

        for client, path in (
            (as_patient, "/v1/me/trends"),
            (as_prescriber, f"/v1/patients/{patient.membership.patient_id}/trends"),
        ):
            svg = await client.get(f"{path}/{address}.svg", params=query)
            png = await client.get(f"{path}/{address}.png", params=query | {"width": 390, "height": 320})

            assert svg.headers["content-type"] == "image/svg+xml"
            assert svg.text.startswith("<svg")
            assert "Craving right now, alcohol" in svg.text
            assert png.headers["content-type"] == "image/png"
            assert png.content.startswith(b"\x89PNG")
            assert int.from_bytes(png.content[16:20]) == 780
            assert len({svg.headers["etag"].removeprefix("W/"), png.headers["etag"]}) == 2
            again = await client.get(
                f"{path}/{address}.svg", params=query, headers={"If-None-Match": svg.headers["etag"]}
            )
            assert again.status_code == 304

    @pytest.mark.parametrize("bucket", ["raw", "hour", "day", "week"])
    async def test_are_drawn_of_every_bucket(
        self, as_patient: httpx2.AsyncClient, history: History, bucket: str
    ) -> None:
        await history.reports("used", [(on(1 + day), day % 2) for day in (0, 1, 2, 12, 13, 28)])

        svg = await as_patient.get(
            "/v1/me/trends/chart.svg",
            params={"measure": "used", "bucket": bucket, "from": "2026-09-01", "to": "2026-10-31", "theme": "dark"},
        )

        assert svg.status_code == 200
        assert 'class="gap"' in svg.text

    async def test_are_drawn_when_there_is_nothing_to_draw(self, as_patient: httpx2.AsyncClient) -> None:
        for address in ("chart.svg", "dose-aligned/chart.svg"):
            svg = await as_patient.get(f"/v1/me/trends/{address}", params={"measure": "mood"} | AUTUMN)
            assert svg.status_code == 200

    async def test_hold_no_transaction_while_they_are_drawn(
        self, as_patient: httpx2.AsyncClient, history: History, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from app.charts import trend

        open_transactions = []

        def draw(_: object) -> str:
            open_transactions.append(db.get_bind().pool.checkedout())  # type: ignore[union-attr]
            return "<svg/>"

        monkeypatch.setattr(trend, "trend_chart", draw)
        answer = await as_patient.get("/v1/me/trends/chart.svg", params={"measure": "mood"})

        assert (answer.text, open_transactions) == ("<svg/>", [0])

    async def test_refuse_a_size_at_which_nothing_is_legible(self, as_patient: httpx2.AsyncClient) -> None:
        answer = await as_patient.get("/v1/me/trends/chart.png", params={"measure": "mood", "width": 100})

        assert answer.status_code == 422
