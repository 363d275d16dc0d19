import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.check_in_plans.models import DueCheckIn
from app.core.db import Database
from app.dosing.models import DischargeAssessment, DosingSession, DosingSessionStep, Reading, SessionDischarge
from tests.dosing.sessions import Clients, Sessions, told
from tests.dosing.watching import WELL, dosed, measured

SAID: dict[str, Any] = {"walks_unaided": True, "no_new_suicidal_ideation": True, "tolerates_fluids": True}
HOME: dict[str, Any] = {
    "escort": {"name": "Alex R.", "phone": "+49 30 5550101"},
    "instructions_given": True,
    "instructions_version": "2026-10",
    "crisis_card_given": True,
    "note": "Went home by taxi.",
}


def in_the_way(answer: httpx2.Response) -> list[str]:
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready_to_leave"), answer.text
    return [each["code"] for each in answer.json()["criteria"]]


@pytest.fixture
async def session(db: Database, sessions: Sessions) -> DosingSession:
    """Two and a half hours after a dose, by whose patient all is well."""
    session = await dosed(db, sessions)
    await measured(db, session, 200, **WELL)
    await measured(db, session, 10, **WELL)
    return session


async def criteria(sessions: Sessions) -> dict[str, Any]:
    answer = await sessions.who["nurse"].get(f"/v1/dosing-sessions/{sessions.session_id}/discharge-criteria")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class TestReadDischargeCriteria:
    @pytest.mark.usefixtures("session")
    async def test_shows_each_with_what_it_looked_at(self, sessions: Sessions) -> None:
        shown = await criteria(sessions)

        by_code = {each["code"]: each for each in shown["criteria"]}
        assert shown["in_the_way"] == list(by_code)[5:]
        assert {code: each["met"] for code, each in by_code.items()} == {
            "observation_time": True,
            "recovery": True,
            "alertness": True,
            "blood_pressure": True,
            "dissociation": True,
            **dict.fromkeys([*SAID, "escort_present", "instructions_given", "crisis_card_given"]),
        }
        assert by_code["alertness"]["inputs"] == {"moaas": 5, "minutes_old": 10}
        assert by_code["alertness"]["limit"] == {"at_least": 5}
        assert shown["discharge"] is None

    async def test_before_a_dose_nothing_is_known(self, sessions: Sessions) -> None:
        await sessions.plan()

        assert {each["met"] for each in (await criteria(sessions))["criteria"]} == {None}

    @pytest.mark.usefixtures("session")
    async def test_is_for_those_at_the_bedside(self, sessions: Sessions, new_client: Clients) -> None:
        path = f"/v1/dosing-sessions/{sessions.session_id}/discharge-criteria"
        for who, status in (("therapist", 200), ("coordinator", 403), ("patient", 403)):
            answer = await new_client(getattr(sessions.cast, who).token).get(path)
            assert answer.status_code == status


class TestAssessReadiness:
    @pytest.mark.usefixtures("session")
    async def test_makes_it_ready_and_keeps_what_was_found(self, sessions: Sessions, db: Database) -> None:
        answer = await sessions.act("readiness", "nurse", **SAID)

        assert (answer.status_code, answer.json()["status"]) == (200, "discharge_ready")
        (kept,) = await db.scalars(sa.select(DischargeAssessment))
        assert (kept.met, str(kept.assessed_by)) == (True, str(sessions.cast.nurse.membership.id))
        assert [each["met"] for each in json.loads(kept.criteria)] == [True] * 8
        assert (await told(db))[-1][0] == "assessed"

    async def test_refuses_what_is_not_met_or_not_known_and_changes_nothing(
        self, sessions: Sessions, db: Database
    ) -> None:
        session = await dosed(db, sessions, dose_ended=119)
        await measured(db, session, 200, **WELL)
        await measured(db, session, 10, **WELL | {"moaas": 4, "aldrete": None})

        answer = await sessions.act("readiness", "nurse", walks_unaided=False, no_new_suicidal_ideation=True)

        assert in_the_way(answer) == [
            "observation_time", "recovery", "alertness", "walks_unaided", "tolerates_fluids"
        ]  # fmt: skip
        shown = {each["code"]: each for each in answer.json()["criteria"]}
        assert shown["observation_time"]["inputs"] == {"minutes": 119, "counted_from": "end_of_dose"}
        assert [shown[code]["met"] for code in shown] == [False, None, False, False, None]
        assert (await criteria(sessions))["status"] == "monitoring"
        assert await db.scalar(sa.select(sa.func.count()).select_from(DischargeAssessment)) == 0

    @pytest.mark.usefixtures("session")
    async def test_only_a_prescriber_sets_aside_and_says_why(self, sessions: Sessions, db: Database) -> None:
        override = {"code": "tolerates_fluids", "reason": "Nausea as before the dose"}
        stated = SAID | {"tolerates_fluids": False, "overrides": [override]}

        by_nurse = await sessions.act("readiness", "nurse", **stated)
        unreasoned = await sessions.act("readiness", **stated | {"overrides": [override | {"reason": "  "}]})
        other = await sessions.act("readiness", **stated | {"walks_unaided": None})
        by_prescriber = await sessions.act("readiness", **stated)

        assert (by_nurse.status_code, by_nurse.json()["code"]) == (403, "prescriber_needed")
        assert unreasoned.status_code == 422
        assert in_the_way(other) == ["walks_unaided"]
        assert by_prescriber.json()["status"] == "discharge_ready"
        (kept,) = await db.scalars(sa.select(DischargeAssessment))
        assert not kept.met
        set_aside = {each["code"]: each["override"] for each in json.loads(kept.criteria) if each["override"]}
        assert set_aside["tolerates_fluids"]["reason"] == "Nausea as before the dose"
        assert set_aside["tolerates_fluids"]["by"] == str(sessions.cast.prescriber.membership.id)

    @pytest.mark.usefixtures("session")
    async def test_what_is_met_is_not_set_aside(self, sessions: Sessions, db: Database) -> None:
        await sessions.act("readiness", **SAID, overrides=[{"code": "alertness", "reason": "Just in case"}])

        (kept,) = await db.scalars(sa.select(DischargeAssessment))
        assert kept.met

    async def test_a_dose_that_was_stopped_leads_there_too(self, sessions: Sessions, db: Database) -> None:
        session = await dosed(db, sessions, status="aborted")
        await measured(db, session, 1, **WELL)

        assert (await sessions.act("readiness", "nurse", **SAID)).json()["status"] == "discharge_ready"

    async def test_not_while_it_is_given_nor_blindly_nor_on_an_old_version(
        self, sessions: Sessions, db: Database
    ) -> None:
        await dosed(db, sessions, status="dosing", dose_ended=None)
        early = await sessions.act("readiness", "nurse", **SAID)
        sessions.version = 4
        stale = await sessions.act("readiness", "nurse", **SAID)
        blind = await sessions.who["nurse"].post(f"/v1/dosing-sessions/{sessions.session_id}/readiness", json=SAID)

        assert (early.status_code, early.json()["code"]) == (409, "illegal_move")
        assert (stale.status_code, blind.status_code) == (412, 428)


