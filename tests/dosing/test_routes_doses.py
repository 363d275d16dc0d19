from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import Database
from tests.dosing.sessions import DOSE, Sessions, a_dose, text
from tests.factories import an_id


class TestStartDose:
    async def test_keeps_what_was_given_and_since_when(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        given = a_dose(dose_mg=37.5)
        answer = await sessions.act("dose", **given)

        found = answer.json()
        assert (found["substance"], found["route"], found["dose_mg"]) == ("ketamine", "IV", 37.5)
        assert found["dose_started_at"] == given["dose_started_at"]
        assert found["session_clinician_id"] == str(sessions.cast.prescriber.membership.id)

    async def test_begins_now_when_nobody_says_otherwise(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        before = datetime.now(UTC)
        answer = await sessions.act("dose", **DOSE)

        assert before - timedelta(milliseconds=1) <= datetime.fromisoformat(answer.json()["dose_started_at"])

    async def test_refuses_what_cannot_be(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        someone = str(an_id())
        for but, pointer in (
            ({"dose_mg": 0.49}, "/dose_mg"),
            ({"dose_mg": 500.5}, "/dose_mg"),
            ({"dose_mg": True}, "/dose_mg"),
            ({"dose_mg": "40"}, "/dose_mg"),
            ({"dose_mg": None}, "/dose_mg"),
            ({"substance": "methadone"}, "/substance"),
            ({"route": "IN"}, "/route"),
            ({"route": "IN_esketamine"}, "/route"),
            ({"dose_started_at": "2019-01-01T00:00:00Z"}, "/dose_started_at"),
            ({"dose_started_at": "2099-01-01T00:00:00Z"}, "/dose_started_at"),
            ({"dose_unit": "mg"}, "/dose_unit"),
            ({"weight_kg": 80}, ""),
            ({"wasted_mg": 10}, ""),
            ({"devices": 2}, ""),
            ({"wasted_mg": 0, "waste_witnessed_by": someone}, "/wasted_mg"),
            ({"administered_by": someone}, "/administered_by"),
            ({"administered_by": str(sessions.cast.therapist.membership.id)}, "/administered_by"),
            ({"wasted_mg": 10, "waste_witnessed_by": someone}, "/waste_witnessed_by"),
            ({"wasted_mg": 10, "waste_witnessed_by": str(sessions.cast.patient.membership.id)}, "/waste_witnessed_by"),
            (
                {"wasted_mg": 10, "waste_witnessed_by": str(sessions.cast.prescriber.membership.id)},
                "/waste_witnessed_by",
            ),
        ):
            answer = await sessions.act("dose", **DOSE | but)

            assert answer.status_code == 422, but
            assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    @pytest.mark.parametrize("dose_mg", [0.5, 500, 28])
    async def test_takes_every_plausible_dose_that_a_prescriber_confirms(
        self, sessions: Sessions, dose_mg: float
    ) -> None:
        await sessions.through("arrival", "clearance")
        other: dict[str, Any] = {"substance": "esketamine", "route": "IN_esketamine", "dose_mg": dose_mg}
        refused = await sessions.act("dose", **other)
        warned = [each["code"] for each in refused.json()["warnings"]]
        confirmed = [{"warning": code, "reason": "Meant so."} for code in warned]
        answer = await sessions.act("dose", **other, confirmations=confirmed)

        assert warned == (["other_than_cleared"] if dose_mg == 28 else ["spray_mg_unusual", "other_than_cleared"])
        assert answer.json()["dose_mg"] == dose_mg


class TestEndDose:
    async def test_ends_now_when_nobody_says_otherwise(self, sessions: Sessions) -> None:
        answer = await sessions.through("arrival", "clearance", "dose", "dose-end")

        assert answer.json()["dose_ended_at"] >= answer.json()["dose_started_at"]

    async def test_keeps_when_it_ended(self, sessions: Sessions) -> None:
        begun = datetime.fromisoformat(
            (await sessions.through("arrival", "clearance", "dose")).json()["dose_started_at"]
        )
        ended = begun + timedelta(minutes=3)

        answer = await sessions.act("dose-end", dose_ended_at=text(ended))

        assert answer.json()["dose_ended_at"] == text(ended)

    async def test_refuses_an_end_before_the_start(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance", "dose")
        answer = await sessions.act("dose-end", dose_ended_at=text(datetime.now(UTC) - timedelta(hours=1)))

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/dose_ended_at"
        assert answer.json()["errors"][0]["code"] == "ends_before_start"


class TestCancelDosingSession:
    async def test_keeps_the_reason_for_the_clinic_only(self, sessions: Sessions, db: Database) -> None:
        await sessions.plan()
        answer = await sessions.act("cancellation", "coordinator", reason="  Patient has a fever ")

        assert answer.json()["status"] == "cancelled"
        assert answer.json()["cancellation_reason"] == "Patient has a fever"
        assert answer.json()["open_moves"] == []
        mine = await sessions.me.get(f"/v1/me/dosing-sessions/{sessions.session_id}")
        assert mine.json()["status"] == "cancelled"
        assert "fever" not in mine.text
        stored = (await db.execute(sa.text("SELECT cancellation_reason FROM dosing_sessions"))).scalar_one()
        assert b"fever" not in bytes(stored)

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "   "}, {"reason": None}, {"reason": "x" * 201}])
    async def test_needs_a_reason(self, sessions: Sessions, body: dict[str, Any]) -> None:
        await sessions.plan()
        path = f"/v1/dosing-sessions/{sessions.session_id}/cancellation"
        answer = await sessions.who["nurse"].post(path, json=body, headers={"if-match": '"1"'})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/reason"

    async def test_is_too_late_once_the_dose_has_begun(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance", "dose")
        answer = await sessions.act("cancellation", reason="too late")

        assert answer.status_code == 409
        assert answer.json()["missing"] == []
