import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.settings import Settings
from app.dosing.models import DosingSession, DosingSessionStep
from tests.dosing.sessions import DOSE, NOON, Clients, Sessions, a_dose, revision_of, text, told
from tests.factories import a_clinic, a_member_of_staff, a_patient, an_id


class TestScheduleDosingSession:
    async def test_stores_it_and_answers_201(self, sessions: Sessions, db: Database) -> None:
        answer = await sessions.plan()

        assert answer.status_code == 201
        assert answer.json() == {
            "id": sessions.session_id,
            "patient_id": sessions.cast.patient_id,
            "status": "scheduled",
            "version": 1,
            "scheduled_at": "2026-11-22T12:00:00.000Z",
            "dose_started_at": None,
            "dose_ended_at": None,
            "substance": None,
            "route": None,
            "dose_mg": None,
            "origin": "clinic",
            "cancellation_reason": None,
            "no_show": False,
            "cleared_at": None,
            "session_clinician_id": None,
            "open_moves": ["move", "arrival", "cancellation"],
        }
        assert await told(db) == [("scheduled", 1)]
        assert await revision_of(db, sessions.cast.patient) == 1

    async def test_the_same_again_answers_200_and_changes_nothing(self, sessions: Sessions, db: Database) -> None:
        first = await sessions.plan()
        second = await sessions.plan()

        assert second.status_code == 200
        assert second.json() == first.json()
        assert await told(db) == [("scheduled", 1)]
        assert await revision_of(db, sessions.cast.patient) == 1

    async def test_the_same_again_still_answers_200_when_it_has_gone_on(self, sessions: Sessions) -> None:
        await sessions.through("arrival")

        assert (await sessions.plan()).json()["status"] == "checked_in"

    async def test_moves_it_for_who_has_read_it(self, sessions: Sessions, db: Database) -> None:
        await sessions.plan()
        moved = await sessions.plan(NOON + timedelta(days=1), if_match='"1"')

        assert moved.status_code == 200
        assert moved.json()["scheduled_at"] == "2026-11-23T12:00:00.000Z"
        assert moved.json()["version"] == 2
        assert await told(db) == [("scheduled", 1), ("moved", 2)]

    async def test_moves_nothing_blindly_or_on_an_old_version(self, sessions: Sessions) -> None:
        await sessions.plan()
        blind = await sessions.plan(NOON + timedelta(days=1))
        await sessions.plan(NOON + timedelta(days=2), if_match='"1"')
        stale = await sessions.plan(NOON + timedelta(days=3), if_match='"1"')

        assert (blind.status_code, blind.json()["code"]) == (428, "precondition_required")
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
        assert stale.json()["current"]["scheduled_at"] == "2026-11-24T12:00:00.000Z"
        assert stale.json()["current"]["version"] == 2

    async def test_moves_nothing_that_has_begun(self, sessions: Sessions) -> None:
        await sessions.through("arrival")
        late = await sessions.plan(NOON + timedelta(days=1), if_match='"2"')

        assert late.status_code == 409
        assert late.json()["code"] == "illegal_move"
        assert late.json()["current"] == "checked_in"
        assert late.json()["open_moves"] == ["clearance", "hold", "transfer", "cancellation"]

    async def test_does_not_take_another_patients_id(
        self, sessions: Sessions, new_client: Clients, db: Database
    ) -> None:
        await sessions.plan()
        path = f"/v1/patients/{sessions.cast.other_patient_id}/dosing-sessions/{sessions.session_id}"
        answer = await sessions.who["coordinator"].put(path, json={"scheduled_at": text(NOON)})

        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")
        assert len((await db.scalars(sa.select(DosingSession))).all()) == 1

    async def test_does_not_take_the_id_of_an_appointment(self, sessions: Sessions) -> None:
        plan = {"kind": "cbt", "scheduled_at": text(NOON)}
        await sessions.who["nurse"].put(sessions.path.replace("dosing-sessions", "appointments"), json=plan)
        answer = await sessions.plan()

        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")

    async def test_another_clinic_may_use_the_same_id(
        self, sessions: Sessions, db: Database, settings: Settings, new_client: Clients
    ) -> None:
        await sessions.plan()
        elsewhere = await a_clinic(db, name="Hillside")
        patient = await a_patient(db, settings, elsewhere)
        nurse = await a_member_of_staff(db, settings, elsewhere, patients=(patient,))
        path = f"/v1/patients/{patient.membership.patient_id}/dosing-sessions/{sessions.session_id}"
        answer = await new_client(nurse.token).put(path, json={"scheduled_at": text(NOON)})

        assert answer.status_code == 201

    async def test_twelve_at_once_give_one_session(self, sessions: Sessions, db: Database) -> None:
        answers = await asyncio.gather(*(sessions.plan() for _ in range(12)))

        assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
        assert len({answer.text for answer in answers}) == 1
        assert await told(db) == [("scheduled", 1)]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/scheduled_at"),
            ({"scheduled_at": 1790000000}, "/scheduled_at"),
            ({"scheduled_at": "2026-11-22T12:00:00"}, "/scheduled_at"),
            ({"scheduled_at": "1999-11-22T12:00:00Z"}, "/scheduled_at"),
            ({"scheduled_at": text(NOON), "dose_mg": 40}, "/dose_mg"),
        ],
    )
    async def test_refuses_what_is_no_plan(self, sessions: Sessions, body: dict[str, Any], pointer: str) -> None:
        answer = await sessions.who["coordinator"].put(sessions.path, json=body)

        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_is_for_staff_who_schedule(self, sessions: Sessions, new_client: Clients) -> None:
        for person, status in (
            (sessions.cast.therapist, 403),
            (sessions.cast.patient, 403),
            (sessions.cast.nurse, 201),
        ):
            answer = await new_client(person.token).put(sessions.path, json={"scheduled_at": text(NOON)})
            assert answer.status_code == status

    async def test_of_a_patient_one_may_not_know_of_is_404(self, sessions: Sessions) -> None:
        path = f"/v1/patients/{sessions.cast.other_patient_id}/dosing-sessions/{sessions.session_id}"
        for patient_path in (
            path,
            path.replace(sessions.cast.other_patient_id, str(an_id())),
            path.replace("-", "x", 2),
        ):
            answer = await sessions.who["nurse"].put(patient_path, json={"scheduled_at": text(NOON)})
            assert answer.status_code == 404


