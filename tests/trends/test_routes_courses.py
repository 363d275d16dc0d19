"""What was attended, recovery, days to the first use, and smoothed lines, through the front door."""

from datetime import datetime
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.identity.models import Membership, PatientDetails
from app.instruments.catalogue import definition
from app.trends import schemas
from tests.care_plans.plans import a_goal, a_plan
from tests.factories import Person, an_id
from tests.trends.asking import of_trends, trend
from tests.trends.history import History, on
from tests.trends.shapes import kept

pytestmark = pytest.mark.anyio

NOT_ASKED_HERE = {"self_harm_thoughts", "functional_difficulty"}


async def fills_in(phone: httpx2.AsyncClient, key: str, totals: list[tuple[datetime, int]]) -> None:
    """Fill in a questionnaire so that it comes to these totals."""
    items = [item.key for item in definition(key).items if item.key not in NOT_ASKED_HERE]
    for at, total in totals:
        answers = {item: min(3, max(0, total - 3 * number)) for number, item in enumerate(items)}
        answers |= {item: 0 for item in NOT_ASKED_HERE & {"self_harm_thoughts"} if key == "phq9"}
        response = {"instrument": key, "version": "1", "answers": answers}
        report = {"recorded_at": at.isoformat(), "time_zone": "Europe/Berlin", "responses": [response]}
        answer = await phone.put(f"/v1/me/check-ins/{an_id()}", json=report)
        assert answer.status_code == 201, answer.text


async def drinks(phone: httpx2.AsyncClient, days: dict[int, tuple[int, int | None]], month: int = 9) -> None:
    """Keep the diary: whether anything was drunk, and how much."""
    for day, (used, count) in days.items():
        answers = {"used": used} | ({} if count is None else {"drinks": count})
        response = {"instrument": "use_diary", "version": "2", "substance": "alcohol", "answers": answers}
        report = {
            "recorded_at": on(day, month=month).isoformat(), "time_zone": "Europe/Berlin", "responses": [response],
        }  # fmt: skip
        answer = await phone.put(f"/v1/me/check-ins/{an_id()}", json=report)
        assert answer.status_code == 201, answer.text


