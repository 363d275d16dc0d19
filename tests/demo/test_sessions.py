"""The sessions of the demo clinic, today's and those before, and the alerts."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.core.db import Database
from app.demo import roster
from app.demo.bedside import SCRIPTS
from app.dosing.rules import SessionStage
from app.safety.models import Alert
from tests.demo.filled import NOW, TODAY, SignedIn, patient_id


class TestToday:
    async def test_has_sessions_at_every_stage(self, signed_in: SignedIn) -> None:
        answer = await signed_in("prescriber").get("/v1/dosing-sessions", params=TODAY)
        stages = Counter(session["status"] for session in answer.json()["items"])

        assert set(stages) == {stage.value for stage in SessionStage} - {"aborted", "transferred"}

    async def test_is_followed_by_more(self, signed_in: SignedIn) -> None:
        week = {"from": TODAY["to"], "to": "2026-06-28T22:00:00Z"}
        answer = await signed_in("coordinator").get("/v1/dosing-sessions", params=week)

        assert len(answer.json()["items"]) > 5
        assert {session["status"] for session in answer.json()["items"]} == {"scheduled"}

    async def test_doses_are_half_a_milligram_a_kilogram(self, signed_in: SignedIn) -> None:
        answer = await signed_in("sam.rivers").get("/v1/me/dosing-sessions")
        given = [session for session in answer.json()["items"] if session["dose_started_at"]]

        assert {(s["substance"], s["route"], s["dose_mg"]) for s in given} == {("ketamine", "IV", 32.0)}
        for session in given:
            lasted = datetime.fromisoformat(session["dose_ended_at"]) - datetime.fromisoformat(
                session["dose_started_at"]
            )
            assert timedelta(minutes=40) <= lasted < timedelta(minutes=45)


class TestSessions:
    async def test_have_everything_written_down_that_a_session_needs(
        self, signed_in: SignedIn, sign_ins: dict[str, Any]
    ) -> None:
        nurse, amal = signed_in("nurse"), patient_id("amal", sign_ins)
        found = await nurse.get("/v1/dosing-sessions", params=TODAY)
        (session,) = (one for one in found.json()["items"] if one["patient_id"] == amal)
        address = f"/v1/dosing-sessions/{session['id']}"

        steps = [step["action"] for step in (await nurse.get(address)).json()["steps"]]
        readings = (await nurse.get(f"{address}/readings")).json()["items"]
        dose = (await nurse.get(f"{address}/dose")).json()["dose"]
        left = (await nurse.get(f"{address}/discharge-criteria")).json()

        assert steps == [
            "schedule", "arrival", "checklist", "clearance", "dose", "dose-end", "readiness", "discharge", "closure",
        ]  # fmt: skip
        assert 8 <= len(readings) <= 12
        assert len({reading["received_at"] for reading in readings[1:]}) == 1
        assert (dose["weight_kg"], dose["lot"][:2], round(dose["mg_per_kg"], 2)) == (72, "K-", 0.5)
        assert (left["in_the_way"], left["discharge"]["crisis_card_given"]) == ([], True)

    async def test_of_the_scripts_are_found_with_their_charts(self, signed_in: SignedIn, db: Database) -> None:
        found = (await roster.read(db)).played
        answers = {
            script: await signed_in("prescriber").get(f"/v1/dosing-sessions/{session_id}/chart.png")
            for script, session_id in found.items()
        }

        assert answers.keys() == SCRIPTS.keys()
        assert {answer.headers["content-type"] for answer in answers.values()} == {"image/png"}

    async def test_are_followed_by_check_ins_that_are_due(self, db: Database) -> None:
        states = Counter(await db.scalars(sa.select(DueCheckIn.state)))

        assert states["answered"] > 900
        assert states["missed"] > 20
        assert states["waiting"] > 20
        still_open = sa.select(sa.func.count()).where(DueCheckIn.state == "missed", DueCheckIn.closes_at > NOW)
        assert await db.scalar(still_open) == 0

    async def test_hold_a_patient_whose_blood_pressure_is_too_high(self, signed_in: SignedIn) -> None:
        alerts = (await signed_in("prescriber").get("/v1/alerts")).json()["items"]

        assert [alert["status"] for alert in alerts if alert["rule"] == "BP-1"] == ["open"]


class TestAlerts:
    async def test_are_open_in_hand_and_resolved(self, db: Database) -> None:
        rows = await db.execute(sa.select(Alert.severity, Alert.status))
        states = Counter((row.severity, row.status) for row in rows)

        assert states["critical", "open"] == 1
        assert states["urgent", "acknowledged"] > 0
        assert states["critical", "resolved"] > 0
        assert sum(count for (_, status), count in states.items() if status != "resolved") < 20

    async def test_that_are_open_begin_with_a_call_for_help(self, signed_in: SignedIn) -> None:
        first, *_ = (await signed_in("nurse").get("/v1/alerts")).json()["items"]

        assert (first["rule"], first["severity"], first["status"]) == ("SUI-4", "critical", "open")

    async def test_say_who_answered_them(self, db: Database) -> None:
        nobody = sa.select(sa.func.count()).where(Alert.status == "resolved", Alert.resolved_by.is_(None))

        assert await db.scalar(nobody) == 0
