"""What is planned for the patients of the demo clinic between their sessions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.care_plans.models import SafetyPlan
from app.core import clock
from app.core.db import Database
from tests.demo.filled import NOW, TODAY, SignedIn, patient_id


class TestDays:
    async def test_are_asked_for_by_the_plan_that_the_clinic_published(self, signed_in: SignedIn) -> None:
        with clock.told(NOW):
            plan = (await signed_in("sam.rivers").get("/v1/me/check-in-plan")).json()
            due = (await signed_in("sam.rivers").get("/v1/me/due-check-ins?days=14")).json()["items"]
            seen = (await signed_in("sam.rivers").get("/v1/me/adherence")).json()["total"]

        assert (plan["source"], plan["template_version"]) == ("template", 1)
        assert [item["kind"] for item in plan["items"]] == ["fixed", "random", "fixed", "fixed", "on_demand"]
        assert len([one for one in due if one["state"] == "expected"]) > 3 * 12
        assert seen["completed"] > 12
        assert seen["missed"] > 0

    async def test_have_a_plan_of_care_with_goals_and_practice(
        self, signed_in: SignedIn, sign_ins: dict[str, Any]
    ) -> None:
        sam = patient_id("sam.rivers", sign_ins)
        with clock.told(NOW):
            found = (await signed_in("therapist").get(f"/v1/patients/{sam}/care-plan")).json()
            done = (await signed_in("therapist").get(f"/v1/patients/{sam}/practice-adherence")).json()["total"]

        assert [stay["phase"] for stay in found["course"]] == ["preparation", "induction", "maintenance"]
        assert {goal["kind"] for goal in found["current"]["goals"]} == {"function", "reduction", "mood"}
        assert len(found["current"]["practice"]) == 2
        assert 0.3 < done["share"] <= 1

    async def test_have_plans_for_a_crisis_some_of_them_signed(self, db: Database) -> None:
        plans = (await db.scalars(sa.select(SafetyPlan.co_signed_at))).all()

        assert len(plans) == 7
        assert 0 < plans.count(None) < 7

    async def test_have_journals_of_which_the_team_sees_what_is_shared(
        self, signed_in: SignedIn, sign_ins: dict[str, Any]
    ) -> None:
        keys = ("sam.rivers", "tomasz", "ines", "noor", "emil", "amal", "farid", "ida")
        own, shared = [], []
        for key in keys:
            own += (await signed_in(key).get("/v1/me/journal-entries")).json()["items"]
            path = f"/v1/patients/{patient_id(key, sign_ins)}/journal-entries"
            shared += (await signed_in("therapist").get(path)).json()["items"]

        assert len(own) == 3 * len(keys)
        assert 3 < len(shared) < len(own)
        assert {one["id"] for one in shared} == {one["id"] for one in own if one["shared_at"]}

    async def test_have_a_group_with_one_patient_more_than_places(self, signed_in: SignedIn) -> None:
        with clock.told(NOW):
            groups = (await signed_in("coordinator").get("/v1/groups")).json()["items"]
            week = {"from": TODAY["to"], "to": "2026-06-28T22:00:00Z"}
            meetings = (await signed_in("coordinator").get("/v1/group-sessions", params=week)).json()["items"]

        assert [group["name"] for group in groups] == ["Thursday evening"]
        assert [(meeting["capacity"], meeting["taken"]) for meeting in meetings] == [(7, 7)]

    async def test_have_therapy_that_repeats(self, signed_in: SignedIn) -> None:
        booked = (await signed_in("noor").get("/v1/me/appointments", params={"limit": 100})).json()["items"]
        hours = [datetime.fromisoformat(one["scheduled_at"]) for one in booked if one["kind"] == "cbt"]

        assert len([at for at in hours if (at.hour, at.minute) == (6, 0)]) == 12

    async def test_of_the_script_was_lived_on_two_devices(self, signed_in: SignedIn) -> None:
        plan = (await signed_in("juri").get("/v1/me/check-in-plan")).json()
        (entry,) = (await signed_in("juri").get("/v1/me/journal-entries")).json()["items"]

        assert [item["key"] for item in plan["items"]] == ["breakfast", "midday", "any_time"]
        assert entry["shared_at"] is not None
