"""The calendar of check-ins and the course on one page, through the front door."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest

from app.check_in_plans.models import DueCheckIn
from app.core.db import Database
from app.core.settings import Settings
from tests import factories
from tests.charts.drawing import Drawing
from tests.factories import Person, an_id
from tests.trends.asking import of_trends
from tests.trends.history import History, on

pytestmark = pytest.mark.anyio

SEPTEMBER = {"from": "2026-09-01", "to": "2026-09-30"}
PAGES = ("adherence", "course")


async def due(db: Database, patient: Person, at: datetime, state: str = "answered", after: float = 0.5) -> None:
    """A check-in that was asked for at this time, open for three hours; answered so many hours after."""
    db.add(
        DueCheckIn(
            clinic_id=patient.membership.clinic_id,
            patient_id=patient.membership.patient_id,
            id=an_id(),
            time_point="daily",
            opens_at=at,
            due_at=at,
            closes_at=at + timedelta(hours=3),
            instruments=["craving_nrs"],
            state=state,
            answered_at=at + timedelta(hours=after) if state == "answered" else None,
            revision=1,
        )
    )
    await db.flush()


async def drawn(client: httpx2.AsyncClient, page: str, **query: Any) -> Drawing:
    answer = await client.get(f"/v1/me/trends/{page}/chart.svg", params=SEPTEMBER | query)
    assert answer.status_code == 200, answer.text
    return Drawing(answer.text)


class TestBoth:
    @pytest.mark.parametrize("page", PAGES)
    async def test_are_drawn_for_the_patient_and_for_staff(
        self, as_patient: httpx2.AsyncClient, as_prescriber: httpx2.AsyncClient, patient: Person, page: str
    ) -> None:
        mine = await as_patient.get(f"/v1/me/trends/{page}/chart.svg", params=SEPTEMBER)
        theirs = await as_prescriber.get(
            f"/v1/patients/{patient.membership.patient_id}/trends/{page}/chart.svg", params=SEPTEMBER
        )

        assert mine.text == theirs.text
        assert mine.headers["content-type"].startswith("image/svg+xml")
        assert ET.fromstring(mine.text).attrib["role"] == "img"  # noqa: S314  our own drawing

    @pytest.mark.parametrize("page", PAGES)
    async def test_are_pixels_as_well(self, as_patient: httpx2.AsyncClient, page: str) -> None:
        answer = await as_patient.get(f"/v1/me/trends/{page}/chart.png", params=SEPTEMBER | {"width": 360})

        assert answer.content.startswith(b"\x89PNG")
        assert int.from_bytes(answer.content[16:20]) == 720

    @pytest.mark.parametrize("page", PAGES)
    async def test_are_not_sent_again_while_nothing_changed(self, as_patient: httpx2.AsyncClient, page: str) -> None:
        address = f"/v1/me/trends/{page}/chart.svg"
        tag = (await as_patient.get(address)).headers["ETag"]

        assert (await as_patient.get(address, headers={"If-None-Match": tag})).status_code == 304

    @pytest.mark.parametrize("page", PAGES)
    async def test_are_not_there_for_staff_of_another_clinic(
        self,
        new_client: Callable[..., httpx2.AsyncClient],
        db: Database,
        settings: Settings,
        patient: Person,
        page: str,
    ) -> None:
        stranger = await factories.a_member_of_staff(db, settings, await factories.a_clinic(db))
        address = f"/v1/patients/{patient.membership.patient_id}/trends/{page}/chart.svg"

        assert (await new_client(stranger.token).get(address)).status_code == 404

    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ({"from": "2026-09-02", "to": "2026-09-01"}, "after_to"),
            ({"from": "2024-09-01", "to": "2026-09-30"}, "period_too_long"),
            ({"width": "100"}, "greater_than_equal"),
            ({"theme": "pink"}, "literal_error"),
        ],
    )
    async def test_refuse_what_makes_no_sense(
        self, as_patient: httpx2.AsyncClient, page: str, query: dict[str, str], code: str
    ) -> None:
        answer = await as_patient.get(f"/v1/me/trends/{page}/chart.svg", params=query)

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


class TestAdherence:
    async def test_counts_what_was_noted(
        self, as_patient: httpx2.AsyncClient, db: Database, patient: Person, history: History
    ) -> None:
        await due(db, patient, on(1))
        await due(db, patient, on(1, 15), after=4)
        await due(db, patient, on(2), "missed")
        await due(db, patient, on(3), "waiting")
        await due(db, patient, on(4), "cancelled")
        await history.dose(on(10))

        drawing = await drawn(as_patient, "adherence")

        assert "33.3 % answered in time (1 of 3) · 1 late · 1 missed" in drawing.text
        assert len(drawing.all("g", "kept")) == 2
        assert len(drawing.all("circle", "none")) == 28 + len(["legend"])
        assert len(drawing.all("path", "dose")) == 1

    @pytest.mark.parametrize(
        ("at", "day"),
        [
            (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), date(2026, 10, 24)),
            (datetime(2026, 10, 24, 22, 1, tzinfo=UTC), date(2026, 10, 25)),
            (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), date(2026, 10, 25)),
            (datetime(2026, 10, 25, 23, 1, tzinfo=UTC), date(2026, 10, 26)),
        ],
    )
    async def test_puts_them_on_the_patients_days_of_23_to_25_hours(
        self, as_patient: httpx2.AsyncClient, db: Database, patient: Person, at: datetime, day: date
    ) -> None:
        await due(db, patient, at, "missed")

        one = await drawn(as_patient, "adherence", **{"from": str(day), "to": str(day)})

        assert len(one.all("g", "kept")) == 1

    async def test_says_where_nothing_was_asked_for(self, as_patient: httpx2.AsyncClient) -> None:
        drawing = await drawn(as_patient, "adherence")

        assert "No check-ins were asked for" in drawing.text
        assert drawing.all("g", "kept") == []


class TestCourse:
    async def test_has_a_panel_for_each_main_measure_and_substance(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        days = [on(day) for day in range(1, 9)]
        await history.reports("mood", [(at, 5) for at in days])
        await history.reports("craving", [(at, 7) for at in days])
        await history.reports("craving", [(at + timedelta(minutes=1), 3) for at in days], substance="cocaine")
        await history.reports("affect_arousal", [(at, 1) for at in days])

        drawing = await drawn(as_patient, "course")

        names = [words.text for words in drawing.words if words.text.startswith(("Craving", "Mood", "Low to high"))]
        assert names == ["Craving right now, alcohol", "Craving right now, cocaine", "Mood right now"]

    async def test_shows_the_measures_that_were_asked_for_in_their_order(
        self, as_patient: httpx2.AsyncClient, history: History
    ) -> None:
        await history.reports("craving", [(on(3), 7)])

        drawing = await drawn(as_patient, "course", measure=["mood", "craving"])

        names = [words.text for words in drawing.words if words.text.startswith(("Craving", "Mood"))]
        assert names == ["Mood right now", "Craving right now, alcohol"]
        assert "No values yet" in drawing.text

    async def test_breaks_its_lines_at_gaps(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("mood", [(on(day), 5) for day in (1, 2, 3, 20, 21, 22)])

        drawing = await drawn(as_patient, "course")

        assert len(drawing.all("path", "run")) == 2
        assert len(drawing.all("path", "gap")) >= 2

    async def test_says_what_it_has_no_place_for(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        for number in range(9):
            await history.reports("craving", [(on(3, number), 7)], substance=f"substance_{number}")

        drawing = await drawn(as_patient, "course", measure=["craving"])

        assert "Not shown: Craving right now, substance 8" in drawing.text

    async def test_draws_use_as_days_with_and_without(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("used", [(on(1), 1), (on(2), 0), (on(3), 0)])

        drawing = await drawn(as_patient, "course")

        assert (len(drawing.all("rect", "yes")), len(drawing.all("rect", "no"))) == (1, 2)

    async def test_draws_weeks_of_a_long_period(self, as_patient: httpx2.AsyncClient, history: History) -> None:
        await history.reports("mood", [(on(day), 5) for day in range(1, 29)])

        drawing = await drawn(as_patient, "course", **{"from": "2025-12-01"})

        assert "weekly mean" in drawing.text

    async def test_takes_three_statements_however_many_measures(
        self, as_patient: httpx2.AsyncClient, history: History, queries: list[str]
    ) -> None:
        await history.dose(on(10))
        for measure in ("mood", "craving", "used"):
            await history.reports(measure, [(on(day), 1) for day in range(1, 9)])
        queries.clear()

        await drawn(as_patient, "course")

        assert len(of_trends(queries)) == 3