class TestAttendance:
    async def test_is_counted_for_sessions_and_appointments(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(on(3))
        await history.dose(on(5), given=False, status="aborted")
        await history.dose(on(7), given=False)  # over, and nobody says what became of it
        await history.dose(on(9), given=False, status="cancelled")
        await history.dose(on(11), given=False, status="cancelled", no_show=True)
        await history.dose(on(3, month=10))
        await history.appointment(on(4))
        await history.appointment(on(6), attendance="left_early")
        await history.appointment(on(8), status="noshow", attendance="no_show")
        await history.appointment(on(10), status="cancelled", attendance="cancelled_patient")
        await history.appointment(on(12), status="cancelled", attendance="cancelled_clinic")
        await history.appointment(on(14), status="booked", attendance=None)
        await history.appointment(on(16), status="proposed", attendance=None)
        await history.appointment(on(2, month=10))

        body = await trend(as_patient)

        assert {name: body["adherence"][name] for name in body["adherence"] if "_booked" in name or "_at" in name} == {
            "sessions_booked": 4, "sessions_attended": 2, "appointments_booked": 5, "appointments_attended": 2,
        }  # fmt: skip
        assert body["adherence"]["sessions_not_recorded"] == body["adherence"]["appointments_not_recorded"] == 1
        assert [marker["status"] for marker in body["markers"] if marker["kind"] == "dosing_session"] == [
            "closed", "aborted", "scheduled",
        ]  # fmt: skip

    async def test_leaves_out_what_is_still_to_come(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(on(5, month=1).replace(year=2099), given=False)
        await history.appointment(on(5, month=1).replace(year=2099), status="booked", attendance=None)

        body = await trend(as_patient, **{"from": "2099-01-01", "to": "2099-01-31"})

        assert (body["adherence"]["sessions_booked"], body["adherence"]["appointments_booked"]) == (0, 0)
        assert len(body["markers"]) == 2


class TestRecovery:
    async def test_asks_both_questionnaires_whichever_is_read(
        self, as_patient: httpx2.AsyncClient, history: History, queries: list[str]
    ) -> None:
        await history.dose(on(10))
        await fills_in(as_patient, "phq9", [(on(2), 16), (on(5), 15), (on(8), 17), (on(20), 4)])
        await fills_in(as_patient, "gad7", [(on(2), 9), (on(5), 10), (on(8), 9), (on(20), 6)])
        queries.clear()

        body = await trend(as_patient, measure="phq9_total")

        assert len(of_trends(queries)) == 2
        assert kept(body, schemas.Trend) == []
        assert body["recovery"] == {
            "recovered": True, "reliably": True, "was_case": True, "is_case": False,
            "scores": [
                {"measure": "phq9_total", "baseline": 16, "current": 4, "case_from": 10, "reliable_change": "improved"},
                {"measure": "gad7_total", "baseline": 9, "current": 6, "case_from": 8, "reliable_change": "unchanged"},
            ],
            "rule": "iapt_recovery", "rule_version": "1",
        }  # fmt: skip
        assert (await trend(as_patient, measure="gad7_total"))["recovery"] == body["recovery"]
        assert {one["criterion"]: one["met"] if one["label"] is None else one["label"] for one in
                body["change"]["criteria"]} == {
            "response": True, "remission": True, "mcid": "improved", "reliable_change": "improved",
            "mdc95": "improved", "clinically_significant": "improved",
        }  # fmt: skip
        assert body["change"]["mcid"]["rule"] == "minimal_important_change"

    async def test_says_nothing_of_what_was_not_asked(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(on(10))
        await fills_in(as_patient, "phq9", [(on(2), 16), (on(5), 15), (on(8), 17), (on(20), 4)])

        recovery = (await trend(as_patient, measure="phq9_total"))["recovery"]

        assert (recovery["was_case"], recovery["is_case"], recovery["recovered"]) == (True, None, None)
        assert (await trend(as_patient))["recovery"] is None


class TestTimesTo:
    async def test_count_from_the_first_dose_and_from_the_quit_day(
        self,
        as_patient: httpx2.AsyncClient,
        as_prescriber: httpx2.AsyncClient,
        patient: Person,
        history: History,
        db: Database,
    ) -> None:
        owner = await db.scalar(sa.select(Membership.id).where(Membership.role == "prescriber"))
        goals = [a_goal(quit_on="2026-09-05"), a_goal(id=str(an_id()), substance="cocaine", quit_on="2026-09-25")]
        plan = a_plan(str(owner), goals=goals)
        path = f"/v1/patients/{patient.patient_id}/care-plan"
        assert (await as_prescriber.put(path, json=plan)).status_code == 201
        await history.dose(on(2))
        await drinks(as_patient, {1: (1, 9), 3: (0, None), 4: (0, 0), 8: (1, 2), 9: (1, None), 12: (1, 4), 15: (0, 0)})

        body = await trend(as_patient, measure="used")
        later = await trend(as_patient, measure="used", **{"from": "2026-09-14"})

        assert kept(body, schemas.Trend) == []
        found = {
            (one["first"], one["since"]): (one["since_day"], one["days"], one["censored"], one["unreported_days"])
            for one in body["abstinence"]["times_to"]
        }
        assert found == {
            ("use", "first_dose"): ("2026-09-02", 6, False, 3),
            ("heavy_day", "first_dose"): ("2026-09-02", 10, False, 6),  # the sex is not known: more than 3
            ("use", "quit_day"): ("2026-09-05", 3, False, 2),
            ("heavy_day", "quit_day"): ("2026-09-05", 7, False, 5),
        }
        assert later["abstinence"]["times_to"] == body["abstinence"]["times_to"]

    async def test_of_heavy_days_ask_the_sex_as_the_alert_does(
        self, as_patient: httpx2.AsyncClient, patient: Person, history: History, db: Database
    ) -> None:
        whose = {"clinic_id": patient.membership.clinic_id, "patient_id": patient.patient_id}
        db.add(PatientDetails(**whose, version=1, born_on=None, sex="male"))
        await history.dose(on(2))
        await drinks(as_patient, {3: (1, 4), 4: (1, 5), 5: (0, 0)})

        times_to = (await trend(as_patient, measure="used"))["abstinence"]["times_to"]

        assert [(one["first"], one["days"]) for one in times_to] == [("use", 1), ("heavy_day", 2)]

    async def test_of_another_substance_know_no_heavy_day(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(on(2))
        await history.reports("used", [(on(4), 0), (on(9), 0)], substance="cocaine")

        (only,) = (await trend(as_patient, measure="used"))["abstinence"]["times_to"]

        assert (only["first"], only["days"], only["censored"]) == ("use", 7, True)

    async def test_are_none_without_a_day_to_count_from(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("used", [(on(4), 0), (on(9), 0)])

        assert (await trend(as_patient, measure="used"))["abstinence"]["times_to"] == []


class TestSmoothed:
    @pytest.mark.parametrize("bucket", ["raw", "hour", "day", "week"])
    async def test_is_drawn_only_when_asked_for_and_never_across_a_gap(
        self, as_patient: httpx2.AsyncClient, history: History, bucket: str
    ) -> None:
        await history.reports("mood", [(on(day), day % 10) for day in (1, 2, 3, 5, 12, 13, 14)])

        plain = await trend(as_patient, measure="mood", bucket=bucket)
        smooth = await trend(as_patient, measure="mood", bucket=bucket, smooth="median_7d")

        assert plain.pop("smoothed") is None
        line = smooth.pop("smoothed")
        assert smooth == plain  # no statistic rests on it
        assert (line["method"], line["rule"], line["rule_version"]) == ("median_7d", "median_of_the_days_before", "1")
        assert [[point["value"] for point in piece] for piece in line["lines"]] == [
            [None, None, 2, 2.5], [None, None, 3],
        ]  # fmt: skip

    async def test_is_refused_by_another_name(self, as_patient: httpx2.AsyncClient) -> None:
        answer: Any = await as_patient.get("/v1/me/trends", params={"measure": "mood", "smooth": "lowess"})

        assert answer.status_code == 422


class TestOrder:
    async def test_of_arrival_changes_no_byte_of_a_trend(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        values = [(on(1 + n // 2, 6 + 9 * (n % 2)), (n * 7) % 11) for n in range(50)]
        await history.reports("craving", values, substance="alcohol")
        for third in (2, 0, 1):
            await history.reports("craving", list(reversed(values[third::3])), substance="cocaine")
        await history.dose(on(12))

        for path in ("", "/dose-aligned", "/doses"):
            one, other = [
                await trend(as_patient, f"/v1/me/trends{path}", substance=substance)
                for substance in ("alcohol", "cocaine")
            ]
            assert one | {"substance": "cocaine"} == other
