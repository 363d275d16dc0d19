from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import Database
from app.dosing.models import DosePause, DosingSession, DosingSessionStep
from tests.cast import Cast
from tests.charts.drawing import SVG, Drawing
from tests.dosing.bedside import CALM, NOT_AT_ALL, Bedside, a_reading, a_session
from tests.dosing.sessions import Clients
from tests.factories import an_id

GIVEN = {"substance": "ketamine", "route": "IV", "dose_mg": 40.0}


@pytest.fixture
async def bedside(db: Database, cast: Cast, new_client: Clients) -> Bedside:
    """Of a dose that began an hour ago, and was measured before it and at +40."""
    ended_at = datetime.now(UTC) - timedelta(minutes=19.5)
    session_id = await a_session(db, cast, "monitoring", begun=60, dose_ended_at=ended_at, **GIVEN)
    made = Bedside(new_client(cast.nurse.token), session_id)
    before = a_reading(75, **CALM, dissociation=NOT_AT_ALL)
    await made.send(before, a_reading(20, **CALM, dissociation=NOT_AT_ALL, moaas=4))
    return made


def of(bedside: Bedside, what: str) -> str:
    return f"/v1/dosing-sessions/{bedside.session_id}/{what}"


class TestPlan:
    async def test_says_what_was_recorded_and_what_is_missing(self, bedside: Bedside) -> None:
        found = (await bedside.client.get(of(bedside, "observation-plan"))).json()
        states = {point["key"]: point["state"] for point in found["points"]}

        assert found["counted_from"] == "dose"
        assert states["before"] == states["plus_40"] == "recorded"
        assert states["vitals_10"] == states["vitals_20"] == states["vitals_30"] == "missing"
        assert (states["plus_80"], states["plus_120"]) == ("expected", "expected")
        before = found["points"][0]
        assert (before["wants"], before["elsewhere"]) == (["vitals", "dissociation"], ["cssrs"])

    async def test_is_made_from_the_figures_of_the_day(
        self, bedside: Bedside, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer = await bedside.client.get(of(bedside, "observation-plan"))
        await db.execute(sa.update(DosingSession).values(protocol_version=1))
        await db.finish()

        assert answer.json()["protocol_version"] == 1
        headers = {"if-none-match": answer.headers["etag"]}
        monkeypatch.setattr(clock, "now", _minutes_later(1))
        assert (await bedside.client.get(of(bedside, "observation-plan"), headers=headers)).status_code == 200

    async def test_counts_from_the_planned_begin_until_the_dose_begins(
        self, db: Database, cast: Cast, new_client: Clients
    ) -> None:
        later = datetime.now(UTC) + timedelta(hours=1)
        for but, counted_from in (({"scheduled_at": later}, "planned_begin"), ({}, "now")):
            session_id = await a_session(db, cast, "checked_in", begun=None, **but)
            answer = await new_client(cast.nurse.token).get(f"/v1/dosing-sessions/{session_id}/observation-plan")
            assert answer.json()["counted_from"] == counted_from
            assert {point["state"] for point in answer.json()["points"]} <= {"expected", "due"}

    @pytest.mark.parametrize("but", [{"status": "cancelled"}, {"status": "closed", "origin": "imported"}])
    async def test_is_empty_where_nothing_is_observed(
        self, db: Database, cast: Cast, new_client: Clients, but: dict[str, Any]
    ) -> None:
        begun = 60 if "origin" in but else None
        session_id = await a_session(db, cast, but.pop("status"), begun=begun, **but)
        answer = await new_client(cast.nurse.token).get(f"/v1/dosing-sessions/{session_id}/observation-plan")

        assert answer.json()["points"] == []


def _minutes_later(minutes: int) -> Any:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    return lambda: at


class TestChart:
    async def test_shows_what_was_measured_given_done_and_found(
        self, bedside: Bedside, db: Database, cast: Cast
    ) -> None:
        now = datetime.now(UTC)
        key = {"clinic_id": cast.clinic.id, "session_id": bedside.session_id}
        db.add(
            DosePause(
                id=an_id(), **key, patient_id=cast.patient.patient_id, paused_at=now - timedelta(minutes=40),
                resumed_at=None, recorded_by=cast.nurse.membership.id, reason="cannula",
            )
        )  # fmt: skip
        db.add(
            DosingSessionStep(
                id=an_id(), **key, version=4, at=now - timedelta(minutes=70), action="arrival", actor_id=None,
                from_status="scheduled", to_status="checked_in", scheduled_at=now,
            )
        )  # fmt: skip
        await bedside.send(a_reading(19, systolic=205, diastolic=99))
        answer = await bedside.client.get(of(bedside, "chart.svg"), params={"width": 390, "height": 720})
        drawing = Drawing(answer.text)
        said = drawing.root[1].text or ""

        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert drawing.view.right == 390
        assert "Systolic: 3 values between 124 and 205; the last 205 at 41 min." in said
        assert "Dose Ketamine 40 mg, IV, until 40 min, paused from 20 min." in said
        assert "BP-2 critical, 41 min" in said
        assert "arrived −10 min" in said
        assert "cannula" not in answer.text
        tips = [mark.findtext(f"{SVG}title") for mark in drawing.all("circle", "missing")]
        assert tips[:3] == ["10 min: missing", "20 min: missing", "30 min: missing"]

    async def test_comes_as_pixels_too_and_only_once(self, bedside: Bedside, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "now", _minutes_later(0))  # the minute may be over between the two
        answer = await bedside.client.get(of(bedside, "chart.png"), params={"theme": "dark"})
        again = await bedside.client.get(
            of(bedside, "chart.png"), params={"theme": "dark"}, headers={"if-none-match": answer.headers["etag"]}
        )

        assert answer.content.startswith(b"\x89PNG")
        assert again.status_code == 304

    async def test_of_a_session_without_anything_says_so(self, db: Database, cast: Cast, new_client: Clients) -> None:
        session_id = await a_session(db, cast, "scheduled", begun=None)
        answer = await new_client(cast.nurse.token).get(f"/v1/dosing-sessions/{session_id}/chart.svg")

        assert "No readings" in answer.text

    @pytest.mark.parametrize("look", [{"width": 319}, {"height": 559}, {"theme": "pink"}, {"colour": "red"}])
    async def test_refuses_what_nobody_could_read(self, bedside: Bedside, look: dict[str, Any]) -> None:
        assert (await bedside.client.get(of(bedside, "chart.svg"), params=look)).status_code == 422
