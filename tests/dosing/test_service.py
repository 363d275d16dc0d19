import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.db import Database
from app.dosing.rules import Substance
from app.dosing.service import SessionHistory, import_session, import_sessions
from app.identity.access import patient_for_writing
from app.protocols.rules import Protocol
from tests.dosing.sessions import DOSE, NOON, Sessions, revision_of, text, told, weighed_on
from tests.factories import a_report, an_id


class TestCheckInsAroundASession:
    async def report(self, sessions: Sessions, at: datetime, **but: object) -> str:
        path = f"/v1/me/check-ins/{an_id()}"
        answer = await sessions.me.put(path, json=a_report(at, **but))
        assert answer.status_code == 201, answer.text
        return path

    async def link(self, sessions: Sessions, path: str) -> dict[str, Any]:
        found: dict[str, Any] = (await sessions.me.get(path)).json()["link"]
        return found

    async def test_are_linked_anew_as_the_session_goes_on(self, sessions: Sessions) -> None:
        at = datetime.now(UTC) - timedelta(minutes=2)
        path = await self.report(sessions, at)
        assert (await self.link(sessions, path))["phase"] is None

        await sessions.agree()
        await sessions.plan(at + timedelta(minutes=10))
        planned = await self.link(sessions, path)
        assert (planned["phase"], planned["minutes_from_dose"], planned["how"]) == ("before", None, "time")
        assert planned["dosing_session_id"] == sessions.session_id

        await sessions.act("arrival")
        await sessions.get_ready()
        await sessions.act("clearance")
        begun = at - timedelta(minutes=2)
        await sessions.act("dose", **DOSE, dose_started_at=text(begun))
        assert (await self.link(sessions, path))["phase"] == "during"
        assert (await self.link(sessions, path))["minutes_from_dose"] == 2

        short = [{"warning": "infusion_short", "reason": "The line was blocked."}]
        await sessions.act("dose-end", dose_ended_at=text(at - timedelta(minutes=1)), confirmations=short)
        assert (await self.link(sessions, path))["phase"] == "0_24h"

        corrected = DOSE | {"dose_started_at": text(begun), "dose_ended_at": text(at + timedelta(minutes=1))}
        await sessions.act("dose-corrections", **corrected, weight_kg=80, weighed_on=weighed_on(), reason="Misread.")
        assert (await self.link(sessions, path))["phase"] == "during"

    async def test_are_let_go_by_a_session_that_moves_away_or_is_cancelled(self, sessions: Sessions) -> None:
        at = datetime.now(UTC) - timedelta(minutes=30)
        path = await self.report(sessions, at)
        await sessions.plan(at + timedelta(hours=1))
        await sessions.plan(at + timedelta(days=9), if_match='"1"')
        assert (await self.link(sessions, path))["dosing_session_id"] is None

        await sessions.plan(at + timedelta(hours=2), if_match='"2"')
        assert (await self.link(sessions, path))["phase"] == "before"

        await sessions.act("cancellation", reason="fever")
        assert (await self.link(sessions, path))["dosing_session_id"] is None

    async def test_that_name_a_session_stay_with_it_when_it_is_cancelled(self, sessions: Sessions) -> None:
        at = datetime.now(UTC) - timedelta(minutes=30)
        await sessions.plan(at + timedelta(hours=1))
        path = await self.report(sessions, at, dosing_session_id=sessions.session_id)
        await sessions.act("cancellation", reason="fever")

        link = await self.link(sessions, path)
        assert (link["dosing_session_id"], link["phase"], link["how"]) == (sessions.session_id, None, "client")


class TestImportSession:
    HISTORY = SessionHistory(
        id=an_id(),
        scheduled_at=NOON - timedelta(days=400),
        dose_started_at=NOON - timedelta(days=400),
        dose_ended_at=None,
        substance=Substance.BUPRENORPHINE,
        dose_mg=8,
    )

    async def test_enters_history_as_closed(self, sessions: Sessions, db: Database) -> None:
        assert await self.imported(sessions, db)

        answer = await sessions.who["nurse"].get(f"/v1/dosing-sessions/{self.HISTORY.id}")

        found = answer.json()
        assert (found["status"], found["origin"], found["version"]) == ("closed", "imported", 1)
        assert (found["substance"], found["route"], found["dose_mg"]) == ("buprenorphine", None, 8)
        assert found["open_moves"] == []
        assert [step["action"] for step in found["steps"]] == ["import"]
        assert await told(db) == [("closed", 1)]

    async def test_a_second_time_stores_nothing(self, sessions: Sessions, db: Database) -> None:
        await self.imported(sessions, db)

        assert not await self.imported(sessions, db)
        assert await revision_of(db, sessions.cast.patient) == 1

    async def test_links_the_check_ins_around_it(self, sessions: Sessions, db: Database) -> None:
        path = f"/v1/me/check-ins/{an_id()}"
        await sessions.me.put(path, json=a_report(NOON - timedelta(days=399)))
        await self.imported(sessions, db)

        link = (await sessions.me.get(path)).json()["link"]
        assert (link["phase"], link["minutes_from_dose"]) == ("24_72h", 1440)

    async def test_enters_many_at_once_each_for_itself(self, sessions: Sessions, db: Database) -> None:
        path = f"/v1/me/check-ins/{an_id()}"
        await sessions.me.put(path, json=a_report(NOON - timedelta(days=397)))
        await self.imported(sessions, db)
        third = replace(self.HISTORY, id=an_id(), dose_started_at=NOON - timedelta(days=398), remark="time invented")
        again = replace(self.HISTORY, dose_mg=16)
        patient = await patient_for_writing(db, sessions.cast.clinic.id, UUID(sessions.cast.patient_id))

        entered = await import_sessions(db, patient, Protocol(), [self.HISTORY, again, third, third])

        await db.finish()
        assert entered == ["known", "other", "new", "known"]
        record = (await sessions.who["nurse"].get(f"/v1/dosing-sessions/{third.id}")).json()
        assert [step["reason"] for step in record["steps"]] == ["time invented"]
        link = (await sessions.me.get(path)).json()["link"]
        assert (link["dosing_session_id"], link["minutes_from_dose"]) == (str(third.id), 1440)

    async def imported(self, sessions: Sessions, db: Database) -> bool:
        cast = sessions.cast
        patient = await patient_for_writing(db, cast.clinic.id, UUID(cast.patient_id))
        is_new = await import_session(db, patient, Protocol(), self.HISTORY)
        await db.finish()
        return is_new


class TestTwoPatientsUnderOneId:
    async def test_at_the_same_moment_one_is_told_that_it_is_taken(self, sessions: Sessions, db: Database) -> None:
        paths = [sessions.path, sessions.path.replace(sessions.cast.patient_id, sessions.cast.other_patient_id)]
        plan = {"scheduled_at": text(NOON)}

        answers = await asyncio.gather(*(sessions.who["coordinator"].put(path, json=plan) for path in paths))

        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert await told(db) == [("scheduled", 1)]
