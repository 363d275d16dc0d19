"""The dose over HTTP: what is unusual, pauses, corrections, stopping."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import sqlalchemy as sa

from app.core.db import Database
from tests.dosing.sessions import DOSE, Sessions, a_dose, revision_of, text, told, weighed_on

MINUTE = timedelta(minutes=1)
WHY = {"reason": "Decided with the patient."}


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def confirmed(*codes: str) -> list[dict[str, str]]:
    return [{"warning": code, "reason": f"Meant so: {code}."} for code in codes]


def corrected(given: dict[str, Any], **but: Any) -> dict[str, Any]:
    weight = {"weight_kg": 80, "weighed_on": weighed_on()}
    return given | weight | {"dose_ended_at": None, "reason": "Read wrongly."} | but


async def dose_of(sessions: Sessions, by: str = "nurse") -> dict[str, Any]:
    answer = await sessions.who[by].get(f"/v1/dosing-sessions/{sessions.session_id}/dose")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class TestWhatIsKept:
    async def test_says_everything_that_was_written_down(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance")
        nurse, witness = (str(getattr(sessions.cast, who).membership.id) for who in ("nurse", "therapist"))
        given = a_dose(lot="A1234", administered_by=nurse, wasted_mg=10, waste_witnessed_by=witness)
        session = await sessions.act("dose", **given)

        found = await dose_of(sessions)
        assert session.json()["session_clinician_id"] == nurse
        assert found["dose"] == {
            "version": 1,
            "recorded_at": found["dose"]["recorded_at"],
            "recorded_by": str(sessions.cast.prescriber.membership.id),
            "substance": "ketamine",
            "route": "IV",
            "dose_mg": 40,
            "dose_started_at": given["dose_started_at"],
            "dose_ended_at": None,
            "weight_kg": 80,
            "weighed_on": weighed_on(),
            "mg_per_kg": 0.5,
            "lot": "A1234",
            "devices": None,
            "administered_by": nurse,
            "wasted_mg": 10,
            "waste_witnessed_by": witness,
            "warnings": [],
            "correction_reason": None,
        }
        assert (found["no_mg_per_kg_because"], found["infusion_minutes"], found["pauses"]) == (None, None, [])
        protocol = await db.scalar(sa.text("SELECT protocol_version FROM dosing_sessions"))
        assert protocol == 1
        record = (await sessions.who["coordinator"].get(f"/v1/dosing-sessions/{sessions.session_id}")).json()
        assert record["dose"] == {
            "mg_per_kg": 0.5,
            "lot": "A1234",
            "administered_by": nurse,
            "warnings": [],
            "versions": 1,
        }

    async def test_before_a_dose_there_is_none(self, sessions: Sessions) -> None:
        await sessions.through("arrival")

        answer = await sessions.who["nurse"].get(f"/v1/dosing-sessions/{sessions.session_id}/dose")

        assert refused(answer) == (409, "no_dose")
        assert refused(await sessions.act("dose-corrections", **corrected(a_dose()))) == (409, "no_dose")

    async def test_of_two_nurses_at_once_one_is_told(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")

        answers = await asyncio.gather(sessions.act("dose", "nurse", **a_dose()), sessions.act("dose", **a_dose()))

        assert sorted(answer.status_code for answer in answers) == [200, 412]
        assert len((await dose_of(sessions))["versions"]) == 1


class TestWhatIsUnusual:
    async def test_is_confirmed_by_a_prescriber_with_a_reason_for_each(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance")
        given = a_dose(dose_mg=200, route="IM")
        both = confirmed("mg_per_kg_outside", "other_than_cleared")

        asked = await sessions.act("dose", **given)
        half = await sessions.act("dose", **given, confirmations=both[:1])
        by_nurse = await sessions.act("dose", "nurse", **given, confirmations=both)
        done = await sessions.act("dose", **given, confirmations=both)

        assert refused(asked) == (409, "dose_needs_confirmation")
        assert asked.json()["warnings"][0] == {
            "code": "mg_per_kg_outside",
            "inputs": {"mg_per_kg": 2.5, "low": 0.2, "high": 2.0, "route": "IM"},
        }
        assert [each["code"] for each in half.json()["warnings"]] == ["other_than_cleared"]
        assert refused(by_nurse) == (403, "prescriber_needed")
        assert done.status_code == 200
        warnings = (await dose_of(sessions))["dose"]["warnings"]
        assert [(each["code"], each["reason"]) for each in warnings] == [
            ("mg_per_kg_outside", "Meant so: mg_per_kg_outside."),
            ("other_than_cleared", "Meant so: other_than_cleared."),
        ]
        stored = await db.scalar(sa.text("SELECT confirmations FROM dose_records"))
        assert b"Meant" not in bytes(stored)

    async def test_a_weight_that_is_too_old_gives_no_dose_per_kilogram(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        given = a_dose(weight_kg=80, weighed_on=weighed_on(40))

        asked = await sessions.act("dose", **given)
        done = await sessions.act("dose", **given, confirmations=confirmed("mg_per_kg_unknown"))

        assert asked.json()["warnings"][0]["inputs"]["why"] == "weight_too_old"
        assert done.status_code == 200
        found = await dose_of(sessions)
        assert (found["dose"]["mg_per_kg"], found["no_mg_per_kg_because"]) == (None, "weight_too_old")

    async def test_a_short_infusion_is_confirmed_by_whoever_gave_it(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        given = a_dose()
        begun = datetime.fromisoformat(given["dose_started_at"])
        witness = str(sessions.cast.therapist.membership.id)
        await sessions.act("dose", "nurse", **given)
        end = {"dose_ended_at": text(begun + MINUTE), "wasted_mg": 30, "waste_witnessed_by": witness}

        asked = await sessions.act("dose-end", "nurse", **end)
        done = await sessions.act("dose-end", "nurse", **end, confirmations=confirmed("infusion_short"))

        assert refused(asked) == (409, "dose_needs_confirmation")
        assert asked.json()["warnings"] == [{"code": "infusion_short", "inputs": {"minutes": 1.0, "at_least": 2}}]
        assert done.json()["status"] == "monitoring"
        found = await dose_of(sessions)
        assert [each["dose_ended_at"] for each in found["versions"]] == [None, text(begun + MINUTE)]
        assert (found["dose"]["wasted_mg"], found["dose"]["waste_witnessed_by"]) == (30, witness)
        assert found["infusion_minutes"] == 1


class TestPauses:
    async def test_stand_in_the_record_and_do_not_count(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance")
        given = a_dose()
        begun = datetime.fromisoformat(given["dose_started_at"])
        await sessions.act("dose", **given)

        paused = await sessions.act("pauses", "nurse", paused_at=text(begun + MINUTE), reason="The line was blocked.")
        twice = await sessions.act("pauses", "nurse", reason="Again.")
        pause = paused.json()["pauses"][0]["id"]
        resumed = await sessions.act(f"pauses/{pause}/resumption", "nurse", resumed_at=text(begun + 2 * MINUTE))
        once_more = await sessions.act(f"pauses/{pause}/resumption", "nurse")
        await sessions.act("dose-end", "nurse", dose_ended_at=text(begun + 4 * MINUTE))
        late = await sessions.act("pauses", "nurse", reason="Too late.")

        assert paused.json()["pauses"][0]["reason"] == "The line was blocked."
        assert [refused(each) for each in (twice, once_more)] == [(409, "pause_mismatch")] * 2
        assert resumed.json()["pauses"][0]["resumed_at"] == text(begun + 2 * MINUTE)
        assert (await dose_of(sessions))["infusion_minutes"] == 3
        assert refused(late) == (409, "illegal_move")
        names = [name for name, _ in await told(db)]
        assert names[-4:] == ["started", "paused", "resumed", "ended"]
        stored = await db.scalar(sa.text("SELECT reason FROM dose_pauses"))
        assert b"line" not in bytes(stored)

    async def test_of_another_session_are_not_found(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance", "dose")

        answer = await sessions.act(f"pauses/{sessions.cast.clinic.id}/resumption")

        assert refused(answer) == (404, "not_found")


class TestCorrections:
    async def test_append_and_move_what_hangs_on_the_dose(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance")
        given = a_dose()
        await sessions.act("dose", **given)
        before = await revision_of(db, sessions.cast.patient)
        earlier = text(datetime.fromisoformat(given["dose_started_at"]) - timedelta(seconds=30))

        answer = await sessions.act(
            "dose-corrections", "nurse", **corrected(given, dose_mg=48, dose_started_at=earlier, weight_kg=96)
        )

        found = answer.json()
        assert answer.status_code == 200, answer.text
        assert [(each["version"], each["dose_mg"], each["correction_reason"]) for each in found["versions"]] == [
            (1, 40, None),
            (2, 48, "Read wrongly."),
        ]
        assert (found["dose"]["mg_per_kg"], found["dose"]["dose_started_at"]) == (0.5, earlier)
        mine = (await sessions.me.get(f"/v1/me/dosing-sessions/{sessions.session_id}")).json()
        assert (mine["dose_mg"], mine["dose_started_at"], mine["status"]) == (48, earlier, "dosing")
        assert (await told(db))[-1][0] == "corrected"
        assert await revision_of(db, sessions.cast.patient) == before + 1

    async def test_neither_end_a_dose_nor_hide_what_is_unusual(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        given = a_dose()
        await sessions.act("dose", **given)
        long_ago = text(datetime.fromisoformat(given["dose_started_at"]) - timedelta(hours=2))

        ends = await sessions.act("dose-corrections", **corrected(given, dose_ended_at=text(datetime.now(UTC))))
        much = await sessions.act("dose-corrections", **corrected(given, dose_mg=400))
        outside = await sessions.act("dose-corrections", **corrected(given, dose_started_at=long_ago))
        stale = await sessions.who["nurse"].post(
            f"/v1/dosing-sessions/{sessions.session_id}/dose-corrections",
            json=corrected(given),
            headers={"if-match": '"2"'},
        )

        assert ends.json()["errors"][0]["code"] == "not_as_it_stands"
        assert [each["code"] for each in much.json()["warnings"]] == ["mg_per_kg_outside"]
        assert [each["code"] for each in outside.json()["warnings"]] == ["outside_clearance"]
        assert refused(stale) == (412, "precondition_failed")

    async def test_take_back_that_a_patient_may_go_home(self, sessions: Sessions) -> None:
        ended = (await sessions.through("arrival", "clearance", "dose", "dose-end")).json()
        await sessions.go_home(until="readiness")
        given = DOSE | {name: ended[name] for name in ("dose_started_at", "dose_ended_at")}

        answer = await sessions.act("dose-corrections", **corrected(given) | given)

        assert answer.json()["status"] == "monitoring"


class TestStopping:
    async def test_an_aborted_dose_ends_and_counts(self, sessions: Sessions, db: Database) -> None:
        await sessions.through("arrival", "clearance", "dose")
        answer = await sessions.act("abort", "nurse", reason="Very anxious.")

        assert answer.json()["status"] == "aborted"
        assert answer.json()["dose_ended_at"] is not None
        assert answer.json()["open_moves"] == ["readiness", "transfer"]
        assert [each["dose_ended_at"] is None for each in (await dose_of(sessions))["versions"]] == [True, False]
        assert (await told(db))[-1][0] == "aborted"
        path = f"/v1/patients/{sessions.cast.patient_id}/exposure"
        assert (await sessions.who["nurse"].get(path)).json()["sessions_total"] == 1

    async def test_a_patient_is_handed_over_from_any_moment_on(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance", "dose")
        whereto = WHY | {"destination": "Harbour Hospital"}
        answer = await sessions.act("transfer", "nurse", **whereto)
        closed = await sessions.act("closure", "nurse")

        assert (answer.json()["status"], closed.json()["status"]) == ("transferred", "closed")
        assert answer.json()["dose_ended_at"] is not None
        record = (await sessions.who["nurse"].get(f"/v1/dosing-sessions/{sessions.session_id}")).json()
        assert record["steps"][-2]["reason"] == f"Harbour Hospital: {WHY['reason']}"

    async def test_before_a_dose_nothing_is_aborted_and_nothing_ended(self, sessions: Sessions) -> None:
        await sessions.through("arrival", "clearance")
        now = text(datetime.now(UTC))
        aborted = await sessions.act("abort", **WHY)
        ended = await sessions.act("transfer", **WHY, destination="Harbour Hospital", dose_ended_at=now)
        plain = await sessions.act("transfer", **WHY, destination="Harbour Hospital")

        assert refused(aborted) == (409, "illegal_move")
        assert ended.json()["errors"][0]["code"] == "nothing_to_end"
        assert (plain.json()["status"], plain.json()["dose_ended_at"]) == ("transferred", None)
