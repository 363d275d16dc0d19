"""Before the dose, over HTTP: the checklist, the clearance, and what waits for a prescriber."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa

from app.core.db import Database
from app.dosing.models import DosingSession, PreDoseChecklist, SessionClearance
from app.safety.models import Alert
from tests.dosing.sessions import DOSE, VITALS, Clients, Sessions, a_checklist, a_dose, text, told
from tests.factories import an_id

WHY = {"reason": "Known, and looked at twice."}


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def read(sessions: Sessions, what: str, by: str = "prescriber") -> dict[str, Any]:
    answer = await sessions.who[by].get(f"/v1/dosing-sessions/{sessions.session_id}/{what}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def change(db: Database, sessions: Sessions, **columns: object) -> None:
    """As if some time had passed."""
    session = await db.get_one(DosingSession, (sessions.cast.clinic.id, UUID(sessions.session_id)))
    for name, value in columns.items():
        setattr(session, name, value)
    await db.flush()


async def another_dose(db: Database, sessions: Sessions, hours_ago: float, *, origin: str = "clinic") -> None:
    """The patient was given a dose in another session."""
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    db.add(
        DosingSession(
            clinic_id=sessions.cast.clinic.id,
            id=an_id(),
            patient_id=sessions.cast.patient.patient_id,
            status="aborted",
            version=5,
            revision=1,
            scheduled_at=at,
            dose_started_at=at,
            substance="ketamine",
            route="IV",
            dose_mg=40,
            origin=origin,
        )
    )
    await db.flush()


async def alerts(db: Database) -> list[str]:
    return sorted(await db.scalars(sa.select(Alert.rule)))


class TestChecklist:
    async def test_before_the_first_everything_is_missing(self, sessions: Sessions) -> None:
        await sessions.through("arrival")

        found = await read(sessions, "checklist")

        assert (found["version"], found["content"], found["versions"]) == (None, None, [])
        assert (found["session_version"], found["status"]) == (2, "checked_in")
        assert {"identity", "blood_pressure", "aneurysmal_vascular_disease"} <= set(found["missing"])
        assert (found["needs_reason"], found["vital_signs"]["systolic"]) == ([], None)

    async def test_every_version_is_kept_and_the_newest_counts(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival")
        first = await sessions.check(psychosis=None)
        second = await sessions.check("prescriber")

        assert "psychosis" in first.json()["missing"]
        assert "psychosis" not in second.json()["missing"]
        assert [each["version"] for each in second.json()["versions"]] == [1, 2]
        assert second.json()["versions"][0]["recorded_by"] == str(sessions.cast.nurse.membership.id)
        assert second.json()["content"]["escort"] == a_checklist()["escort"]
        assert second.json() == (await read(sessions, "checklist")) | {"findings": second.json()["findings"]}
        assert second.headers["etag"].removeprefix("W/") == '"4"'
        assert [name for name, _ in await told(db)] == ["scheduled", "arrived", "checked", "checked"]
        stored = await db.execute(sa.text("SELECT content FROM pre_dose_checklists"))
        assert all(b"Rivers" not in bytes(row.content) for row in stored)

    async def test_shows_the_newest_of_each_vital_sign(self, sessions: Sessions) -> None:
        await sessions.through("arrival")
        await sessions.measure(systolic=160, diastolic=95)
        only: dict[str, Any] = dict.fromkeys(VITALS) | {"systolic": 132, "diastolic": 80}
        await sessions.measure(**only)

        found = (await sessions.check()).json()

        assert [found["vital_signs"][name] for name in ("systolic", "diastolic", "heart_rate")] == [132, 80, 68]
        assert found["missing"] == ["consents"]

    async def test_needs_the_patient_here_and_the_version_that_was_read(self, sessions: Sessions) -> None:
        await sessions.plan()
        early = await sessions.check()
        await sessions.act("arrival")
        sessions.version = 1
        stale = await sessions.check()
        blind = await sessions.who["nurse"].put(
            f"/v1/dosing-sessions/{sessions.session_id}/checklist", json=a_checklist()
        )

        assert refused(early) == (409, "illegal_move")
        assert early.json()["missing"] == ["arrival"]
        assert (refused(stale), refused(blind)) == ((412, "precondition_failed"), (428, "precondition_required"))

    async def test_of_two_nurses_at_once_one_is_told(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival")

        answers = await asyncio.gather(sessions.check(), sessions.check("prescriber", mania=True))

        assert sorted(answer.status_code for answer in answers) == [200, 412]
        assert await db.scalar(sa.select(sa.func.count()).select_from(PreDoseChecklist)) == 1

    async def test_refuses_what_cannot_be_and_repeats_nothing(self, sessions: Sessions) -> None:
        await sessions.through("arrival")
        tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
        for but, pointer in (
            ({"weighed_on": tomorrow}, "/weighed_on"),
            ({"weight_kg": 20}, "/weight_kg"),
            ({"identity_two_factors": "SECRET"}, "/identity_two_factors"),
            ({"contraindications": ["SECRET"]}, "/contraindications/0"),
            ({"escort": {"name": "SECRET"}}, "/escort/phone"),
            ({"blood_pressure": "SECRET"}, "/blood_pressure"),
        ):
            answer = await sessions.check(**but)

            assert answer.status_code == 422
            assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
            assert "SECRET" not in answer.text

    async def test_after_a_clearance_another_one_is_needed(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")

        changed = await sessions.check(note="He ate a biscuit.")
        dose = await sessions.act("dose", **DOSE)
        again = await sessions.act("clearance")

        assert (changed.json()["status"], changed.json()["session_version"]) == ("held", 6)
        assert refused(dose) == (409, "illegal_move")
        assert again.json()["status"] == "cleared"
        steps = (await sessions.who["nurse"].get(f"/v1/dosing-sessions/{sessions.session_id}")).json()["steps"]
        assert [(step["action"], step["reason"]) for step in steps[-3:-1]] == [
            ("checklist", None),
            ("reading", "checklist"),
        ]

    async def test_signs_of_danger_are_told_once(self, sessions: Sessions, db: Database) -> None:
        await another_dose(db, sessions, 30)
        await sessions.through("arrival")
        today = datetime.now(UTC).date().isoformat()
        found: dict[str, Any] = {
            "pregnancy_test": {"result": "pos", "tested_on": today},
            "urine_drug_screen": {"tested_on": today, "results": [{"substance": "ketamine", "result": "pos"}]},
        }

        await sessions.check(**found)
        await sessions.check(**found)

        assert await alerts(db) == ["FREQ-1", "PREG-1", "TOX-2"]


class TestClearance:
    async def test_names_what_is_missing_and_what_needs_a_reason(self, sessions: Sessions, db: Database) -> None:
        await sessions.agree()
        await sessions.through("arrival")
        await sessions.measure()
        await sessions.check(delirium=None, solids_hours=3, contraindications=["hypersensitivity"])

        answer = await sessions.act("clearance")

        assert refused(answer) == (409, "not_cleared")
        assert (answer.json()["missing"], answer.json()["needs_reason"]) == (
            ["delirium"],
            ["solids", "hypersensitivity"],
        )
        solids = next(each for each in answer.json()["findings"] if each["code"] == "solids")
        assert (solids["takes"], solids["inputs"], solids["limit"]) == ("review", {"hours": 3}, {"hours": 6})
        assert await db.scalar(sa.select(sa.func.count()).select_from(SessionClearance)) == 0
        assert (await read(sessions, "checklist"))["status"] == "checked_in"

    async def test_keeps_every_check_with_the_reasons_given(self, sessions: Sessions, db: Database) -> None:
        await sessions.agree()
        await sessions.through("arrival")
        await sessions.measure()
        await sessions.check(solids_hours=3)

        answer = await sessions.act("clearance", overrides=[{"code": "solids"} | WHY], checklist_version=1)

        assert answer.status_code == 200
        assert answer.json()["session_clinician_id"] == str(sessions.cast.prescriber.membership.id)
        record = await read(sessions, "checklist")
        (clearance,) = record["clearances"]
        reasons = {each["code"]: each["reason"] for each in clearance["findings"]}
        assert list(reasons) == [each["code"] for each in record["findings"]]
        assert {code for code, reason in reasons.items() if reason} == {"solids"}
        assert reasons["solids"] == WHY["reason"]
        cleared_at = datetime.fromisoformat(clearance["cleared_at"])
        assert datetime.fromisoformat(clearance["valid_until"]) == cleared_at + timedelta(minutes=60)
        brief = (await sessions.who["coordinator"].get(f"/v1/dosing-sessions/{sessions.session_id}")).json()
        assert brief["clearance"] == {name: clearance[name] for name in brief["clearance"]}
        assert "findings" not in brief["clearance"]

    async def test_nobody_passes_over_what_blocks(self, sessions: Sessions, db: Database) -> None:
        await another_dose(db, sessions, 23)
        await sessions.agree()
        await sessions.through("arrival")
        await sessions.measure()
        await sessions.check(identity_two_factors=False, capacity_confirmed=False)
        codes = ("identity", "capacity", "interval")

        answer = await sessions.act("clearance", overrides=[{"code": code} | WHY for code in codes])

        assert refused(answer) == (409, "not_cleared")
        assert answer.json()["missing"] == list(codes)

    async def test_refuses_reasons_that_belong_to_nothing(self, sessions: Sessions) -> None:
        await sessions.agree()
        await sessions.through("arrival")
        await sessions.get_ready()
        refusals: tuple[tuple[dict[str, Any], str, str], ...] = (
            ({"overrides": [{"code": "horoscope"} | WHY]}, "/overrides/0/code", "unknown_check"),
            ({"overrides": [{"code": "solids"} | WHY] * 2}, "/overrides/1/code", "named_twice"),
            ({"overrides": [{"code": "solids", "reason": " "}]}, "/overrides/0/reason", "string_too_short"),
            ({"checklist_version": 2}, "/checklist_version", "not_the_newest"),
        )
        for body, pointer, code in refusals:
            answer = await sessions.act("clearance", **body)

            assert answer.status_code == 422
            assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]

    async def test_history_from_elsewhere_is_no_interval(self, sessions: Sessions, db: Database) -> None:
        await another_dose(db, sessions, 5, origin="imported")

        await sessions.through("arrival", "clearance")

    async def test_a_review_after_the_induction_counts_for_later_sessions(
        self, sessions: Sessions, new_client: Clients, db: Database
    ) -> None:
        for weeks in range(2, 10):
            await another_dose(db, sessions, weeks * 7 * 24)
        later = Sessions(new_client, sessions.cast)
        await sessions.agree()
        await sessions.through("arrival")
        await sessions.measure()
        unreviewed = (await sessions.check()).json()["needs_reason"]
        day = datetime.now(UTC).date().isoformat()
        await sessions.check(induction_review={"reviewed_on": day, "note": "Goes well."})
        await sessions.act("cancellation", reason="He is tired.")

        await later.through("arrival", "clearance")

        assert unreviewed == ["induction_review"]

    async def test_old_vital_signs_do_not_count(self, sessions: Sessions) -> None:
        await sessions.agree()
        await sessions.through("arrival")
        await sessions.measure(taken_at=text(datetime.now(UTC) - timedelta(minutes=61)))
        answer = await sessions.check()

        assert answer.json()["missing"] == ["blood_pressure", "heart_rate", "spo2", "respiratory_rate", "temperature"]


class TestTheDoseOfAClearance:
    async def test_may_begin_until_the_clearance_has_run_out(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance")
        cleared_at = datetime.now(UTC) - timedelta(minutes=70)
        await change(db, sessions, cleared_at=cleared_at)

        late = await sessions.act("dose", **DOSE)
        early = await sessions.act("dose", **DOSE, dose_started_at=text(cleared_at - timedelta(minutes=6)))
        in_time = await sessions.act("dose", **DOSE, dose_started_at=text(cleared_at + timedelta(minutes=59)))

        assert refused(late) == (409, "clearance_expired")
        assert (late.json()["reason"], late.json()["valid_minutes"]) == ("too_long_ago", 60)
        assert early.json()["errors"][0]["code"] == "before_the_clearance"
        assert in_time.status_code == 200, in_time.text

    async def test_needs_another_clearance_when_it_has_run_out(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance")
        await change(db, sessions, cleared_at=datetime.now(UTC) - timedelta(minutes=61))
        assert refused(await sessions.act("dose", **DOSE)) == (409, "clearance_expired")

        again = await sessions.act("clearance")

        assert (again.status_code, again.json()["status"]) == (200, "cleared")
        assert (await sessions.act("dose", **a_dose())).status_code == 200

    async def test_is_not_given_when_another_was_given_since(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance")
        await change(db, sessions, cleared_at=datetime.now(UTC) - timedelta(minutes=20))
        await another_dose(db, sessions, 0.2)

        answer = await sessions.act("dose", **DOSE)

        assert (refused(answer), answer.json()["reason"]) == ((409, "clearance_expired"), "dosed_since")


class TestHoldAndCancel:
    async def test_a_session_waits_and_says_why(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        held = await sessions.act("hold", "nurse", reason="He is dizzy.")
        again = await sessions.act("hold", "nurse", reason="Still.")

        assert (held.json()["status"], refused(again)) == ("held", (409, "illegal_move"))
        assert again.json()["open_moves"] == ["clearance", "transfer", "cancellation"]

    async def test_who_never_came_is_told_to_the_coordinator(self, sessions: Sessions, db: Database) -> None:
        await sessions.plan(datetime.now(UTC) + timedelta(minutes=10))
        early = await sessions.act("cancellation", "coordinator", reason="Not here.", no_show=True)
        moved = datetime.now(UTC) - timedelta(minutes=30)
        await sessions.plan(moved, if_match='"1"')
        answer = await sessions.act("cancellation", "coordinator", reason="Not here.", no_show=True)

        assert early.json()["errors"][0]["code"] == "may_still_come"
        assert (answer.json()["status"], answer.json()["no_show"]) == ("cancelled", True)
        assert await alerts(db) == ["MISS-3"]

    async def test_who_came_did_not_stay_away(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival")
        answer = await sessions.act("cancellation", "coordinator", reason="Went home.", no_show=True)

        assert answer.json()["errors"][0]["code"] == "somebody_came"
        assert (await sessions.act("cancellation", "coordinator", reason="Went home.")).json()["no_show"] is False
        assert await alerts(db) == []
