"""Trends by the calendar, through the front door."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.core.db import Database
from tests.check_in_plans.asked import a_due_check_in
from tests.factories import Person
from tests.trends.asking import trend
from tests.trends.history import History, on

pytestmark = pytest.mark.anyio

FALLING = (8, 7, 7, 6, 7, 5, 5, 4, 4, 3)


def counts(body: dict[str, Any]) -> dict[str, Any]:
    """What the adherence says of values and check-ins; of sessions and appointments see `test_routes_courses`."""
    said: dict[str, Any] = body["adherence"]
    return {name: said[name] for name in said if not name.startswith(("sessions", "appointments"))}


class TestReadTrend:
    async def test_finds_the_worked_example(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(10 + day), value) for day, value in enumerate(FALLING)])

        body = await trend(as_patient)

        assert body["slope"] == {
            "per_day": -0.5,
            "ci_low": pytest.approx(-2 / 3),
            "ci_high": pytest.approx(-3 / 7),
            "n": 10,
            "method": "theil_sen",
        }
        assert body["trend"]["s"] == -38
        assert body["trend"]["p_value"] == pytest.approx(0.0007065, abs=5e-8)
        assert body["trend"]["label"] == "improving"
        assert [point["mean"] for point in body["points"]] == list(FALLING)
        assert body["points"][0] == {
            "at": "2026-09-09T22:00:00.000Z", "local_day": "2026-09-10", "mean": 8, "min": 8, "max": 8, "n": 1,
        }  # fmt: skip
        assert (body["measure"], body["substance"], body["higher_is"]) == ("craving", "alcohol", "worse")
        assert (body["unit"], body["minimum"], body["maximum"]) == ("points", 0, 10)
        assert (body["n"], body["time_zone"], body["from"], body["to"]) == (
            10, "Europe/Berlin", "2026-09-01", "2026-09-30",
        )  # fmt: skip

    async def test_compares_the_latest_week_with_the_days_before_the_first_dose(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(on(15))
        await history.reports("craving", [(on(10), 7), (on(12), 8), (on(14), 7), (on(15, 12), 1)])
        await history.reports("craving", [(on(18), 4), (on(20), 3), (on(20, 12), 5)])

        body = await trend(as_patient)

        assert body["baseline"] == {
            "status": "sufficient", "value": 7, "n": 3,
            "from": "2026-09-01T10:00:00.000Z", "to": "2026-09-15T10:00:00.000Z",
            "method": "median", "rule": "median_before_first_dose", "rule_version": "1",
        }  # fmt: skip
        change = body["change"]
        assert (change["label"], change["current"], change["current_n"]) == ("improved", 4, 3)
        assert (change["current_from"], change["current_to"]) == ("2026-09-18", "2026-09-20")
        assert (change["difference"], change["threshold"]) == (-3, pytest.approx(2.1))
        assert change["percent"] == pytest.approx(-300 / 7)
        assert (change["rule"], change["rule_version"]) == ("range_or_baseline_share", "1")
        assert counts(body) == {
            "days_with_values": 6, "days": 30, "due": None, "completed": None, "late": None, "missed": None,
        }  # fmt: skip

    @pytest.mark.parametrize("bucket", ["day", "raw", "hour", "week"])
    async def test_counts_what_asked_for_the_measure_with_late_apart_and_makes_no_value_of_a_miss(
        self, as_patient: httpx2.AsyncClient, history: History, db: Database, patient: Person, bucket: str
    ) -> None:
        await history.reports("craving", [(on(10), 7)])
        states: dict[str, list[tuple[datetime, int | None]]] = {
            "answered": [(on(10), 0), (on(11), 1), (on(12), 2), (on(12), 60)],
            "missed": [(on(13), None), (on(14), None), (on(14), None)],
            "waiting": [(on(15), None)],
            "cancelled": [(on(15), None)],
        }
        whose = {"clinic_id": patient.membership.clinic_id, "patient_id": patient.patient_id}
        for state, asked in states.items():
            for at, hours in asked:
                answered_at = None if hours is None else at + timedelta(hours=hours)
                a_due_check_in(db, None, at, state=state, answered_at=answered_at, **whose)
        a_due_check_in(db, None, on(13), state="missed", instruments=["mood_nrs"], **whose)
        a_due_check_in(db, None, on(40), state="missed", **whose)

        body = await trend(as_patient, bucket=bucket)

        assert counts(body) == {
            "days_with_values": 1, "days": 30, "due": 7, "completed": 2, "late": 2, "missed": 3,
        }  # fmt: skip
        assert (body["n"], len(body["points"])) == (1, 1)

    async def test_names_what_is_missing_instead_of_guessing(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(on(15))
        await history.reports("craving", [(on(14), 7), (on(16), 4)])

        body = await trend(as_patient)

        assert body["baseline"]["status"] == "insufficient"
        assert (body["baseline"]["value"], body["change"]["label"], body["slope"], body["trend"]) == (None,) * 4
        assert body["change"]["current"] == 4
        assert body["insufficient_data"] == [
            {"statistic": "baseline", "needed": 3, "have": 1},
            {"statistic": "slope", "needed": 5, "have": 2},
            {"statistic": "slope_interval", "needed": 8, "have": 2},
            {"statistic": "trend", "needed": 8, "have": 2},
        ]
        assert len(body["points"]) == 2

    async def test_answers_with_nothing_when_there_is_nothing(self, as_patient: httpx2.AsyncClient) -> None:
        body = await trend(as_patient)

        assert (body["points"], body["gaps"], body["markers"], body["n"]) == ([], [], [], 0)
        assert body["substance"] is None
        assert {one["statistic"] for one in body["insufficient_data"]} == {
            "baseline", "change", "slope", "slope_interval", "trend",
        }  # fmt: skip

    async def test_reads_a_scale_where_higher_is_better_the_other_way(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(on(5))
        await history.reports("mood", [(on(2), 3), (on(3), 3), (on(4), 2)])
        await history.reports("mood", [(on(6 + day), 10 - value) for day, value in enumerate(FALLING)])

        body = await trend(as_patient, measure="mood")

        assert (body["higher_is"], body["change"]["label"], body["trend"]["label"]) == (
            "better", "improved", "improving",
        )  # fmt: skip

    async def test_survives_a_zero_baseline(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(on(5))
        await history.reports("craving", [(on(day), 0) for day in (2, 3, 4)] + [(on(8), 3)])

        change = (await trend(as_patient))["change"]

        assert (change["label"], change["threshold"], change["percent"]) == ("worse", 2, None)

    async def test_has_the_published_figures_beside_the_declared_rule(
        self, as_prescriber: httpx2.AsyncClient, patient: Person, history: History
    ) -> None:
        await history.dose(on(5))
        body = await trend(as_prescriber, f"/v1/patients/{patient.membership.patient_id}/trends", measure="phq9_total")

        assert body["change"]["mcid"]["points"] == 5
        assert body["change"]["mcid"]["source"]
        assert body["change"]["reliable_change"]["points"] == 6
        assert (await trend(as_prescriber, f"/v1/patients/{patient.membership.patient_id}/trends"))["change"][
            "mcid"
        ] is None

    async def test_leaves_out_what_a_wrong_clock_dated(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(1, month=1).replace(year=2027), 9)])

        assert (await trend(as_patient, **{"from": "2026-12-01", "to": "2027-02-01"}))["points"] == []

    async def test_counts_abstinent_days(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(on(1))
        await history.reports("used", [(on(day), int(day == 8)) for day in range(2, 12)])

        body = await trend(as_patient, measure="used")

        times_to = body["abstinence"].pop("times_to")
        assert body["abstinence"] == {
            "abstinent_days": 9, "days_with_values": 10, "days": 30, "percent": 90, "worst_case_percent": 30,
            "days_to_first_use": 7, "first_use_censored": False,
            "rule": "any_report_of_use_is_a_day_of_use", "rule_version": "1",
        }  # fmt: skip
        assert (times_to[0]["first"], times_to[0]["days"], times_to[0]["censored"]) == ("use", 7, False)
        assert (await trend(as_patient))["abstinence"] is None


class TestBuckets:
    async def test_gives_each_value_of_a_raw_series(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(2, 20.5), 6), (on(2, 8), 4)])

        body = await trend(as_patient, bucket="raw")

        assert body["points"] == [
            {"at": "2026-09-02T08:00:00.000Z", "value": 4}, {"at": "2026-09-02T20:30:00.000Z", "value": 6},
        ]  # fmt: skip
        assert (body["bucket"], body["downsampled"], body["n"]) == ("raw", False, 2)

    async def test_thins_out_a_raw_series_without_touching_the_statistics(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        values = [(on(1 + n // 4, 6 + 4 * (n % 4)), (n * 7) % 11) for n in range(100)]
        await history.reports("craving", values)

        whole, thin = await trend(as_patient, bucket="raw"), await trend(as_patient, bucket="raw", points=20)

        assert (len(thin["points"]), thin["downsampled"], thin["n"]) == (20, True, 100)
        assert thin["points"][0] == whole["points"][0]
        assert thin["points"][-1] == whole["points"][-1]
        assert [p for p in thin["points"] if p not in whole["points"]] == []
        assert (thin["slope"], thin["trend"]) == (whole["slope"], whole["trend"])
        assert whole["slope"] == (await trend(as_patient))["slope"]

    async def test_counts_a_late_evening_on_the_patients_own_day(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.reports("craving", [(on(3, 6.5), 5)], time_zone="America/Los_Angeles")  # 23:30 on the 2nd
        await history.reports("craving", [(on(2, 22.5), 9)])  # half past midnight on the 3rd

        body = await trend(as_patient)

        assert [(point["local_day"], point["mean"]) for point in body["points"]] == [
            ("2026-09-02", 5), ("2026-09-03", 9),
        ]  # fmt: skip
        assert (await trend(as_patient, **{"from": "2026-09-02", "to": "2026-09-02"}))["n"] == 1

    async def test_keeps_days_of_23_and_25_hours_whole(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        values = [(on(25, hour, month=10), 4) for hour in (-2, 0.5, 1.5, 22.9)]  # all of 25 October in Berlin
        await history.reports("craving", [*values, (on(25, 23, month=10), 8)])
        october = {"from": "2026-10-20", "to": "2026-10-31"}

        days = (await trend(as_patient, **october))["points"]
        hours = (await trend(as_patient, **october, bucket="hour"))["points"]

        assert [(day["local_day"], day["n"], day["at"]) for day in days] == [
            ("2026-10-25", 4, "2026-10-24T22:00:00.000Z"), ("2026-10-26", 1, "2026-10-25T23:00:00.000Z"),
        ]  # fmt: skip
        assert [(hour["at"], hour["local_day"]) for hour in hours] == [
            ("2026-10-24T22:00:00.000Z", "2026-10-25"),
            ("2026-10-25T00:00:00.000Z", "2026-10-25"),  # two o'clock in summer time
            ("2026-10-25T01:00:00.000Z", "2026-10-25"),  # and again in winter time
            ("2026-10-25T22:00:00.000Z", "2026-10-25"),
            ("2026-10-25T23:00:00.000Z", "2026-10-26"),
        ]

    async def test_weighs_every_value_of_a_week_alike(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(7), 8), (on(7, 12), 8), (on(9), 2), (on(14), 5)])

        body = await trend(as_patient, bucket="week")

        assert [(p["local_day"], p["mean"], p["min"], p["max"], p["n"]) for p in body["points"]] == [
            ("2026-09-07", 6, 2, 8, 3), ("2026-09-14", 5, 5, 5, 1),
        ]  # fmt: skip

    async def test_shows_gaps_as_gaps(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("craving", [(on(day), 5) for day in (1, 2, 5, 9, 28)])

        body = await trend(as_patient)

        assert body["gaps"] == [
            {"from": "2026-09-06", "to": "2026-09-08", "days": 3},
            {"from": "2026-09-10", "to": "2026-09-27", "days": 18},
        ]
        assert (await trend(as_patient, bucket="week"))["gaps"] == [
            {"from": "2026-09-14", "to": "2026-09-27", "days": 14}
        ]


class TestMarkers:
    async def test_lists_doses_and_appointments_by_time(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        planned = await history.dose(on(20), given=False)
        given = await history.dose(on(10))
        visit = await history.appointment(on(15))
        await history.dose(on(12), given=False, status="cancelled")
        await history.appointment(on(16), status="cancelled", attendance=None)
        missed = await history.appointment(on(29), status="noshow", attendance="no_show", kind="mindfulness")
        await history.dose(on(1, month=10))

        markers = (await trend(as_patient))["markers"]

        assert [marker["id"] for marker in markers] == [str(given), str(visit), str(planned), str(missed)]
        assert markers[0] == {
            "kind": "dosing_session", "id": str(given), "at": "2026-09-10T10:00:00.000Z", "status": "closed",
            "dose_given": True, "dose_mg": 60, "substance": "ketamine", "route": "IM",
            "appointment_kind": None, "attendance": None,
            "therapy": [
                {
                    "window": window, "from_hours": since, "until_hours": until,
                    "offered": offered, "attended": offered, "not_recorded": 0,
                }
                for window, since, until, offered in (("first", 0, 24, 0), ("second", 24, 72, 0), ("third", 72, 168, 1))
            ],
        }  # fmt: skip
        assert [marker["therapy"] for marker in markers[1:]] == [None] * 3
        assert (markers[1]["appointment_kind"], markers[1]["attendance"], markers[1]["dose_given"]) == (
            "cbt", "attended", False,
        )  # fmt: skip
        assert (markers[2]["at"], markers[2]["dose_given"]) == ("2026-09-20T09:30:00.000Z", False)

    async def test_a_dose_tells_which_therapy_followed_also_when_that_was_after_the_period(
        self, as_patient: httpx2.AsyncClient, history: History, queries: list[str]
    ) -> None:
        await history.dose(on(20))
        await history.dose(on(30))
        await history.appointment(on(20, 8))  # before
        await history.appointment(on(20, 15), kind="mindfulness", status="noshow", attendance="no_show")
        await history.appointment(on(21, 15), kind="medical_review")
        await history.appointment(on(21, 16), status="cancelled", attendance="cancelled_patient")
        await history.appointment(on(22, 16), status="booked", attendance=None)
        await history.appointment(on(2, 12, month=10))
        await history.appointment(on(5, 12, month=10), status="cancelled", attendance="cancelled_clinic")
        await history.appointment(on(8, 12, month=10))
        queries.clear()

        markers = (await trend(as_patient))["markers"]

        doses = [marker for marker in markers if marker["dose_given"]]
        assert [
            [(each["offered"], each["attended"], each["not_recorded"]) for each in dose["therapy"]] for dose in doses
        ] == [[(1, 0, 0), (2, 0, 1), (0, 0, 0)], [(0, 0, 0), (1, 1, 0), (0, 0, 0)]]
        assert len(markers) == 6
        assert len([each for each in queries if "appointments" in each]) == 1