class TestDischargePatient:
    @pytest.mark.usefixtures("session")
    async def test_lets_the_patient_go_home_and_asks_for_check_ins(self, sessions: Sessions, db: Database) -> None:
        await sessions.act("readiness", "nurse", **SAID)
        answer = await sessions.act("discharge", "nurse", **HOME)

        assert (answer.status_code, answer.json()["status"]) == (200, "discharged")
        assert answer.json()["open_moves"] == ["closure"]
        (kept,) = await db.scalars(sa.select(SessionDischarge))
        assert json.loads(kept.escort or "") == HOME["escort"]
        shown = await criteria(sessions)
        assert shown["discharge"]["escort"] == HOME["escort"]
        assert shown["discharge"]["instructions_version"] == "2026-10"
        assert [each["met"] for each in shown["criteria"]] == [True] * 11
        assert (len(shown["assessments"]), shown["in_the_way"]) == (2, [])
        due = list(await db.scalars(sa.select(DueCheckIn).order_by(DueCheckIn.due_at)))
        assert [each.time_point for each in due] == ["plus_4h", "plus_24h", "plus_72h", "plus_7d", "plus_14d"]
        session = await db.get_one(DosingSession, (kept.clinic_id, kept.session_id))
        assert session.dose_started_at is not None
        assert due[0].due_at == session.dose_started_at + timedelta(hours=4)
        assert (await told(db))[-1][0] == "discharged"

    @pytest.mark.parametrize(
        ("but", "code"),
        [
            ({"escort": None}, "escort_present"),
            ({"instructions_given": False}, "instructions_given"),
            ({"crisis_card_given": False}, "crisis_card_given"),
        ],
    )
    @pytest.mark.usefixtures("session")
    async def test_nobody_leaves_without_escort_instructions_and_card(
        self, sessions: Sessions, but: dict[str, Any], code: str
    ) -> None:
        await sessions.act("readiness", "nurse", **SAID)
        override = {"overrides": [{"code": code, "reason": "Lives next door"}]}

        assert in_the_way(await sessions.act("discharge", "nurse", **HOME | but)) == [code]
        assert (await sessions.act("discharge", "nurse", **HOME | but | override)).json()["code"] == "prescriber_needed"
        assert (await sessions.act("discharge", **HOME | but | override)).json()["status"] == "discharged"

    async def test_what_was_measured_since_readiness_is_looked_at(
        self, sessions: Sessions, db: Database, session: DosingSession
    ) -> None:
        await sessions.act("readiness", "nurse", **SAID)
        await measured(db, session, 0, dissociation=5)

        answer = await sessions.act("discharge", "nurse", **HOME)

        assert in_the_way(answer) == ["dissociation"]
        assert (await criteria(sessions))["in_the_way"][0] == "dissociation"

    @pytest.mark.usefixtures("session")
    async def test_what_was_found_at_readiness_need_not_be_measured_again(
        self, sessions: Sessions, db: Database
    ) -> None:
        await sessions.act("readiness", "nurse", **SAID)
        for kept in (*await db.scalars(sa.select(DischargeAssessment)), *await db.scalars(sa.select(Reading))):
            moment = "at" if isinstance(kept, Reading) else "assessed_at"
            setattr(kept, moment, getattr(kept, moment) - timedelta(minutes=45))

        assert (await sessions.act("discharge", "nurse", **HOME)).json()["status"] == "discharged"

    async def test_what_was_set_aside_stays_so(self, sessions: Sessions, db: Database, session: DosingSession) -> None:
        await measured(db, session, 5, aldrete=8)
        await sessions.act("readiness", **SAID, overrides=[{"code": "recovery", "reason": "Chronic tremor"}])
        await measured(db, session, 0, aldrete=8)

        assert (await sessions.act("discharge", "nurse", **HOME)).json()["status"] == "discharged"
        shown = {each["code"]: each for each in (await criteria(sessions))["criteria"]}
        assert shown["recovery"]["override"]["reason"] == "Chronic tremor"

    @pytest.mark.usefixtures("session")
    async def test_not_before_readiness(self, sessions: Sessions, db: Database) -> None:
        answer = await sessions.act("discharge", "nurse", **HOME)

        assert (answer.status_code, answer.json()["missing"]) == (409, ["readiness"])
        assert list(await db.scalars(sa.select(DosingSessionStep.action))) == ["schedule"]