class TestTheWayThroughASession:
    async def test_from_arrival_to_closure(self, sessions: Sessions, db: Database) -> None:
        await sessions.agree()
        await sessions.plan()
        signed = await revision_of(db, sessions.cast.patient) - 1
        statuses = []
        for action, by, body in (
            ("arrival", "coordinator", {}),
            ("clearance", "prescriber", {}),
            ("dose", "nurse", a_dose()),
            ("dose-end", "nurse", {}),
            ("closure", "nurse", {}),
        ):
            if action == "clearance":
                await sessions.get_ready()
            if action == "closure":
                await sessions.go_home()
            answer = await sessions.act(action, by, **body)
            assert answer.status_code == 200, answer.text
            statuses.append(answer.json()["status"])

        assert statuses == ["checked_in", "cleared", "dosing", "monitoring", "closed"]
        assert [name for name, _ in await told(db) if name != "readings_recorded"] == [
            "scheduled",
            "arrived",
            "checked",
            "cleared",
            "started",
            "ended",
            "assessed",
            "discharged",
            "closed",
        ]
        # Every request counts once: one for each of those steps, and one for each of two readings.
        assert await revision_of(db, sessions.cast.patient) - signed == 9 + 2
        entries = await db.scalars(
            sa.select(AuditEntry.operation).where(AuditEntry.subject_id == UUID(sessions.session_id))
        )
        assert set(entries) == {
            "schedule_dosing_session",
            "record_dosing_arrival",
            "record_readings",
            "write_pre_dose_checklist",
            "clear_dosing_session",
            "start_dose",
            "end_dose",
            "assess_readiness",
            "discharge_patient",
            "close_dosing_session",
        }

    @pytest.mark.parametrize(
        ("action", "may"),
        [
            ("arrival", {"nurse", "coordinator", "prescriber"}),
            ("clearance", {"prescriber"}),
            ("dose", {"nurse", "prescriber"}),
            ("dose-end", {"nurse", "prescriber"}),
            ("hold", {"nurse", "prescriber"}),
            ("pauses", {"nurse", "prescriber"}),
            ("dose-corrections", {"nurse", "prescriber"}),
            ("abort", {"nurse", "prescriber", "therapist"}),
            ("transfer", {"nurse", "prescriber", "therapist"}),
            ("closure", {"nurse", "prescriber"}),
            ("cancellation", {"nurse", "coordinator", "prescriber"}),
        ],
    )
    async def test_each_step_is_for_those_who_may(
        self, sessions: Sessions, new_client: Clients, action: str, may: set[str]
    ) -> None:
        await sessions.plan()
        why = {"reason": "fever"}
        bodies: dict[str, dict[str, Any]] = {
            "dose": DOSE,
            "dose-corrections": a_dose(dose_ended_at=None, **why),
            "transfer": why | {"destination": "Harbour Hospital"},
        } | dict.fromkeys(("cancellation", "hold", "pauses", "abort"), why)
        for role in ("patient", "prescriber", "nurse", "therapist", "coordinator"):
            answer = await new_client(getattr(sessions.cast, role).token).post(
                f"/v1/dosing-sessions/{sessions.session_id}/{action}", json=bodies.get(action, {})
            )
            assert answer.status_code == (428 if role in may else 403)

    async def test_an_illegal_step_says_what_is_open_and_what_is_missing(
        self, sessions: Sessions, db: Database
    ) -> None:
        await sessions.plan()
        answer = await sessions.act("dose", **DOSE)

        assert answer.status_code == 409
        assert answer.json()["code"] == "illegal_move"
        assert answer.json()["current"] == "scheduled"
        assert answer.json()["open_moves"] == ["move", "arrival", "cancellation"]
        assert answer.json()["missing"] == ["arrival", "clearance"]
        assert await told(db) == [("scheduled", 1)]
        session = await db.get_one(DosingSession, (sessions.cast.clinic.id, UUID(sessions.session_id)))
        assert (session.version, session.dose_mg) == (1, None)

    async def test_of_two_who_act_at_once_one_wins_and_the_other_is_told(
        self, sessions: Sessions, db: Database
    ) -> None:
        await sessions.agree()
        await sessions.through("arrival")
        await sessions.get_ready()
        before = len(await told(db))
        answers = await asyncio.gather(sessions.act("clearance"), sessions.act("cancellation", "nurse", reason="fever"))

        assert sorted(answer.status_code for answer in answers) == [200, 412]
        (told_off,) = (answer for answer in answers if answer.status_code == 412)
        assert told_off.json()["current"]["version"] == 4
        assert len(await told(db)) == before + 1

    async def test_needs_the_version_that_was_read(self, sessions: Sessions) -> None:
        await sessions.plan()
        path = f"/v1/dosing-sessions/{sessions.session_id}/arrival"

        assert (await sessions.who["nurse"].post(path)).status_code == 428
        assert (await sessions.who["nurse"].post(path, headers={"if-match": '"7"'})).status_code == 412

    async def test_of_another_patient_is_404(self, sessions: Sessions) -> None:
        path = f"/v1/patients/{sessions.cast.other_patient_id}/dosing-sessions/{sessions.session_id}"
        await sessions.who["coordinator"].put(path, json={"scheduled_at": text(NOON)})

        for answer in (
            await sessions.who["nurse"].post(f"/v1/dosing-sessions/{sessions.session_id}/arrival"),
            await sessions.who["nurse"].get(f"/v1/dosing-sessions/{sessions.session_id}"),
            await sessions.me.get(f"/v1/me/dosing-sessions/{sessions.session_id}"),
            await sessions.who["nurse"].get(f"/v1/dosing-sessions/{an_id()}"),
        ):
            assert answer.status_code == 404


