"""What stands beside the curves after a dose, through the front door: readings, therapy, and all doses pooled."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.core.db import Database
from app.dosing.models import Reading
from tests.charts.drawing import Drawing
from tests.factories import Person, an_id
from tests.trends.asking import of_trends
from tests.trends.history import History, on
from tests.trends.test_routes_dose_aligned import AUTUMN, DOSE_AT, EXAMPLE, aligned

pytestmark = pytest.mark.anyio


async def dissociated(db: Database, by: Person, history: History, session: UUID, minutes: int, score: int) -> None:
    at = DOSE_AT + timedelta(minutes=minutes)
    db.add(
        Reading(
            clinic_id=history.patient.membership.clinic_id,
            session_id=session,
            id=an_id(),
            patient_id=history.patient.membership.patient_id,
            version=1,
            taken_at=at,
            at=at,
            received_at=at,
            minutes_from_dose=minutes,
            recorded_by=by.membership.id,
            clock_suspect=False,
            received_late=False,
            dissociation=score,
            confirmed=[],
            flags=[],
            fingerprint=b"",
        )
    )
    await db.flush()


class TestReadings:
    async def test_stand_on_the_axis_of_their_dose(
        self, db: Database, as_patient: httpx2.AsyncClient, patient: Person, history: History
    ) -> None:
        session = await history.dose(DOSE_AT)
        await history.dose(DOSE_AT + timedelta(days=20))
        for minutes, score in ((40, 9), (-28, 0), (120, 1)):
            await dissociated(db, patient, history, session, minutes, score)

        first, second = (await aligned(as_patient))["sessions"]

        assert first["readings"] == [
            {"minutes_from_dose": -28, "dissociation": 0},
            {"minutes_from_dose": 40, "dissociation": 9},
            {"minutes_from_dose": 120, "dissociation": 1},
        ]
        assert second["readings"] == []


class TestTherapies:
    async def test_stand_in_the_window_they_lie_in(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.dose(DOSE_AT)
        first = await history.appointment(DOSE_AT + timedelta(hours=23), kind="integration")
        await history.appointment(DOSE_AT + timedelta(hours=24), kind="cbt", status="booked", attendance=None)
        await history.appointment(DOSE_AT + timedelta(days=6), status="noshow", attendance="no_show")
        await history.appointment(DOSE_AT + timedelta(days=7))
        await history.appointment(DOSE_AT - timedelta(hours=1))
        await history.appointment(DOSE_AT + timedelta(hours=2), kind="medical_review")
        await history.appointment(DOSE_AT + timedelta(hours=2), status="cancelled", attendance="cancelled_clinic")

        ((found),) = (await aligned(as_patient))["sessions"]

        assert found["therapies"][0] == {
            "appointment_id": str(first),
            "minutes_from_dose": 23 * 60,
            "kind": "integration",
            "window": "first",
            "attended": True,
        }
        assert [(one["window"], one["attended"]) for one in found["therapies"]] == [
            ("first", True),
            ("second", None),
            ("third", False),
        ]

    async def test_belong_to_the_next_dose_once_there_is_one(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(DOSE_AT)
        await history.dose(DOSE_AT + timedelta(hours=48))
        await history.appointment(DOSE_AT + timedelta(hours=47))
        await history.appointment(DOSE_AT + timedelta(hours=49))

        first, second = (await aligned(as_patient))["sessions"]

        assert [one["minutes_from_dose"] for one in first["therapies"]] == [47 * 60]
        assert [one["minutes_from_dose"] for one in second["therapies"]] == [60]

    async def test_are_told_up_to_the_end_of_the_last_window(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.dose(on(31, month=10))
        await history.appointment(on(31, month=10) + timedelta(days=5))

        (found,) = (await aligned(as_patient))["sessions"]

        assert len(found["therapies"]) == 1


class TestPooled:
    async def test_says_what_it_rests_on(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        for day in (0, 20, 40):
            await history.dose(DOSE_AT + timedelta(days=day))
            await history.reports("craving", [(at + timedelta(days=day), value) for at, value in EXAMPLE])

        found: dict[str, Any] = (await aligned(as_patient))["pooled"]

        assert (found["n_sessions"], found["n_overlapping"], found["min_sessions"]) == (3, 0, 3)
        assert (found["baseline"], found["baseline_n"]) == (7, 3)
        assert (found["rule"], found["rule_version"]) == ("median_of_sessions_by_stretch", "1")
        assert found["stretches"][8] == {
            "from_minutes": 48 * 60,
            "until_minutes": 72 * 60,
            "n": 3,
            "n_followed": 3,
            "n_values": 3,
            "median": 2,
            "lower_quartile": 2,
            "upper_quartile": 2,
        }

    async def test_costs_no_statement_more(
        self, as_patient: httpx2.AsyncClient, history: History, queries: list[str]
    ) -> None:
        await history.dose(DOSE_AT)
        await history.reports("craving", EXAMPLE)
        queries.clear()

        await aligned(as_patient)

        assert len(of_trends(queries)) == 3


class TestCharts:
    async def test_show_what_stands_beside_each_dose(
        self, db: Database, as_patient: httpx2.AsyncClient, patient: Person, history: History
    ) -> None:
        session = await history.dose(DOSE_AT)
        await history.reports("craving", EXAMPLE)
        await history.appointment(DOSE_AT + timedelta(hours=23), kind="integration")
        await dissociated(db, patient, history, session, 40, 9)

        answer = await as_patient.get("/v1/me/trends/dose-aligned/chart.svg", params={"measure": "craving"} | AUTUMN)

        drawing = Drawing(answer.text)
        assert len(drawing.all("g", "readings")) == 1
        assert "integration" in drawing.text
        assert "session effects up to 9 of 16" in (drawing.root[1].text or "")

    async def test_lay_all_doses_on_one_another(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        for day in (0, 20, 40):
            await history.dose(DOSE_AT + timedelta(days=day))
            await history.reports("craving", [(at + timedelta(days=day), value) for at, value in EXAMPLE])

        answer = await as_patient.get(
            "/v1/me/trends/dose-aligned/chart.svg", params={"measure": "craving", "view": "pooled"} | AUTUMN
        )

        assert "median of 3 doses" in Drawing(answer.text).text
        assert len(Drawing(answer.text).all("line", "median")) > 5