class TestReadDosingSession:
    async def test_shows_every_step_with_who_and_why(self, sessions: Sessions, db: Database) -> None:
        await sessions.plan()
        await sessions.plan(NOON + timedelta(days=1), if_match='"1"')
        await sessions.act("cancellation", "nurse", reason="fever")
        answer = await sessions.who["prescriber"].get(f"/v1/dosing-sessions/{sessions.session_id}")

        steps = [
            (step["action"], step["from_status"], step["to_status"], step["scheduled_at"], step["reason"])
            for step in answer.json()["steps"]
        ]
        assert steps == [
            ("schedule", None, "scheduled", "2026-11-22T12:00:00.000Z", None),
            ("move", "scheduled", "scheduled", "2026-11-23T12:00:00.000Z", None),
            ("cancellation", "scheduled", "cancelled", "2026-11-23T12:00:00.000Z", "fever"),
        ]
        assert answer.json()["steps"][2]["actor_id"] == str(sessions.cast.nurse.membership.id)
        assert [step["version"] for step in answer.json()["steps"]] == [1, 2, 3]
        assert len((await db.scalars(sa.select(DosingSessionStep))).all()) == 3

    async def test_answers_304_to_who_has_it(self, sessions: Sessions) -> None:
        await sessions.plan()
        for client, path in (
            (sessions.who["nurse"], f"/v1/dosing-sessions/{sessions.session_id}"),
            (sessions.me, f"/v1/me/dosing-sessions/{sessions.session_id}"),
        ):
            fresh = await client.get(path)
            known = await client.get(path, headers={"if-none-match": fresh.headers["etag"]})

            assert (fresh.status_code, known.status_code, known.content) == (200, 304, b"")
